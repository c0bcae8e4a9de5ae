/** A run whose commands go bad at a random one, or whose API servers go away at a random moment. */

import { drawScenario, scenarioOf, wordsOf } from '../../src/cli/drill-draw.ts';
import { randomStream } from '../../src/time/random.ts';
import { brokenRun, MISDEEDS } from '../../test/rehearsal/ends/broken-run.ts';
import type { Done } from './kinds.ts';

/** `minimal` runs 300 commands, `lab` 900: some of the moments are after the end. */
const MOST_COMMANDS = 900;
const MOST_EVENTS = 400;

export async function broken(seed: number): Promise<Done> {
  const random = randomStream(seed, 'soak/broken');
  const drawn = drawScenario(random, seed, false);
  const scenario = scenarioOf(drawn);
  const words = wordsOf(drawn).join(' ');
  if (random.next() < 0.3) {
    const api = { seq: random.integer(2, MOST_EVENTS), afterMs: random.integer(0, 20_000) };
    const { problems } = await brokenRun({ scenario, seed, api });
    return { what: `${words}, no API ${api.afterMs} ms after event ${api.seq}`, problems };
  }
  const at = random.integer(0, random.next() < 0.3 ? 30 : MOST_COMMANDS);
  const host = { at, misdeed: random.pick(MISDEEDS), lasting: random.next() < 0.6 };
  const { problems } = await brokenRun({ scenario, seed, host });
  const when = host.lasting ? `from command ${at} on` : `at command ${at}`;
  return { what: `${words}, ${when} the host ${host.misdeed}`, problems };
}
