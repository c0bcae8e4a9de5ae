/** A soak for some minutes: work of all kinds on all cores, and a table of what came of it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { KINDS } from './kinds.ts';
import type { Line } from './work.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly jobs: number;
  /** The first seed. */
  readonly from: number;
  readonly only: string | undefined;
}

/** No unit takes longer than this, even on a busy machine; one that does hangs. */
const HANGS_AFTER_MS = 10 * 60_000;
const TELL_EVERY_MS = 30_000;

interface Tally {
  good: number;
  bad: number;
}

/** @returns whether everything came out as expected; false too where nothing was done */
export async function soakForMinutes(options: SoakOptions): Promise<boolean> {
  const { minutes, jobs, from, only } = options;
  const tallies = new Map<string, Tally>(KINDS.map(({ name }) => [name, { good: 0, bad: 0 }]));
  const began = performance.now();
  let highest = from - 1;

  const take = ({ kind, seed, what, problems }: Line): void => {
    if (problems === undefined) return;
    highest = Math.max(highest, seed);
    const tally = tallies.get(kind)!;
    if (problems.length === 0) {
      tally.good++;
      return;
    }
    tally.bad++;
    console.log(`NOT AS EXPECTED: ${kind}, seed ${seed}: ${what ?? ''}`);
    for (const problem of problems) console.log(`  ${problem}`);
    console.log(`  again: node scripts/soak/work.ts ${kind} ${seed}`);
  };

  const work = async (offset: number): Promise<void> => {
    const words = ['--from', String(from + offset), '--step', String(jobs), '--minutes', String(minutes)];
    const script = path.join(import.meta.dirname, 'work.ts');
    const child = spawn(process.execPath, [script, ...words, ...(only === undefined ? [] : ['--only', only])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let now: Line | undefined;
    let since = performance.now();
    const watchdog = setInterval(() => {
      if (performance.now() - since > HANGS_AFTER_MS) child.kill('SIGKILL');
    }, 5_000);
    const ended = new Promise<string>((resolve) => {
      child.on('close', (code, signal) =>
        resolve(code === 0 ? '' : `the worker ended with ${signal ?? `code ${code}`}`),
      );
    });
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line;
      since = performance.now();
      now = line.problems === undefined ? line : undefined;
      take(line);
    }
    clearInterval(watchdog);
    const trouble = await ended;
    if (now !== undefined) take({ ...now, problems: [trouble === '' ? 'never ended' : trouble] });
    else if (trouble !== '') throw new Error(trouble);
  };

  const sum = (): Tally => {
    const all = [...tallies.values()];
    return {
      good: all.reduce((total, { good }) => total + good, 0),
      bad: all.reduce((total, { bad }) => total + bad, 0),
    };
  };
  const progress = setInterval(() => {
    const { good, bad } = sum();
    console.log(`${elapsed(began)} of ${minutes} min: ${good} as expected, ${bad} not`);
  }, TELL_EVERY_MS);
  try {
    await Promise.all(Array.from({ length: jobs }, (_, offset) => work(offset)));
  } finally {
    clearInterval(progress);
  }

  const rows = KINDS.map(({ name, expects }) => {
    const { good, bad } = tallies.get(name)!;
    return `| ${name} | ${good + bad} | ${good} | ${bad} | ${expects} |`;
  });
  console.log(
    ['', '| kind | runs | as expected | not | expected |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
  );
  console.log(`\n${elapsed(began)} min on ${jobs} cores, seeds ${from} to ${highest}`);
  const { good, bad } = sum();
  return bad === 0 && good > 0;
}

const elapsed = (began: number): string => ((performance.now() - began) / 60_000).toFixed(1);
