/**
 * Much work on all cores, none of which may come out otherwise than expected (docs/soak.md).
 *
 * npm run soak -- --minutes 10 [--from 1] [--jobs N] [--only KIND]   all kinds of work in scripts/soak/kinds.ts
 * npm run soak -- --seeds 300 [--from 1] [--jobs N] [--scenario lab]  many seeds of one healthy scenario
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { $ } from 'zx';
import type { SeedResult } from './rehearse-seeds.ts';
import { soakForMinutes } from './soak/for-minutes.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    only: { type: 'string' },
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string', default: 'lab' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const number = (name: 'minutes' | 'seeds' | 'from' | 'jobs', least: number): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= least) return value;
  console.error(`soak: --${name} ${values[name]}: a number of at least ${least} is wanted`);
  process.exit(2);
};
const from = number('from', 0);
const seeds = number('seeds', 1);
const jobs = Math.max(1, Math.min(number('jobs', 1), seeds));
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

async function soakSeeds(): Promise<boolean> {
  await Promise.all(Array.from({ length: jobs }, (_, offset) => work(offset)));
  const summary = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([verdict, count]) => `${count} ${verdict}`);
  console.log(`${values.scenario}, seeds ${from} to ${from + seeds - 1}: ${summary.join(', ')}`);
  return red === 0 && done === seeds;
}

const asExpected =
  values.minutes === undefined
    ? await soakSeeds()
    : await soakForMinutes({ minutes: number('minutes', 0.1), jobs: number('jobs', 1), from, only: values.only });
if (!asExpected) process.exitCode = 1;
