/**
 * The door to the commands of this machine. Each command is the leader of a session of its own, without a terminal: Ctrl-C
 * there reaches us and not the command, and whatever it starts is ended with it (docs/decisions/0009-the-real-host.md).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Clock } from '../time/clock.ts';
import { findProgram } from './find-program.ts';
import {
  CommandNotFound,
  type CommandOptions,
  CommandOutputTooLong,
  type CommandResult,
  CommandTimedOut,
  type Host,
} from './host.ts';
import { Head, Tail } from './output.ts';
import { endGroup, startedGroup } from './process-group.ts';

export interface RealHostOptions {
  readonly clock: Clock;
  /** Absolute paths by command name; what is not in it is looked for on the PATH. */
  readonly paths?: ReadonlyMap<string, string>;
  /** Environment variables beside, or in place of, those of this process; undefined takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Bytes of standard output that a command may write; one that writes more is ended. Default: 32 MiB. */
  readonly mostStdout?: number;
  /** Bytes of standard error that are kept, from its end. Default: 64 KiB. */
  readonly mostStderr?: number;
  /** Milliseconds between SIGTERM and SIGKILL. Default: 5000. */
  readonly graceMs?: number;
}

/** Node waits for the output of a command's descendants too; this is what they get beyond the end of the command. */
const LINGER_MS = 1_000;
/**
 * What SIGKILL and the end of the pipes may take before the process is left to the kernel (one that hangs in a file system
 * dies when that answers). With the grace it stays below the ten seconds that a guarded host waits.
 */
const KILL_MS = 3_000;

/** @see Host.run; throws beside what it says: {@link CommandOutputTooLong}, and the system's error where a file is no program. */
export function realHost(options: RealHostOptions): Host {
  const limits = {
    mostStdout: options.mostStdout ?? 32 * 1024 * 1024,
    mostStderr: options.mostStderr ?? 64 * 1024,
    graceMs: options.graceMs ?? 5_000,
  };
  return {
    run: (command, args, asked) => {
      const file = options.paths?.get(command) ?? command;
      const env = { ...process.env, ...options.environment };
      return run(options.clock, { command, file, args, env }, asked, limits);
    },
  };
}

interface Program {
  readonly command: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

interface Limits {
  readonly mostStdout: number;
  readonly mostStderr: number;
  readonly graceMs: number;
}

async function run(clock: Clock, program: Program, options: CommandOptions, limits: Limits): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const child = await start(program, options.stdin !== undefined);
  using _group = startedGroup(child.pid!);
  const stdout = new Head(limits.mostStdout);
  const stderr = new Tail(limits.mostStderr);
  const tooMuch = new AbortController();
  child.stdout!.on('data', (chunk: Buffer) => {
    if (!stdout.add(chunk)) tooMuch.abort(new CommandOutputTooLong(program.command, limits.mostStdout));
  });
  child.stderr!.on('data', (chunk: Buffer) => stderr.add(chunk));
  // A pipe that breaks has ended; how the command ended is in its exit code.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => undefined);
  child.stdin?.end(options.stdin);

  using limit = clock.deadline(options.timeoutMs, options.signal);
  const ended = once(child, 'exit').then(([code, signal]) =>
    exitCodeOf(code as number | null, signal as string | null),
  );
  const closed = once(child, 'close');
  const exitCode = await settledUnless(ended, AbortSignal.any([limit.signal, tooMuch.signal]));
  if (exitCode === undefined) {
    endGroup(child.pid!, 'SIGTERM');
    await settledWithin(clock, limits.graceMs, closed);
  } else {
    await settledWithin(clock, LINGER_MS, closed);
  }
  // Also after a good end: what it left running in its session would outlive the rehearsal.
  endGroup(child.pid!, 'SIGKILL');
  // Before the answer is looked at: a process that was busy itself has not read all of it when the first wait is over.
  if (!(await settledWithin(clock, KILL_MS, closed))) letGo(child);

  tooMuch.signal.throwIfAborted();
  if (exitCode !== undefined) return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  options.signal?.throwIfAborted();
  throw new CommandTimedOut(program.command, options.timeoutMs, stderr.text());
}

/** Resolves when the program runs. @throws CommandNotFound, or the system's error. */
async function start({ command, file, args, env }: Program, withStdin: boolean): Promise<ChildProcess> {
  const child = spawn(file, args, { env, detached: true, stdio: [withStdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  try {
    await once(child, 'spawn');
    return child;
  } catch (error) {
    // The system says ENOENT as well of a script whose interpreter is not there.
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && findProgram(file, env.PATH) === undefined;
    throw missing ? new CommandNotFound(command) : error;
  }
}

/** As shells make it: 128 and the signal's number where a signal ended it. */
function exitCodeOf(code: number | null, signal: string | null): number {
  return code ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** The value, or undefined when the signal aborts first. */
async function settledUnless<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Whether it settled within this time. */
async function settledWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  using limit = clock.deadline(ms);
  return (await settledUnless(promise, limit.signal)) !== undefined;
}

/** Forgets a process that does not die, so that it cannot keep us from ending. */
function letGo(child: ChildProcess): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  child.unref();
}
