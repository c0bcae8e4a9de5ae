/** Where the API serves the kinds that the rehearsal uses, and how a manifest finds its place. */
import type { Resource } from './api.ts';
import type {
  ApiService,
  ConfigMap,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  EndpointSlice,
  KubeObject,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  Secret,
  Service,
  StatefulSet,
} from './objects.ts';

function namespaced<T = KubeObject>(group: string, version: string, plural: string, kind: string): Resource<T> {
  return { group, version, plural, kind, namespaced: true };
}

function cluster<T = KubeObject>(group: string, version: string, plural: string, kind: string): Resource<T> {
  return { group, version, plural, kind, namespaced: false };
}

export const pods = namespaced<Pod>('', 'v1', 'pods', 'Pod');
export const nodes = cluster<Node>('', 'v1', 'nodes', 'Node');
export const namespaces = cluster<Namespace>('', 'v1', 'namespaces', 'Namespace');
export const services = namespaced<Service>('', 'v1', 'services', 'Service');
export const configMaps = namespaced<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const secrets = namespaced<Secret>('', 'v1', 'secrets', 'Secret');
export const serviceAccounts = namespaced('', 'v1', 'serviceaccounts', 'ServiceAccount');
export const events = namespaced('', 'v1', 'events', 'Event');

export const daemonSets = namespaced<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const deployments = namespaced<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const replicaSets = namespaced<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const statefulSets = namespaced<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const controllerRevisions = namespaced('apps', 'v1', 'controllerrevisions', 'ControllerRevision');

export const jobs = namespaced('batch', 'v1', 'jobs', 'Job');
export const cronJobs = namespaced('batch', 'v1', 'cronjobs', 'CronJob');

export const podDisruptionBudgets = namespaced<PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const networkPolicies = namespaced<NetworkPolicy>('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy');
export const leases = namespaced<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const endpointSlices = namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');

export const roles = namespaced('rbac.authorization.k8s.io', 'v1', 'roles', 'Role');
export const roleBindings = namespaced('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding');
export const clusterRoles = cluster('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole');
export const clusterRoleBindings = cluster(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
);

export const apiServices = cluster<ApiService>('apiregistration.k8s.io', 'v1', 'apiservices', 'APIService');
export const customResourceDefinitions = cluster<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
);
export const csiDrivers = cluster('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver');
export const storageClasses = cluster('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass');
export const priorityClasses = cluster('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass');
export const validatingWebhookConfigurations = cluster(
  'admissionregistration.k8s.io',
  'v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
);
export const mutatingWebhookConfigurations = cluster(
  'admissionregistration.k8s.io',
  'v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
);

const TIGERA = 'operator.tigera.io';
export const installations = cluster(TIGERA, 'v1', 'installations', 'Installation');
export const tigeraApiServers = cluster(TIGERA, 'v1', 'apiservers', 'APIServer');
export const goldmanes = cluster(TIGERA, 'v1', 'goldmanes', 'Goldmane');
export const whiskers = cluster(TIGERA, 'v1', 'whiskers', 'Whisker');
export const tigeraStatuses = cluster(TIGERA, 'v1', 'tigerastatuses', 'TigeraStatus');

const CALICO = 'crd.projectcalico.org';
export const ipPools = cluster(CALICO, 'v1', 'ippools', 'IPPool');
export const ipamBlocks = cluster(CALICO, 'v1', 'ipamblocks', 'IPAMBlock');
export const blockAffinities = cluster(CALICO, 'v1', 'blockaffinities', 'BlockAffinity');
export const ipamHandles = cluster(CALICO, 'v1', 'ipamhandles', 'IPAMHandle');
export const ipamConfigs = cluster(CALICO, 'v1', 'ipamconfigs', 'IPAMConfig');
export const felixConfigurations = cluster(CALICO, 'v1', 'felixconfigurations', 'FelixConfiguration');
export const bgpConfigurations = cluster(CALICO, 'v1', 'bgpconfigurations', 'BGPConfiguration');
export const clusterInformations = cluster(CALICO, 'v1', 'clusterinformations', 'ClusterInformation');
export const kubeControllersConfigurations = cluster(
  CALICO,
  'v1',
  'kubecontrollersconfigurations',
  'KubeControllersConfiguration',
);
export const globalNetworkPolicies = cluster(CALICO, 'v1', 'globalnetworkpolicies', 'GlobalNetworkPolicy');
export const calicoNetworkPolicies = namespaced(CALICO, 'v1', 'networkpolicies', 'NetworkPolicy');
/** What only Calico understands of policies; releases lack some of them (projectcalico/calico v3.25.1 to v3.32.1, CRDs). */
export const calicoPolicyKinds: readonly Resource<KubeObject>[] = [
  calicoNetworkPolicies,
  globalNetworkPolicies,
  namespaced(CALICO, 'v1', 'networksets', 'NetworkSet'),
  cluster(CALICO, 'v1', 'globalnetworksets', 'GlobalNetworkSet'),
  cluster(CALICO, 'v1', 'hostendpoints', 'HostEndpoint'),
  cluster(CALICO, 'v1', 'tiers', 'Tier'),
  namespaced(CALICO, 'v1', 'stagednetworkpolicies', 'StagedNetworkPolicy'),
  cluster(CALICO, 'v1', 'stagedglobalnetworkpolicies', 'StagedGlobalNetworkPolicy'),
  namespaced(CALICO, 'v1', 'stagedkubernetesnetworkpolicies', 'StagedKubernetesNetworkPolicy'),
];

