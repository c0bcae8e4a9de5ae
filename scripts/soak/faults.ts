/** A fault at a random place, seed and cluster ends as its entry says, blame included, with its rule in place or allowed. */

import { scenarioOf } from '../../src/cli/drill-draw.ts';
import { runRow } from '../../src/cli/drill-row.ts';
import { randomStream } from '../../src/time/random.ts';
import { sweepTasks } from '../sweep-faults.ts';
import type { Done } from './kinds.ts';

export async function faults(seed: number): Promise<Done> {
  const random = randomStream(seed, 'soak/faults');
  const name = random.pick(['minimal', 'lab', 'ha', 'reboot', 'geneve', 'calico-ipip', 'workloads']);
  const sets = name === 'minimal' ? [`cluster.workers=${random.integer(1, 3)}`] : [];
  if (random.next() < 0.3) sets.push('migration.order=random');
  const task = random.pick(sweepTasks({ scenario: scenarioOf({ name, sets, seed }), seeds: [seed] }));
  const what = [
    ...['drill', name, '--seed', String(seed), '--fault', task.spec],
    ...sets.flatMap((set) => ['--set', set]),
    task.allowed ? '(its rule allowed)' : '(its rule in place)',
  ].join(' ');
  const { deviations } = await runRow(task, new AbortController().signal);
  return { what, problems: deviations };
}
