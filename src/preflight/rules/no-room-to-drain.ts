/**
 * A drain must be able to end, and what it evicts must have somewhere to go: no batch may take every node that a workload
 * fits on, and no budget may forbid evictions for ever. Calico's own pods are left out, their operator looks after them.
 */
import { CALICO_NAMESPACES } from '../../cni/calico.ts';
import type { ClusterNode } from '../../cni/kind-config.ts';
import type { Pod, PodDisruptionBudget } from '../../kube/objects.ts';
import { allowedAtBest, demandOf } from '../budgets.ts';
import { isOperatorOwned, placed } from '../calico-objects.ts';
import { conform, SELECTOR, type Shape } from '../conform.ts';
import { askedPlaces, fits, foundPlaces, type Group, limitPerNode, type Place, untolerated } from '../placement.ts';
import { podTemplates } from '../pod-templates.ts';
import type { ClusterFacts, Collision, Rule, ScenarioFacts } from '../rule.ts';
import { type LabelSelector, selects } from '../selectors.ts';
import { PROBE_PODS } from './policy-across-cnis.ts';

const BUDGET_SPEC: Shape = { minAvailable: 'scalar', maxUnavailable: 'scalar', selector: SELECTOR };

interface Workload extends Group {
  readonly where: string;
  /** The kind of controller; `Pod`: none. */
  readonly kind: string;
  readonly size: number;
}

export const noRoomToDrain: Rule = {
  id: 'no-room-to-drain',
  title: 'Every node can be drained, and what is evicted has a place to go.',
  severity: 'refusal',
  source:
    'kubernetes 1.36 pkg/scheduler, pkg/controller/disruption, pkg/registry/core/pod/storage/eviction.go; recorded (06-eviction, 10-scheduler)',
  judgeScenario: (facts) => {
    const workloads = [...asked(facts), ...probes(facts)];
    const budgets = facts.workloads
      .filter(({ object }) => object.kind === 'PodDisruptionBudget')
      .map(({ object, where }) => {
        const spec = conform(object.spec, BUDGET_SPEC) ?? {};
        return { budget: { ...object, spec } as PodDisruptionBudget, where };
      });
    return [...room(facts, asked(facts), askedPlaces(facts)), ...blocked(budgets, workloads)];
  },
  judgeCluster: (facts) => {
    const workloads = found(facts);
    const budgets = placed(facts.podDisruptionBudgets.filter((budget) => !isOperatorOwned(budget))).map(
      ({ object, where }) => ({ budget: object as unknown as PodDisruptionBudget, where }),
    );
    return [...room(facts, workloads, foundPlaces(facts)), ...blocked(budgets, workloads)];
  },
};

function asked({ workloads, nodes }: ScenarioFacts): Workload[] {
  return podTemplates(workloads).flatMap((template) => {
    const size = template.kind === 'DaemonSet' ? nodes.length : template.replicas;
    // A CronJob has pods only now and then.
    return size === 0 || template.kind === 'CronJob' ? [] : [{ ...template, size }];
  });
}

/** Budgets may select our probes too; where these fit is known to be everywhere. */
function probes({ scenario, nodes }: ScenarioFacts): Workload[] {
  return PROBE_PODS.map(({ namespace, labels }): Workload => {
    const drained = labels.app === 'goldpinger';
    const kind = drained ? 'Deployment' : 'DaemonSet';
    const size = drained ? scenario.probes.goldpinger.replicas : nodes.length;
    return { namespace, labels, spec: { containers: [] }, kind, size, where: `${kind} ${namespace}/${labels.app}` };
  });
}

/** Living pods by their controllers. */
function found({ pods }: ClusterFacts): Workload[] {
  const groups = new Map<string, Workload>();
  for (const pod of pods) {
    const namespace = pod.metadata.namespace ?? 'default';
    if (!isAlive(pod) || (CALICO_NAMESPACES as readonly string[]).includes(namespace)) continue;
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
    // Static pods are mirrored under their node.
    if (owner?.kind === 'Node') continue;
    const kind = owner?.kind ?? 'Pod';
    const name = owner?.name ?? pod.metadata.name;
    const where = `${kind} ${namespace}/${name}`;
    const before = groups.get(where);
    const group = { namespace, labels: pod.metadata.labels ?? {}, spec: pod.spec!, kind, where };
    groups.set(where, before === undefined ? { ...group, size: 1 } : { ...before, size: before.size + 1 });
  }
  return [...groups.values()];
}

