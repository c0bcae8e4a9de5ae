/** A run that is cancelled in process at a random moment of provider time. */

import { drawScenario, scenarioOf, wordsOf } from '../../src/cli/drill-draw.ts';
import { randomStream } from '../../src/time/random.ts';
import { cancelledRun, type Keep } from '../../test/rehearsal/ends/cancelled-run.ts';
import type { Done } from './kinds.ts';

/** `minimal` takes 13 minutes of provider time, `lab` 25: some of the moments are after the end. */
const LONGEST_MS = 25 * 60_000;

export async function cancelled(seed: number): Promise<Done> {
  const random = randomStream(seed, 'soak/cancelled');
  const drawn = drawScenario(random, seed);
  const afterMs = random.integer(0, random.next() < 0.3 ? 60_000 : LONGEST_MS);
  const keep = random.pick<Keep>(['never', 'failed', 'always']);
  const { problems } = await cancelledRun({ scenario: scenarioOf(drawn), seed, seq: 1, afterMs, keep });
  return { what: `${wordsOf(drawn).join(' ')} --keep ${keep}, cancelled after ${afterMs} ms`, problems };
}
