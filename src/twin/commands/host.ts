/** The twin's door to commands: `kind`, `docker` and `helm`, answered in process and in virtual time. */

import {
  CommandNotFound,
  type CommandOptions,
  type CommandResult,
  CommandTimedOut,
  type Host,
} from '../../host/host.ts';
import type { Clock } from '../../time/clock.ts';
import { notModelled, type TwinCommand } from './command.ts';

export interface HostDoors {
  readonly clock: Clock;
  /** Waits until every operation that was issued earlier has been let in. */
  readonly admit: (issue: number, signal: AbortSignal) => Promise<void>;
  readonly commands: ReadonlyMap<string, TwinCommand>;
}

/** Exists on a real machine, but the twin has no answer. */
const KNOWN_ELSEWHERE = ['cilium', 'kubectl'];

export function createHost({ clock, admit, commands }: HostDoors): Host {
  return {
    run: async (command, args, options) => {
      const answer = commands.get(command);
      if (answer === undefined) {
        if (KNOWN_ELSEWHERE.includes(command)) return notModelled([command, ...args].join(' '));
        throw new CommandNotFound(command);
      }
      return clock.track((issue) =>
        limited(clock, command, options, async (signal) => {
          await admit(issue, signal);
          return answer(args, { stdin: options.stdin ?? '', signal });
        }),
      );
    },
  };
}

/** Ends the command at its time limit or when the caller's signal aborts. */
async function limited(
  clock: Clock,
  command: string,
  { timeoutMs, signal }: CommandOptions,
  run: (signal: AbortSignal) => Promise<CommandResult>,
): Promise<CommandResult> {
  signal?.throwIfAborted();
  using deadline = clock.deadline(timeoutMs, signal);
  try {
    return await run(deadline.signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (deadline.signal.aborted) throw new CommandTimedOut(command, timeoutMs);
    throw error;
  }
}
