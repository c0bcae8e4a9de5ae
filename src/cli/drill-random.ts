/** `rehearse drill --random N`: drawn scenarios with drawn faults, or none, each held against what it must end in. */
import { EXIT_CODES } from '../events/verdict.ts';
import { type Drawn, drawRow } from './drill-draw.ts';
import type { RowOutcome } from './drill-pool.ts';
import type { RowTask } from './drill-row.ts';
import { runUntilSignal } from './drill-signals.ts';
import type { Output } from './output.ts';

/** One drawn run, for programs. */
interface RandomRun {
  readonly seed: number;
  readonly scenario: string;
  /** As `--set` takes them. */
  readonly sets: readonly string[];
  /** null: none, so the run must pass. */
  readonly fault: string | null;
  readonly ruleAllowed: boolean;
  readonly expected: string;
  readonly observed: string;
  readonly asExpected: boolean;
  readonly deviations: readonly string[];
  /** The command that does it again. */
  readonly again: string;
}

/** @param seed of the first run; the others have the seeds after it, so that each can be had by itself */
export async function drillRandomly(count: number, seed: number, json: boolean, output: Output): Promise<number> {
  const rows = Array.from({ length: count }, (_, index) => drawRow(seed + index));
  let ended = 0;
  let off = 0;
  const told = (index: number, outcome: RowOutcome): void => {
    const run = randomRun(rows[index]!, outcome);
    if (!run.asExpected) off++;
    output.message(
      `  ${++ended}/${count} ${inWords(run)}: ${run.observed}${run.asExpected ? '' : ', NOT as expected'}\n`,
    );
  };
  const outcomes = await runUntilSignal(
    rows.map(({ task }) => task),
    told,
    json,
    output,
  );
  if (outcomes === undefined) return EXIT_CODES.cancelled;
  const runs = rows.map((row, index) => randomRun(row, outcomes[index]!));
  const asExpected = off === 0;
  if (json) output.result(`${JSON.stringify({ seed, asExpected, runs }, null, 2)}\n`);
  else output.result(summaryOf(runs));
  return asExpected ? EXIT_CODES.passed : EXIT_CODES.failed;
}

function randomRun({ drawn, task }: { drawn: Drawn; task: RowTask }, outcome: RowOutcome): RandomRun {
  const crashed = 'crashed' in outcome;
  const deviations = crashed ? [`crashed: ${outcome.crashed}`] : outcome.result.deviations;
  return {
    seed: drawn.seed,
    scenario: drawn.name,
    sets: drawn.sets,
    fault: task.spec,
    ruleAllowed: task.allowed,
    expected: crashed ? '' : outcome.result.expected,
    observed: crashed ? 'crashed' : outcome.result.observed,
    asExpected: deviations.length === 0,
    deviations,
    again: `rehearse drill --random 1 --seed ${drawn.seed}`,
  };
}

function inWords({ seed, scenario, sets, fault, ruleAllowed }: RandomRun): string {
  const over = sets.map((set) => ` --set ${set}`).join('');
  const broken = fault === null ? ', no fault' : `, ${fault}${ruleAllowed ? '' : ', its rule in place'}`;
  return `seed ${seed}: ${scenario}${over}${broken}`;
}

/** How often each end was seen, by fault, and all that is not as expected. Pure. */
export function summaryOf(runs: readonly RandomRun[]): string {
  const times = new Map<string, number>();
  for (const { fault, observed } of runs) {
    const name = fault === null ? 'no fault' : fault.replace(/:.*/, '');
    // Which node it was matters to nobody here.
    const line = `${name}: ${observed.replace(/\/.*/, '/*')}`;
    times.set(line, (times.get(line) ?? 0) + 1);
  }
  const off = runs.filter(({ asExpected }) => !asExpected);
  const lines = [
    ...[...times].sort(([a], [b]) => (a < b ? -1 : 1)).map(([line, count]) => `${String(count).padStart(5)} × ${line}`),
    '',
    ...off.flatMap((run) => [
      `${inWords(run)}: expected ${run.expected === '' ? 'an end' : run.expected}`,
      ...run.deviations.map((text) => `  ${text}`),
      `  again: ${run.again}`,
    ]),
    off.length === 0 ? `all ${runs.length} runs as expected` : `${off.length} of ${runs.length} runs not as expected`,
  ];
  return `${lines.join('\n')}\n`;
}
