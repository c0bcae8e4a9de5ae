/** Many runs, one result: what each job came to, the worst exit code, and a summary of all for people. Pure. */
import { recordOf } from '../compare/record.ts';
import { EXIT_CODES, type Verdict } from '../events/verdict.ts';
import { code, details, plain, table } from '../report/markdown.ts';
import type { Report } from '../report/report-types.ts';
import { secondsText, verdictWord } from '../report/words.ts';
import type { Excluded, Job, Matrix, VersionSource } from './job.ts';

/** What one job left behind. */
export interface JobResult {
  readonly job: Job;
  /** null: none was written, or it cannot be read. */
  readonly report: Report | null;
  /** Of the run; null: it was ended by a signal, or is not known. */
  readonly exitCode: number | null;
  /** Why there is no report, one sentence; empty where there is one. */
  readonly trouble: string;
}

export interface MatrixRun {
  readonly id: string;
  readonly name: string;
  readonly scenario: string;
  readonly provider: string;
  readonly cilium: string;
  readonly calico: string;
  readonly kubernetes: string;
  readonly verdict: Verdict;
  readonly simulated: boolean;
  readonly reason: string;
  readonly message: string;
  readonly failedCheckpoint: string | null;
  readonly exitCode: number;
  /** Seconds; null: there is no report. */
  readonly durationSeconds: number | null;
  /** The longest unexpected disruption of a pair, in seconds. */
  readonly disruptionSeconds: number | null;
}

export interface MatrixSummary {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly exitCode: number;
  readonly counts: Readonly<Partial<Record<Verdict, number>>>;
  readonly versions: VersionSource;
  readonly runs: readonly MatrixRun[];
  readonly excluded: readonly Excluded[];
  readonly notes: readonly string[];
}

/** From the worst to the best: a cancelled matrix says nothing, an unsafe migration counts more than a broken machine. */
const WORST_FIRST = [130, 1, 3, 64, 2, 0] as const;

/** The exit code of all; 0 of none. */
export function worstExitCode(codes: readonly number[]): number {
  // A code that no run of ours has is the environment's.
  const known = codes.map((code) => (WORST_FIRST.some((one) => one === code) ? code : EXIT_CODES.error));
  return WORST_FIRST.find((code) => known.includes(code)) ?? EXIT_CODES.passed;
}

export function mergeResults(
  matrix: Matrix,
  results: readonly JobResult[],
  tool: MatrixSummary['tool'],
): MatrixSummary {
  const runs = results.map(runOf);
  const counts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of runs) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return {
    schemaVersion: 1,
    tool,
    exitCode: worstExitCode(runs.map(({ exitCode }) => exitCode)),
    counts,
    versions: matrix.source,
    runs,
    excluded: matrix.excluded,
    notes: matrix.notes,
  };
}

function runOf({ job, report, exitCode, trouble }: JobResult): MatrixRun {
  const { id, name, scenario, provider, cilium, calico, kubernetes } = job;
  const common = { id, name, scenario, provider, cilium, calico, kubernetes };
  if (report === null) {
    const verdict = verdictOfCode(exitCode);
    return {
      ...common,
      ...{ verdict, simulated: provider === 'twin', reason: 'no-report', message: trouble, failedCheckpoint: null },
      ...{ exitCode: EXIT_CODES[verdict], durationSeconds: null, disruptionSeconds: null },
    };
  }
  // A run that passed without its evidence on disk ends with another code than its verdict's (decision 7).
  const spoilt = exitCode !== null && exitCode !== 0 && report.verdict === 'passed';
  const verdict = spoilt ? verdictOfCode(exitCode) : report.verdict;
  return {
    ...common,
    verdict,
    simulated: report.simulated,
    reason: report.reason,
    message: spoilt ? `it passed, and its command ended with exit code ${exitCode}` : report.message,
    failedCheckpoint: report.failedCheckpoint,
    exitCode: verdict === 'interrupted' ? EXIT_CODES.error : EXIT_CODES[verdict],
    durationSeconds: report.durationSeconds,
    disruptionSeconds: recordOf(report).disruption.unexpected.longestSeconds,
  };
}

/** A code without a report behind it: what is not ours is the environment's, and so is a pass that nothing proves. */
function verdictOfCode(exitCode: number | null): Exclude<Verdict, 'interrupted' | 'passed' | 'failed'> {
  if (exitCode === EXIT_CODES.cancelled) return 'cancelled';
  if (exitCode === EXIT_CODES.refused) return 'refused';
  return exitCode === EXIT_CODES['not-modelled'] ? 'not-modelled' : 'error';
}

/** Rows of a summary; more would not be read, and a step summary takes 1 MiB. */
const MOST_ROWS = 300;

export function matrixMarkdown(summary: MatrixSummary): string {
  const { runs, excluded, counts, versions, notes } = summary;
  const told = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  const lines = [
    `# Matrix: ${runs.length === 0 ? 'no runs' : told.join(', ')}`,
    '',
    `Versions of Cilium: ${versions.cilium} (${plain(versions.detail)}).`,
    ...notes.map((note) => `\n${plain(note)}.`),
    '',
    ...table(
      ['scenario', 'Cilium', 'Calico', 'Kubernetes', 'verdict', 'duration', 'longest unexpected disruption'],
      runs
        .slice(0, MOST_ROWS)
        .map((run) => [
          plain(run.scenario),
          run.cilium,
          run.calico,
          run.kubernetes,
          `${verdictWord(run)}${run.failedCheckpoint === null ? '' : ` at ${code(run.failedCheckpoint)}`}`,
          run.durationSeconds === null ? '' : secondsText(run.durationSeconds),
          run.disruptionSeconds === null ? '' : secondsText(run.disruptionSeconds),
        ]),
    ),
  ];
  if (runs.length > MOST_ROWS) lines.push('', `${runs.length - MOST_ROWS} more in matrix.json.`);
  const off = runs.filter(({ verdict }) => verdict !== 'passed');
  if (off.length > 0) {
    lines.push('', '## Not passed', '');
    for (const { name, reason, message } of off.slice(0, MOST_ROWS)) {
      lines.push(`- **${plain(name)}**: ${code(reason)}: ${plain(message.slice(0, 600))}`);
    }
  }
  if (excluded.length > 0) {
    lines.push(
      '',
      ...details(`Left out: ${excluded.length}`, [
        ...table(
          ['combination', 'reason'],
          excluded.slice(0, MOST_ROWS).map(({ name, reason }) => [plain(name), plain(reason)]),
        ),
        ...(excluded.length > MOST_ROWS ? ['', `${excluded.length - MOST_ROWS} more in matrix.json.`] : []),
      ]),
    );
  }
  return `${lines.join('\n')}\n`;
}
