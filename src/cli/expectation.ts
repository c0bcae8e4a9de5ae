/** `--expect VERDICT[:CHECKPOINT]`: which end of a run counts as success. */
import { VERDICTS, type Verdict } from '../events/verdict.ts';
import { nearest } from '../scenario/nearest.ts';
import { UsageError } from './usage.ts';

export interface Expectation {
  readonly verdict: Exclude<Verdict, 'interrupted'>;
  /** A checkpoint's id, or a kind such as `switched/*`; undefined: any or none. */
  readonly checkpoint: string | undefined;
}

/**
 * @param checkpoints ids of the run's plan
 * @throws UsageError
 */
export function parseExpectation(text: string, checkpoints: readonly string[], command: string): Expectation {
  const at = text.indexOf(':');
  const word = at < 0 ? text : text.slice(0, at);
  const choices = VERDICTS.filter((verdict) => verdict !== 'interrupted');
  const verdict = choices.find((choice) => choice === word);
  if (verdict === undefined) {
    const like = nearest(word, choices);
    throw new UsageError(
      `--expect ${text}: one of ${choices.join(', ')} is wanted${like === undefined ? '' : `; did you mean ${like}?`}`,
      command,
    );
  }
  if (at < 0) return { verdict, checkpoint: undefined };
  const checkpoint = text.slice(at + 1);
  if (verdict !== 'failed' && verdict !== 'error') {
    throw new UsageError(`--expect ${text}: only failed and error have a checkpoint`, command);
  }
  return { verdict, checkpoint: knownCheckpoint(checkpoint, checkpoints, '--expect', command) };
}

/** @throws UsageError with the nearest id */
export function knownCheckpoint(id: string, checkpoints: readonly string[], flag: string, command: string): string {
  const kinds = [
    ...new Set(checkpoints.filter((known) => known.includes('/')).map((known) => `${known.split('/')[0]}/*`)),
  ];
  const choices = flag === '--expect' ? [...checkpoints, ...kinds] : checkpoints;
  if (choices.includes(id)) return id;
  const like = nearest(id, choices);
  if (id === '')
    throw new UsageError(`${flag}: a checkpoint is wanted after the colon (rehearse plan shows them)`, command);
  throw new UsageError(
    `${flag} ${id}: this scenario has no such checkpoint${like === undefined ? '' : `; did you mean ${like}?`} (rehearse plan shows them)`,
    command,
  );
}

export function isMet(
  expected: Expectation,
  seen: { readonly verdict: Verdict; readonly failedCheckpoint: string | null },
): boolean {
  if (expected.verdict !== seen.verdict) return false;
  if (expected.checkpoint === undefined) return true;
  if (seen.failedCheckpoint === null) return false;
  return expected.checkpoint.endsWith('/*')
    ? seen.failedCheckpoint.startsWith(expected.checkpoint.slice(0, -1))
    : seen.failedCheckpoint === expected.checkpoint;
}
