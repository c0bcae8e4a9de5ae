/**
 * Rehearses a bundled scenario with a range of seeds on the twin, one line of JSON for each. The soak starts one such
 * process a core; a test starts it to compare processes.
 *
 * node scripts/rehearse-seeds.ts SCENARIO FIRST LAST [STEP]
 */
import { rehearse } from '../test/e2e/rehearse.ts';

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  readonly verdict: string;
  readonly reason: string;
  readonly message: string;
  readonly failedCheckpoint: string | null;
  /** SHA-256 of events.ndjson. */
  readonly digest: string;
  readonly virtualSeconds: number;
}

const [scenario = 'lab', first = '1', last = first, step = '1'] = process.argv.slice(2);
for (let seed = Number(first); seed <= Number(last); seed += Number(step)) {
  process.stdout.write(`${JSON.stringify(await oneSeed(scenario, seed))}\n`);
}

async function oneSeed(name: string, seed: number): Promise<SeedResult> {
  try {
    const { verdict, digest, took } = await rehearse({ scenario: name, seed });
    const { verdict: word, reason, message, failedCheckpoint } = verdict;
    return { seed, verdict: word, reason, message, failedCheckpoint, digest, virtualSeconds: took / 1000 };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, verdict: 'crashed', reason: '', message, failedCheckpoint: null, digest: '', virtualSeconds: 0 };
  }
}
