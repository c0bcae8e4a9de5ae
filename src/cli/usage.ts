import { printable } from '../scenario/printable.ts';
import type { WordSource } from '../session/words.ts';

/** Errors of the command line itself: one clear sentence, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Sub-command whose help says more, when one is known. */
  readonly command: string | undefined;
  constructor(message: string, command?: string) {
    super(printable(message, 800));
    this.command = command;
  }
}

/** The command line as the source of words. @param command sub-command whose help says more */
export function commandLine(command: string): WordSource {
  return {
    option: (name) => `--${name}`,
    given: (name, text) => `--${name} ${text}`,
    scenario: '',
    refuse: (message) => new UsageError(message, command),
  };
}
