/** The scripts of the workflows as GitHub starts them: processes with its variables, and its API on the loopback. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkName, matrixWords } from '../../scripts/lib/matrix-words.ts';
import type { Job, Matrix } from '../../src/matrix/job.ts';
import type { NightHistory } from '../../src/nightly/night.ts';
import type { Report } from '../../src/report/report-types.ts';
import { reportOf } from '../compare/reports.ts';
import { FakeGitHub } from '../nightly/fake-github.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let directory: string;
const at = (...parts: string[]): string => path.join(directory, ...parts);
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'workflow-scripts-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Outputs that the step has set. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Runs a script with nothing in its environment but these and what GitHub sets. */
function run(script: string, words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const files = { GITHUB_OUTPUT: at('output'), GITHUB_STEP_SUMMARY: at('summary') };
  for (const file of Object.values(files)) writeFileSync(file, '');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, 'scripts', script), ...words], {
      cwd: directory,
      env: { PATH: process.env.PATH, ...files, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = readFileSync(files.GITHUB_OUTPUT, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const outputs = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
      resolve({ code, stdout, stderr, outputs, summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8') });
    });
  });
}

const jobsOf = (outputs: Ended['outputs']): Job[] => (JSON.parse(outputs.matrix!) as { include: Job[] }).include;
const planIn = (file: string): Matrix => JSON.parse(readFileSync(file, 'utf8')) as Matrix;

describe('plan-matrix', () => {
  test('inputs become the matrix of GitHub, and what was left out is in the summary', async () => {
    const { code, outputs, summary } = await run('plan-matrix.ts', [], {
      SCENARIOS: 'lab hundred\nha',
      PROVIDER: 'kind',
      CILIUM: 'last-2, next',
      INDEX: 'bundled',
      EXCLUDE: 'cilium=1.20,scenario=ha\n\n',
      SET: 'migration.batchSize=2\nprobes.interval=5s',
      PLAN: at('plan.json'),
      NAME: 'weekly_2-kind',
    });
    expect(code).toBe(0);
    expect(jobsOf(outputs).map(({ name }) => name)).toEqual([
      'lab, Cilium 1.20.0, Calico 3.31.7, Kubernetes 1.34.11',
      'lab, Cilium 1.19.6, Calico 3.31.7, Kubernetes 1.34.11',
      'lab, Cilium 1.21.0-pre.0, Calico 3.31.7, Kubernetes 1.34.11',
      'ha, Cilium 1.19.6, Calico 3.31.7, Kubernetes 1.34.11',
      'ha, Cilium 1.21.0-pre.0, Calico 3.31.7, Kubernetes 1.34.11',
    ]);
    expect(jobsOf(outputs)[1]!.set).toBe('migration.batchSize=2\nprobes.interval=5s');
    expect(outputs.jobs).toBe('5');
    expect(summary).toMatch(/hundred is not meant for the provider kind/);
    expect(summary).toMatch(/versions of Cilium: bundled, as asked/);
    const plan = planIn(at('plan.json'));
    expect(plan.jobs).toEqual(jobsOf(outputs));
    expect(plan.excluded.map(({ reason }) => reason)).toContain('--exclude cilium=1.20,scenario=ha');
  });

  test('with a broken index the bundled table does, and it is said, in every job too', async () => {
    const { code, outputs, summary } = await run('plan-matrix.ts', [], {
      PROVIDER: 'kind',
      CILIUM: 'latest',
      INDEX: 'http://127.0.0.1:1',
    });
    expect(code).toBe(0);
    expect(jobsOf(outputs)).toMatchObject([
      { cilium: '1.20.0', versions: expect.stringMatching(/^bundled: the published index cannot be had/) },
    ]);
    expect(summary).toContain('bundled, the published index cannot be had');
  });

  test.each([
    [{ CILIUM: '1.91' }, /there is no known cilium version 1\.91/],
    [{ SCENARIOS: '--run' }, /there is no scenario --run/],
    [{ MAX_JOBS: '0' }, /a whole number from 1 to 256 is wanted/],
    [{ EXCLUDE: 'scenario=lab' }, /--exclude scenario=lab\n[\s\S]*no combination is left/],
    [{ SCENARIOS: 'mine.yaml' }, /mine\.yaml/],
  ])('%j is refused, without an output or a plan', async (env, message) => {
    const { code, outputs, summary } = await run('plan-matrix.ts', [], { ...env, PLAN: at('plan.json') });
    expect({ code, outputs }).toEqual({ code: 2, outputs: {} });
    expect(summary).toMatch(message);
    expect(existsSync(at('plan.json'))).toBe(false);
  });

  test.each(['a.b', 'a*', 'a b', '{a}', '../a', 'x'.repeat(61)])('artifacts may not begin with %j', (NAME) => {
    expect(() => checkName({ NAME })).toThrow(/^name: ".*": at most 60 letters, digits, - and _ are wanted$/);
  });

  test('a name for artifacts that cannot be is refused before anything is planned', async () => {
    const { code, outputs, stderr } = await run('plan-matrix.ts', [], { NAME: 'a.b', SCENARIOS: 'none' });
    expect({ code, outputs }).toEqual({ code: 3, outputs: {} });
    expect(stderr).toMatch(/^name: "a\.b": at most/);
    for (const NAME of ['', 'rehearsal', 'weekly_2-kind']) expect(() => checkName({ NAME })).not.toThrow();
  });

  test('no input can become another flag', () => {
    expect(
      matrixWords({ SCENARIOS: '--run lab', SET: 'a=b --run', CILIUM: '--run', PROVIDER: 'twin\n--run', MAX_JOBS: '' }),
    ).toEqual([...['--provider=twin', '--cilium=--run', '--set=a=b --run', '--', '--run', 'lab']]);
  });
});

