/** A real process whose files may not grow beyond a random size (`ulimit -f`), as on a disk that fills up. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomStream } from '../../src/time/random.ts';
import { REHEARSE, startProcess } from '../../test/cli/processes.ts';
import type { Done } from './kinds.ts';

/** Blocks of 512 bytes: `minimal` writes 130 kB of events and a report of 75 kB. */
const MOST_BLOCKS = 300;

export async function disk(seed: number): Promise<Done> {
  const blocks = randomStream(seed, 'soak/disk').integer(0, MOST_BLOCKS);
  const words = ['run', 'minimal', '--seed', String(seed), '--report', 'report', '--quiet'];
  const directory = mkdtempSync(join(tmpdir(), 'rehearse-soak-'));
  try {
    const script = `ulimit -f ${blocks}; exec "$@"`;
    const { code, stderr } = await startProcess('/bin/sh', ['-c', script, 'sh', REHEARSE, ...words], directory).ended;
    const problems = leftBehind(join(directory, 'report'), code);
    if (/\n\s+at /.test(stderr)) problems.push(`a stack trace: ${stderr.slice(-600)}`);
    return { what: `${words.join(' ')} with files of at most ${blocks} blocks`, problems };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function leftBehind(report: string, code: number | null): string[] {
  const problems: string[] = [];
  const files = existsSync(report) ? readdirSync(report) : [];
  const text = (name: string): string => readFileSync(join(report, name), 'utf8');
  if (files.some((name) => name.endsWith('.partial'))) problems.push(`left half written: ${files.join(', ')}`);
  const events = files.includes('events.ndjson') ? text('events.ndjson') : '';
  if (events !== '' && !events.endsWith('\n')) problems.push('events.ndjson ends in a part of a line');
  const complete = /"type":"verdict".*\n$/.test(events.slice(-20_000)) && files.includes('report.json');
  if (code !== (complete ? 0 : 3))
    problems.push(`exit code ${code}, although the evidence is ${complete ? '' : 'not '}complete`);
  if (files.includes('report.json')) JSON.parse(text('report.json'));
  return problems;
}
