/** What every command of the twin has in common. */
import { type CommandResult, NOT_MODELLED } from '../../host/host.ts';

/** A command that the twin answers in process. */
export type TwinCommand = (
  args: readonly string[],
  io: { readonly stdin: string; readonly signal: AbortSignal },
) => Promise<CommandResult>;

/** Lets virtual time pass, in milliseconds. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const answer = (stdout: string, stderr = ''): CommandResult => ({ exitCode: 0, stdout, stderr });

export const failure = (stderr: string, exitCode = 1, stdout = ''): CommandResult => ({ exitCode, stdout, stderr });

/** The answer to words that the twin does not know. */
export const notModelled = (words: string): CommandResult =>
  failure(`not modelled by the twin: ${words}\n`, NOT_MODELLED);
