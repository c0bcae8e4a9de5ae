/**
 * The plan of a matrix on its way from the job that makes it to the one that merges or judges. It goes as a file: Linux takes no
 * variable of more than 128 KiB (execve(2), MAX_ARG_STRLEN), and 256 jobs can have more; and a file also tells what was left out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Matrix } from '../../src/matrix/job.ts';
import { EnvironmentProblem } from './environment.ts';

/** Beside the directories of the jobs. */
export const PLAN_FILE = 'plan.json';

export const writePlan = (file: string, plan: Matrix): void => writeFileSync(file, `${JSON.stringify(plan)}\n`);

/** @param reports directory of all jobs' reports; @throws EnvironmentProblem */
export function readPlan(reports: string): Matrix {
  const file = join(reports, PLAN_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new EnvironmentProblem(`${file}: no plan can be read there (${(error as Error).message})`, { cause: error });
  }
  if (!isPlan(value)) throw new EnvironmentProblem(`${file} is no plan of scripts/plan-matrix.ts`);
  return value;
}

function isPlan(value: unknown): value is Matrix {
  const { jobs, excluded, notes, source } = (value ?? {}) as Partial<Record<keyof Matrix, unknown>>;
  const texts = (one: unknown, keys: readonly string[]): boolean =>
    keys.every((key) => typeof (one as Record<string, unknown> | null)?.[key] === 'string');
  return (
    Array.isArray(jobs) &&
    jobs.every((job) => texts(job, ['id', 'name', 'scenario', 'provider', 'cilium', 'calico', 'kubernetes'])) &&
    Array.isArray(excluded) &&
    excluded.every((one) => texts(one, ['name', 'reason'])) &&
    Array.isArray(notes) &&
    notes.every((note) => typeof note === 'string') &&
    texts(source, ['cilium', 'detail'])
  );
}
