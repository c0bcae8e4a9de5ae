/** Events that something happened to: read, with every report made and valid, or refused with file and line. Nothing else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { EventsUnreadable, readEvents } from '../../src/events/reader.ts';
import { reportFiles } from '../../src/report/files.ts';
import { storyOf } from '../../src/report/model.ts';
import { failedRun, passedRun } from '../report/events-fixture.ts';
import { ONE_LINE, runs } from './runs.ts';

const directory = mkdtempSync(join(tmpdir(), 'fuzz-events-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'events.ndjson');
const reportSchema = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8')) as Parameters<
    typeof z.fromJSONSchema
  >[0],
);

/** Were the events read? */
function attempt(content: string | Uint8Array): boolean {
  writeFileSync(file, content);
  try {
    const files = reportFiles(storyOf(readEvents(file)));
    const report: unknown = JSON.parse(files.find(({ name }) => name === 'report.json')!.content);
    expect(reportSchema.safeParse(report).error?.message).toBeUndefined();
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['summary.md', 'junit.xml']));
    return true;
  } catch (error) {
    if (!(error instanceof EventsUnreadable)) throw error;
    expect(error.message).toMatch(ONE_LINE);
    expect(error.line === 0 ? content.length === 0 : error.message.startsWith(`${file}:${error.line}: `)).toBe(true);
    return false;
  }
}

const TAPES = [passedRun().lines, failedRun().lines];
const tape = fc.constantFrom(...TAPES);
const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

/** Cut, twice, gone, out of order, glued together: numbers that are put right again get behind the check of `seq`. */
const lineMutation = fc.record({
  how: fc.constantFrom('cut', 'twice', 'gone', 'swapped', 'glued', 'garbage'),
  at: fc.nat(),
  to: fc.nat(),
  renumber: fc.boolean(),
});

function mutateLines(
  lines: readonly string[],
  { how, at, to, renumber }: { how: string; at: number; to: number; renumber: boolean },
): string[] {
  const [a, b] = [at % lines.length, to % lines.length];
  const changed = {
    cut: () => lines.with(a, lines[a]!.slice(0, to % (lines[a]!.length + 1))),
    twice: () => lines.toSpliced(b, 0, lines[a]!),
    gone: () => lines.toSpliced(a, 1),
    swapped: () => lines.with(a, lines[b]!).with(b, lines[a]!),
    glued: () => lines.toSpliced(a, 2, `${lines[a]}${lines[a + 1] ?? ''}`),
    garbage: () => lines.toSpliced(a, 0, '\u001b[31m\u0000\u009b'),
  }[how as 'cut']();
  return renumber ? changed.map((line, index) => line.replace(/^\{"seq":\d+/, `{"seq":${index + 1}`)) : changed;
}

test('lines cut, twice, gone, swapped or glued', () => {
  let read = 0;
  fc.assert(
    fc.property(tape, fc.array(lineMutation, { minLength: 1, maxLength: 3 }), (lines, mutations) => {
      if (
        attempt(
          text(
            mutations.reduce<string[]>(
              (now, mutation) => (now.length === 0 ? now : mutateLines(now, mutation)),
              [...lines],
            ),
          ),
        )
      )
        read++;
    }),
    runs(250),
  );
  expect(read).toBeGreaterThan(10);
});

test('bytes flipped, and the file cut anywhere', () => {
  fc.assert(
    fc.property(
      tape,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat()),
      (lines, flips, cut) => {
        const bytes = Buffer.from(text(lines));
        for (const [at, mask] of flips) bytes[at % bytes.length]! ^= mask;
        attempt(cut === null ? bytes : bytes.subarray(0, cut % bytes.length));
      },
    ),
    runs(250),
  );
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Places of a JSON value, from the outside in. */
function placesOf(value: Json, above: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...above]];
  const below = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [
    ...(above.length > 0 ? [[...above]] : []),
    ...below.flatMap(([key, inner]) => placesOf(inner, [...above, key])),
  ];
}

function changedAt(value: Json, [key, ...more]: readonly (string | number)[], to: Json): Json {
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.with(key as number, changedAt(value[key as number]!, more, to));
  const fields = value as { [key: string]: Json };
  return { ...fields, [key]: changedAt(fields[key]!, more, to) };
}

const odd = fc.oneof(
  fc.constantFrom<Json>(
    '',
    '__proto__',
    'constructor',
    '../../x',
    '\u001b[31m\n',
    '\ud800',
    ']]>',
    '2026-99-99T99:99:99.999Z',
    '1970-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    'kind-worker',
    'baseline',
    'drain/',
    0,
    -1,
    1.5,
    1e15,
    1e308,
    true,
    null,
    [],
    {},
  ),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

test('fields with other values and types', () => {
  let read = 0;
  fc.assert(
    fc.property(tape, fc.nat(), fc.nat(), odd, (lines, line, place, to) => {
      const at = line % lines.length;
      const event = JSON.parse(lines[at]!) as Json;
      const places = placesOf(event);
      if (attempt(text(lines.with(at, JSON.stringify(changedAt(event, places[place % places.length]!, to)))))) read++;
    }),
    runs(600),
  );
  expect(read).toBeGreaterThan(20);
});

const head = TAPES[0]![0]!;
test.each<[string, string | Uint8Array, string]>([
  [
    'a moment that does not exist',
    `${head}\n{"seq":2,"at":"2026-99-99T99:99:99.999Z","type":"phase-started","phase":"check"}\n`,
    ':2: not a valid phase-started event: at: ',
  ],
  [
    'values nested too deeply to be written again',
    `${head}\n{"seq":2,"at":"2026-01-01T00:00:00.000Z","type":"values","moment":"initial","changed":[],"values":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}\n`,
    ':2: not a valid values event: nested deeper than',
  ],
  [
    'bytes that are no text',
    Buffer.concat([Buffer.from(`${head}\n{"a":"`), Buffer.from([0xff]), Buffer.from('"}\n')]),
    ':2: not UTF-8 text',
  ],
  ['controls in what is quoted', `${head}\n\u001b[31m\u0000\n`, ':2: not JSON: \\u001b[31m\\u0000'],
  ['a type with controls', `${head}\n{"seq":2,"type":"dance\\u001b\\n"}\n`, ':2: unknown event type dance\\u001b\\n'],
  ['an object as number', `${head}\n{"seq":{"a":1},"type":"phase-started"}\n`, ':2: seq is {"a":1}, expected 2'],
  [
    'a report.json',
    '{\n  "schemaVersion": 1\n}\n',
    ':1: no events of a rehearsal, which are one JSON object a line: {',
  ],
])('%s', (_what, content, message) => {
  writeFileSync(file, content);
  expect(() => [...readEvents(file)]).toThrow(`${file}${message}`);
});
