/** The pieces of a bundle: what each is, how long it may take, through which door it comes, and what its failure means. */
import { CommandNotFound, CommandNotModelled, CommandTimedOut, NOT_MODELLED } from '../host/host.ts';
import { ApiUnreachable, KubeError } from '../kube/api.ts';
import { DeadlineExceeded } from '../time/clock.ts';
import type { Keep } from './bundle.ts';

/** A way to the cluster. One that is found shut is not tried again for every other piece. */
export class Door {
  readonly #name: string;
  readonly #behind: Door | null;
  #silent = 0;
  #shut: string | null = null;

  /** @param behind the door that this one is reached through */
  constructor(name: string, behind: Door | null = null) {
    this.#name = name;
    this.#behind = behind;
  }

  /** Why it is shut, for people; null: it is open, as far as is known. */
  get shut(): string | null {
    return this.#shut ?? this.#behind?.shut ?? null;
  }

  shutFor(why: string): void {
    this.#shut ??= why;
  }

  /** No answer in time; twice in a row is enough to give it up. */
  stayedSilent(): void {
    this.#silent++;
    if (this.#silent >= 2) this.shutFor(`${this.#name} does not answer`);
  }

  answered(): void {
    this.#silent = 0;
  }
}

export interface Item {
  /** For the index. */
  readonly what: string;
  readonly file: string;
  readonly limitMs: number;
  readonly door: Door;
  /** @throws whatever hinders it; an empty text is told as one */
  readonly gather: (signal: AbortSignal) => Promise<string>;
  readonly keep?: Keep;
  /** Its secrets are masked by their keys already. */
  readonly masked?: boolean;
  /** Told what is in the bundle of it. */
  readonly onText?: (text: string) => void;
}

/** What could not be gathered because this world has none of it. */
export class NotThere extends Error {
  override readonly name = 'NotThere';
}

/** A command on a node ended with an exit code that is no success. */
export class LookFailed extends Error {
  override readonly name = 'LookFailed';
  readonly exitCode: number;
  readonly stderr: string;
  constructor(exitCode: number, stderr: string) {
    super(`exit code ${exitCode}: ${lastLine(stderr) || 'it said nothing'}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export const NOT_MODELLED_HERE = 'the twin does not model it';
export const NONE_HERE = 'the cluster has none';

/** Why a piece is missing, for people; shuts its door where every other piece behind it would fail alike. */
export function reasonOf(error: unknown, door: Door): string {
  if (error instanceof LookFailed) {
    if (error.exitCode === NOT_MODELLED) return NOT_MODELLED_HERE;
    if (/no such container|container \S+ is not running|cannot connect to the docker daemon/i.test(error.stderr)) {
      door.shutFor(lastLine(error.stderr));
    } else door.answered();
    return error.message;
  }
  if (error instanceof CommandNotModelled) return NOT_MODELLED_HERE;
  if (error instanceof CommandNotFound) door.shutFor(error.message);
  if (error instanceof CommandTimedOut || error instanceof DeadlineExceeded || error instanceof ApiUnreachable) {
    door.stayedSilent();
  }
  if (error instanceof DeadlineExceeded) return `no answer within ${error.limitMs / 1000} s`;
  if (error instanceof KubeError) {
    if (error.code === 501) return NOT_MODELLED_HERE;
    if (error.code === 404) return NONE_HERE;
    return `${error.code} ${error.reason}: ${lastLine(error.message)}`;
  }
  return lastLine(error instanceof Error ? error.message : String(error));
}

function lastLine(text: string): string {
  const lines = text
    .slice(-4_000)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.at(-1) ?? '').replace(CONTROLS, ' ').slice(0, 300).toWellFormed();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the index is a text for people.
const CONTROLS = /[\u0000-\u001f\u007f]/g;
