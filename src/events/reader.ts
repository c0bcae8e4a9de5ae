/**
 * Reads events.ndjson again, a piece at a time, so that fifty megabytes need no more memory than one line does. A run that
 * died leaves a cut last line and no verdict: both are accepted. Everything else that is wrong is refused with its place.
 */
import { closeSync, readSync } from 'node:fs';
import { printable } from '../scenario/printable.ts';
import { fileProblem, InputFileError, openInput } from '../scenario/text-file.ts';
import { EVENTS_VERSION, type Event } from './events.ts';
import { EVENT_TYPES } from './fields.ts';
import { eventSchema } from './schema.ts';

/** The file is not what a run writes. The message is one sentence with file and line. */
export class EventsUnreadable extends Error {
  override readonly name = 'EventsUnreadable';
  readonly file: string;
  /** From 1; 0 when the file as a whole is meant. */
  readonly line: number;
  constructor(file: string, line: number, problem: string, cause?: unknown) {
    super(`${printable(file)}${line > 0 ? `:${line}` : ''}: ${printable(problem, 600)}`, { cause });
    this.file = file;
    this.line = line;
  }
}

const CHUNK_BYTES = 256 * 1024;
/** Far above the longest line of a run; without it a binary file would be read into memory whole. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/**
 * The events of a file, in order. Generator's return value: was the last line cut?
 * @throws EventsUnreadable
 */
export function* readEvents(file: string): Generator<Event, { readonly cut: boolean }> {
  let seq = 0;
  let ended = false;
  for (const { bytes, number, whole } of linesOf(file)) {
    const text = decode(bytes);
    const value = text === undefined ? undefined : parse(text);
    if (value === undefined && !whole) {
      if (seq === 0) throw new EventsUnreadable(file, number, 'no event of a rehearsal: the first line is cut');
      return { cut: true };
    }
    if (text === undefined) throw new EventsUnreadable(file, number, 'not UTF-8 text');
    if (value === undefined) {
      const hint = seq === 0 ? 'no events of a rehearsal, which are one JSON object a line: ' : 'not JSON: ';
      throw new EventsUnreadable(file, number, `${hint}${excerpt(text)}`);
    }
    if (ended) throw new EventsUnreadable(file, number, 'an event after the verdict, which is always the last one');
    const event = checked(file, number, value, seq);
    seq = event.seq;
    ended = event.type === 'verdict';
    yield event;
  }
  if (seq === 0) throw new EventsUnreadable(file, 0, 'holds no events');
  return { cut: false };
}

function checked(file: string, line: number, value: unknown, before: number): Event {
  const fail = (problem: string): EventsUnreadable => new EventsUnreadable(file, line, problem);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('not an event (a JSON object)');
  const { seq, type, eventsVersion } = value as Record<string, unknown>;
  if (typeof type !== 'string') throw fail('not an event of a rehearsal: it has no type');
  if (before === 0 && type !== 'run-started') {
    throw fail(`the first event is ${type}, not run-started: the head of the file is missing`);
  }
  if (before === 0 && eventsVersion !== EVENTS_VERSION) {
    throw fail(`eventsVersion ${show(eventsVersion)} is not known; this version reads ${EVENTS_VERSION}`);
  }
  if (!EVENT_TYPES.has(type)) throw fail(`unknown event type ${type} (eventsVersion ${EVENTS_VERSION} has no such)`);
  if (before > 0 && type === 'run-started') throw fail('a second run-started: two runs wrote into one file');
  if (seq !== before + 1) throw fail(`seq is ${show(seq)}, expected ${before + 1}: lines are missing or out of order`);
  // Only these carry values of any shape.
  if ((type === 'run-started' || type === 'values') && isTooDeep(value)) {
    throw fail(`not a valid ${type} event: nested deeper than ${MAX_DEPTH} levels`);
  }
  const result = eventSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw fail(`not a valid ${type} event: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'unknown problem'}`);
  }
  return value as Event;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40);
}

interface Line {
  readonly bytes: Buffer;
  readonly number: number;
  /** It ends with a line break. */
  readonly whole: boolean;
}

function* linesOf(file: string): Generator<Line> {
  const fd = open(file);
  try {
    let pieces: Buffer[] = [];
    let length = 0;
    let number = 1;
    for (;;) {
      const chunk = read(file, fd);
      if (chunk.length === 0) break;
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        yield {
          bytes: Buffer.concat([...pieces, chunk.subarray(start, end)]),
          number: number++,
          whole: true,
        };
        pieces = [];
        length = 0;
        start = end + 1;
      }
      pieces.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > LONGEST_LINE_BYTES) throw new EventsUnreadable(file, number, 'a line of more than 64 MiB');
    }
    if (length > 0) yield { bytes: Buffer.concat(pieces), number, whole: false };
  } finally {
    closeSync(fd);
  }
}

function open(file: string): number {
  try {
    return openInput(file).fd;
  } catch (error) {
    if (error instanceof InputFileError) throw new EventsUnreadable(file, 0, error.message, error);
    throw error;
  }
}

/** The next bytes in a buffer of their own; empty at the end. */
function read(file: string, fd: number): Buffer {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    return chunk.subarray(0, readSync(fd, chunk, 0, CHUNK_BYTES, null));
  } catch (error) {
    throw new EventsUnreadable(file, 0, fileProblem(error), error);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** undefined: not UTF-8. */
function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Values that people write are at most 100 levels deep (scenario/yaml.ts); what writes JSON again runs out of stack at some thousand. */
const MAX_DEPTH = 300;

function isTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((at) => (typeof at === 'object' && at !== null ? Object.values(at) : []));
  }
  return false;
}

/** undefined: not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return shown === '' ? 'an empty line' : shown;
}
