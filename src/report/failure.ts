/** What is wrong at a red checkpoint, in lines for people; the same in every report. */
import type { FailingGroup } from '../events/events.ts';
import type { CheckpointReport } from './report-types.ts';

const MOST_PAIRS = 10;

export function groupText({ from, to, failing, of }: FailingGroup): string {
  return `${from} → ${to}: ${failing}/${of} failing`;
}

/** Groups of failing pairs, failed assertions and the first pairs with their errors. */
export function failureLines(checkpoint: CheckpointReport): string[] {
  const { groups, assertions, failing } = checkpoint;
  const bad = assertions.filter(({ outcome }) => outcome !== 'passed');
  const pairs = failing
    .slice(0, MOST_PAIRS)
    .map(({ from, to, state, error }) => `${from.pod} on ${from.node} → ${to.pod} on ${to.node}: ${state}: ${error}`);
  const more = failing.length > MOST_PAIRS ? [`… and ${failing.length - MOST_PAIRS} more pairs`] : [];
  return [
    ...groups.map(groupText),
    ...bad.map(
      ({ id, outcome, expected, seen, subjects }) =>
        `${id} ${outcome}: expected ${expected}; seen ${seen}${subjects.length > 0 ? ` (${subjects.join(', ')})` : ''}`,
    ),
    ...pairs,
    ...more,
  ];
}
