/**
 * Every fault of the catalogue at the first, a middle and the last node, for several seeds, on all cores: each must end as
 * its entry says, blame included.
 *
 * npm run sweep -- --seeds 3 [--from 1] [--scenario lab] [--set PATH=VALUE]... [--fault NAME]... [--jobs N]
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fits } from '../src/cli/drill-draw.ts';
import { type RowOutcome, runRows } from '../src/cli/drill-pool.ts';
import type { RowTask } from '../src/cli/drill-row.ts';
import { FAULTS } from '../src/faults/catalogue/index.ts';
import { faultNamed } from '../src/faults/parse.ts';
import { sweepOf } from '../src/faults/sweep.ts';
import { planFor } from '../src/rehearsal/plan.ts';
import { readScenario } from '../src/scenario/read.ts';
import type { Scenario } from '../src/scenario/scenario.ts';

export interface SweepOptions {
  readonly scenario: Scenario;
  readonly seeds: readonly number[];
  /** Names of faults; all unless given. */
  readonly faults?: readonly string[];
  readonly jobs?: number;
  /** Called as runs end; `deviations` is empty where all is as expected. */
  readonly told: (run: { task: RowTask; outcome: RowOutcome; deviations: readonly string[] }) => void;
}

/** The runs of a sweep; what the scenario has no place for is left out. */
export function sweepTasks({ scenario, seeds, faults = [] }: Omit<SweepOptions, 'told' | 'jobs'>): RowTask[] {
  const chosen = faults.length === 0 ? FAULTS : faults.map((name) => faultNamed(name, FAULTS));
  return seeds.flatMap((seed) => {
    const { nodes } = planFor(scenario, seed);
    return chosen.flatMap((fault) =>
      sweepOf(fault, nodes)
        .filter((spec) => fits(scenario, spec, seed))
        .flatMap((spec) => {
          const refused = fault.refusedBy !== null ? [false] : [];
          return [...refused, true].map((allowed) => ({ scenario, seed, spec, allowed }));
        }),
    );
  });
}

/** @returns how many runs there were, and how many were not as expected */
export async function sweep(options: SweepOptions): Promise<{ runs: number; off: number }> {
  const tasks = sweepTasks(options);
  let off = 0;
  await runRows(tasks, {
    signal: new AbortController().signal,
    ...(options.jobs !== undefined && { jobs: options.jobs }),
    done: (index, outcome) => {
      const deviations = 'crashed' in outcome ? [`crashed: ${outcome.crashed}`] : outcome.result.deviations;
      if (deviations.length > 0) off++;
      options.told({ task: tasks[index]!, outcome, deviations });
    },
  });
  return { runs: tasks.length, off };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '3' },
      from: { type: 'string', default: '1' },
      scenario: { type: 'string', default: 'lab' },
      set: { type: 'string', multiple: true, default: [] },
      fault: { type: 'string', multiple: true, default: [] },
      jobs: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const file = values.scenario.includes('.')
    ? values.scenario
    : path.join(import.meta.dirname, `../scenarios/${values.scenario}.yaml`);
  const overrides = values.set.map((text) => {
    const at = text.indexOf('=');
    return { path: text.slice(0, at), value: text.slice(at + 1) };
  });
  const scenario = readScenario(file, values.scenario, overrides);
  const ends = new Map<string, number>();
  const { runs, off } = await sweep({
    scenario,
    seeds: Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.from) + index),
    faults: values.fault,
    jobs: Number(values.jobs),
    told: ({ task, outcome, deviations }) => {
      const how = 'crashed' in outcome ? 'crashed' : outcome.result.observed;
      const line = `${task.spec}: ${how}`;
      ends.set(line, (ends.get(line) ?? 0) + 1);
      for (const text of deviations) console.log(`seed ${task.seed}: ${task.spec}: ${text}`);
    },
  });
  for (const [line, times] of [...ends].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${times} × ${line}`);
  console.log(`${scenario.name}: ${runs} runs, ${off} not as expected`);
  if (off > 0 || runs === 0) process.exitCode = 1;
}
