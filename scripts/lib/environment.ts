/** What GitHub hands to a script of a workflow, checked, and how a script answers. */
import { appendFileSync } from 'node:fs';

export type Env = Readonly<Record<string, string | undefined>>;

export class EnvironmentProblem extends Error {
  override readonly name = 'EnvironmentProblem';
}

/** @throws EnvironmentProblem */
export function wanted(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new EnvironmentProblem(`${name} is not set`);
  return value;
}

/** Adds to the step's summary, where there is one. */
export function stepSummary(env: Env, markdown: string): void {
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${markdown}\n`);
}

/** Sets an output of the step; the value is one line. */
export function stepOutput(env: Env, name: string, value: string): void {
  if (value.includes('\n')) throw new EnvironmentProblem(`the output ${name} has more than one line`);
  if (env.GITHUB_OUTPUT) appendFileSync(env.GITHUB_OUTPUT, `${name}=${value}\n`);
}

/** Runs a script: its exit code, or 3 and one line on stderr for what it throws. */
export async function script(main: () => number | Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    const known = error instanceof Error && /^(EnvironmentProblem|GitHubError|HistoryUnreadable)$/.test(error.name);
    process.stderr.write(
      `${known ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exit(3);
  }
}