function isAlive({ metadata, spec, status }: Pod): boolean {
  if (spec === undefined || metadata.deletionTimestamp !== undefined) return false;
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

/** Kinds that make a new pod for one that was evicted, and go on needing it. */
const REPLACED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController']);

function room(facts: ScenarioFacts, workloads: readonly Workload[], places: readonly Place[]): Collision[] {
  return workloads
    .filter(({ kind }) => REPLACED.has(kind))
    .flatMap((workload) => {
      const fitting = places.filter((place) => fits(workload, place));
      const names = new Set(fitting.map(({ name }) => name));
      const subjects = [workload.where.replace(/^.*: /, '')];
      if (fitting.length === 0) {
        const message = `none of the ${places.length} nodes takes its pods (${refusedBy(workload, places)}), so they stay Pending; change what it asks of nodes`;
        return [{ where: workload.where, message, subjects }];
      }
      const limit = limitPerNode(workload);
      for (const batch of batches(facts, names)) {
        const taken = batch.filter((name) => names.has(name));
        const left = fitting.length - taken.length;
        const takes = limit === undefined ? Number.POSITIVE_INFINITY : left * limit.pods;
        if (taken.length === 0 || (left > 0 && takes >= workload.size)) continue;
        return [{ where: workload.where, message: crowded(facts, workload, places, taken, left), subjects }];
      }
      return [];
    });
}

function crowded(
  { scenario }: ScenarioFacts,
  workload: Workload,
  places: readonly Place[],
  taken: readonly string[],
  left: number,
): string {
  const { batchSize } = scenario.migration;
  const together = taken.length > 1;
  const which = `draining ${taken.join(' and ')}${together ? ` at once (migration.batchSize ${batchSize})` : ''}`;
  const smaller = together ? 'a smaller migration.batchSize, ' : '';
  if (left === 0) {
    const why = refusedBy(workload, places);
    return `${which} leaves no node for its pods (${why}), so all of them stay Pending until it is back; write ${smaller}more cluster.workers, or tolerate or select more nodes`;
  }
  const { pods, why } = limitPerNode(workload)!;
  return `${which} leaves ${left * pods} ${left * pods === 1 ? 'place' : 'places'} on ${left} ${left === 1 ? 'node' : 'nodes'} for its ${workload.size} pods, because ${why}, so some stay Pending until it is back; write ${smaller}more cluster.workers, fewer replicas, or a preference instead of a demand`;
}

/** What keeps the pods from the other nodes. */
function refusedBy({ spec }: Workload, places: readonly Place[]): string {
  const taints = places.flatMap((place) => untolerated(spec, place)).map(({ key, effect }) => `${key}:${effect}`);
  const asks = [
    ...Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => `nodeSelector ${key}: ${value}`),
    ...(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ? ['required node affinity'] : []),
    ...[...new Set(taints)].map((taint) => `no toleration of ${taint}`),
    ...(spec.topologySpreadConstraints ?? [])
      .filter(
        ({ topologyKey, whenUnsatisfiable }) =>
          whenUnsatisfiable === 'DoNotSchedule' && places.some(({ labels }) => labels[topologyKey] === undefined),
      )
      .map(({ topologyKey }) => `spread over ${topologyKey}, a label that nodes lack`),
  ];
  return asks.length === 0 ? 'there is no other' : asks.join(', ');
}

/**
 * The batches of the migration: workers in their order, control planes one at a time (rehearsal/order.ts). In a random
 * order any workers may meet, so the worst batch for this workload is judged.
 */
function batches({ nodes, scenario }: ScenarioFacts, fitting: ReadonlySet<string>): string[][] {
  const { order, batchSize } = scenario.migration;
  const place = ({ name }: ClusterNode): number => {
    if (order === 'random') return fitting.has(name) ? 0 : 1;
    const index = Array.isArray(order) ? order.indexOf(name) : -1;
    return index < 0 ? nodes.length : index;
  };
  // The nodes come in the order of their names already, and sorting is stable.
  const workers = nodes.filter(({ role }) => role === 'worker').sort((a, b) => place(a) - place(b));
  const planes = nodes.filter(({ role }) => role === 'control-plane');
  const names = workers.map(({ name }) => name);
  const batched = names.flatMap((_, index) => (index % batchSize === 0 ? [names.slice(index, index + batchSize)] : []));
  return [...batched, ...planes.map(({ name }) => [name])];
}

/** Kinds whose size the disruption controller can ask for. */
const SCALED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController']);

interface PlacedBudget {
  readonly budget: PodDisruptionBudget;
  readonly where: string;
}

function blocked(budgets: readonly PlacedBudget[], workloads: readonly Workload[]): Collision[] {
  const guards = budgets.map((one) => ({
    ...one,
    members: workloads.filter((workload) => guarded(one.budget, workload)),
  }));
  const never = guards.flatMap(({ budget, where, members }): Collision[] => {
    const evicted = members.filter(({ kind }) => kind !== 'DaemonSet');
    if (evicted.length === 0) return [];
    const sum = (some: readonly Workload[]): number => some.reduce((total, { size }) => total + size, 0);
    const pods = sum(members);
    const scaled = sum(members.filter(({ kind }) => SCALED.has(kind)));
    const unscalable = members.find(({ kind }) => kind !== 'Pod' && !SCALED.has(kind))?.kind;
    if (allowedAtBest(budget, { pods, scaled, unscalable }) > 0) return [];
    const whose = [...new Set(evicted.map((member) => member.where))].join(', ');
    const message = `${demandOf(budget)} never allows to evict one of the ${pods} pods that it selects (${whose}), so the drain of their nodes cannot end; write maxUnavailable: 1, or more replicas than minAvailable`;
    return [{ where, message, subjects: [`PodDisruptionBudget ${budget.metadata.namespace}/${budget.metadata.name}`] }];
  });
  const twice = workloads.flatMap((workload): Collision[] => {
    const by = guards.filter(({ members }) => members.includes(workload)).map(({ budget }) => budget.metadata.name);
    if (workload.kind === 'DaemonSet' || by.length < 2) return [];
    const message = `PodDisruptionBudgets ${by.join(' and ')} both select its pods, and the API evicts no pod of more than one budget; leave one of them out`;
    return [
      {
        where: workload.where,
        message,
        subjects: by.map((name) => `PodDisruptionBudget ${workload.namespace}/${name}`),
      },
    ];
  });
  return [...never, ...twice];
}

function guarded({ metadata, spec }: PodDisruptionBudget, { namespace, labels }: Workload): boolean {
  return (
    (metadata.namespace ?? 'default') === namespace && selects(spec?.selector as LabelSelector | undefined, labels)
  );
}
