/** A healthy migration is green, and leaves nothing behind. */

import { drawScenario, scenarioOf, wordsOf } from '../../src/cli/drill-draw.ts';
import { randomStream } from '../../src/time/random.ts';
import { cancelledRun } from '../../test/rehearsal/ends/cancelled-run.ts';
import type { Done } from './kinds.ts';

/** There is no such event, so that nobody cancels the run. */
const NEVER = -1;

export async function healthy(seed: number): Promise<Done> {
  const drawn = drawScenario(randomStream(seed, 'soak/healthy'), seed);
  const run = await cancelledRun({ scenario: scenarioOf(drawn), seed, seq: NEVER, afterMs: 0, keep: 'never' });
  const what = wordsOf(drawn).join(' ');
  const end = run.events.at(-1);
  if (end?.type !== 'verdict') return { what, problems: [...run.problems, `the last event is ${end?.type}`] };
  const { verdict, reason, message, failedCheckpoint } = end;
  const red = `${verdict} (${reason}) at ${failedCheckpoint ?? 'no checkpoint'}: ${message}`;
  return { what, problems: [...run.problems, ...(verdict === 'passed' ? [] : [red])] };
}
