/** Jobs of a matrix as processes of `rehearse run`, so many at a time; results come back in the order of the jobs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job } from '../matrix/job.ts';
import type { JobResult } from '../matrix/merge.ts';
import { ReportUnreadable, readReport } from '../report/read.ts';
import type { Report } from '../report/report-types.ts';
import { printable } from '../scenario/printable.ts';
import { PUBLISHED_SINCE } from '../scenario/versions.ts';
import type { Clock } from '../time/clock.ts';

const START = fileURLToPath(new URL('./start.ts', import.meta.url));
/** What is kept of a run's stderr, for one that leaves no report. */
const MOST_STDERR = 8_000;
/** A run has deadlines of its own for every wait; one that takes longer than a GitHub job may is stuck. */
const RUN_TIMEOUT_MS = 6 * 3_600_000;
/** From the wish to end a run to its end by force. */
const GRACE_MS = 120_000;

export interface PoolOptions {
  readonly at: number;
  /** The directory of all; each run has one of its own below it, named as its job. */
  readonly directory: string;
  readonly clock: Clock;
  /** Aborted to end all runs; those that have begun end in good order. */
  readonly signal: AbortSignal;
  readonly done: (result: JobResult) => void;
}

export async function runJobs(jobs: readonly Job[], options: PoolOptions): Promise<JobResult[]> {
  const results = new Array<JobResult>(jobs.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < jobs.length) {
      const index = next++;
      const job = jobs[index]!;
      const result = options.signal.aborted ? notStarted(job) : await runJob(job, options);
      results[index] = result;
      options.done(result);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(options.at, jobs.length)) }, work));
  return results;
}

const notStarted = (job: Job): JobResult => ({
  job,
  report: null,
  exitCode: 130,
  trouble: 'cancelled before it began',
});

async function runJob(job: Job, { directory, clock, signal }: PoolOptions): Promise<JobResult> {
  const report = join(directory, job.id);
  using deadline = clock.deadline(RUN_TIMEOUT_MS, signal);
  const { exitCode, stderr } = await ended(spawnRun(job, report), deadline.signal, clock);
  // A process that was too young to listen is ended by the signal itself.
  if (exitCode === null && signal.aborted) return notStarted(job);
  return { job, exitCode, ...readBack(report, exitCode, stderr) };
}

function spawnRun(job: Job, report: string): ChildProcess {
  const each = (flag: string, text: string): string[] =>
    text.split('\n').flatMap((value) => (value === '' ? [] : [`--${flag}=${value}`]));
  const words = [
    ...['run', job.scenario, '--provider', job.provider, '--seed', String(job.seed), '--report', report, '--quiet'],
    ...[...each('set', job.set), ...each('allow', job.allow), ...each('fault', job.fault)],
  ];
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', START, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, [PUBLISHED_SINCE]: job.cilium },
  });
}

/** Resolves when the process is gone; the signal asks it to end, and past its grace it is ended by force. */
function ended(
  child: ChildProcess,
  signal: AbortSignal,
  clock: Clock,
): Promise<{ exitCode: number | null; stderr: string }> {
  return new Promise((resolve) => {
    let stderr = '';
    const over = new AbortController();
    const stop = (): void => {
      child.kill('SIGTERM');
      // Rejected when the process has gone in time: then there is nobody to kill.
      clock.sleep(GRACE_MS, over.signal).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      );
    };
    const gone = (exitCode: number | null): void => {
      signal.removeEventListener('abort', stop);
      over.abort();
      resolve({ exitCode, stderr });
    };
    child.stderr?.on('data', (data: Buffer) => {
      stderr = (stderr + data.toString()).slice(-MOST_STDERR);
    });
    child.on('error', (error) => {
      stderr += error.message;
      // A process that was never made has no `close`.
      if (child.pid === undefined) gone(null);
    });
    child.on('close', gone);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** A report beside an exit code that is not of its verdict is of an earlier run, or was not finished. */
function readBack(directory: string, exitCode: number | null, stderr: string): Pick<JobResult, 'report' | 'trouble'> {
  const said = printable(stderr.trim().split('\n').at(-1) ?? '', 600);
  const trouble = said === '' ? `the run ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}` : said;
  let report: Report;
  try {
    report = readReport(directory);
  } catch (error) {
    if (!(error instanceof ReportUnreadable)) throw error;
    return { report: null, trouble };
  }
  const own = report.exitCode === exitCode || (report.verdict === 'passed' && exitCode === 3);
  return own ? { report, trouble: '' } : { report: null, trouble };
}
