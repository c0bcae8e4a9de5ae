/**
 * Writes events.ndjson line by line, so that a run that dies leaves everything up to its last moment. While the disk takes
 * nothing the lines wait in memory; they are written in their order as soon as there is room.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from './stream.ts';

export const EVENTS_FILE = 'events.ndjson';

/** Lines that wait for room take no more memory than this; then they are given up, and the file ends there for good. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

export interface EventsWriter extends Disposable {
  readonly path: string;
  readonly sink: Sink;
  /** Why lines are missing at the file's end now; null when all are written. A run never ends for it. */
  readonly trouble: Error | null;
  /** Idempotent; called on every path out of a run. Puts the file back where somebody has removed it meanwhile. */
  close(): void;
}

export interface WriterOptions {
  /** Told once, when the first line cannot be written. */
  readonly onTrouble?: (error: Error) => void;
  /** For tests: writes bytes at the end of the file and says how many. */
  readonly write?: (fd: number, bytes: Buffer, from: number) => number;
}

/**
 * Opens `events.ndjson` in the report directory, empty.
 * @throws the system's error when it cannot be opened
 */
export function openEventsWriter(directory: string, options: WriterOptions = {}): EventsWriter {
  const path = join(directory, EVENTS_FILE);
  const { O_RDWR, O_CREAT, O_TRUNC, O_APPEND } = constants;
  return eventsWriterTo(openSync(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o666), path, options);
}

/** The same over a file descriptor that appends, which the writer closes. */
export function eventsWriterTo(fd: number, path: string, options: WriterOptions = {}): EventsWriter {
  const write = options.write ?? ((to, bytes, from) => writeSync(to, bytes, from));
  let open = true;
  let whole = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let trouble: Error | null = null;
  let told = false;
  /** Lines are lost: what came later would stand in the wrong place. */
  let givenUp = false;

  const inTrouble = (error: Error): void => {
    trouble = error;
    if (told) return;
    told = true;
    options.onTrouble?.(error);
  };

  /** After a part of a line nothing may follow but the rest of it: the part is taken back. */
  const takeBack = (): boolean => {
    try {
      ftruncateSync(fd, whole);
      return true;
    } catch {
      // A pipe cannot be cut; readers accept a cut last line.
      return false;
    }
  };

  const flush = (): void => {
    for (let bytes = waiting[0]; bytes !== undefined; bytes = waiting[0]) {
      let done = 0;
      try {
        while (done < bytes.length) {
          const count = write(fd, bytes, done);
          // No system answers so; without this it would be asked for ever.
          if (count === 0) throw new Error('nothing was written');
          done += count;
        }
      } catch (error) {
        inTrouble(error as Error);
        if ((done > 0 && !takeBack()) || waitingBytes > MOST_WAITING_BYTES) {
          givenUp = true;
          waiting = [];
        }
        return;
      }
      whole += done;
      waitingBytes -= done;
      waiting.shift();
    }
    trouble = null;
  };

  const sink: Sink = (_event, line) => {
    if (!open || givenUp) return;
    const bytes = Buffer.from(`${line}\n`);
    waiting.push(bytes);
    waitingBytes += bytes.length;
    flush();
  };

  /** Somebody removed the file, or its directory; its content lives as long as it is open. */
  const putBack = (): void => {
    if (!fstatSync(fd).isFile() || fstatSync(fd).nlink > 0) return;
    const content = Buffer.alloc(whole);
    let done = 0;
    while (done < whole) {
      const count = readSync(fd, content, done, whole - done, done);
      if (count === 0) throw new Error('it has become shorter');
      done += count;
    }
    writeFileSync(path, content);
  };

  const close = (): void => {
    if (!open) return;
    if (waiting.length > 0) flush();
    open = false;
    try {
      if (!givenUp) putBack();
    } catch (error) {
      trouble ??= new Error(`it was removed while the run wrote it (${(error as Error).message})`, { cause: error });
    }
    try {
      closeSync(fd);
    } catch (error) {
      trouble ??= error as Error;
    }
  };

  return {
    path,
    sink,
    close,
    [Symbol.dispose]: close,
    get trouble() {
      return trouble;
    },
  };
}
