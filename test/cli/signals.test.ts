/**
 * Real signals to real processes, at a step of every phase and at the moments between. A run is fast: where it has gone on
 * before the signal arrived, what it left must be just as good.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badLeftovers } from './leftovers.ts';
import { REHEARSE, readJson, startProcess, startRehearse } from './processes.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-signals-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A line of `--verbose` that stands at a step of the phase, and the signal for it. */
const MOMENTS: readonly [phase: string, text: string, signal: NodeJS.Signals][] = [
  ['check', 'Check the scenario', 'SIGINT'],
  ['provision', 'Make a cluster', 'SIGTERM'],
  ['baseline', 'Deploy the probes', 'SIGKILL'],
  ['prepare', 'Prepare the migration', 'SIGINT'],
  ['secondary', 'Install Cilium', 'SIGTERM'],
  ['migrate', 'Migrate node by node', 'SIGKILL'],
  ['complete', 'Recycle what is left', 'SIGINT'],
  ['finalize', 'final values', 'SIGTERM'],
  ['remove', 'Remove Calico', 'SIGKILL'],
  ['restart', 'Restart the nodes', 'SIGTERM'],
  ['verify', 'Verify', 'SIGINT'],
];

test.each(MOMENTS)('at %s ("%s"): %s', async (phase, text, signal) => {
  const run = startRehearse(directory, 'run', 'minimal', '--verbose', '--report', phase);
  expect(await run.says(text)).toBe(true);
  run.child.kill(signal);
  const ended = await run.ended;
  expect(await badLeftovers(join(directory, phase), ended, signal)).toEqual([]);
});

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s while the sources are loaded ends with 130 and nothing begun',
    async (signal) => {
      // Our entry listens before it loads the rest; the file that it loads is held back here.
      const script = `import(${JSON.stringify(new URL('../../src/cli/interruption.ts', import.meta.url).href)}).then((m) => {
      m.listenToSignals(process.env); console.error('listening'); setInterval(() => {}, 1000); });`;
      const run = startProcess(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script], directory);
      expect(await run.says('listening')).toBe(true);
      run.child.kill(signal);
      expect(await run.ended).toMatchObject({ code: 130, signal: null });
    },
  );

  test('that comes twice at once, as from a terminal through npm, is one wish', async () => {
    const run = startRehearse(directory, 'run', 'lab', '--report', 'group');
    await run.says('Make a cluster');
    // npm hands on what the terminal has sent to everybody: twice at once.
    run.child.kill('SIGINT');
    run.child.kill('SIGINT');
    const ended = await run.ended;
    expect(await badLeftovers(join(directory, 'group'), ended, 'SIGINT')).toEqual([]);
    expect(ended.code).toBe(130);
  });

  test.runIf(existsSync('/proc/self/status'))('SIGHUP is not heard under nohup', async () => {
    const run = startProcess(
      '/bin/sh',
      ['-c', 'trap "" HUP; exec "$@"', 'sh', REHEARSE, 'run', 'minimal', '--until', 'prepared', '--report', 'nohup'],
      directory,
    );
    await run.says('Make a cluster');
    run.child.kill('SIGHUP');
    expect(await run.ended).toMatchObject({ code: 0 });
  });

  test('SIGHUP otherwise ends the run as the others do', async () => {
    const run = startRehearse(directory, 'run', 'minimal', '--report', 'hangup');
    await run.says('Make a cluster');
    run.child.kill('SIGHUP');
    const ended = await run.ended;
    expect(await badLeftovers(join(directory, 'hangup'), ended, 'SIGHUP')).toEqual([]);
  });

  test('SIGSTOP and SIGCONT change nothing', async () => {
    const run = startRehearse(directory, 'run', 'minimal', '--until', 'prepared', '--report', 'stopped');
    const still = startRehearse(directory, 'run', 'minimal', '--until', 'prepared', '--report', 'unstopped', '--quiet');
    await run.says('Deploy the probes');
    run.child.kill('SIGSTOP');
    expect(await still.ended).toMatchObject({ code: 0 });
    run.child.kill('SIGCONT');
    expect(await run.ended).toMatchObject({ code: 0 });
    const bytes = (name: string): string => readFileSync(join(directory, name, 'events.ndjson'), 'utf8');
    expect(bytes('stopped')).toBe(bytes('unstopped'));
  });
});

test('a directory that a killed run has left serves the next one', async () => {
  const killed = startRehearse(directory, 'run', 'minimal', '--report', 'again');
  await killed.says('Make a cluster');
  killed.child.kill('SIGKILL');
  await killed.ended;
  const next = await startRehearse(directory, 'run', 'minimal', '--until', 'baseline', '--report', 'again', '--quiet')
    .ended;
  expect(next.code).toBe(0);
  expect(readJson(directory, 'again', 'report.json')).toMatchObject({ verdict: 'passed' });
  expect(readdirSync(join(directory, 'again')).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
