/**
 * Restarting a node, and knowing that it is back. The API may never show the node NotReady, and its pods stay Ready with
 * their old addresses for a while (observed: 10 s), so every wait compares what was before: the container's start, the
 * lease, the agent's container id, every pod's container ids.
 */
import { AGENT_SELECTOR, CILIUM_NAMESPACE } from '../cni/cilium.ts';
import type { Pod } from '../kube/objects.ts';
import { leases, nodes, pods } from '../kube/resources.ts';
import { WaitTimeout } from '../kube/wait.ts';
import { RehearsalFailure } from './outcome.ts';
import { ApiLost } from './patient-api.ts';
import type { PlannedNode } from './plan.ts';
import type { Rehearsal } from './rehearsal.ts';
import { isOnPodNetwork, isReady, podName } from './rollout.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

/** Container ids of each pod of a node, by uid. */
type ContainerIds = ReadonlyMap<string, ReadonlySet<string>>;

function idsOf(pod: Pod): Set<string> {
  return new Set(pod.status?.containerStatuses?.flatMap((container) => container.containerID || []) ?? []);
}

/** Has every container of the pod been started anew, and has the pod an address? What is missing, or null. */
export function renewedPending(pod: Pod, before: ContainerIds): string | null {
  const old = before.get(pod.metadata.uid ?? '');
  const statuses = pod.status?.containerStatuses ?? [];
  if (statuses.length === 0) return `${podName(pod)} has no containers yet`;
  const ids = idsOf(pod);
  if (ids.size < statuses.length) return `${podName(pod)} has containers that were not started yet`;
  if (old && [...ids].some((id) => old.has(id))) return `${podName(pod)} still shows containers of before the restart`;
  if (!pod.status?.podIP) return `${podName(pod)} has no address yet`;
  return null;
}

/** Restarts the node and waits until it serves again. @throws RehearsalFailure, WaitTimeout */
export async function restartNode(rehearsal: Rehearsal, node: PlannedNode): Promise<void> {
  const { api, commands, journal, observer, scenario } = rehearsal;
  const { name } = node;
  const container = await commands.container(name);
  if (!container) throw gone(name);
  const listed = await api.list(pods, { fieldSelector: `spec.nodeName=${name}` });
  const before = new Map(listed.items.map((pod) => [pod.metadata.uid ?? '', idsOf(pod)]));
  // CoreDNS runs for a moment without its endpoint then, which Cilium's watcher may take for unmanaged.
  for (const uid of before.keys()) {
    journal.removedPods.add(uid);
    journal.restartedPods.add(uid);
  }
  await commands.restartNode(name, () => observer.nodeRestarting(name));
  observer.nodeRestarted(name);
  journal.changed('command', `docker restart ${name}`);
  const startedAt = await waitForContainer(rehearsal, name, container.startedAt);
  await mustKeepAddress(rehearsal, name, container.addresses);
  if (node.role === 'control-plane') await orNotServing(rehearsal, node, () => waitForControlPlane(rehearsal, node));
  await orNotServing(rehearsal, node, async () => {
    await waitForLease(rehearsal, name, startedAt);
    await waitForNodeReady(rehearsal, name);
  });
  await waitForAgent(rehearsal, name, before);
  await waitForPods(rehearsal, name, before);
  if (node.role === 'control-plane' && scenario.cluster.controlPlanes > 1) await waitForEtcd(rehearsal);
}

function gone(node: string): RehearsalFailure {
  return new RehearsalFailure('error', 'node-container-gone', `the container of ${node} does not exist any more`);
}

/** @returns when the container was started, milliseconds since the epoch */
async function waitForContainer(rehearsal: Rehearsal, node: string, before: number): Promise<number> {
  let startedAt = before;
  await rehearsal.poll({
    what: `the container of ${node} to run again`,
    everyMs: 1_000,
    timeoutMs: rehearsal.limits.restart,
    look: async () => {
      const state = await rehearsal.commands.container(node);
      if (!state) throw gone(node);
      if (!state.running) return 'it does not run';
      if (state.startedAt <= before) return 'it still runs since before the restart';
      startedAt = state.startedAt;
      return null;
    },
  });
  return startedAt;
}

/** etcd's peers know a control plane by its address; several of them do not survive a new one (kind issue 1689). */
async function mustKeepAddress(rehearsal: Rehearsal, node: string, before: readonly string[]): Promise<void> {
  const after = (await rehearsal.commands.container(node))?.addresses ?? [];
  if (after.join() === before.join()) return;
  const several = rehearsal.scenario.cluster.controlPlanes > 1;
  const role = rehearsal.plan.nodes.find(({ name }) => name === node)?.role;
  const message = `${node} came back with the address ${after.join(', ')} instead of ${before.join(', ')}`;
  if (several && role === 'control-plane') {
    throw new RehearsalFailure(
      'error',
      'control-plane-readdressed',
      `a control plane's address changed: ${message}; the other etcd members know it by the old one. Docker gives a freed address to whoever asks next: let no other container join or leave the network kind during a rehearsal`,
    );
  }
  rehearsal.journal.finding('node-readdressed', 'warning', message, [node]);
}

