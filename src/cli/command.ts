import type { Flags } from './arguments.ts';
import type { Output } from './output.ts';

/** One sub-command of `rehearse`. */
export interface Command {
  readonly name: string;
  /** How it is called, without `rehearse`. */
  readonly usage: string;
  /** One line for the overview. */
  readonly summary: string;
  /** More, for its own help. */
  readonly details?: string;
  readonly flags: Flags;
  /** @returns the exit code; @throws UsageError, ScenarioError, ReportError */
  run(words: readonly string[], output: Output): Promise<number>;
}
