import { printable } from '../scenario/printable.ts';

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

/** Something that the contract names and that this version does not have yet. */
export function notInThisVersion(what: string, instead?: string): UsageError {
  return new UsageError(`${what} is not in this version${instead === undefined ? '' : `; ${instead}`}`);
}