const CILIUM = 'cilium.io';
export const ciliumNodes = cluster(CILIUM, 'v2', 'ciliumnodes', 'CiliumNode');
export const ciliumEndpoints = namespaced(CILIUM, 'v2', 'ciliumendpoints', 'CiliumEndpoint');
export const ciliumIdentities = cluster(CILIUM, 'v2', 'ciliumidentities', 'CiliumIdentity');
export const ciliumNetworkPolicies = namespaced(CILIUM, 'v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy');
export const ciliumClusterwideNetworkPolicies = cluster(
  CILIUM,
  'v2',
  'ciliumclusterwidenetworkpolicies',
  'CiliumClusterwideNetworkPolicy',
);
export const ciliumNodeConfigsV2 = namespaced(CILIUM, 'v2', 'ciliumnodeconfigs', 'CiliumNodeConfig');
export const ciliumNodeConfigsV2Alpha1 = namespaced(CILIUM, 'v2alpha1', 'ciliumnodeconfigs', 'CiliumNodeConfig');

const ALL: readonly Resource<unknown>[] = [
  pods,
  nodes,
  namespaces,
  services,
  configMaps,
  secrets,
  serviceAccounts,
  events,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  controllerRevisions,
  jobs,
  cronJobs,
  podDisruptionBudgets,
  networkPolicies,
  leases,
  endpointSlices,
  roles,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
  apiServices,
  customResourceDefinitions,
  csiDrivers,
  storageClasses,
  priorityClasses,
  validatingWebhookConfigurations,
  mutatingWebhookConfigurations,
  installations,
  tigeraApiServers,
  goldmanes,
  whiskers,
  tigeraStatuses,
  ipPools,
  ipamBlocks,
  blockAffinities,
  ipamHandles,
  ipamConfigs,
  felixConfigurations,
  bgpConfigurations,
  clusterInformations,
  kubeControllersConfigurations,
  ...calicoPolicyKinds,
  ciliumNodes,
  ciliumEndpoints,
  ciliumIdentities,
  ciliumNetworkPolicies,
  ciliumClusterwideNetworkPolicies,
  ciliumNodeConfigsV2,
  ciliumNodeConfigsV2Alpha1,
];

const BY_KIND = new Map(ALL.map((one) => [`${apiVersionOf(one)}/${one.kind}`, one as Resource<KubeObject>]));

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Resource<unknown>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `pods`, `daemonsets.apps`: as error messages of the API name a resource. */
export function qualifiedName(resource: Resource<unknown>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/**
 * The resource of a manifest's kind. Kinds that come with the caller's own CRDs are found in `more`.
 * @throws Error when the kind is not known: a guessed plural would be asked from the API for ever.
 */
export function resourceForObject(
  apiVersion: string,
  kind: string,
  more: readonly Resource<unknown>[] = [],
): Resource<KubeObject> {
  const known =
    BY_KIND.get(`${apiVersion}/${kind}`) ??
    more.find((one) => apiVersionOf(one) === apiVersion && one.kind === kind) ??
    undefined;
  if (known === undefined) {
    throw new Error(`no resource is known for ${kind} of ${apiVersion}; apply its CustomResourceDefinition first`);
  }
  return known as Resource<KubeObject>;
}

/** The resources that CustomResourceDefinitions among the objects bring: one for every served version. */
export function resourcesOfDefinitions(objects: readonly KubeObject[]): Resource<KubeObject>[] {
  return objects
    .filter((object) => object.kind === 'CustomResourceDefinition')
    .flatMap((object) => {
      const { spec } = object as unknown as CustomResourceDefinition;
      return spec.versions
        .filter((version) => version.served)
        .map((version) => ({
          group: spec.group,
          version: version.name,
          plural: spec.names.plural,
          kind: spec.names.kind,
          namespaced: spec.scope === 'Namespaced',
        }));
    });
}
