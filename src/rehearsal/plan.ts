/** What a run will do, from the scenario alone: phases, their steps and checkpoints in order. Nothing is touched. */
import { type ClusterNode, clusterNodes } from '../cni/kind-config.ts';
import { type Account, PHASES, type Phase, type PlannedCheckpoint } from '../events/events.ts';
import type { Provider } from '../provider/provider.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { batchesOf, migrationOrder } from './order.ts';

export interface PlannedStep {
  readonly id: string;
  readonly phase: Phase;
  readonly node: string | null;
  /** For people, present tense. */
  readonly title: string;
  readonly account: Account;
}

export type PlannedItem =
  | ({ readonly type: 'step' } & PlannedStep)
  | ({ readonly type: 'checkpoint' } & PlannedCheckpoint);

export interface PlannedPhase {
  readonly phase: Phase;
  readonly items: readonly PlannedItem[];
}

export interface PlannedNode extends ClusterNode {
  /** Place in the order of migration, from 1. */
  readonly order: number;
}

export interface Plan {
  readonly nodes: readonly PlannedNode[];
  /** Nodes that are migrated together, in order. */
  readonly batches: readonly (readonly PlannedNode[])[];
  /** Nodes that are restarted together, in order; empty when nodes are not restarted. */
  readonly restartBatches: readonly (readonly PlannedNode[])[];
  readonly phases: readonly PlannedPhase[];
  readonly checkpoints: readonly PlannedCheckpoint[];
  readonly steps: readonly PlannedStep[];
}

/** Steps of the whole cluster; those of nodes are made by {@link planFor}. */
const CLUSTER_STEPS: readonly (PlannedStep & {
  readonly when?: (scenario: Scenario, provider: Provider['name']) => boolean;
})[] = [
  step(
    'check',
    'check',
    'judge the scenario by the preflight rules, check tools and that the name of the cluster is free',
    'command',
  ),
  onMachines('node-image', 'pull the node image, and begin to pull the others'),
  step('provision', 'provision', 'create the kind cluster without a CNI', 'provision'),
  onMachines('calico-images', "load Calico's images onto the nodes"),
  step('calico', 'provision', 'install Calico by its operator and wait until it rests', 'provision'),
  onMachines('images', 'load the other images onto the nodes'),
  step('probes', 'baseline', 'deploy nodepinger, goldpinger and servicepinger', 'rollout'),
  {
    ...step('workloads', 'baseline', "deploy the scenario's workloads", 'rollout'),
    when: (scenario) => scenario.workloads.length > 0,
  },
  step('live-rules', 'baseline', 'judge what the cluster shows by the preflight rules', 'command'),
  step(
    'read-cluster',
    'prepare',
    "read Calico's pools, blocks and encapsulation, and choose Cilium's values",
    'command',
  ),
  {
    ...step('autodetection', 'prepare', 'let Calico find its address by NodeInternalIP', 'rollout'),
    when: (scenario) => scenario.migration.setAutodetection !== 'keep',
  },
  step('cilium-install', 'secondary', 'install Cilium as second overlay', 'rollout'),
  step('node-config', 'secondary', 'apply the CiliumNodeConfig that no node matches yet', 'command'),
  step('recycle-rest', 'complete', 'recycle pods that are still on the legacy network', 'rollout'),
  step('final-values', 'finalize', 'apply the final values, restart agents and operator', 'rollout'),
  step('remove', 'remove', 'remove Calico while its operator can still clean up', 'command'),
  step('node-files', 'remove', "remove Calico's files from the CNI directories", 'command'),
  {
    ...step('connectivity-test', 'verify', 'run cilium connectivity test', 'command'),
    when: (scenario) => scenario.finish.connectivityTest !== false,
  },
  step('last-readings', 'verify', 'read the NodePorts once more', 'command'),
];

function step(id: string, phase: Phase, title: string, account: Account): PlannedStep {
  return { id, phase, node: null, title, account };
}

/** Images come to real nodes only. */
function onMachines(id: string, title: string): (typeof CLUSTER_STEPS)[number] {
  return { ...step(id, 'provision', title, 'pull'), when: (_, provider) => provider === 'kind' };
}

/** Is the phase part of this scenario? */
export function phaseIsOn(scenario: Scenario, phase: Phase): boolean {
  if (phase === 'remove') return scenario.finish.removeCalico;
  if (phase === 'restart') return scenario.finish.restartNodes;
  return true;
}

