/** stdout carries results, stderr progress and messages; either of them closed, the run goes on. */
import { fstatSync, writeSync } from 'node:fs';

export interface Output {
  /** A result. */
  result(text: string): void;
  /** Progress or a message. */
  message(text: string): void;
  /**
   * Why results did not reach the file that stdout is; null: they did, or nobody wants them any more (a closed pipe). A
   * result on a full disk is lost to somebody who asked for it.
   */
  readonly trouble: Error | null;
  /** Is stderr a terminal that wants colour and a live status line? */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Columns of the terminal; 80 where there is none. */
  columns(): number;
}

export function processOutput(): Output {
  for (const stream of [process.stdout, process.stderr]) {
    // A closed pipe (`rehearse run | head`) ends the output, not the run; nobody is left to be told.
    stream.on('error', () => undefined);
  }
  const terminal = process.stderr.isTTY === true;
  let trouble: Error | null = null;
  const file = isFile(1);
  return {
    result: (text) => {
      if (!file) return write(process.stdout, text);
      try {
        // Node's own stream over a file takes a partly written text for a written one.
        writeFully(1, text);
      } catch (error) {
        trouble ??= error as Error;
      }
    },
    message: (text) => write(process.stderr, text),
    get trouble() {
      return trouble;
    },
    terminal,
    colour: wantsColour(terminal, process.env),
    columns: () => process.stderr.columns ?? 80,
  };
}

/** https://no-color.org and FORCE_COLOR as Node reads it. */
export function wantsColour(terminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return terminal && env.TERM !== 'dumb';
}

/** A file on disk, or a device such as /dev/full: nothing that is read at another's pace. */
function isFile(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || (stat.isCharacterDevice() && process.stdout.isTTY !== true);
  } catch {
    return false;
  }
}

/** @throws the system's error */
function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    const count = writeSync(fd, bytes, done);
    if (count === 0) throw new Error('nothing was written');
    done += count;
  }
}

function write(stream: NodeJS.WriteStream, text: string): void {
  if (!stream.writable) return;
  try {
    stream.write(text);
  } catch {
    // As above: a stream that went away between the check and the write.
  }
}

/** Resolves when everything written so far has been handed to the system. */
export async function flushed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (!stream.writable || stream.writableLength === 0) resolve();
          else stream.write('', () => resolve());
        }),
    ),
  );
}
