/** events.ndjson on a disk that is full now and then: whole lines, in their order, and nothing lost while there is hope. */
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEventsWriter } from '../../src/events/writer.ts';
import { passedRun } from '../report/events-fixture.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-writer-'));
  file = join(directory, 'events.ndjson');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const { events, lines } = passedRun();

class Disk {
  /** Bytes that there is room for. */
  room = Number.POSITIVE_INFINITY;
  readonly write = (fd: number, bytes: Buffer, from: number): number => {
    const count = Math.min(bytes.length - from, this.room);
    if (count === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    this.room -= count;
    return writeSync(fd, bytes, from, count);
  };
}

test('whatever room there is, the file holds whole lines in order; with room at the end, all of them', () => {
  const room = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 2_000 }));
  fc.assert(
    fc.property(fc.array(room, { minLength: 1, maxLength: lines.length }), room, (rooms, last) => {
      const disk = new Disk();
      const told: string[] = [];
      const writer = openEventsWriter(directory, { write: disk.write, onTrouble: ({ message }) => told.push(message) });
      for (const [index, event] of events.entries()) {
        disk.room = rooms[index] ?? disk.room;
        writer.sink(event, lines[index]!);
        const written = readFileSync(file, 'utf8');
        expect(`${lines.slice(0, index + 1).join('\n')}\n`.startsWith(written)).toBe(true);
        expect(written === '' || written.endsWith('\n')).toBe(true);
        expect(writer.trouble === null).toBe(written.length === lines.slice(0, index + 1).join('\n').length + 1);
      }
      disk.room = last;
      writer.close();
      if (last === Number.POSITIVE_INFINITY) {
        expect(writer.trouble).toBeNull();
        expect(readFileSync(file, 'utf8')).toBe(`${lines.join('\n')}\n`);
      }
      // Once, however often it happens.
      expect(told.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 60 },
  );
});

test('lines that wait take no more than a bound of memory; then the file ends there for good', () => {
  const disk = new Disk();
  const writer = openEventsWriter(directory, { write: disk.write });
  writer.sink(events[0]!, lines[0]!);
  disk.room = 0;
  const long = JSON.stringify({ text: 'x'.repeat(9 * 1024 * 1024) });
  for (let i = 0; i < 8; i++) writer.sink(events[1]!, long);
  disk.room = Number.POSITIVE_INFINITY;
  writer.sink(events[2]!, lines[2]!);
  writer.close();
  expect(writer.trouble?.message).toContain('ENOSPC');
  expect(readFileSync(file, 'utf8')).toBe(`${lines[0]}\n`);
});

test('a file that somebody removed is put back when the run ends', () => {
  const writer = openEventsWriter(directory);
  for (const [index, event] of events.entries()) {
    if (index === 5) unlinkSync(file);
    writer.sink(event, lines[index]!);
  }
  writer.close();
  expect(writer.trouble).toBeNull();
  expect(readFileSync(file, 'utf8')).toBe(`${lines.join('\n')}\n`);
});

test('one that cannot be put back is trouble', () => {
  const writer = openEventsWriter(directory);
  writer.sink(events[0]!, lines[0]!);
  rmSync(directory, { recursive: true });
  writer.close();
  expect(writer.trouble?.message).toMatch(/removed while the run wrote it \(ENOENT/);
});
