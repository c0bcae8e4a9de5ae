/** events.ndjson: what the writer leaves, the reader takes; also after the worst. */
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/events.ts';
import { EventsUnreadable, readEvents } from '../../src/events/reader.ts';
import { eventsWriterTo, openEventsWriter } from '../../src/events/writer.ts';
import { passedRun } from '../report/events-fixture.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-events-'));
  file = join(directory, 'events.ndjson');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const tape = passedRun();
const whole = `${tape.lines.join('\n')}\n`;

function read(): { events: Event[]; cut: boolean } {
  const events: Event[] = [];
  const reading = readEvents(file);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return { events, cut: value.cut };
    events.push(value);
  }
}

function readText(text: string | Buffer): ReturnType<typeof read> {
  writeFileSync(file, text);
  return read();
}

describe('the writer', () => {
  test('what it wrote reads back as it was', () => {
    {
      using writer = openEventsWriter(directory);
      for (const [index, event] of tape.events.entries()) writer.sink(event, tape.lines[index]!);
      expect(writer.trouble).toBeNull();
    }
    expect(readFileSync(file, 'utf8')).toBe(whole);
    expect(read()).toEqual({ events: tape.events, cut: false });
  });

  test('every line is there before the next event, so that a killed run has them', () => {
    const writer = openEventsWriter(directory);
    writer.sink(tape.events[0]!, tape.lines[0]!);
    expect(readFileSync(file, 'utf8')).toBe(`${tape.lines[0]}\n`);
    writer.close();
  });

  test('closing twice and writing after it do nothing', () => {
    const writer = openEventsWriter(directory);
    writer.close();
    writer.close();
    writer.sink(tape.events[0]!, tape.lines[0]!);
    expect(writer.trouble).toBeNull();
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  test.runIf(process.platform === 'linux')('a full disk is remembered and the run goes on', () => {
    const writer = eventsWriterTo(openSync('/dev/full', 'w'), '/dev/full');
    writer.sink(tape.events[0]!, tape.lines[0]!);
    writer.sink(tape.events[1]!, tape.lines[1]!);
    expect((writer.trouble as NodeJS.ErrnoException).code).toBe('ENOSPC');
    writer.close();
  });

  test('a descriptor that cannot be written is remembered', () => {
    writeFileSync(file, '');
    const writer = eventsWriterTo(openSync(file, 'r'), file);
    writer.sink(tape.events[0]!, tape.lines[0]!);
    expect((writer.trouble as NodeJS.ErrnoException).code).toBe('EBADF');
    writer.close();
  });
});

describe('the reader', () => {
  test('a file that is cut anywhere gives the whole events before the cut', () => {
    const bytes = Buffer.from(whole);
    const first = bytes.indexOf(10) + 1;
    fc.assert(
      fc.property(fc.integer({ min: first, max: bytes.length }), (length) => {
        const { events, cut } = readText(bytes.subarray(0, length));
        const lines = bytes.subarray(0, length).toString().split('\n').length - 1;
        // A last line that only lacks its line break is whole.
        expect([lines, lines + 1]).toContain(events.length);
        expect(events).toEqual(tape.events.slice(0, events.length));
        expect(cut).toBe(events.length === lines && bytes[length - 1] !== 10);
      }),
      { numRuns: 150 },
    );
  });

  test('lines longer than a chunk, and characters across two chunks', () => {
    const big = passedRun();
    const index = big.events.findIndex(({ type }) => type === 'file');
    const event = { ...big.events[index]!, content: '€'.repeat(400_000) } as Event;
    const lines = big.lines.with(index, JSON.stringify(event));
    expect(readText(`${lines.join('\n')}\n`).events[index]).toEqual(event);
  });

  const lines = tape.lines;
  const changed = (line: number, change: object): string =>
    `${lines.with(line - 1, JSON.stringify({ ...JSON.parse(lines[line - 1]!), ...change })).join('\n')}\n`;

  test.each<[string, string, string]>([
    ['an empty file', '', ': holds no events'],
    ['a cut first line', lines[0]!.slice(0, 30), ':1: no event of a rehearsal: the first line is cut'],
    ['not JSON', `${lines[0]}\nhello\n`, ':2: not JSON: hello'],
    ['an empty line', `${lines[0]}\n\n${lines[1]}\n`, ':2: not JSON: an empty line'],
    ['a cut line in the middle', `${lines[0]}\n${lines[1]!.slice(0, 20)}\n${lines[2]}\n`, ':2: not JSON: '],
    ['no object', `${lines[0]}\n[1]\n`, ':2: not an event'],
    ['no type', '{"a":1}\n', ':1: not an event of a rehearsal: it has no type'],
    ['no head', `${lines.slice(1).join('\n')}\n`, ':1: the first event is phase-started, not run-started'],
    ['an unknown version', changed(1, { eventsVersion: 2 }), ':1: eventsVersion 2 is not known; this version reads 1'],
    ['an unknown type', changed(2, { type: 'dance' }), ':2: unknown event type dance'],
    ['a gap', `${lines.toSpliced(3, 1).join('\n')}\n`, ':4: seq is 5, expected 4'],
    ['a line twice', `${lines.toSpliced(3, 0, lines[2]!).join('\n')}\n`, ':4: seq is 3, expected 4'],
    ['two runs', `${whole.trimEnd().split('\n').slice(0, 2).join('\n')}\n${whole}`, ':3: a second run-started'],
    ['something after the verdict', `${whole}${lines[1]}\n`, `:${lines.length + 1}: an event after the verdict`],
    ['a missing field', changed(2, { phase: undefined }), ':2: not a valid phase-started event: phase: '],
    ['a foreign field', changed(2, { pid: 7 }), ':2: not a valid phase-started event: '],
    ['a wall-clock format', changed(2, { at: '2026-01-01' }), ':2: not a valid phase-started event: at: '],
  ])('refuses %s, with file and line', (_what, text, message) => {
    let caught: unknown;
    try {
      readText(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(EventsUnreadable);
    const { message: said } = caught as EventsUnreadable;
    expect(said.startsWith(`${file}${message}`), said).toBe(true);
    expect(said).not.toContain('\n');
  });

  test('a file that is not there, and a directory', () => {
    expect(() => read()).toThrow(`${file}: there is no such file`);
    file = directory;
    expect(() => read()).toThrow(EventsUnreadable);
  });
});
