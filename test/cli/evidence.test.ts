/** A disk that takes nothing, a directory that goes away, an output that nobody reads: docs/decisions/0007-a-full-disk.md. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, REHEARSE, readJson, startProcess, startRehearse } from './processes.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-evidence-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const shell = (script: string, ...words: string[]): Promise<Ended> =>
  startProcess('/bin/sh', ['-c', script, 'sh', REHEARSE, ...words], directory).ended;

const REPORTS = ['report.json', 'summary.md', 'junit.xml', 'events.ndjson'];
const minimal = (report: string): string[] => ['run', 'minimal', '--until', 'prepared', '--report', report, '--quiet'];

describe('files that may not grow (10 blocks of 512 bytes)', () => {
  test('end a run that passed as disk-full, told once, and leave whole lines and whole reports', async () => {
    const { code, stderr, stdout } = await shell('ulimit -f 10; exec "$@"', ...minimal('limit'), '--json');
    expect(code).toBe(3);
    expect(stderr.match(/events\.ndjson cannot be written/g)).toHaveLength(1);
    expect(stderr).toMatch(/report\.json.* could not be written: E\w+/);
    expect(stderr).toContain('the evidence of this run is not complete');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'error', reason: 'disk-full', exitCode: 3 });
    expect(existsSync(join(directory, 'limit', 'report.json'))).toBe(false);
    expect(readdirSync(join(directory, 'limit')).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const lines = readFileSync(join(directory, 'limit', 'events.ndjson'), 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) JSON.parse(line);
    // What there is says that the run was cut, never that it passed.
    const again = await startRehearse(directory, 'report', 'limit/events.ndjson').ended;
    expect(again.stderr).toMatch(/^interrupted: /);
    expect(again.code).toBe(0);
  });

  test('do not make green what was expected to pass', async () => {
    const { code } = await shell('ulimit -f 10; exec "$@"', ...minimal('expected'), '--expect', 'passed');
    expect(code).toBe(3);
  });

  test('that cannot even be begun are the fault of the machine, not of the command line', async () => {
    const { code, stderr } = await shell('ulimit -f 0; exec "$@"', ...minimal('none'));
    expect(stderr).toContain('report directory none: cannot be written');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(3);
  });
});

describe('the report directory', () => {
  /** Holds the run still while something is done to its directory. */
  async function meanwhile(report: string, act: () => void): Promise<Ended> {
    const run = startRehearse(directory, 'run', 'minimal', '--report', report);
    await run.says('Deploy the probes');
    run.child.kill('SIGSTOP');
    act();
    run.child.kill('SIGCONT');
    return run.ended;
  }

  test('that is removed meanwhile is made again, with all events', async () => {
    const { code } = await meanwhile('removed', () => rmSync(join(directory, 'removed'), { recursive: true }));
    expect(code).toBe(0);
    expect(readdirSync(join(directory, 'removed'))).toEqual(expect.arrayContaining(REPORTS));
    const again = await startRehearse(directory, 'report', 'removed/events.ndjson', '--report', 'removed-again').ended;
    expect(again.code).toBe(0);
    expect(readJson(directory, 'removed-again', 'report.json')).toEqual(readJson(directory, 'removed', 'report.json'));
  });

  test.each([['a file', (path: string) => writeFileSync(path, 'mine'), /is no directory any more/]])(
    'in whose place there is %s is left alone, and the run is not green',
    async (_, put, said) => {
      const path = join(directory, 'replaced');
      const { code, stderr } = await meanwhile('replaced', () => {
        rmSync(path, { recursive: true });
        put(path);
      });
      expect(code).toBe(3);
      expect(stderr).toMatch(said);
      expect(readFileSync(path, 'utf8')).toBe('mine');
    },
  );
});

describe('the output', () => {
  test.runIf(existsSync('/dev/full'))('--json onto a full disk is a lost result', async () => {
    const { code, stderr } = await shell('exec "$@" >/dev/full', ...minimal('json'), '--json');
    expect(code).toBe(3);
    expect(stderr).toContain('the result could not be written to stdout');
    expect(readJson(directory, 'json', 'report.json')).toMatchObject({ verdict: 'passed' });
  });

  test.each([
    ['a pipe that is closed after ten bytes', '"$@" --json | head -c 10'],
    ['stderr closed', 'exec "$@" --json 2>&-'],
    ['stdout closed', 'exec "$@" --json >&-'],
    ['everything closed', 'exec "$@" --json >&- 2>&- <&-'],
    ['stderr into a pipe that nobody reads', '{ "$@" 2>&1 >&3 | exit 0; } 3>/dev/null; exit 0'],
  ])('%s: the run goes on', async (name, script) => {
    const report = name.replaceAll(' ', '-');
    const { code } = await shell(script, ...minimal(report));
    expect(code).toBe(0);
    expect(readJson(directory, report, 'report.json')).toMatchObject({ verdict: 'passed' });
  });
});
