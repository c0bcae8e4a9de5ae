/** `rehearse matrix` as its user and a workflow meet it, with real processes. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MatrixSummary } from '../../src/matrix/merge.ts';
import { readJson, startRehearse } from '../cli/processes.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-matrix-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const matrix = (...words: string[]) => startRehearse(directory, 'matrix', ...words).ended;
const at = (...parts: string[]): string => path.join(directory, ...parts);

describe('for GitHub', () => {
  test('--json is one document that is a matrix as it stands: include, and nothing that would be an axis', async () => {
    const { code, stdout, stderr } = await matrix('lab', 'hundred', '--cilium', 'last-2', '--max-jobs', '3', '--json');
    expect(code).toBe(0);
    const parsed = JSON.parse(stdout) as { include: Record<string, unknown>[] };
    expect(Object.keys(parsed)).toEqual(['include']);
    expect(parsed.include).toHaveLength(3);
    for (const job of parsed.include) {
      for (const value of Object.values(job)) expect(['string', 'number']).toContain(typeof value);
    }
    expect(stderr).toMatch(/left out: 1\n.*over the cap of 3 jobs\n/);
  });

  test('on kind, without the network: the bundled table, and it is said', async () => {
    const words = ['lab', 'hundred', '--provider', 'kind', '--cilium', 'next', '--index', 'http://127.0.0.1:1/'];
    const { code, stdout, stderr } = await matrix(...words, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      include: [{ scenario: 'lab', provider: 'kind', cilium: '1.21.0-pre.0' }],
    });
    expect(stderr).toMatch(
      /^versions of Cilium: bundled, the published index cannot be had: http:\/\/127\.0\.0\.1:1\/index\.yaml: /,
    );
    expect(stderr).toMatch(/hundred is not meant for the provider kind/);
  });
});

describe('what is wrong is refused before anything is touched', () => {
  test.each([
    [['lab', '--cilium', '1.91'], /--cilium 1\.91: there is no known cilium version 1\.91; did you mean/],
    [['lab', '--cilium', '1.18.3'], /there is no known cilium version 1\.18\.3/],
    [['lbo'], /there is no scenario lbo; did you mean lab\?/],
    [['lab', '--include', 'cilum=1.19'], /there is no key cilum; did you mean cilium\?/],
    [['lab', '--include', 'cilium=1.18'], /no combination is left/],
    [['lab', '--max-jobs', '257'], /a whole number from 1 to 256 is wanted/],
    [['lab', '--report', 'out'], /--report needs --run/],
    [['lab', '--jobs', '2'], /--jobs needs --run/],
    [['lab', '--allow', 'pod-cidr-overlp'], /there is no such rule; did you mean pod-cidr-overlap\?/],
    [['lab', '--fault', 'tunel-port-clash'], /did you mean tunnel-port-clash\?/],
    [['lab', '--set', 'cluster.workrs=2'], /unknown key; did you mean workers\?/],
    [['lab', '--index', 'ftp://x', '--provider', 'kind'], /an http or https URL or the word bundled is wanted/],
    [['lab', '--index', 'https://x'], /--index is for --provider kind/],
    [
      ['lab', '--provider', 'kind', '--index', 'bundled', '--run', '--jobs', '2'],
      /kind clusters are made one at a time/,
    ],
    [['lab', '--provider', 'existing'], /one of twin, kind is wanted/],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await matrix(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(at('rehearsal-report'))).toBe(false);
  });

  test('a report directory that is somebody’s', async () => {
    const { code, stderr } = await matrix('minimal', '--run', '--report', '.');
    expect(code).toBe(2);
    expect(stderr).toMatch(/it exists and was not made by rehearse/);
  });
});

describe('--run', () => {
  test('every job has its report, all together one result, and the exit code is that of the worst', async () => {
    const words = [
      'minimal',
      '--cilium',
      '1.19',
      '--cilium',
      '1.20',
      '--set',
      'migration.drain.timeout=2s',
      '--jobs',
      '2',
    ];
    const { code, stdout, stderr } = await matrix(...words, '--run', '--report', 'drain', '--json');
    expect(code).toBe(1);
    const summary = JSON.parse(stdout) as MatrixSummary;
    expect(summary).toMatchObject({
      exitCode: 1,
      counts: { failed: 2 },
      runs: [
        { cilium: '1.19.6', verdict: 'failed', reason: 'drain-blocked', failedCheckpoint: 'drained/kind-worker' },
        { cilium: '1.20.0', verdict: 'failed' },
      ],
    });
    expect(readFileSync(at('drain', 'matrix.json'), 'utf8')).toBe(stdout);
    expect(readFileSync(at('drain', 'summary.md'), 'utf8')).toMatch(/^# Matrix: 2 failed\n/);
    for (const { id, verdict } of summary.runs) {
      expect(readJson(at('drain', id, 'report.json'))).toMatchObject({ verdict, versions: {} });
    }
    expect(stderr).toMatch(/ 2\/2 .*FAILED \(simulated\) at drained\/kind-worker/);
  });

  test('a rule that is in the way and one that is allowed: both are handed on to the runs', async () => {
    const words = ['minimal', '--set', 'cilium.tunnelPort=4789', '--run', '--json', '--report', 'rules'];
    const refused = await matrix(...words);
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({ runs: [{ verdict: 'refused', reason: 'rule-refused' }] });
    const allowed = await matrix(...words, '--allow', 'tunnel-port-clash');
    expect(allowed.code).toBe(1);
    expect(JSON.parse(allowed.stdout)).toMatchObject({
      runs: [{ verdict: 'failed', failedCheckpoint: 'secondary-installed' }],
    });
  });

  test('SIGINT ends the run in hand in good order, begins no other, and 130 is the worst', async () => {
    const running = startRehearse(
      directory,
      ...['matrix', 'minimal', 'lab', 'ha', '--jobs', '1'],
      '--run',
      '--json',
      '--report',
      'cut',
    );
    expect(await running.says('1/3 ')).toBe(true);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(130);
    const { runs } = JSON.parse(stdout) as MatrixSummary;
    expect(runs.map(({ verdict }) => verdict)).toEqual(['passed', 'cancelled', 'cancelled']);
    expect(runs[2]).toMatchObject({ message: 'cancelled before it began', durationSeconds: null });
    expect(stderr).toMatch(/SIGINT: ending the runs/);
  });
});
