/** The objects that kubeadm and kind put into a new cluster (kubeadm phases, kind's base image; recorded where noted). */
import { stringify } from 'yaml';
import type { EndpointSlice, KubeObject } from '../../kube/objects.ts';
import { addOnVersions } from '../images.ts';
import { rangeOf, toAddress } from '../node/addresses.ts';
import type { TwinMachine } from '../node/machine.ts';
import type { World } from '../world.ts';
import { configMap, coreDns, type Entry, kubeProxy, localPathProvisioner } from './kind-add-ons.ts';

export interface Population {
  readonly name: string;
  readonly controlPlanes: readonly TwinMachine[];
  readonly podSubnet: string;
  readonly serviceSubnet: string;
}

const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
const SLICES = 'endpointslices.discovery.k8s.io';

/** What an API server makes by itself at its first start. */
export function bootstrapNamespaces(world: World): void {
  for (const name of SYSTEM_NAMESPACES) {
    put(world, ['namespaces', namespace(name)]);
  }
  for (const [name, value] of [
    ['system-cluster-critical', 2_000_000_000],
    ['system-node-critical', 2_000_001_000],
  ] as const) {
    put(world, [
      'priorityclasses.scheduling.k8s.io',
      {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value,
        preemptionPolicy: 'PreemptLowerPriority',
      },
    ]);
  }
}

/** What kubeadm's add-on phases and kind's own steps apply. */
export function populate(world: World, population: Population): void {
  const { podSubnet, serviceSubnet, controlPlanes } = population;
  const version = controlPlanes[0]!.kubernetesVersion;
  const dnsIp = toAddress(rangeOf(serviceSubnet).first + 10);
  put(world, ['namespaces', namespace('local-path-storage')]);
  const clusterConfiguration = {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    clusterName: population.name,
    controlPlaneEndpoint: `${population.name}-control-plane:6443`,
    kind: 'ClusterConfiguration',
    kubernetesVersion: `v${version}`,
    networking: { dnsDomain: 'cluster.local', podSubnet, serviceSubnet },
  };
  put(world, configMap('kubeadm-config', { ClusterConfiguration: stringify(clusterConfiguration) }));
  for (const entry of kubeProxy(version, podSubnet)) put(world, entry);
  for (const entry of coreDns(addOnVersions(version).coredns, dnsIp)) put(world, entry);
  for (const entry of localPathProvisioner()) put(world, entry);
  put(world, [
    'services',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { component: 'apiserver', provider: 'kubernetes' },
      },
      spec: {
        clusterIP: toAddress(rangeOf(serviceSubnet).first + 1),
        clusterIPs: [toAddress(rangeOf(serviceSubnet).first + 1)],
        internalTrafficPolicy: 'Cluster',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
      status: { loadBalancer: {} },
    },
  ]);
  publishApiServer(world, controlPlanes);
}

/** The endpoints of the Service `kubernetes`, which the API servers write themselves (controlplane/reconcilers). */
export function publishApiServer(world: World, controlPlanes: readonly TwinMachine[]): void {
  const endpoints = controlPlanes
    .map((machine) => ({ addresses: [machine.address], conditions: { ready: true } }))
    .sort((a, b) => (a.addresses[0]! < b.addresses[0]! ? -1 : 1));
  const changed = world.store.update<EndpointSlice>(SLICES, { name: 'kubernetes', namespace: 'default' }, (draft) => {
    draft.endpoints = endpoints;
  });
  publishEndpoints(
    world,
    endpoints.map((one) => one.addresses[0]!),
  );
  if (changed !== undefined) return;
  world.store.create(SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  });
}

/** The same as Endpoints, for onlookers. */
function publishEndpoints(world: World, addresses: readonly string[]): void {
  if (world.config.forOnlookers !== true) return;
  const subsets = [
    { addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
  ];
  const ref = { name: 'kubernetes', namespace: 'default' };
  const changed = world.store.update<KubeObject>('endpoints', ref, (draft) => {
    draft.subsets = subsets;
  });
  if (changed !== undefined) return;
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const metadata = { ...ref, labels } as unknown as KubeObject['metadata'];
  world.store.create<KubeObject>('endpoints', { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets });
}

const namespace = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
});

function put(world: World, [resource, object]: Entry): void {
  const { name, namespace: inNamespace } = object.metadata;
  if (world.store.get(resource, name, inNamespace) === undefined) world.store.create(resource, object);
}
