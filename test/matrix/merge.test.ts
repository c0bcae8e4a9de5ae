/** Many runs, one result. */
import { describe, expect, test } from 'vitest';
import type { Job, Matrix } from '../../src/matrix/job.ts';
import { type JobResult, matrixMarkdown, mergeResults, worstExitCode } from '../../src/matrix/merge.ts';
import type { Report } from '../../src/report/report-types.ts';
import { reportOf } from '../compare/reports.ts';

const TOOL = { name: 'cni-rehearsal', version: '0.0.0' };
const SOURCE = { cilium: 'bundled', detail: 'the published index cannot be had: <b>503</b>' } as const;

function job(id: string): Job {
  return {
    ...{ id, name: `${id}, Cilium 1.19.6`, scenario: id, provider: 'twin', cilium: '1.19.6', calico: '3.31.7' },
    ...{
      kubernetes: '1.34.11',
      nodes: 5,
      support: 'tested',
      set: '',
      allow: '',
      fault: '',
      seed: 1,
      versions: 'bundled: x',
    },
  };
}

const ended = (id: string, report: Partial<Report> | null, exitCode: number | null, trouble = ''): JobResult => ({
  job: job(id),
  report: report === null ? null : reportOf(report),
  exitCode,
  trouble,
});

const merged = (results: readonly JobResult[], more: Partial<Matrix> = {}) =>
  mergeResults({ jobs: [], excluded: [], notes: [], source: SOURCE, ...more }, results, TOOL);

test.each([
  [[], 0],
  [[0, 0], 0],
  [[0, 2], 2],
  [[64, 2], 64],
  [[3, 64], 3],
  [[3, 1, 2], 1],
  [[1, 130, 0], 130],
  [[0, 7], 3],
  [[7], 3],
])('the worst of %j is %i', (codes, worst) => expect(worstExitCode(codes)).toBe(worst));

describe('a run', () => {
  test.each([
    ['passed', ended('a', { verdict: 'passed', exitCode: 0 }, 0), 'passed', 0],
    ['failed', ended('a', { verdict: 'failed', exitCode: 1 }, 1), 'failed', 1],
    ['interrupted', ended('a', { verdict: 'interrupted', exitCode: null }, null), 'interrupted', 3],
    ['that passed without its evidence', ended('a', { verdict: 'passed', exitCode: 0 }, 3), 'error', 3],
    ['without a report, refused', ended('a', null, 2, 'no such key'), 'refused', 2],
    ['without a report, not modelled', ended('a', null, 64), 'not-modelled', 64],
    ['without a report, killed', ended('a', null, null), 'error', 3],
    // Nothing proves a pass or a failure without a report.
    ['without a report, 0', ended('a', null, 0), 'error', 3],
    ['without a report, 1', ended('a', null, 1), 'error', 3],
    ['without a report, cancelled', ended('a', null, 130), 'cancelled', 130],
  ])('%s', (_what, result, verdict, exitCode) => {
    const summary = merged([result]);
    expect(summary.runs).toMatchObject([{ verdict, exitCode }]);
    expect(summary.exitCode).toBe(exitCode);
    expect(summary.counts).toEqual({ [verdict]: 1 });
  });
});

test('the summary for people holds every run, why it did not pass, what was left out, and is plain Markdown', () => {
  const summary = merged(
    [
      ended('good', { verdict: 'passed', exitCode: 0, simulated: true }, 0),
      ended(
        'bad',
        {
          verdict: 'failed',
          exitCode: 1,
          simulated: true,
          failedCheckpoint: 'switched/kind-worker',
          reason: 'pairs-unhealthy',
          message: 'pods | of @octocat <script>',
        },
        1,
      ),
      ended('gone', null, null, 'the run ended with a signal'),
    ],
    {
      notes: ['next: there is none'],
      excluded: [
        {
          name: 'ha, Cilium 1.14.19',
          scenario: 'ha',
          cilium: '1.14.19',
          calico: '3.31.7',
          kubernetes: null,
          reason: 'no Kubernetes',
        },
      ],
    },
  );
  const text = matrixMarkdown(summary);
  expect(text).toMatch(/^# Matrix: 1 passed, 1 failed, 1 error\n/);
  expect(text).toContain('| good | 1.19.6 | 3.31.7 | 1.34.11 | PASSED (simulated) |');
  expect(text).toContain('FAILED (simulated) at `switched/kind-worker`');
  expect(text).toContain('- **gone, Cilium 1.19.6**: `no-report`: the run ended with a signal');
  expect(text).toContain('| ha, Cilium 1.14.19 | no Kubernetes |');
  expect(text).toContain('Versions of Cilium: bundled');
  expect(text).toContain('next: there is none.');
  expect(text).not.toMatch(/<script>|<b>|@octocat/);
});