/**
 * Its own API server, not any of them: a node can be Ready through the others. While the only one boots the API is away,
 * and `timeouts.apiOutage` alone judges that.
 */
async function waitForControlPlane(rehearsal: Rehearsal, node: PlannedNode): Promise<void> {
  const alone = rehearsal.scenario.cluster.controlPlanes === 1;
  await rehearsal.poll({
    what: `the API server on ${node.name} to be ready`,
    everyMs: 1_000,
    timeoutMs: rehearsal.limits.restart,
    look: async () => {
      const { status, error } = await rehearsal.commands.httpStatus(node.name, 'https://127.0.0.1:6443/readyz', 3);
      if (status === 200) return null;
      const seen = error || `it answers ${status}`;
      if (alone) mustNotBeLost(rehearsal, `GET /readyz on ${node.name}: ${seen}`);
      return seen;
    },
  });
}

/** @throws ApiLost when nobody has had an answer of the API for longer than `timeouts.apiOutage` */
function mustNotBeLost({ outages, limits }: Rehearsal, request: string): void {
  const away = outages.away();
  if (away > limits.apiOutage) throw new ApiLost(away, request);
}

/**
 * All etcd members: each control plane's own API server reads through its own member, so all of them ready means that
 * every member serves; the next restart would break the quorum otherwise.
 */
async function waitForEtcd(rehearsal: Rehearsal): Promise<void> {
  for (const node of rehearsal.plan.nodes) {
    if (node.role === 'control-plane') await waitForControlPlane(rehearsal, node);
  }
}

async function waitForLease(rehearsal: Rehearsal, node: string, startedAt: number): Promise<void> {
  await rehearsal.wait({
    what: `the kubelet of ${node} to renew its lease`,
    resource: leases,
    namespace: LEASE_NAMESPACE,
    name: node,
    timeoutMs: rehearsal.limits.restart,
    pending: ([lease]) => {
      const renewed = Date.parse(String(lease?.spec?.renewTime ?? ''));
      return renewed > startedAt ? null : 'renewed last before the restart';
    },
  });
}

/** After the lease: a condition alone may be the one of before the restart. */
async function waitForNodeReady(rehearsal: Rehearsal, node: string): Promise<void> {
  await rehearsal.wait({
    what: `node ${node} to be Ready`,
    resource: nodes,
    name: node,
    timeoutMs: rehearsal.limits.restart,
    pending: ([object]) => {
      const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'True' ? null : `Ready is ${ready?.status ?? 'unknown'}: ${ready?.message ?? ''}`;
    },
  });
}

/** A container that started without its node serving again: the only control plane takes the whole API with it. */
async function orNotServing(rehearsal: Rehearsal, node: PlannedNode, wait: () => Promise<void>): Promise<void> {
  try {
    await wait();
  } catch (error) {
    if (!(error instanceof WaitTimeout)) throw error;
    const alone = node.role === 'control-plane' && rehearsal.scenario.cluster.controlPlanes === 1;
    const reason = alone && error.what.startsWith('the API server') ? 'control-plane-lost' : 'node-not-ready';
    throw new RehearsalFailure('failed', reason, `restart of ${node.name}: ${error.message}`, { cause: error });
  }
}

async function waitForAgent(rehearsal: Rehearsal, node: string, before: ContainerIds): Promise<void> {
  await rehearsal.wait({
    what: `the Cilium agent of ${node} to run anew`,
    resource: pods,
    namespace: CILIUM_NAMESPACE,
    labelSelector: AGENT_SELECTOR,
    fieldSelector: `spec.nodeName=${node}`,
    timeoutMs: rehearsal.limits.restart,
    pending: (agents) => {
      const agent = agents.find((pod) => pod.metadata.deletionTimestamp === undefined);
      if (!agent) return 'there is none';
      return renewedPending(agent, before) ?? (isReady(agent) ? null : `${agent.metadata.name} is not Ready`);
    },
  });
}

/** Pods that were running before; those that come and go meanwhile are others' business. */
async function waitForPods(rehearsal: Rehearsal, node: string, before: ContainerIds): Promise<void> {
  await rehearsal.wait({
    what: `every pod of ${node} to run anew with an address`,
    resource: pods,
    fieldSelector: `spec.nodeName=${node}`,
    timeoutMs: rehearsal.limits.restart,
    pending: (found) => {
      const missing = found
        .filter((pod) => isOnPodNetwork(pod) && (before.get(pod.metadata.uid ?? '')?.size ?? 0) > 0)
        .flatMap((pod) => renewedPending(pod, before) ?? []);
      return missing.length === 0 ? null : missing.join('; ');
    },
  });
}
