/** The scheduler's scores with the default weights; ties are broken at random. Resources are approximated by the number of pods. */
import type { Pod, ReplicaSet, Service, StatefulSet } from '../../../kube/objects.ts';
import type { ObjectStore } from '../../world.ts';
import { controllerOf } from '../common.ts';
import { preferredNodeTerms, termFits, tolerates } from '../node-fit.ts';
import { carries, type LabelSelector } from '../selectors.ts';
import { affinityScore } from './pod-affinity.ts';
import type { NodeState } from './snapshot.ts';
import { countOn, spreads } from './topology-spread.ts';

const MAX_PODS = 110;

function normalise(values: readonly number[], reverse: boolean): number[] {
  const most = Math.max(0, ...values);
  if (most === 0) return values.map(() => (reverse ? 100 : 0));
  return values.map((value) => (reverse ? 100 - (100 * value) / most : (100 * value) / most));
}

/** Without constraints of its own a pod is spread by what selects it: its Services and its ReplicaSet or StatefulSet. */
function defaultSelector(store: ObjectStore, pod: Pod): LabelSelector | undefined {
  const labels = pod.metadata.labels ?? {};
  const namespace = pod.metadata.namespace ?? '';
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
  for (const service of store.list<Service>('services', { namespace })) {
    const selector = service.spec?.selector;
    if (selector !== undefined && Object.keys(selector).length > 0 && carries(labels, selector)) {
      Object.assign(matchLabels, selector);
    }
  }
  const owner = controllerOf(pod);
  const resource = { ReplicaSet: 'replicasets.apps', StatefulSet: 'statefulsets.apps' }[owner?.kind ?? ''];
  const controller =
    resource === undefined ? undefined : store.get<ReplicaSet | StatefulSet>(resource, owner?.name ?? '', namespace);
  const selector = controller?.spec?.selector as LabelSelector | undefined;
  Object.assign(matchLabels, selector?.matchLabels);
  matchExpressions.push(...(selector?.matchExpressions ?? []));
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return undefined;
  return { matchLabels, matchExpressions };
}

interface Counted {
  readonly key: string;
  readonly maxSkew: number;
  readonly counts: ReadonlyMap<string, number>;
}

function countsFor(store: ObjectStore, pod: Pod, feasible: readonly NodeState[], all: readonly NodeState[]): Counted[] {
  if ((pod.spec?.topologySpreadConstraints ?? []).length > 0) {
    return spreads(pod, all, 'ScheduleAnyway').map(({ constraint, counts }) => ({
      key: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      counts,
    }));
  }
  const selector = defaultSelector(store, pod);
  if (selector === undefined) return [];
  // Defaults of the built-in profile: hostname with skew 3, zone with skew 5, both soft.
  return [
    { key: 'kubernetes.io/hostname', maxSkew: 3 },
    { key: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ].map(({ key, maxSkew }) => {
    const counts = new Map<string, number>();
    for (const state of feasible) {
      const domain = state.labels[key];
      if (domain === undefined) continue;
      counts.set(domain, (counts.get(domain) ?? 0) + countOn(state, selector, pod.metadata.namespace));
    }
    return { key, maxSkew, counts };
  });
}

function spreadScores(
  store: ObjectStore,
  pod: Pod,
  feasible: readonly NodeState[],
  all: readonly NodeState[],
): number[] {
  const counted = countsFor(store, pod, feasible, all);
  const raw = feasible.map((state) => {
    let score = 0;
    for (const { key, maxSkew, counts } of counted) {
      const domain = state.labels[key];
      if (domain === undefined) continue;
      // The more domains, the more a pod weighs.
      score += (counts.get(domain) ?? 0) * Math.log(counts.size + 2) + (maxSkew - 1);
    }
    return Math.round(score);
  });
  const [least, most] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((value) => (most === 0 ? 100 : (100 * (most + least - value)) / most));
}

function affinityScores(
  store: ObjectStore,
  pod: Pod,
  feasible: readonly NodeState[],
  all: readonly NodeState[],
): number[] {
  const raw = feasible.map((state) => affinityScore(store, pod, state, all));
  const [least, most] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((value) => (most === least ? 0 : (100 * (value - least)) / (most - least)));
}

/** One figure a feasible node; the highest wins. */
export function scores(
  store: ObjectStore,
  pod: Pod,
  feasible: readonly NodeState[],
  all: readonly NodeState[],
): number[] {
  const spec = pod.spec!;
  const taints = normalise(
    feasible.map(
      ({ node }) =>
        (node.spec?.taints ?? []).filter(
          (taint) =>
            taint.effect === 'PreferNoSchedule' && !(spec.tolerations ?? []).some((one) => tolerates(one, taint)),
        ).length,
    ),
    true,
  );
  const preferred = normalise(
    feasible.map(({ node }) =>
      preferredNodeTerms(spec).reduce(
        (sum, { weight, preference }) => sum + (termFits(preference, node) ? weight : 0),
        0,
      ),
    ),
    false,
  );
  const spread = spreadScores(store, pod, feasible, all);
  const affinity = affinityScores(store, pod, feasible, all);
  return feasible.map((state, i) => {
    const free = (100 * (MAX_PODS - Math.min(MAX_PODS, state.pods.length))) / MAX_PODS;
    return Math.round(3 * taints[i]! + 2 * preferred[i]! + 2 * spread[i]! + 2 * affinity[i]! + free);
  });
}