/** The checkpoint at the end of a phase of the whole cluster. */
const PHASE_CHECKPOINT: Partial<Record<Phase, string>> = {
  baseline: 'baseline',
  prepare: 'prepared',
  secondary: 'secondary-installed',
  complete: 'all-migrated',
  finalize: 'finalized',
  remove: 'legacy-removed',
  verify: 'final',
};

/** The plan of a scenario; equal scenarios and seeds give equal plans. Providers differ in nothing but images. */
export function planFor(scenario: Scenario, seed: number, provider: Provider['name'] = 'twin'): Plan {
  const ordered = migrationOrder(clusterNodes(scenario.cluster), scenario.migration.order, seed);
  const nodes = ordered.map((node, index) => ({ ...node, order: index + 1 }));
  const inPlan = (batch: ClusterNode[]): PlannedNode[] =>
    batch.map((node) => nodes.find((planned) => planned.name === node.name)!);
  const batches = batchesOf(nodes, scenario.migration.batchSize).map(inPlan);
  const restartBatches = scenario.finish.restartNodes ? batchesOf(nodes, scenario.finish.restartBatch).map(inPlan) : [];
  const phases = PHASES.filter((phase) => phaseIsOn(scenario, phase)).map((phase): PlannedPhase => {
    if (phase === 'migrate') return { phase, items: batches.flatMap((batch) => migrationItems(scenario, batch)) };
    if (phase === 'restart') return { phase, items: restartBatches.flatMap(restartItems) };
    const items: PlannedItem[] = CLUSTER_STEPS.filter(
      (planned) => planned.phase === phase && (planned.when === undefined || planned.when(scenario, provider)),
    ).map(({ when: _when, ...planned }) => ({ type: 'step', ...planned }));
    const checkpoint = PHASE_CHECKPOINT[phase];
    if (checkpoint !== undefined) items.push({ type: 'checkpoint', id: checkpoint, phase, node: null });
    return { phase, items };
  });
  const items = phases.flatMap((phase) => phase.items);
  return {
    nodes,
    batches,
    restartBatches,
    phases,
    checkpoints: items.flatMap((item) =>
      item.type === 'checkpoint' ? [{ id: item.id, phase: item.phase, node: item.node }] : [],
    ),
    steps: items.flatMap(({ type, ...item }) => (type === 'step' ? [item as PlannedStep] : [])),
  };
}

function nodeItems(
  batch: readonly PlannedNode[],
  phase: Phase,
  kind: string,
  title: string,
  account: Account,
): PlannedItem[] {
  return batch.map(({ name }) => ({
    type: 'step',
    id: `${kind}/${name}`,
    phase,
    node: name,
    title: title.replace('NODE', name),
    account,
  }));
}

function nodeCheckpoints(batch: readonly PlannedNode[], phase: Phase, kind: string): PlannedItem[] {
  return batch.map(({ name }) => ({ type: 'checkpoint', id: `${kind}/${name}`, phase, node: name }));
}

function migrationItems(scenario: Scenario, batch: readonly PlannedNode[]): PlannedItem[] {
  const recycled: [string, Account] =
    scenario.migration.recycle === 'node'
      ? ['restart NODE, which recycles all its pods', 'restart']
      : ['recycle what is left on NODE without a CiliumEndpoint', 'rollout'];
  return [
    ...nodeItems(batch, 'migrate', 'drain', 'cordon and drain NODE', 'drain'),
    ...nodeCheckpoints(batch, 'migrate', 'drained'),
    ...nodeItems(batch, 'migrate', 'agent', 'label NODE and restart its agent', 'rollout'),
    ...nodeItems(batch, 'migrate', 'recycle', ...recycled),
    ...nodeCheckpoints(batch, 'migrate', 'switched'),
    ...nodeItems(batch, 'migrate', 'uncordon', 'uncordon NODE', 'command'),
    ...nodeItems(batch, 'migrate', 'spread', 'let NODE get its share of the goldpinger pods', 'rollout'),
    ...nodeCheckpoints(batch, 'migrate', 'migrated'),
  ];
}

function restartItems(batch: readonly PlannedNode[]): PlannedItem[] {
  return [
    ...nodeItems(batch, 'restart', 'restart', 'restart NODE', 'restart'),
    ...nodeCheckpoints(batch, 'restart', 'restarted'),
  ];
}
