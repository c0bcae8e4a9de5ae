/** The command as its user meets it: real processes, real files, real signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const REHEARSE = fileURLToPath(new URL('../../bin/rehearse', import.meta.url));
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ended = (child: ChildProcess): Promise<Ended> =>
  new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (data: Buffer) => (stdout += data));
    child.stderr?.on('data', (data: Buffer) => (stderr += data));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: signal === null ? code : 128, stdout, stderr }));
  });

const start = (...words: string[]): ChildProcess =>
  spawn(REHEARSE, words, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });

const rehearse = (...words: string[]): Promise<Ended> => ended(start(...words));

describe('help, version and refusals', () => {
  test('--help names the commands, --version the version', async () => {
    const [help, version, run] = await Promise.all([
      rehearse('--help'),
      rehearse('--version'),
      rehearse('run', '--help'),
    ]);
    expect(help.code).toBe(0);
    for (const command of ['run', 'plan', 'check', 'list', 'report']) expect(help.stdout).toContain(`  ${command}`);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run.stdout).toContain('--expect VERDICT[:CHECKPOINT]');
  });

  test('bad input touches nothing, and no stack trace is shown', async () => {
    const { code, stderr } = await rehearse('run', '--set', 'cluster.workers=none');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^rehearse: --set cluster\.workers: .*whole number/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(directory, 'rehearsal-report'))).toBe(false);
  });

  test('a foreign report directory is left alone', async () => {
    mkdirSync(join(directory, 'foreign'));
    writeFileSync(join(directory, 'foreign', 'mine.txt'), 'mine');
    const { code, stderr } = await rehearse('run', 'minimal', '--report', 'foreign');
    expect(code).toBe(2);
    expect(stderr).toMatch(/foreign.*--report/);
    expect(readdirSync(join(directory, 'foreign'))).toEqual(['mine.txt']);
  });

  test('check answers 0, 2 and 64', async () => {
    const [valid, invalid, lacking, value] = await Promise.all([
      rehearse('check', 'lab', '--json'),
      rehearse('check', 'lab', '--set', 'gate.observe=soon', '--json'),
      rehearse('check', 'lab', '--set', 'cilium.version=1.19.1'),
      rehearse('check', 'lab', '--set', 'cilium.values.encryption.enabled=true'),
    ]);
    expect([valid.code, invalid.code, lacking.code, value.code]).toEqual([0, 2, 64, 64]);
    expect(JSON.parse(valid.stdout)).toMatchObject({ valid: true, scenario: { cluster: { workers: 4 } } });
    expect(JSON.parse(invalid.stdout)).toMatchObject({ verdict: 'refused', problems: [{ path: 'gate.observe' }] });
    expect(value.stdout).toContain('encryption.enabled');
  });

  test('check tells every rule, refuses by what the user wrote, and --allow makes a finding of it', async () => {
    const overlap = ['check', 'lab', '--set', 'cilium.podCIDR=192.168.0.0/16'];
    const [refused, json, allowed, unknown] = await Promise.all([
      rehearse(...overlap),
      rehearse(...overlap, '--json'),
      rehearse(...overlap, '--allow', 'pod-cidr-overlap', '--json'),
      rehearse(...overlap, '--allow', 'pod-cidr-overlp'),
    ]);
    expect([refused.code, json.code, allowed.code, unknown.code]).toEqual([2, 2, 0, 2]);
    expect(refused.stdout).toMatch(
      /✗ pod-cidr-overlap +refused\n +--set cilium\.podCIDR: 192\.168\.0\.0\/16 of Cilium overlaps/,
    );
    expect(refused.stdout).toMatch(/\(lab\.yaml:\d+:\d+: calico\.cidr\)/);
    expect(refused.stdout).toMatch(/refused by pod-cidr-overlap\n$/);
    const told = JSON.parse(json.stdout) as { verdict: string; rules: { rule: string; outcome: string }[] };
    expect(told).toMatchObject({ verdict: 'refused', live: false });
    const listed = JSON.parse((await rehearse('list', 'rules', '--json')).stdout) as { id: string }[];
    expect(told.rules.map(({ rule }) => rule)).toEqual(listed.map(({ id }) => id));
    expect(JSON.parse(allowed.stdout)).toMatchObject({
      verdict: 'passed',
      rules: expect.arrayContaining([
        expect.objectContaining({ rule: 'pod-cidr-overlap', outcome: 'allowed' }),
      ]) as unknown,
    });
    expect(unknown.stderr).toContain('did you mean pod-cidr-overlap?');
  });

  test('check --live makes a cluster, judges it, and leaves nothing', async () => {
    const { code, stdout } = await rehearse('check', 'minimal', '--live', '--json');
    expect(code).toBe(0);
    const { rules, live } = JSON.parse(stdout) as { live: boolean; rules: { outcome: string }[] };
    expect(live).toBe(true);
    // In the cluster nothing is left open.
    expect(rules.filter(({ outcome }) => outcome === 'skipped')).toEqual([]);
    expect(existsSync(join(directory, 'rehearsal-report'))).toBe(false);
  });

  test('plan lists the checkpoints in order and touches nothing', async () => {
    const { code, stdout } = await rehearse('plan', 'minimal', '--json');
    expect(code).toBe(0);
    const { checkpoints } = JSON.parse(stdout) as { checkpoints: { id: string }[] };
    expect(checkpoints.map(({ id }) => id)).toEqual([
      'baseline',
      'prepared',
      'secondary-installed',
      'drained/kind-worker',
      'switched/kind-worker',
      'migrated/kind-worker',
      'drained/kind-control-plane',
      'switched/kind-control-plane',
      'migrated/kind-control-plane',
      'all-migrated',
      'finalized',
      'legacy-removed',
      'restarted/kind-worker',
      'restarted/kind-control-plane',
      'final',
    ]);
  });
});

describe('a run', () => {
  test('writes its reports, which `report` makes again from the events', async () => {
    const run = await rehearse('run', 'minimal', '--until', 'prepared', '--report', 'out', '--json');
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked', simulated: true });
    const files = readdirSync(join(directory, 'out'));
    expect(files).toEqual(expect.arrayContaining(['events.ndjson', 'report.json', 'summary.md', 'junit.xml']));
    expect(readFileSync(join(directory, 'out', 'summary.md'), 'utf8')).toContain('PASSED (simulated)');
    const again = await rehearse('report', 'out/events.ndjson', '--report', 'again');
    expect(again.code).toBe(0);
    for (const file of ['report.json', 'summary.md', 'junit.xml']) {
      expect(readFileSync(join(directory, 'again', file), 'utf8')).toBe(
        readFileSync(join(directory, 'out', file), 'utf8'),
      );
    }
    // The directory is ours: a second run may use it again.
    expect((await rehearse('run', 'minimal', '--until', 'baseline', '--report', 'out', '--quiet')).code).toBe(0);
  });

  test('--expect that is not met fails a run that passed', async () => {
    const words = ['run', 'minimal', '--until', 'baseline', '--report', 'expect', '--quiet'];
    const [met, missed] = [
      await rehearse(...words, '--expect', 'passed'),
      await rehearse(...words, '--expect', 'failed'),
    ];
    expect([met.code, missed.code]).toEqual([0, 1]);
    expect(missed.stderr).toContain('expected failed, but the run ended passed');
  });

  test('goes on when its output is closed', async () => {
    const child = start('run', 'minimal', '--until', 'baseline', '--report', 'closed', '--json');
    child.stdout?.destroy();
    child.stderr?.destroy();
    expect((await ended(child)).code).toBe(0);
    expect(existsSync(join(directory, 'closed', 'report.json'))).toBe(true);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it with a verdict and reports', async (signal) => {
    const child = start('run', 'lab', '--report', signal);
    child.stderr?.once('data', () => child.kill(signal));
    const { code, stderr } = await ended(child);
    expect(code).toBe(130);
    expect(stderr).toContain(signal);
    const report = JSON.parse(readFileSync(join(directory, signal, 'report.json'), 'utf8')) as { verdict: string };
    expect(report.verdict).toBe('cancelled');
  });

  test('killed, its events still tell how far it came', async () => {
    const child = start('run', 'lab', '--report', 'killed');
    child.stderr?.once('data', () => child.kill('SIGKILL'));
    expect((await ended(child)).code).toBe(128);
    const again = await rehearse('report', 'killed/events.ndjson');
    expect(again.code).toBe(0);
    const report = JSON.parse(readFileSync(join(directory, 'killed', 'report.json'), 'utf8')) as object;
    expect(report).toMatchObject({ verdict: 'interrupted', exitCode: null });
  });
});

describe('the launcher', () => {
  test('works through a link, from any directory', async () => {
    const link = join(directory, 'link');
    symlinkSync(REHEARSE, link);
    const { code, stdout } = await ended(spawn(link, ['--version'], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d/);
  });

  test('says what is missing when there is no Node 24', async () => {
    const root = join(directory, 'bare');
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'bin', 'rehearse'), readFileSync(REHEARSE));
    chmodSync(join(root, 'bin', 'rehearse'), 0o755);
    const old = join(root, 'path');
    mkdirSync(old);
    writeFileSync(join(old, 'node'), '#!/bin/sh\necho 20\n');
    chmodSync(join(old, 'node'), 0o755);
    const child = spawn(join(root, 'bin', 'rehearse'), ['--version'], {
      env: { PATH: `${old}:/usr/bin:/bin` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stderr } = await ended(child);
    expect(code).toBe(3);
    expect(stderr).toMatch(/Node 24 was not found; run 'npm ci'/);
  });
});
