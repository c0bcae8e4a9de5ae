/**
 * The door to commands with a guard in it: whatever stands behind it, each command ends, and what it says has a bound. A
 * host is asked to end its command itself; this is for one that cannot (a process that no signal ends, a full pipe).
 */
import {
  type CommandOptions,
  CommandOutputTooLong,
  type CommandResult,
  CommandTimedOut,
  type Host,
} from '../host/host.ts';
import type { Clock, Deadline } from '../time/clock.ts';
import { CommandUnusable } from './outcome.ts';

/** What a host has beyond the time limit, or after an abort, to end its command and say so. */
export const GRACE_MS = 10_000;
/** The longest answer that we take in: the rules of a node with thousands of Services are below it. */
export const MOST_STDOUT = 32 * 1024 * 1024;
/** Of errors the end is kept; it tells why. */
export const MOST_STDERR = 64 * 1024;

/** Errors of the system when it could not start a program. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error;

export function guardedHost(host: Host, clock: Clock): Host {
  return {
    run: async (command, args, options) => {
      try {
        return bounded(command, await within(host, clock, command, args, options));
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        if (error instanceof CommandOutputTooLong) throw new CommandUnusable(error.message, error);
        if (isSystemError(error)) throw new CommandUnusable(`${command} could not be run: ${error.message}`, error);
        throw error;
      }
    },
  };
}

async function within(
  host: Host,
  clock: Clock,
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const givenUp = Promise.withResolvers<never>();
  givenUp.promise.catch(() => undefined);
  using limit = clock.deadline(timeoutMs + GRACE_MS);
  limit.signal.addEventListener('abort', () => givenUp.reject(new CommandTimedOut(command, timeoutMs)));
  let grace: Deadline | undefined;
  const abort = (): void => {
    grace = clock.deadline(GRACE_MS);
    grace.signal.addEventListener('abort', () => givenUp.reject(signal?.reason));
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([host.run(command, args, options), givenUp.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
    grace?.clear();
  }
}

function bounded(command: string, { exitCode, stdout, stderr }: CommandResult): CommandResult {
  if (stdout.length > MOST_STDOUT) {
    const size = Math.round(stdout.length / 1024 / 1024);
    throw new CommandUnusable(
      `${command} answered with ${size} MiB, more than the ${MOST_STDOUT / 1024 / 1024} MiB that any answer has`,
    );
  }
  return { exitCode, stdout, stderr: stderr.slice(-MOST_STDERR) };
}
