/** `rehearse matrix --run`: the matrix without GitHub, and one result of all its runs. */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Job, Matrix } from '../matrix/job.ts';
import { type JobResult, matrixMarkdown, mergeResults } from '../matrix/merge.ts';
import { excludedText } from '../matrix/text.ts';
import { Cancelled } from '../rehearsal/outcome.ts';
import { writeWhole } from '../report/atomic.ts';
import { listInMarker } from '../report/directory.ts';
import { REPORT_FILE } from '../report/read.ts';
import { secondsText, verdictWord } from '../report/words.ts';
import { printable } from '../scenario/printable.ts';
import { RunProblem } from '../session/problem.ts';
import { prepareDirectory } from '../session/record.ts';
import { tool } from '../session/version.ts';
import { WallClock } from '../time/wall-clock.ts';
import { type Arguments, numberFlag } from './arguments.ts';
import { onSignals } from './interruption.ts';
import { runJobs } from './matrix-pool.ts';
import type { Output } from './output.ts';
import { DEFAULT_REPORT_DIRECTORY } from './run.ts';
import { UsageError } from './usage.ts';

export const MATRIX_FILE = 'matrix.json';
const MOST_AT_ONCE = 256;

/** @returns the exit code: that of the worst run; @throws UsageError, RunProblem before any run has begun */
export async function runMatrix(matrix: Matrix, args: Arguments, output: Output): Promise<number> {
  const at = numberFlag(args, 'jobs', 'matrix', 1, MOST_AT_ONCE);
  const onKind = matrix.jobs.some(({ provider }) => provider === 'kind');
  if (onKind && (at ?? 1) > 1) {
    throw new UsageError(
      `--jobs ${at}: kind clusters are made one at a time, they share the machine and their names`,
      'matrix',
    );
  }
  const directory = args.value('report') ?? DEFAULT_REPORT_DIRECTORY;
  prepareDirectory(directory);
  // What an earlier run left there would be taken for this one's.
  for (const { id } of matrix.jobs) rmSync(join(directory, id, REPORT_FILE), { force: true });
  const results = await runAll(matrix.jobs, { at: onKind ? 1 : (at ?? availableParallelism()), directory }, output);
  const summary = mergeResults(matrix, results, tool());
  const json = `${JSON.stringify(summary, null, 2)}\n`;
  const markdown = matrixMarkdown(summary);
  writeAll(directory, { [MATRIX_FILE]: json, 'summary.md': markdown });
  output.message(excludedText(matrix));
  output.message(`reports: ${printable(directory)}\n`);
  output.result(args.has('json') ? json : table(results));
  return summary.exitCode;
}

async function runAll(
  jobs: readonly Job[],
  { at, directory }: { at: number; directory: string },
  output: Output,
): Promise<JobResult[]> {
  const clock = new WallClock();
  const controller = new AbortController();
  using _signals = onSignals(
    (signal) => {
      output.message(`rehearse: ${signal}: ending the runs; reports will be written. Again: end at once.\n`);
      controller.abort(new Cancelled(signal));
    },
    // Runs whose parent is gone end by themselves: each has had the first signal.
    () => process.exit(130),
    () => clock.monotonic(),
  );
  let ended = 0;
  // Awaited here: signals are heard until the last run has ended.
  return await runJobs(jobs, {
    ...{ at, directory, clock, signal: controller.signal },
    done: (result) => output.message(`  ${++ended}/${jobs.length} ${lineOf(result)}\n`),
  });
}

function writeAll(directory: string, files: Readonly<Record<string, string>>): void {
  try {
    for (const [name, content] of Object.entries(files)) {
      listInMarker(directory, name);
      writeWhole(join(directory, name), content);
    }
  } catch (error) {
    throw new RunProblem('error', `the results of the matrix could not be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const table = (results: readonly JobResult[]): string => results.map((result) => `${lineOf(result)}\n`).join('');

function lineOf({ job, report, trouble }: JobResult): string {
  if (report === null) return `${job.name}: no report: ${trouble}`;
  const where = report.failedCheckpoint === null ? '' : ` at ${report.failedCheckpoint} (${report.reason})`;
  return `${job.name}: ${verdictWord(report)}${where} ${secondsText(report.durationSeconds)}`;
}
