/**
 * One summary of the jobs of a matrix: node scripts/merge-reports.ts REPORTS
 *
 * REPORTS holds the plan.json of scripts/plan-matrix.ts and a directory for each job, named by its id, with its report.json;
 * matrix.json is written beside them. Exit code: that of the worst job; a job without a report is an error, 3.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../src/matrix/job.ts';
import { type JobResult, matrixMarkdown, mergeResults } from '../src/matrix/merge.ts';
import { ReportUnreadable, readReport } from '../src/report/read.ts';
import { tool } from '../src/session/version.ts';
import { EnvironmentProblem, script, stepOutput, stepSummary } from './lib/environment.ts';
import { readPlan } from './lib/plan.ts';

function resultOf(reports: string, job: Job): JobResult {
  try {
    const report = readReport(join(reports, job.id));
    return { job, report, exitCode: report.exitCode, trouble: '' };
  } catch (error) {
    if (!(error instanceof ReportUnreadable)) throw error;
    return { job, report: null, exitCode: null, trouble: error.message };
  }
}

await script(() => {
  const { env } = process;
  const [reports] = process.argv.slice(2);
  if (reports === undefined) throw new EnvironmentProblem('usage: merge-reports.ts REPORTS');
  const plan = readPlan(reports);
  const results = plan.jobs.map((job) => resultOf(reports, job));
  const summary = mergeResults(plan, results, tool());
  writeFileSync(join(reports, 'matrix.json'), `${JSON.stringify(summary, null, 2)}\n`);
  stepSummary(env, matrixMarkdown(summary));
  stepOutput(env, 'exit-code', String(summary.exitCode));
  process.stdout.write(`${JSON.stringify(summary.counts)}\n`);
  return summary.exitCode;
});
