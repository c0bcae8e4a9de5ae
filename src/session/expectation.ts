/** `expect: VERDICT[:CHECKPOINT]`: which end of a run counts as success. */
import { VERDICTS, type Verdict } from '../events/verdict.ts';
import { nearest } from '../scenario/nearest.ts';
import type { WordSource } from './words.ts';

export interface Expectation {
  readonly verdict: Exclude<Verdict, 'interrupted'>;
  /** A checkpoint's id, or a kind such as `switched/*`; undefined: any or none. */
  readonly checkpoint: string | undefined;
}

/** How a run ended, as far as an expectation is about it. */
export interface Ending {
  readonly verdict: Verdict;
  readonly failedCheckpoint: string | null;
}

/**
 * @param checkpoints ids of the run's plan
 * @throws what the source refuses with
 */
export function parseExpectation(text: string, checkpoints: readonly string[], source: WordSource): Expectation {
  const at = text.indexOf(':');
  const word = at < 0 ? text : text.slice(0, at);
  const choices = VERDICTS.filter((verdict) => verdict !== 'interrupted');
  const verdict = choices.find((choice) => choice === word);
  if (verdict === undefined) {
    const like = nearest(word, choices);
    throw source.refuse(
      `${source.given('expect', text)}: one of ${choices.join(', ')} is wanted${like === undefined ? '' : `; did you mean ${like}?`}`,
    );
  }
  if (at < 0) return { verdict, checkpoint: undefined };
  const checkpoint = text.slice(at + 1);
  if (verdict !== 'failed' && verdict !== 'error') {
    throw source.refuse(`${source.given('expect', text)}: only failed and error have a checkpoint`);
  }
  return { verdict, checkpoint: knownCheckpoint('expect', checkpoint, checkpoints, source) };
}

/** The id, where the plan has it; `expect` takes a kind (`switched/*`) as well. @throws what the source refuses with */
export function knownCheckpoint(
  option: string,
  id: string,
  checkpoints: readonly string[],
  source: WordSource,
): string {
  const kinds = [
    ...new Set(checkpoints.filter((known) => known.includes('/')).map((known) => `${known.split('/')[0]}/*`)),
  ];
  const choices = option === 'expect' ? [...checkpoints, ...kinds] : checkpoints;
  if (choices.includes(id)) return id;
  const like = nearest(id, choices);
  if (id === '') {
    throw source.refuse(`${source.option(option)}: a checkpoint is wanted after the colon (rehearse plan shows them)`);
  }
  throw source.refuse(
    `${source.given(option, id)}: this scenario has no such checkpoint${like === undefined ? '' : `; did you mean ${like}?`} (rehearse plan shows them)`,
  );
}

export function isMet(expected: Expectation, seen: Ending): boolean {
  if (expected.verdict !== seen.verdict) return false;
  if (expected.checkpoint === undefined) return true;
  if (seen.failedCheckpoint === null) return false;
  return expected.checkpoint.endsWith('/*')
    ? seen.failedCheckpoint.startsWith(expected.checkpoint.slice(0, -1))
    : seen.failedCheckpoint === expected.checkpoint;
}

/** For people, the one half of it: `failed:switched/*`. */
export function endingText(verdict: string, checkpoint: string | null | undefined): string {
  return `${verdict}${checkpoint == null ? '' : `:${checkpoint}`}`;
}

/** Whether the run ended as expected, in a sentence. */
export function comparedWith(
  expected: Expectation,
  seen: Ending,
): { readonly met: boolean; readonly sentence: string } {
  const wanted = endingText(expected.verdict, expected.checkpoint);
  if (isMet(expected, seen)) return { met: true, sentence: `ended as expected (${wanted})` };
  return {
    met: false,
    sentence: `expected ${wanted}, but the run ended ${endingText(seen.verdict, seen.failedCheckpoint)}`,
  };
}
