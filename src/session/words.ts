/** Options as users write them, on the command line or as inputs of a workflow's step: the same values, named as there. */
import { nearest } from '../scenario/nearest.ts';

/** Where options come from. */
export interface WordSource {
  /** An option in a message: `--keep`, `input keep`. */
  option(name: string): string;
  /** An option with what was written: `--keep maybe`, `input keep "maybe"`. */
  given(name: string, text: string): string;
  /** What comes before a sentence about the scenario that was named: '', `input scenario: `. */
  readonly scenario: string;
  /** The error for a wrong word, one clear sentence. */
  refuse(message: string): Error;
}

/** One of a few words. @throws what the source refuses with */
export function choiceOf<T extends string>(name: string, text: string, choices: readonly T[], source: WordSource): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  const like = nearest(text, choices);
  throw source.refuse(
    `${source.given(name, text)}: one of ${choices.join(', ')} is wanted${like === undefined ? '' : `; did you mean ${like}?`}`,
  );
}

/** A whole number. @throws what the source refuses with */
export function wholeNumberOf(name: string, text: string, min: number, max: number, source: WordSource): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
    throw source.refuse(`${source.given(name, text)}: a whole number from ${min} to ${max} is wanted`);
  }
  return value;
}

/** Where images come from instead of their registry. @throws what the source refuses with */
export function mirrorOf(text: string, source: WordSource): string {
  if (/^([\w.-]+(:\d+)?=)?[\w.-]+(:\d+)?(\/[\w.-]+)*\/?$/.test(text)) return text;
  throw source.refuse(
    `${source.given('image-mirror', text)}: PREFIX or REGISTRY=PREFIX is wanted, such as quay.io=mirror.example/quay`,
  );
}
