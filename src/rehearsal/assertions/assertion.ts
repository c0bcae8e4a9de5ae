/** What assertions share: where they look, and how they say what they saw. */
import type { AssertionId, PlannedCheckpoint } from '../../events/events.ts';
import type { Reason } from '../../events/verdict.ts';
import type { AssertionContext, JudgedAssertion } from '../gate/types.ts';
import type { Rehearsal } from '../rehearsal.ts';

/** Looks once and judges; throws when it could not look. `batch`: the checkpoints that share the round, this one among them. */
export type Assertion = (
  rehearsal: Rehearsal,
  checkpoint: PlannedCheckpoint,
  context: AssertionContext,
  batch: readonly PlannedCheckpoint[],
) => Promise<JudgedAssertion>;

/** Something that is not as it should be. */
export interface Problem {
  /** Node, pod or object to blame. */
  readonly subject: string;
  readonly text: string;
  /** The cause to name when every problem has the same; `assertion-failed` otherwise. */
  readonly reason?: Reason;
}

/** How many problems are spelled out; all subjects are named in any case. */
const SPELLED_OUT = 5;

/** The result of a look: failed with these problems, or passed. */
export function judged(id: AssertionId, expected: string, problems: readonly Problem[], seen: string): JudgedAssertion {
  if (problems.length === 0) return { id, outcome: 'passed', expected, seen, subjects: [] };
  const [reason, ...others] = new Set(problems.map((problem) => problem.reason));
  return {
    id,
    outcome: 'failed',
    expected,
    seen: spell(problems),
    subjects: subjectsOf(problems),
    ...(reason !== undefined && others.length === 0 ? { reason } : {}),
  };
}

/** The result of a look that did not reach everything: neither good nor bad. */
export function unknown(id: AssertionId, expected: string, problems: readonly Problem[]): JudgedAssertion {
  return { id, outcome: 'unknown', expected, seen: spell(problems), subjects: subjectsOf(problems) };
}

function spell(problems: readonly Problem[]): string {
  const shown = problems.slice(0, SPELLED_OUT).map(({ subject, text }) => `${subject}: ${text}`);
  const more = problems.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function subjectsOf(problems: readonly Problem[]): string[] {
  return [...new Set(problems.map(({ subject }) => subject))].sort();
}
