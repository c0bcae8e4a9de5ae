/** Real `rehearse` processes for tests and the soak. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REHEARSE = fileURLToPath(new URL('../../bin/rehearse', import.meta.url));

export interface Ended {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr has this text, or when the process has ended without it (false). */
  says(text: string): Promise<boolean>;
}

/** Starts a command with its output in pipes. */
export function startProcess(command: string, args: readonly string[], cwd: string): Process {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let looks: (() => void)[] = [];
  child.stdout.on('data', (data: Buffer) => (stdout += data));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data;
    for (const look of looks) look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const says = async (text: string): Promise<boolean> => {
    const said = new Promise<void>((resolve) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve();
      };
      looks.push(look);
      look();
    });
    await Promise.race([said, ended]);
    looks = [];
    return stderr.includes(text);
  };
  return { child, ended, says };
}

/** `rehearse` with these words. */
export const startRehearse = (cwd: string, ...words: string[]): Process => startProcess(REHEARSE, words, cwd);

/** A JSON file that a run has left. */
export const readJson = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;
