import { describe, expect, test } from 'vitest';
import type { Event, EventBody } from '../../src/events/events.ts';
import { createEventStream } from '../../src/events/stream.ts';

const STEP: EventBody = { type: 'step-ended', step: 'a', outcome: 'passed', message: '' };
const VERDICT: EventBody = {
  type: 'verdict',
  verdict: 'passed',
  reason: 'completed',
  message: '',
  failedCheckpoint: null,
  beforePointOfNoReturn: false,
  handwork: [],
};

function recorded(now: () => number = () => 0): { emit: (body: EventBody) => void; events: Event[]; lines: string[] } {
  const events: Event[] = [];
  const lines: string[] = [];
  const { emit } = createEventStream({
    now,
    sinks: [
      (event, line) => {
        events.push(event);
        lines.push(line);
      },
    ],
  });
  return { emit, events, lines };
}

describe('the stream', () => {
  test('counts from 1 and stamps provider time to the millisecond', () => {
    let now = Date.parse('2026-01-01T00:00:00.000Z');
    const { emit, events } = recorded(() => now);
    emit(STEP);
    now += 1_234;
    emit(STEP);
    expect(events.map(({ seq, at }) => [seq, at])).toEqual([
      [1, '2026-01-01T00:00:00.000Z'],
      [2, '2026-01-01T00:00:01.234Z'],
    ]);
  });

  test('a line is one JSON object, whatever the texts hold, with its keys in the order of the schema', () => {
    const { emit, events, lines } = recorded();
    emit({ message: 'two\nlines \u2028', outcome: 'failed', step: 'a', type: 'step-ended' });
    emit(STEP);
    expect(lines[0]).not.toContain('\n');
    expect(JSON.parse(lines[0]!)).toEqual(events[0]);
    for (const line of lines) {
      expect(Object.keys(JSON.parse(line))).toEqual(['seq', 'at', 'type', 'step', 'outcome', 'message']);
    }
  });

  test('what is undefined or no field of the type is not in the event, so that it reads back equal', () => {
    const { emit, events } = recorded();
    const body = { ...STEP, extra: 1 } as EventBody;
    emit(body);
    emit({ type: 'sample', probe: 'nodepinger', from: 'a', good: 1, bad: [], unreadable: undefined });
    expect(Object.keys(events[0]!)).not.toContain('extra');
    expect(Object.keys(events[1]!)).not.toContain('unreadable');
  });

  test('nothing follows the verdict', () => {
    const { emit, events } = recorded();
    for (const body of [STEP, VERDICT, STEP, VERDICT]) emit(body);
    expect(events.map(({ type }) => type)).toEqual(['step-ended', 'verdict']);
  });

  test('a sink that throws is heard no more; the others and the run go on', () => {
    const seen: number[] = [];
    let calls = 0;
    const stream = createEventStream({
      now: () => 0,
      sinks: [
        () => {
          calls++;
          throw new Error('no space');
        },
        ({ seq }) => seen.push(seq),
      ],
    });
    stream.emit(STEP);
    stream.emit(STEP);
    expect(seen).toEqual([1, 2]);
    expect(calls).toBe(1);
    expect(stream.troubles.map(({ message }) => message)).toEqual(['no space']);
    expect([stream.count, stream.ended]).toEqual([2, false]);
  });

  test('secrets are masked in the event and in its line', () => {
    const { emit, events, lines } = recorded();
    emit({ type: 'object', action: 'command', object: 'helm --password hunter2', detail: '' });
    expect(lines[0]).not.toContain('hunter2');
    expect(JSON.stringify(events[0])).not.toContain('hunter2');
  });
});
