/** Which resources the API serves: the built-in ones of Kubernetes 1.36 and those of established CRDs. */
import type { CustomResourceDefinition } from '../../kube/objects.ts';
import type { ResourceName } from '../world.ts';
import type { JsonMap } from './json.ts';

/** What makes an object's generation move (kubernetes.md section 2, recorded). */
type GenerationRule = 'none' | 'spec' | 'spec-and-annotations' | 'custom';

export interface ResourceInfo {
  readonly name: ResourceName;
  readonly group: string;
  /** Served versions; the first one is how objects are stored. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  /** Such as `all`. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Has a `/status` of its own. */
  readonly status: boolean;
  readonly scale: boolean;
  readonly generation: GenerationRule;
  /** Schema per version of a CRD; undefined for built-in resources. */
  readonly schemas?: ReadonlyMap<string, JsonMap>;
  /** Of a built-in resource: the minor version of the Kubernetes that serves it, which some texts and columns follow. */
  readonly minor?: number;
}

/** `pods`, `daemonsets.apps`. */
export const resourceName = (group: string, plural: string): ResourceName =>
  group === '' ? plural : `${plural}.${group}`;

/** `v1`, `apps/v1`. */
export const apiVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

/**
 * plural, Kind, flags: n namespaced, s status, c scale, g generation by spec, a also by annotations; o by anything but metadata; l category all,
 * x category api-extensions; short names.
 */
type Row = readonly [plural: string, kind: string, flags: string, shortNames?: string];

