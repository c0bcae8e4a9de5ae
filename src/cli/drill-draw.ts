/** Random healthy scenarios: everything that they vary, a migration survives. */
import { fileURLToPath } from 'node:url';
import { readScenario } from '../../src/scenario/read.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { Random } from '../../src/time/random.ts';

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

export function scenarioOf({ name, sets }: Drawn): Scenario {
  const file = fileURLToPath(new URL(`../../scenarios/${name}.yaml`, import.meta.url));
  return readScenario(
    file,
    name,
    sets.map((set) => ({ path: set.slice(0, set.indexOf('=')), value: set.slice(set.indexOf('=') + 1) })),
  );
}

/** As words of the command line. */
export const wordsOf = ({ name, sets, seed }: Drawn): string[] => [
  ...['run', name, '--seed', String(seed)],
  ...sets.flatMap((set) => ['--set', set]),
];
