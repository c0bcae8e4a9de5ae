import { printable } from '../scenario/printable.ts';

/** Something other than the words is wrong: a directory, a file, the machine. One clear sentence. */
export class RunProblem extends Error {
  override readonly name = 'RunProblem';
  readonly verdict: 'refused' | 'error';
  constructor(verdict: 'refused' | 'error', message: string, options?: ErrorOptions) {
    super(printable(message, 800), options);
    this.verdict = verdict;
  }
}
