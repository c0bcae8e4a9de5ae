/** Writes events.ndjson line by line, so that a run that dies leaves everything up to its last moment. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from './stream.ts';

export const EVENTS_FILE = 'events.ndjson';

export interface EventsWriter extends Disposable {
  readonly path: string;
  readonly sink: Sink;
  /** Why lines are missing at the file's end; null when all were written. A run never ends for it. */
  readonly trouble: Error | null;
  /** Idempotent; called on every path out of a run. */
  close(): void;
}

/**
 * Opens `events.ndjson` in the report directory, empty.
 * @throws the system's error when it cannot be opened
 */
export function openEventsWriter(directory: string): EventsWriter {
  const path = join(directory, EVENTS_FILE);
  return eventsWriterTo(openSync(path, 'w'), path);
}

/** The same over a file descriptor, which the writer closes. */
export function eventsWriterTo(fd: number, path: string): EventsWriter {
  let open = true;
  let written = 0;
  let trouble: Error | null = null;

  const close = (): void => {
    if (!open) return;
    open = false;
    try {
      closeSync(fd);
    } catch (error) {
      trouble ??= error as Error;
    }
  };

  const sink: Sink = (_event, line) => {
    if (!open || trouble !== null) return;
    const bytes = Buffer.from(`${line}\n`);
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(fd, bytes, done);
      written += done;
    } catch (error) {
      // After a part of a line nothing may follow: what came later would be glued to it.
      trouble = error as Error;
      cut();
    }
  };

  const cut = (): void => {
    try {
      ftruncateSync(fd, written);
    } catch {
      // A pipe cannot be cut; readers accept a cut last line.
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
