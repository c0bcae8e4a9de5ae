/** The words of `rehearse matrix` from the variables of a workflow. Pure. */
import { type Env, EnvironmentProblem } from './environment.ts';

/** Flags that take one value, several divided by blanks or commas, or a value a line. */
const ONE = { PROVIDER: 'provider', MAX_JOBS: 'max-jobs', SEED: 'seed', INDEX: 'index' } as const;
const LISTS = { CILIUM: 'cilium', CALICO: 'calico', KUBERNETES: 'kubernetes' } as const;
const LINES = { INCLUDE: 'include', EXCLUDE: 'exclude', SET: 'set', ALLOW: 'allow', FAULT: 'fault' } as const;

export function matrixWords(env: Env): string[] {
  const flag = (name: string, value: string): string => `--${name}=${value}`;
  const words = (variable: string): string[] => (env[variable] ?? '').split(/[\s,]+/).filter((word) => word !== '');
  const lines = (variable: string): string[] =>
    (env[variable] ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  return [
    ...Object.entries(ONE).flatMap(([variable, name]) =>
      lines(variable)
        .slice(0, 1)
        .map((value) => flag(name, value)),
    ),
    ...Object.entries(LISTS).flatMap(([variable, name]) => words(variable).map((value) => flag(name, value))),
    ...Object.entries(LINES).flatMap(([variable, name]) => lines(variable).map((value) => flag(name, value))),
    // What follows is a scenario, whatever it begins with.
    '--',
    ...words('SCENARIOS'),
  ];
}

/** Long enough to tell calls apart; an artifact's name has 256 characters at most, and the id of a job follows. */
const NAME = /^[A-Za-z0-9_-]{1,60}$/;

/**
 * Is it a name that artifacts may begin with? They are found again by `NAME.*`, so it has no dot, which would make it the
 * beginning of another call's, and nothing that a pattern reads otherwise.
 * @throws EnvironmentProblem
 */
export function checkName({ NAME: name = '' }: Env): void {
  if (name !== '' && !NAME.test(name)) {
    throw new EnvironmentProblem(`name: ${JSON.stringify(name)}: at most 60 letters, digits, - and _ are wanted`);
  }
}
