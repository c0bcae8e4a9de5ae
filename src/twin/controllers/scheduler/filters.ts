/** The scheduler's filters, in the order of the default profile; the first that says no gives the reason. */
import type { Pod } from '../../../kube/objects.ts';
import type { ObjectStore } from '../../world.ts';
import { minorOf } from '../common.ts';
import { matchesNodeAffinity, pinnedNodes, tolerates, untolerated } from '../node-fit.ts';
import { affinityViolation } from './pod-affinity.ts';
import { lacking } from './resources.ts';
import type { NodeState } from './snapshot.ts';
import { type Spread, spreads, violation } from './topology-spread.ts';

export interface Refusal {
  readonly reason: string;
  /** Further reasons of the same filter: a node may lack several resources. */
  readonly more?: readonly string[];
  /** False when evicting pods from the node could never help. */
  readonly preemptible: boolean;
}

const MAX_PODS = 110;
const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const hard = (reason: string): Refusal => ({ reason, preemptible: false });
const soft = (reason: string): Refusal => ({ reason, preemptible: true });

interface PortUse {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const hostPorts = (pod: Pod): PortUse[] =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter((one) => one.restartPolicy === 'Always')]
    .flatMap((container) => container.ports ?? [])
    // On the host network every declared port is defaulted to be a host port.
    .map((port) => ({
      ip: port.hostIP ?? '0.0.0.0',
      protocol: port.protocol ?? 'TCP',
      port: port.hostPort ?? (pod.spec?.hostNetwork ? port.containerPort : 0),
    }))
    .filter((use) => use.port > 0);

const clash = (a: PortUse, b: PortUse): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');

export const usesHostPorts = (pod: Pod): boolean => hostPorts(pod).length > 0;

/** The filters for one pod; `undefined` from the result means that the node will do. */
export function filtersFor(
  store: ObjectStore,
  pod: Pod,
  states: readonly NodeState[],
  version: string,
): (state: NodeState) => Refusal | undefined {
  const spec = pod.spec!;
  const pinned = pinnedNodes(spec);
  const constraints: Spread[] = spreads(pod, states, 'DoNotSchedule');
  const ports = hostPorts(pod);
  const tolerations = spec.tolerations ?? [];
  return (state) => {
    // PreFilter: nodes that required affinity by name leaves out are not looked at.
    if (pinned !== undefined && !pinned.has(state.name)) return hard("node(s) didn't satisfy plugin(s) [NodeAffinity]");
    if (state.node.spec?.unschedulable && !tolerations.some((one) => tolerates(one, UNSCHEDULABLE))) {
      return hard('node(s) were unschedulable');
    }
    const taint = untolerated(state.node.spec?.taints, tolerations, ['NoSchedule', 'NoExecute']);
    if (taint !== undefined) {
      // 1.34 and 1.36 as recorded; releases before name the taint.
      const which = minorOf(version) >= 34 ? '(s)' : ` {${taint.key}: ${taint.value ?? ''}}`;
      return hard(`node(s) had untolerated taint${which}`);
    }
    if (!matchesNodeAffinity(spec, state.node)) return hard("node(s) didn't match Pod's node affinity/selector");
    if (ports.length > 0 && state.pods.some((other) => hostPorts(other).some((a) => ports.some((b) => clash(a, b))))) {
      return soft("node(s) didn't have free ports for the requested pod ports");
    }
    if (state.pods.length + 1 > Number(state.node.status?.allocatable?.pods ?? MAX_PODS)) return soft('Too many pods');
    const { names, ever } = lacking(pod, state);
    const [first, ...more] = names.map((name) => `Insufficient ${name}`);
    if (first !== undefined) return { reason: first, more, preemptible: ever };
    const spread = violation(pod, state, constraints);
    if (spread === 'label') {
      return hard("node(s) didn't match pod topology spread constraints (missing required label)");
    }
    if (spread === 'skew') return soft("node(s) didn't match pod topology spread constraints");
    switch (affinityViolation(store, pod, state, states)) {
      case 'affinity':
        return hard("node(s) didn't match pod affinity rules");
      case 'anti':
        return soft("node(s) didn't match pod anti-affinity rules");
      case 'existing-anti':
        return soft("node(s) didn't satisfy existing pods anti-affinity rules");
      default:
        return undefined;
    }
  };
}

/** The text of PodScheduled=False: reasons counted and sorted as strings, so that counts lead (recorded: 10-scheduler). */
export function failureMessage(refusals: readonly Refusal[], version: string): string {
  const all = refusals.length;
  if (all === 0) return '0/0 nodes are available: no nodes available to schedule pods.';
  const tally = (reasons: readonly string[]): string => {
    const counts = new Map<string, number>();
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return [...counts]
      .map(([reason, count]) => `${count} ${reason}`)
      .sort()
      .join(', ');
  };
  const head = `0/${all} nodes are available: `;
  const preemption = tally(
    refusals.map((one) =>
      one.preemptible ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
    ),
  );
  // The phrase of dynamic resource allocation, on by default since 1.34.
  const claims = minorOf(version) >= 34 ? ' no new claims to deallocate,' : '';
  return `${head}${tally(refusals.flatMap((one) => [one.reason, ...(one.more ?? [])]))}.${claims} preemption: ${head}${preemption}.`;
}