/** The plan of a matrix of two jobs among the reports, and a report for each that is given. */
async function planned(reports: readonly (Partial<Report> | null)[], env: Record<string, string> = {}): Promise<Job[]> {
  mkdirSync(at('reports'), { recursive: true });
  const { outputs, stderr } = await run('plan-matrix.ts', [], {
    ...{ SCENARIOS: 'lab minimal', PROVIDER: 'kind', INDEX: 'bundled', PLAN: at('reports', 'plan.json'), ...env },
  });
  expect(outputs, stderr).toHaveProperty('matrix');
  const jobs = jobsOf(outputs);
  for (const [index, report] of reports.entries()) leave(jobs[index]!, report);
  return jobs;
}

function leave(job: Job, report: Partial<Report> | null, attempt = ''): void {
  if (report === null) return;
  const place = at('reports', job.id, attempt);
  mkdirSync(place, { recursive: true });
  writeFileSync(
    path.join(place, 'report.json'),
    JSON.stringify(reportOf({ provider: 'kind', simulated: false, ...report })),
  );
}

const PASSED: Partial<Report> = { verdict: 'passed', exitCode: 0 };
const FAILED: Partial<Report> = {
  verdict: 'failed',
  reason: 'pairs-unhealthy',
  exitCode: 1,
  failedCheckpoint: 'final',
  message: 'pods cannot',
};
const ERROR: Partial<Report> = {
  verdict: 'error',
  reason: 'download-failed',
  exitCode: 3,
  message: 'a registry answered 429',
};

