/** What is wrong with a scenario, where, and what to write instead. */

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

/** The scenario cannot be used. Nothing has been touched. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: readonly Problem[];
  /** `not-modelled` when every problem is something that only the twin lacks. */
  readonly kind: 'refused' | 'not-modelled';
  constructor(problems: readonly Problem[], kind: 'refused' | 'not-modelled' = 'refused') {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
    this.kind = kind;
  }
}

/** `lab.yaml:12:3: cilium.tunnelPort: …` */
export function formatProblem(problem: Problem): string {
  const position = problem.line === null ? '' : `:${problem.line}:${problem.column}`;
  return `${problem.where}${position}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}
