/** The twin's door to commands: `kind`, `docker` and `helm`, answered in process and in virtual time. */
import {
  CommandNotFound,
  type CommandOptions,
  type CommandResult,
  CommandTimedOut,
  type Host,
} from '../../host/host.ts';
import type { Clock } from '../../time/clock.ts';
import { NetworkNotModelled } from '../network/packet.ts';
import { notModelled, type TwinCommand } from './command.ts';

/** What commands need of the virtual clock. */
export interface CommandClock extends Clock {
  /** Parks an operation until all that were issued before it have had their turn. */
  admit(issue: number, serve: () => void, signal?: AbortSignal): void;
}

export interface HostDoors {
  readonly clock: CommandClock;
  readonly commands: ReadonlyMap<string, TwinCommand>;
}

/** Exist on a real machine, but the twin has no answer. */
const KNOWN_ELSEWHERE = ['cilium', 'kubectl'];

export function createHost({ clock, commands }: HostDoors): Host {
  return {
    run: async (command, args, options) => {
      const answer = commands.get(command);
      if (answer === undefined) {
        if (KNOWN_ELSEWHERE.includes(command)) return notModelled([command, ...args].join(' '));
        throw new CommandNotFound(command);
      }
      return limited(clock, command, options, async (signal) => {
        // Only the start is counted as an operation: from then on the command waits for nothing but timers, and a counted
        // operation that sleeps would hold the very time that it sleeps for.
        await clock.track((issue) => turn(clock, issue, signal));
        try {
          return await answer(args, { stdin: options.stdin ?? '', signal });
        } catch (error) {
          if (error instanceof NetworkNotModelled) return notModelled(`${command}: ${error.message}`);
          throw error;
        }
      });
    },
  };
}

function turn(clock: CommandClock, issue: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    clock.admit(
      issue,
      () => {
        signal.removeEventListener('abort', leave);
        resolve();
      },
      signal,
    );
  });
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
