/** Commands of this machine, each in a process group of its own, ended whole at its time limit or when its caller gives up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CommandNotFound, type CommandOptions, type CommandResult, CommandTimedOut, type Host } from './host.ts';

export interface RealHostOptions {
  /** Environment of the commands; the process's own unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a command has after SIGTERM before it is killed, milliseconds. */
const GRACE_MS = 5_000;

export function createRealHost({ env = process.env }: RealHostOptions = {}): Host {
  return { run: (command, args, options) => runProcess(command, args, options, env) };
}

function runProcess(
  command: string,
  args: readonly string[],
  { stdin, timeoutMs, signal }: CommandOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const child = spawn(command, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let why: Error | undefined;
    let kill: NodeJS.Timeout | undefined;
    const end = (reason: Error): void => {
      why ??= reason;
      signalGroup(child, 'SIGTERM');
      kill ??= setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
    };
    const limit = setTimeout(() => end(new CommandTimedOut(command, timeoutMs)), timeoutMs);
    const onAbort = (): void => end(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    const over = (): void => {
      clearTimeout(limit);
      clearTimeout(kill);
      signal?.removeEventListener('abort', onAbort);
    };
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      over();
      reject(error.code === 'ENOENT' ? new CommandNotFound(command) : error);
    });
    child.on('close', (code, by) => {
      over();
      if (why) reject(why);
      else {
        const exitCode = code ?? 128 + (by === null ? 0 : constants.signals[by]);
        resolve({ exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
      }
    });
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
