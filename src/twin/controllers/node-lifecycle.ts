/** The node lifecycle controller: taints that follow conditions, and Unknown when heartbeats stop (pkg/controller/nodelifecycle). */
import type { Lease, Node, Pod } from '../../kube/objects.ts';
import { recordRoutine, subjectOf } from '../events.ts';
import { conditionOf, conditionsIn, equal, minorOf, setCondition, stamp } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { LEASE_NAMESPACE, LEASES } from './leases.ts';
import type { Taint } from './node-fit.ts';
import { isTerminal } from './pods.ts';
import { workQueue } from './work-queue.ts';

/** --node-monitor-period, default. */
const MONITOR_MS = 5_000;
/** NoExecute taints go through a limited queue of their own (recorded: 0.1 to 0.7 s after the others). */
const EXECUTE_DELAY_MS = 100;
const TAINT_LATENCY_MS = 10;

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
/** Condition, status and the NoSchedule taint that it brings. */
const CONDITION_TAINTS: readonly [string, string, string][] = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const MANAGED = new Set([UNSCHEDULABLE, ...CONDITION_TAINTS.map(([, , key]) => key)]);

/** --node-monitor-grace-period: 50 s since 1.32, 40 s before. */
const graceMs = (version: string): number => (minorOf(version) >= 32 ? 50_000 : 40_000);

const readyOf = (node: Node): string | undefined => conditionOf(node.status?.conditions, 'Ready')?.status;

/** The NoSchedule taints that a node should carry by its conditions and its cordon. */
export function scheduleTaints(node: Node): string[] {
  const keys = CONDITION_TAINTS.filter(
    ([type, status]) => conditionOf(node.status?.conditions, type)?.status === status,
  ).map(([, , key]) => key);
  return node.spec?.unschedulable ? [...keys, UNSCHEDULABLE] : keys;
}

function withTaints(
  taints: readonly Taint[],
  effect: string,
  managed: ReadonlySet<string>,
  wanted: readonly string[],
  now: number,
): Taint[] {
  const mine = (taint: Taint): boolean => taint.effect === effect && managed.has(taint.key);
  const kept = taints.filter((taint) => !mine(taint) || wanted.includes(taint.key));
  const missing = wanted.filter((key) => !kept.some((taint) => taint.key === key && taint.effect === effect));
  return [...kept, ...missing.map((key) => ({ key, effect, timeAdded: stamp(now) }))];
}

export function startNodeLifecycle(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  /** Newest sign of life of each node, and when this controller saw it: it trusts its own clock only. */
  const seen = new Map<string, { sign: string; at: number }>();
  let nextPass = 0;

  const writeTaints = (node: Node, taints: Taint[]): void => {
    if (equal(taints, node.spec?.taints ?? [])) return;
    store.update<Node>('nodes', { name: node.metadata.name, uid: node.metadata.uid }, (draft) => {
      draft.spec ??= {};
      if (taints.length > 0) draft.spec.taints = taints;
      else delete draft.spec.taints;
    });
  };

  const taint = (name: string): void => {
    const node = store.get<Node>('nodes', name);
    if (node === undefined) return;
    writeTaints(node, withTaints(node.spec?.taints ?? [], 'NoSchedule', MANAGED, scheduleTaints(node), time.now()));
  };
  const queue = workQueue(plane, taint, { latencyMs: TAINT_LATENCY_MS });

  /** Not-ready and unreachable nodes lose their pods, unless every node is in that state (full disruption). */
  const execute = (name: string): void => {
    const node = store.get<Node>('nodes', name);
    if (node === undefined) return;
    const wanted = executeTaints(node);
    const managed = new Set([NOT_READY, UNREACHABLE]);
    writeTaints(node, withTaints(node.spec?.taints ?? [], 'NoExecute', managed, wanted, time.now()));
  };
  const executeTaints = (node: Node): string[] => {
    const ready = readyOf(node);
    if (ready === 'True' || ready === undefined) return [];
    if (store.list<Node>('nodes').every((one) => readyOf(one) !== 'True')) return [];
    return [ready === 'Unknown' ? UNREACHABLE : NOT_READY];
  };
  const executeQueue = workQueue(plane, execute, { latencyMs: EXECUTE_DELAY_MS });

  const markUnknown = (node: Node): void => {
    const now = time.now();
    store.update<Node>(
      'nodes',
      { name: node.metadata.name, uid: node.metadata.uid },
      (draft) => {
        const conditions = conditionsIn(draft);
        for (const type of ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']) {
          const existing = conditionOf(conditions, type);
          if (existing?.status === 'Unknown') continue;
          const never = existing === undefined;
          setCondition(
            conditions,
            {
              type,
              status: 'Unknown',
              reason: never ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
              message: never ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
            },
            now,
          );
        }
      },
      { subresource: 'status' },
    );
    recordRoutine(world, subjectOf({ ...node, apiVersion: 'v1', kind: 'Node' }), {
      component: 'node-controller',
      reason: 'NodeNotReady',
      message: `Node ${node.metadata.name} status is now: NodeNotReady`,
    });
    for (const pod of store.podsOnNode(node.metadata.name)) markUnready(pod);
  };

  const markUnready = (pod: Pod): void => {
    if (isTerminal(pod)) return;
    store.update<Pod>(
      'pods',
      { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
      (draft) => {
        const ready = conditionOf(draft.status?.conditions, 'Ready');
        if (ready?.status !== 'True') return;
        ready.status = 'False';
        ready.lastTransitionTime = stamp(time.now());
      },
      { subresource: 'status' },
    );
  };

  const monitor = (): void => {
    const now = time.now();
    if (!plane.active() || now < nextPass) return;
    nextPass = now + MONITOR_MS;
    const nodes = store.list<Node>('nodes');
    for (const node of nodes) {
      const name = node.metadata.name;
      const lease = store.get<Lease>(LEASES, name, LEASE_NAMESPACE);
      const heartbeat = conditionOf(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? '';
      const sign = `${lease?.spec?.renewTime ?? ''} ${readyOf(node) === 'Unknown' ? '' : heartbeat}`;
      const known = seen.get(name);
      if (known?.sign !== sign) seen.set(name, { sign, at: now });
      else if (now - known.at > graceMs(world.config.kubernetesVersion) && readyOf(node) !== 'Unknown')
        markUnknown(node);
      const carried = (node.spec?.taints ?? []).filter(
        (one) => one.effect === 'NoExecute' && (one.key === NOT_READY || one.key === UNREACHABLE),
      );
      const after = store.get<Node>('nodes', name);
      if (
        after !== undefined &&
        !equal(
          carried.map((one) => one.key),
          executeTaints(after),
        )
      )
        executeQueue.add(name);
    }
    for (const name of seen.keys()) if (!nodes.some((node) => node.metadata.name === name)) seen.delete(name);
  };

  plane.onTick(monitor);
  plane.onElected(() => {
    // A new process has seen nothing yet: every node gets a whole grace period.
    seen.clear();
    nextPass = time.now();
    for (const node of store.list<Node>('nodes')) queue.add(node.metadata.name);
  });
  store.onChange<Node>('nodes', (event) => {
    if (event.type !== 'DELETED') queue.add(event.object.metadata.name);
  });
}
