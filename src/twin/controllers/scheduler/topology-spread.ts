/** PodTopologySpread: counting pods by domain (pkg/scheduler/framework/plugins/podtopologyspread). */
import type * as k8s from '@kubernetes/client-node';
import type { Pod, Wire } from '../../../kube/objects.ts';
import { matchesNodeAffinity, untolerated } from '../node-fit.ts';
import { isDeleting } from '../pods.ts';
import { type LabelSelector, selects } from '../selectors.ts';
import type { NodeState } from './snapshot.ts';

type Constraint = Wire<k8s.V1TopologySpreadConstraint>;

export interface Spread {
  readonly constraint: Constraint;
  readonly selector: LabelSelector;
  /** Pods that match, by domain; domains without any are listed with 0. */
  readonly counts: ReadonlyMap<string, number>;
}

/** The constraint's selector, narrowed by the values that the pod itself has for matchLabelKeys. */
function selectorFor(constraint: Constraint, pod: Pod): LabelSelector {
  const labels = pod.metadata.labels ?? {};
  const keys = (constraint.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  return {
    ...constraint.labelSelector,
    matchExpressions: [
      ...(constraint.labelSelector?.matchExpressions ?? []),
      ...keys.map((key) => ({ key, operator: 'In', values: [labels[key] ?? ''] })),
    ],
  };
}

/** Affinity is honoured and taints are ignored unless the constraint says otherwise; unset means exactly that (recorded: 10-scheduler). */
function isEligible(constraint: Constraint, pod: Pod, state: NodeState): boolean {
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesNodeAffinity(pod.spec!, state.node))
    return false;
  return (
    (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Ignore' ||
    untolerated(state.node.spec?.taints, pod.spec?.tolerations, ['NoSchedule', 'NoExecute']) === undefined
  );
}

/** Matching pods on a node; terminating ones no longer count (kubernetes issue 87621). */
export const countOn = (state: NodeState, selector: LabelSelector, namespace: string | undefined): number =>
  state.pods.filter(
    (pod) => pod.metadata.namespace === namespace && !isDeleting(pod) && selects(selector, pod.metadata.labels),
  ).length;

/** Counts for every constraint of one kind. */
export function spreads(pod: Pod, states: readonly NodeState[], when: 'DoNotSchedule' | 'ScheduleAnyway'): Spread[] {
  const constraints = (pod.spec?.topologySpreadConstraints ?? []).filter((one) => one.whenUnsatisfiable === when);
  const keys = constraints.map((one) => one.topologyKey);
  return constraints.map((constraint) => {
    const selector = selectorFor(constraint, pod);
    const counts = new Map<string, number>();
    for (const state of states) {
      if (!keys.every((key) => state.labels[key] !== undefined) || !isEligible(constraint, pod, state)) continue;
      const domain = state.labels[constraint.topologyKey]!;
      counts.set(domain, (counts.get(domain) ?? 0) + countOn(state, selector, pod.metadata.namespace));
    }
    return { constraint, selector, counts };
  });
}

/** Why hard constraints forbid a node: `label` cannot be cured by moving pods, `skew` could. */
export function violation(pod: Pod, state: NodeState, hard: readonly Spread[]): 'label' | 'skew' | undefined {
  for (const { constraint, selector, counts } of hard) {
    const domain = state.labels[constraint.topologyKey];
    if (domain === undefined) return 'label';
    const fewest = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const self = selects(selector, pod.metadata.labels) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + self - fewest > constraint.maxSkew) return 'skew';
  }
  return undefined;
}
