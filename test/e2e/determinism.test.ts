import { spawn } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { SeedResult } from '../../scripts/rehearse-seeds.ts';
import { type Rehearsed, rehearse } from './rehearse.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SEEDS = path.join(ROOT, 'scripts/rehearse-seeds.ts');

/** `minimal` with seeds FIRST to LAST in a process of its own. */
async function inProcess(
  first: number,
  last: number,
  place: { cwd?: string; env?: Record<string, string> } = {},
): Promise<SeedResult[]> {
  const child = spawn(process.execPath, [SEEDS, 'minimal', String(first), String(last)], {
    cwd: place.cwd ?? ROOT,
    env: { ...process.env, ...place.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SeedResult);
}

/** Keeps a core busy until stopped. */
function burn(): () => void {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  return () => void child.kill('SIGKILL');
}

describe('same scenario, seed and version', () => {
  it('give the same bytes in other processes, places and languages, and beside a process that takes a core', async () => {
    const stop = burn();
    try {
      const [here, ...there] = await Promise.all([
        rehearse({ scenario: 'minimal', seed: 1 }),
        inProcess(1, 2),
        inProcess(1, 1, { cwd: '/', env: { TZ: 'Pacific/Auckland', LC_ALL: 'sv_SE.UTF-8', LANG: 'sv_SE.UTF-8' } }),
      ]);
      const digests = there.map((results) => results[0]!.digest);
      expect(digests).toEqual([here.digest, here.digest]);
      // And another seed is another run.
      expect(there[0]![1]).toMatchObject({ seed: 2, verdict: 'passed' });
      expect(there[0]![1]!.digest).not.toBe(here.digest);
    } finally {
      stop();
    }
  });

  it('do not depend on what ran before in the process', async () => {
    const first = await rehearse({ scenario: 'minimal', seed: 3, until: 'switched/kind-worker' });
    await rehearse({ scenario: 'ha', seed: 4, until: 'baseline' });
    const again = await rehearse({ scenario: 'minimal', seed: 3, until: 'switched/kind-worker' });
    expect(again.lines).toEqual(first.lines);
  });
});

describe('the events of a simulated run', () => {
  /** What belongs to this machine and this moment, and must not be in any event. */
  const foreign = (): [string, RegExp][] => {
    const literal = (value: string): RegExp =>
      new RegExp(`(?<![\\w.])${value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.])`);
    const today = new Date(Date.now());
    return [
      ['working directory', literal(process.cwd())],
      ['checkout', literal(ROOT)],
      ['home directory', literal(userInfo().homedir)],
      ['file URLs', /file:\/\//],
      ['host name', literal(hostname())],
      ['pid', literal(String(process.pid))],
      ["today's date", literal(today.toISOString().slice(0, 10))],
      ['port of a loopback server', /(127\.0\.0\.1|localhost|\[::1\]):\d{4,5}/],
      ['stack traces', /\n\s+at \S+ \(/],
    ];
  };

  const check = (run: Rehearsed): void => {
    // A short host name or a pid of few digits would be found by chance in addresses.
    const all = foreign().filter(([, pattern]) => pattern.source.length > '(?<![\\w.])(?![\\w.])'.length + 3);
    for (const [index, line] of run.lines.entries()) {
      const found = all.filter(([, pattern]) => pattern.test(line)).map(([name]) => name);
      expect(found, `event ${index + 1}: ${line.slice(0, 300)}`).toEqual([]);
    }
  };

  it('hold no wall time, path, port, pid or host name, whether served in process or over sockets', async () => {
    check(await rehearse({ scenario: 'minimal', seed: 6, transport: 'loopback' }));
  });

  it('count from one and never go back in time', async () => {
    const { lines } = await rehearse({ scenario: 'minimal', seed: 6 });
    let before = '';
    for (const [index, line] of lines.entries()) {
      const { seq, at } = JSON.parse(line) as { seq: number; at: string };
      expect(seq).toBe(index + 1);
      expect(at >= before).toBe(true);
      before = at;
    }
  });
});
