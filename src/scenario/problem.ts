/** What is wrong with a scenario, where, and what to write instead. */
import { printable } from './printable.ts';

export interface Problem {
  /** File as the user named it, or `--set PATH` for a value given on the command line. */
  readonly where: string;
  /** From 1; null where there is no position (a missing file, a value of --set). */
  readonly line: number | null;
  readonly column: number | null;
  /** Dotted path of the key, '' for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** More are not told. */
export const MOST_PROBLEMS = 20;

/** Places and messages quote what the user wrote. */
function onOneLine({ where, path, message, ...position }: Problem): Problem {
  return { where: printable(where, 200), ...position, path: printable(path, 200), message: printable(message, 600) };
}

/** The scenario cannot be used. Nothing has been touched. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: readonly Problem[];
  /** `not-modelled` when every problem is something that only the twin lacks. */
  readonly kind: 'refused' | 'not-modelled';
  constructor(problems: readonly Problem[], kind: 'refused' | 'not-modelled' = 'refused') {
    // A file may hold ten thousand mistakes; nobody reads on after the first twenty.
    const told = problems.slice(0, MOST_PROBLEMS).map(onOneLine);
    if (problems.length > told.length) {
      told.push({ ...told.at(-1)!, line: null, column: null, path: '', message: 'and more problems after these' });
    }
    super(told.map(formatProblem).join('\n'));
    this.problems = told;
    this.kind = kind;
  }
}

/** `lab.yaml:12:3: cilium.tunnelPort: …` */
export function formatProblem(problem: Problem): string {
  const position = problem.line === null ? '' : `:${problem.line}:${problem.column}`;
  return `${problem.where}${position}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}
