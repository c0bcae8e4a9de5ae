/** The `checkpoint` event's counts out of a view. */
import type { Counts, EventBody, FailingPair, ProbePod, ProbeResult } from '../../events/events.ts';
import type { Instance } from '../../probe/instances.ts';
import { groupsOf } from './blame.ts';
import type { JudgedCheckpoint } from './types.ts';
import type { ProbeView, View } from './view.ts';

/** Failing pairs that one event lists; groups and counts are always complete. */
const MOST_FAILING = 1_000;

export interface CheckpointFacts {
  readonly outcome: 'passed' | 'failed';
  readonly startedAt: number;
  readonly settledAt: number | null;
  readonly observedMs: number;
  readonly samples: number;
  readonly managedPods: { readonly managed: number; readonly total: number };
  readonly message: string;
}

export function checkpointEvent(
  checkpoint: JudgedCheckpoint,
  view: View,
  facts: CheckpointFacts,
): Extract<EventBody, { type: 'checkpoint' }> {
  const red = facts.outcome === 'failed';
  return {
    type: 'checkpoint',
    id: checkpoint.id,
    phase: checkpoint.phase,
    node: checkpoint.node,
    outcome: facts.outcome,
    startedAt: new Date(facts.startedAt).toISOString(),
    settledAt: facts.settledAt === null ? null : new Date(facts.settledAt).toISOString(),
    observedSeconds: Math.round(facts.observedMs / 1_000),
    samples: facts.samples,
    managedPods: facts.managedPods,
    access: view.access,
    probes: view.probes.map(probeResult),
    failing: red ? view.probes.flatMap(failingPairs).slice(0, MOST_FAILING) : [],
    groups: red ? groupsOf(view) : [],
    message: facts.message,
  };
}

export function probePod({ pod, node, ip, cni }: Instance): ProbePod {
  return { pod, node, ip, cni };
}

function failingPairs({ name, judgement }: ProbeView): FailingPair[] {
  return judgement.pairs.flatMap(({ from, to, state, error }) =>
    state === 'healthy' ? [] : [{ probe: name, from: probePod(from), to: probePod(to), state, error }],
  );
}

function probeResult({ name, mesh, instances, judgement }: ProbeView): ProbeResult {
  const pairs = tally(judgement.pairs.map((pair) => pair.state));
  const failed = new Set<string>();
  const unsure = new Set<string>();
  for (const { to, state, lastFailed } of judgement.pairs) {
    if (lastFailed) failed.add(to.uid);
    if (state !== 'healthy') unsure.add(to.uid);
  }
  const pods = instances
    .filter((instance) => instance.node !== '')
    .map(({ uid }) => (failed.has(uid) ? 'unhealthy' : unsure.has(uid) ? 'unknown' : 'healthy'));
  return { name, mesh, pods: tally(pods), pairs };
}

function tally(states: readonly ('healthy' | 'unhealthy' | 'unknown')[]): Counts {
  const counts = { expected: states.length, healthy: 0, unhealthy: 0, unknown: 0 };
  for (const state of states) counts[state]++;
  return counts;
}