const BUILT_IN: readonly (readonly [group: string, version: string, rows: readonly Row[]])[] = [
  [
    '',
    'v1',
    [
      ['pods', 'Pod', 'nsgl', 'po'],
      ['nodes', 'Node', 's', 'no'],
      ['namespaces', 'Namespace', 's', 'ns'],
      ['services', 'Service', 'nsl', 'svc'],
      ['configmaps', 'ConfigMap', 'n', 'cm'],
      ['secrets', 'Secret', 'n'],
      ['serviceaccounts', 'ServiceAccount', 'n', 'sa'],
      ['events', 'Event', 'n', 'ev'],
      ['endpoints', 'Endpoints', 'n', 'ep'],
      ['persistentvolumes', 'PersistentVolume', 's', 'pv'],
      ['persistentvolumeclaims', 'PersistentVolumeClaim', 'ns', 'pvc'],
      ['limitranges', 'LimitRange', 'n', 'limits'],
      ['resourcequotas', 'ResourceQuota', 'ns', 'quota'],
      ['podtemplates', 'PodTemplate', 'n'],
      ['replicationcontrollers', 'ReplicationController', 'nsgcl', 'rc'],
    ],
  ],
  [
    'apps',
    'v1',
    [
      ['deployments', 'Deployment', 'nscal', 'deploy'],
      ['daemonsets', 'DaemonSet', 'nsgl', 'ds'],
      ['replicasets', 'ReplicaSet', 'nscgl', 'rs'],
      ['statefulsets', 'StatefulSet', 'nscgl', 'sts'],
      ['controllerrevisions', 'ControllerRevision', 'n'],
    ],
  ],
  [
    'batch',
    'v1',
    [
      ['jobs', 'Job', 'nsgl'],
      ['cronjobs', 'CronJob', 'nsgl', 'cj'],
    ],
  ],
  ['autoscaling', 'v2', [['horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'nsl', 'hpa']]],
  ['policy', 'v1', [['poddisruptionbudgets', 'PodDisruptionBudget', 'nsg', 'pdb']]],
  [
    'networking.k8s.io',
    'v1',
    [
      ['networkpolicies', 'NetworkPolicy', 'ng', 'netpol'],
      ['ingresses', 'Ingress', 'nsg', 'ing'],
      ['ingressclasses', 'IngressClass', 'g'],
    ],
  ],
  ['coordination.k8s.io', 'v1', [['leases', 'Lease', 'n']]],
  ['discovery.k8s.io', 'v1', [['endpointslices', 'EndpointSlice', 'no']]],
  [
    'rbac.authorization.k8s.io',
    'v1',
    [
      ['roles', 'Role', 'n'],
      ['rolebindings', 'RoleBinding', 'n'],
      ['clusterroles', 'ClusterRole', ''],
      ['clusterrolebindings', 'ClusterRoleBinding', ''],
    ],
  ],
  ['apiregistration.k8s.io', 'v1', [['apiservices', 'APIService', 'sx']]],
  ['apiextensions.k8s.io', 'v1', [['customresourcedefinitions', 'CustomResourceDefinition', 'sgx', 'crd crds']]],
  [
    'storage.k8s.io',
    'v1',
    [
      ['csidrivers', 'CSIDriver', ''],
      ['csinodes', 'CSINode', ''],
      ['csistoragecapacities', 'CSIStorageCapacity', 'n'],
      ['storageclasses', 'StorageClass', '', 'sc'],
      ['volumeattachments', 'VolumeAttachment', 's'],
    ],
  ],
  [
    'resource.k8s.io',
    'v1',
    [
      ['deviceclasses', 'DeviceClass', 'g'],
      ['resourceclaims', 'ResourceClaim', 'nsg'],
      ['resourceclaimtemplates', 'ResourceClaimTemplate', 'ng'],
      ['resourceslices', 'ResourceSlice', 'g'],
    ],
  ],
  ['scheduling.k8s.io', 'v1', [['priorityclasses', 'PriorityClass', 'g', 'pc']]],
  ['node.k8s.io', 'v1', [['runtimeclasses', 'RuntimeClass', '']]],
  ['certificates.k8s.io', 'v1', [['certificatesigningrequests', 'CertificateSigningRequest', 's', 'csr']]],
  [
    'admissionregistration.k8s.io',
    'v1',
    [
      ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', 'gx'],
      ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', 'gx'],
      ['validatingadmissionpolicies', 'ValidatingAdmissionPolicy', 'sgx'],
      ['validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', 'gx'],
    ],
  ],
];

function builtIn(minor: number): ResourceInfo[] {
  return BUILT_IN.flatMap(([group, version, rows]) =>
    rows.map(([plural, kind, flags, shortNames]) => ({
      name: resourceName(group, plural),
      group,
      versions: [version],
      plural,
      minor,
      singular: kind.toLowerCase(),
      kind,
      shortNames: shortNames === undefined ? [] : shortNames.split(' '),
      categories: flags.includes('l') ? ['all'] : flags.includes('x') ? ['api-extensions'] : [],
      namespaced: flags.includes('n'),
      status: flags.includes('s'),
      scale: flags.includes('c'),
      generation: flags.includes('o')
        ? 'custom'
        : flags.includes('a')
          ? 'spec-and-annotations'
          : flags.includes('g')
            ? 'spec'
            : 'none',
    })),
  );
}

/** What a CRD brings once it is established. */
export function infoOfDefinition(definition: CustomResourceDefinition): ResourceInfo {
  const { group, names, scope, versions } = definition.spec;
  const stored = versions.find((version) => version.storage) ?? versions[0];
  const served = versions.filter((version) => version.served);
  const ordered = [...served].sort((a, b) => Number(b === stored) - Number(a === stored));
  return {
    name: resourceName(group, names.plural),
    group,
    versions: ordered.map((version) => version.name),
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    status: stored?.subresources?.status !== undefined,
    scale: false,
    generation: 'custom',
    schemas: new Map(
      versions.map((version) => [version.name, (version.schema?.openAPIV3Schema ?? {}) as unknown as JsonMap]),
    ),
  };
}

export interface Registry {
  get(name: ResourceName): ResourceInfo | undefined;
  /** By the parts of a path. */
  find(group: string, version: string, plural: string): ResourceInfo | undefined;
  /** Is anything served in this group? */
  servesGroup(group: string, version?: string): boolean;
  /** All, in the order of registration: built-in groups first. */
  all(): readonly ResourceInfo[];
  add(info: ResourceInfo): void;
  remove(name: ResourceName): void;
}

/** A registry of the built-in resources, as a minor version of Kubernetes serves them. */
export function createRegistry(minor = 36): Registry {
  const infos = new Map(builtIn(minor).map((info) => [info.name, info]));
  return {
    get: (name) => infos.get(name),
    find: (group, version, plural) => {
      const info = infos.get(resourceName(group, plural));
      return info?.versions.includes(version) === true ? info : undefined;
    },
    servesGroup: (group, version) => {
      for (const info of infos.values()) {
        if (info.group === group && (version === undefined || info.versions.includes(version))) return true;
      }
      return false;
    },
    all: () => [...infos.values()],
    add: (info) => void infos.set(info.name, info),
    remove: (name) => void infos.delete(name),
  };
}
