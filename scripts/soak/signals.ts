/** A real process that gets a real signal at a random moment, SIGKILL included; sometimes a second one follows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawScenario, wordsOf } from '../../src/cli/drill-draw.ts';
import { randomStream } from '../../src/time/random.ts';
import { badLeftovers } from '../../test/cli/leftovers.ts';
import { startRehearse } from '../../test/cli/processes.ts';
import type { Done } from './kinds.ts';

/** A run of `lab` takes four seconds of a free core; the moments are of the wall, so a second run differs. */
const LONGEST_MS = 6_000;

export async function signals(seed: number): Promise<Done> {
  const random = randomStream(seed, 'soak/signals');
  const words = wordsOf(drawScenario(random, seed, false));
  const signal = random.pick<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGKILL']);
  const afterMs = random.integer(0, random.next() < 0.3 ? 800 : LONGEST_MS);
  const directory = mkdtempSync(join(tmpdir(), 'rehearse-soak-'));
  try {
    const run = startRehearse(directory, ...words, '--report', 'report');
    await Promise.race([sleep(afterMs), run.ended]);
    run.child.kill(signal);
    const problems = await badLeftovers(join(directory, 'report'), await run.ended, signal);
    return { what: `${words.join(' ')}, ${signal} after ${afterMs} ms of the wall`, problems };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