describe('merge-reports', () => {
  test.each([
    ['all passed', [PASSED, PASSED], 0, /# Matrix: 2 passed/],
    ['one failed', [PASSED, FAILED], 1, /FAILED at `final`/],
    ['one left no report', [PASSED, null], 3, /# Matrix: 1 passed, 1 error/],
    ['failed is worse than no report', [FAILED, null], 1, /no-report/],
  ])('%s', async (_what, reports, exitCode, told) => {
    await planned(reports);
    const { code, outputs, summary } = await run('merge-reports.ts', [at('reports')], {});
    expect(code).toBe(exitCode);
    expect(outputs).toEqual({ 'exit-code': String(exitCode) });
    expect(summary).toMatch(told);
    expect(summary).toContain('Versions of Cilium: bundled (as asked)');
    expect(JSON.parse(readFileSync(at('reports', 'matrix.json'), 'utf8'))).toMatchObject({ exitCode });
  });

  test('what was left out, and why, is in the merged summary too', async () => {
    await planned([PASSED, PASSED], {
      SCENARIOS: 'lab minimal hundred',
      CILIUM: 'latest next',
      EXCLUDE: 'cilium=1.99',
    });
    const { summary } = await run('merge-reports.ts', [at('reports')], {});
    expect(summary).toMatch(/Left out: 2/);
    expect(summary).toMatch(/hundred is not meant for the provider kind/);
    expect(summary).toMatch(/--exclude cilium=1\.99 matches no combination/);
  });

  test('a matrix of more bytes than Linux takes in one variable is merged', async () => {
    const line = `probes.interval=${'5'.repeat(3_000)}s`;
    const jobs = await planned([], {
      SCENARIOS: 'lab minimal geneve',
      PROVIDER: 'twin',
      INDEX: '',
      CALICO: 'last-6',
      CILIUM: 'last-7',
    });
    const file = at('reports', 'plan.json');
    const plan = planIn(file);
    writeFileSync(file, JSON.stringify({ ...plan, jobs: plan.jobs.map((job) => ({ ...job, set: line })) }));
    expect(readFileSync(file, 'utf8').length).toBeGreaterThan(128 * 1_024);
    for (const job of jobs) leave(job, PASSED);
    const { code, stdout, stderr } = await run('merge-reports.ts', [at('reports')], {});
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ passed: jobs.length });
  });

  test.each([
    [null, /^.*plan\.json: no plan can be read there \(ENOENT/],
    ['{', /^.*plan\.json: no plan can be read there \(/],
    ['null', /^.*plan\.json is no plan of/],
    ['{"jobs":[{"id":7}],"excluded":[],"notes":[],"source":{"cilium":"bundled","detail":""}}', /is no plan of/],
    ['{"jobs":[],"excluded":[],"notes":[]}', /is no plan of/],
  ])('with the plan %j: 3 and one line', async (plan, message) => {
    mkdirSync(at('reports'));
    if (plan !== null) writeFileSync(at('reports', 'plan.json'), plan);
    const { code, stderr } = await run('merge-reports.ts', [at('reports')], {});
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('nightly', () => {
  const night = (github: FakeGitHub, runId: string) =>
    run('nightly.ts', [at('reports'), at('out')], {
      ...{ GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'o/r', GITHUB_TOKEN: 'secret-token' },
      ...{
        GITHUB_RUN_ID: runId,
        GITHUB_SHA: 'c0ffee',
        GITHUB_SERVER_URL: 'https://github.example',
        RETRY_PAUSE_MS: '1',
      },
    });
  /** Only the plan is left, as it comes with every night. */
  const startOver = (): void => {
    const plan = readFileSync(at('reports', 'plan.json'));
    rmSync(at('reports'), { recursive: true, force: true });
    mkdirSync(at('reports'));
    writeFileSync(at('reports', 'plan.json'), plan);
  };

  test('a regression opens one issue, the next night updates it, recovery closes it, and history is kept', async () => {
    await using github = await FakeGitHub.start();
    const jobs = await planned([PASSED, PASSED]);
    const first = await night(github, '1');
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: 'issue: nothing\n' });
    expect(github.issues).toEqual([]);

    startOver();
    for (const attempt of ['attempt-1', 'attempt-2']) leave(jobs[0]!, FAILED, attempt);
    leave(jobs[1]!, PASSED, 'attempt-1');
    expect(await night(github, '2')).toMatchObject({ code: 0, stdout: 'issue: open\n' });
    expect(github.issues).toMatchObject([{ state: 'open', labels: ['nightly-regression'], comments: [] }]);
    expect(github.issues[0]!.body).toContain('### lab, Cilium 1.19, Calico 3.31');

    expect(await night(github, '3')).toMatchObject({ code: 0, stdout: 'issue: update\n' });
    expect(github.issues).toMatchObject([{ state: 'open', comments: [] }]);
    expect(github.issues[0]!.body).toContain('/actions/runs/3');

    startOver();
    for (const job of jobs) leave(job, ERROR, 'attempt-1');
    expect(await night(github, '4')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^issue: nothing$/m) });

    startOver();
    for (const job of jobs) leave(job, PASSED, 'attempt-1');
    const last = await night(github, '5');
    expect(last).toMatchObject({ code: 0, stdout: 'issue: close\n' });
    expect(github.issues).toMatchObject([{ state: 'closed', state_reason: 'completed' }]);
    expect(github.issues[0]!.comments).toHaveLength(1);

    const { nights } = github.history() as NightHistory;
    expect(nights.map(({ runId, open }) => [runId, open.length])).toEqual([
      ['1', 0],
      ['2', 1],
      ['3', 1],
      ['4', 1],
      ['5', 0],
    ]);
    expect(readFileSync(at('out', 'index.html'), 'utf8')).toContain('FAILED, regression');
    expect(last.summary).toMatch(/# Nightly rehearsals[\s\S]*Issue: closed\./);
    expect(github.unauthorized).toEqual([]);
  });

  test('failing machines and lost reports, night after night, open nothing', async () => {
    await using github = await FakeGitHub.start();
    const jobs = await planned([PASSED, PASSED]);
    await night(github, '1');
    startOver();
    leave(jobs[0]!, ERROR, 'attempt-1');
    for (const [runId, nights] of Object.entries({ 2: '1 night', 3: '2 nights', 4: '3 nights' })) {
      const stdout = `::warning::No job has said anything of the migration for ${nights}.\nissue: nothing\n`;
      expect(await night(github, runId)).toMatchObject({ code: 0, stdout });
    }
    startOver();
    const { summary } = await night(github, '5');
    expect(summary).toMatch(/infrastructure \| 0 \| no report/);
    expect(github.issues).toEqual([]);
  });

  test('outages of GitHub that pass are outlasted', async () => {
    await using github = await FakeGitHub.start();
    await planned([PASSED, PASSED]);
    github.trouble.push({ match: /GET/, status: 503, times: 2 }, { match: /PUT/, status: 429, times: 1 });
    expect(await night(github, '1')).toMatchObject({ code: 0 });
    expect((github.history() as NightHistory).nights).toHaveLength(1);
  });

  test('what does not pass ends with 3 and its reason; the night is on disk, and run again it is whole', async () => {
    await using github = await FakeGitHub.start();
    const jobs = await planned([FAILED, PASSED]);
    leave(jobs[0]!, FAILED, 'attempt-2');
    github.trouble.push({ match: /POST issues$/, status: 403, times: 1 });
    const { code, stderr } = await night(github, '1');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^POST o\/r\/issues: GitHub answered 403 made to fail\n$/);
    expect(JSON.parse(readFileSync(at('out', 'nights.json'), 'utf8'))).toMatchObject({ nights: [{ runId: '1' }] });
    expect(github.history()).toBeNull();
    expect(await night(github, '1')).toMatchObject({ code: 0, stdout: 'issue: open\n' });
    expect(github.issues).toHaveLength(1);
    // And once more: the issue that is there is taken for what it is.
    expect(await night(github, '1')).toMatchObject({ code: 0, stdout: 'issue: update\n' });
    expect(github.issues).toMatchObject([{ comments: [] }]);
    expect((github.history() as NightHistory).nights).toHaveLength(1);
  });

  test('a history that cannot be read is not written over', async () => {
    await using github = await FakeGitHub.start();
    github.branches.add('nightly-history');
    github.files.set('nightly-history:nights.json', '{"schemaVersion":9}');
    await planned([PASSED, PASSED]);
    const { code, stderr } = await night(github, '1');
    expect(code).toBe(3);
    expect(stderr).toMatch(/the history has another form/);
    expect(github.files.get('nightly-history:nights.json')).toBe('{"schemaVersion":9}');
  });

  test('without GitHub at all: 3, one line', async () => {
    const github = await FakeGitHub.start();
    await github[Symbol.asyncDispose]();
    await planned([PASSED, PASSED]);
    const { code, stderr } = await night(github, '1');
    expect(code).toBe(3);
    expect(stderr).toMatch(/ECONNREFUSED/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(at('out'))).toBe(false);
  });
});
