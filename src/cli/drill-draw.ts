/** Scenarios and faults drawn at random: everything that they vary, a migration survives, but for the fault. */
import { FAULTS } from '../faults/catalogue/index.ts';
import { sweepOf } from '../faults/sweep.ts';
import { planFor } from '../rehearsal/plan.ts';
import { readScenario } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { bundledFile, withFaults } from '../session/scenario-choice.ts';
import { type Random, randomStream } from '../time/random.ts';
import type { RowTask } from './drill-row.ts';
import { commandLine, UsageError } from './usage.ts';

export interface Drawn {
  readonly name: string;
  /** As `--set` takes them. */
  readonly sets: readonly string[];
  readonly seed: number;
}

/** @param big whether large clusters are drawn too */
export function drawScenario(random: Random, seed: number, big = true): Drawn {
  const name = random.pick([
    'minimal',
    'minimal',
    'lab',
    'reboot',
    'ha',
    'geneve',
    'calico-ipip',
    'cilium-1.15',
    'cilium-1.20',
    'workloads',
  ]);
  const sets: string[] = [];
  const maybe = (chance: number, set: () => string): void => {
    if (random.next() < chance) sets.push(set());
  };
  maybe(0.4, () => 'migration.order=random');
  maybe(0.3, () => `migration.recycle=${random.pick(['daemons', 'node'])}`);
  maybe(0.2, () => 'finish.restartNodes=false');
  maybe(0.2, () => `finish.policyEnforcement=${random.pick(['default', 'never'])}`);
  maybe(0.3, () => `gate.freshSamples=${random.integer(2, 5)}`);
  if (big && name === 'lab') maybe(0.3, () => `cluster.workers=${random.integer(3, 7)}`);
  return { name, sets, seed };
}

/** The bundled scenario with what was drawn over it. */
export function scenarioOf({ name, sets }: Drawn): Scenario {
  const overrides = sets.map((set) => {
    const equals = set.indexOf('=');
    return { path: set.slice(0, equals), value: set.slice(equals + 1) };
  });
  return readScenario(bundledFile(name), name, overrides);
}

/** As words of the command line. */
export const wordsOf = ({ name, sets, seed }: Drawn): string[] => [
  ...['run', name, '--seed', String(seed)],
  ...sets.flatMap((set) => ['--set', set]),
];

/** Has the scenario a place for this fault? */
export function fits(scenario: Scenario, spec: string, seed: number): boolean {
  try {
    withFaults(scenario, [spec], { seed, provider: 'twin', source: commandLine('drill') });
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** One run in so many is without a fault, and must pass: a gate that is always red catches everything too. */
const HEALTHY = 0.25;

/** What a random drill does with a seed; the same seed draws the same. */
export function drawRow(seed: number): { readonly drawn: Drawn; readonly task: RowTask } {
  const random = randomStream(seed, 'drill/random');
  const drawn = drawScenario(random, seed, false);
  const scenario = scenarioOf(drawn);
  const none: RowTask = { scenario, seed, spec: null, allowed: true };
  if (random.next() < HEALTHY) return { drawn, task: none };
  const { nodes } = planFor(scenario, seed);
  // By name first, so that a fault with many places is not drawn more often.
  for (const fault of random.shuffle(FAULTS)) {
    const specs = sweepOf(fault, nodes).filter((spec) => fits(scenario, spec, seed));
    if (specs.length === 0) continue;
    // Its rule stands in its way as it is; what happens where somebody allowed it is the more interesting half.
    const allowed = fault.refusedBy === null || random.next() < 0.75;
    return { drawn, task: { scenario, seed, spec: random.pick(specs), allowed } };
  }
  return { drawn, task: none };
}
