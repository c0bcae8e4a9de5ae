/** CiliumEndpoints and CiliumIdentities, as the agent writes them for the pods that it serves (recorded shape). */
import type { Namespace, Pod } from '../../../kube/objects.ts';
import type { Random } from '../../../time/random.ts';
import type { Machine, World } from '../../world.ts';
import { CILIUM_ENDPOINTS, CILIUM_IDENTITIES, type CiliumEndpoint } from './objects.ts';
import { ciliumState, nodeState } from './state.ts';

/** Labels that never make an identity (cilium pkg/labelsfilter, default filter). */
const NO_IDENTITY =
  /^(io\.kubernetes|kubernetes\.io|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|.*beta\.kubernetes\.io|k8s\.io|pod-template-generation|pod-template-hash|controller-revision-hash|annotation\.|etcd_node)/;

/** Smallest and largest identity of a workload. */
const [MIN_IDENTITY, MAX_IDENTITY] = [256, 65_535];

function securityLabels(world: World, pod: Pod, clusterName: string): Record<string, string> {
  const namespace = pod.metadata.namespace ?? 'default';
  const labels: Record<string, string> = {};
  const own = pod.metadata.labels ?? {};
  for (const key of Object.keys(own)) if (!NO_IDENTITY.test(key)) labels[`k8s:${key}`] = own[key]!;
  const ofNamespace = world.store.get<Namespace>('namespaces', namespace)?.metadata.labels ?? {};
  for (const key of Object.keys(ofNamespace)) labels[`k8s:io.cilium.k8s.namespace.labels.${key}`] = ofNamespace[key]!;
  labels['k8s:io.cilium.k8s.policy.cluster'] = clusterName;
  labels['k8s:io.cilium.k8s.policy.serviceaccount'] = pod.spec?.serviceAccountName ?? 'default';
  labels['k8s:io.kubernetes.pod.namespace'] = namespace;
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The identity of a label set; a new one is drawn at random and written as CiliumIdentity. */
function identityOf(world: World, labels: Record<string, string>, namespace: string, random: Random): number {
  const state = ciliumState(world);
  const key = JSON.stringify(labels);
  let id = state.identities.get(key);
  if (id === undefined) {
    do id = random.integer(MIN_IDENTITY, MAX_IDENTITY);
    while ([...state.identities.values()].includes(id));
    state.identities.set(key, id);
  }
  const name = String(id);
  if (world.store.get(CILIUM_IDENTITIES, name) === undefined)
    world.store.create(CILIUM_IDENTITIES, {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumIdentity',
      metadata: { name, labels: { 'io.kubernetes.pod.namespace': namespace } },
      'security-labels': labels,
    });
  return id;
}

function namedPorts(pod: Pod): { name: string; port: number; protocol: string }[] {
  return (pod.spec?.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .filter((port) => port.name !== undefined)
    .map((port) => ({ name: port.name!, port: port.containerPort, protocol: port.protocol ?? 'TCP' }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const hex = (random: Random, length: number): string =>
  Array.from({ length }, () => random.integer(0, 15).toString(16)).join('');

/**
 * Writes the CiliumEndpoint of a pod that is attached to the machine, or brings an older one up to date (a new sandbox after
 * a node restart). Tries again while the API is away; gives up when the pod is detached or gone.
 */
export function publishEndpoint(world: World, machine: Machine, podRef: Pod, random: Random): void {
  const uid = podRef.metadata.uid!;
  const namespace = podRef.metadata.namespace ?? 'default';
  const { name } = podRef.metadata;
  const attachment = world.network.node(machine.name)?.pod(uid);
  if (attachment === undefined || attachment.cni !== 'cilium') return;
  if (!world.apiAvailable() || !world.store.has(CILIUM_ENDPOINTS)) {
    world.time.after(1000, () => publishEndpoint(world, machine, podRef, random));
    return;
  }
  const pod = world.store.get<Pod>('pods', name, namespace);
  if (pod === undefined || pod.metadata.uid !== uid) return;
  const config = nodeState(world, machine.name).config;
  const labels = securityLabels(world, pod, config?.clusterName ?? 'default');
  const state = ciliumState(world);
  const id = state.endpointIds.get(uid) ?? random.integer(1, 4095);
  state.endpointIds.set(uid, id);
  const containerId = hex(random, 64);
  const ports = namedPorts(pod);
  const status: CiliumEndpoint['status'] = {
    encryption: {},
    'external-identifiers': {
      'cni-attachment-id': `${containerId}:eth0`,
      'container-id': containerId,
      'k8s-namespace': namespace,
      'k8s-pod-name': name,
      'pod-name': `${namespace}/${name}`,
    },
    id,
    identity: {
      id: identityOf(world, labels, namespace, random),
      labels: Object.keys(labels).map((key) => `${key}=${labels[key]}`),
    },
    ...(ports.length > 0 ? { 'named-ports': ports } : {}),
    networking: { addressing: [{ ipv4: attachment.ip }], node: machine.address },
    'service-account': pod.spec?.serviceAccountName ?? 'default',
    state: 'ready',
  };
  const existing = world.store.get<CiliumEndpoint>(CILIUM_ENDPOINTS, name, namespace);
  if (existing !== undefined && existing.metadata.ownerReferences?.[0]?.uid !== uid)
    world.store.remove(CILIUM_ENDPOINTS, { name, namespace });
  if (world.store.get(CILIUM_ENDPOINTS, name, namespace) !== undefined) {
    world.store.update<CiliumEndpoint>(CILIUM_ENDPOINTS, { name, namespace }, (draft) => {
      draft.status = status;
    });
    return;
  }
  world.store.create<CiliumEndpoint>(CILIUM_ENDPOINTS, {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEndpoint',
    metadata: {
      name,
      namespace,
      labels: { ...pod.metadata.labels },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
    },
    status,
  });
}

/** Removes a pod's CiliumEndpoint when its endpoint is gone; while the API is away the operator's collection does it later. */
export function withdrawEndpoint(world: World, pod: { uid: string; name: string; namespace: string }): void {
  ciliumState(world).endpointIds.delete(pod.uid);
  if (!world.apiAvailable() || !world.store.has(CILIUM_ENDPOINTS)) return;
  const endpoint = world.store.get<CiliumEndpoint>(CILIUM_ENDPOINTS, pod.name, pod.namespace);
  if (endpoint?.metadata.ownerReferences?.[0]?.uid === pod.uid)
    world.store.remove(CILIUM_ENDPOINTS, { name: pod.name, namespace: pod.namespace });
}

/** At its start an agent removes CiliumEndpoints of its node that no endpoint stands for any more. */
export function removeStaleEndpoints(world: World, node: string, address: string): void {
  if (!world.apiAvailable() || !world.store.has(CILIUM_ENDPOINTS)) return;
  const network = world.network.node(node);
  for (const endpoint of world.store.list<CiliumEndpoint>(CILIUM_ENDPOINTS)) {
    if (endpoint.status.networking.node !== address) continue;
    const uid = endpoint.metadata.ownerReferences?.[0]?.uid;
    if (uid !== undefined && network?.pod(uid)?.cni === 'cilium') continue;
    world.store.remove(CILIUM_ENDPOINTS, { name: endpoint.metadata.name, namespace: endpoint.metadata.namespace });
  }
}
