/**
 * Many seeds of a healthy scenario on the twin, on all cores. A healthy migration never turns red, whatever the seed.
 *
 * npm run soak -- --seeds 300 [--from 1] [--scenario lab] [--jobs N]
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { $ } from 'zx';
import type { SeedResult } from './rehearse-seeds.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string', default: 'lab' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const jobs = Math.max(1, Math.min(Number(values.jobs), seeds));
const worker = path.join(import.meta.dirname, 'rehearse-seeds.ts');

const counts = new Map<string, number>();
let done = 0;
let red = 0;

function take(result: SeedResult): void {
  done++;
  counts.set(result.verdict, (counts.get(result.verdict) ?? 0) + 1);
  if (result.verdict !== 'passed') {
    red++;
    const where = result.failedCheckpoint === null ? '' : ` at ${result.failedCheckpoint}`;
    console.log(`seed ${result.seed}: ${result.verdict} (${result.reason})${where}: ${result.message}`);
  }
  if (done % 25 === 0) console.log(`${done} of ${seeds} seeds`);
}

async function work(offset: number): Promise<void> {
  const last = from + seeds - 1;
  const child = $({ quiet: true })`${process.execPath} ${worker} ${values.scenario} ${from + offset} ${last} ${jobs}`;
  for await (const line of createInterface({ input: child.stdout })) take(JSON.parse(line) as SeedResult);
  await child;
}

await Promise.all(Array.from({ length: jobs }, (_, offset) => work(offset)));
const summary = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([verdict, count]) => `${count} ${verdict}`);
console.log(`${values.scenario}, seeds ${from} to ${from + seeds - 1}: ${summary.join(', ')}`);
if (red > 0 || done !== seeds) process.exitCode = 1;
