/** The stream: gives each event its number and its moment, masks secrets, and hands it to every sink. */
import type { Emit, Event } from './events.ts';
import { inOrder } from './fields.ts';
import { maskEvent } from './mask.ts';

/** Takes one event; `line` is its JSON without a line break. */
export type Sink = (event: Event, line: string) => void;

export interface EventStreamOptions {
  /** Milliseconds since the epoch, in provider time. */
  readonly now: () => number;
  readonly sinks: readonly Sink[];
}

export interface EventStream {
  readonly emit: Emit;
  /** Events emitted so far. */
  readonly count: number;
  /** The verdict was emitted: nothing may follow it, and nothing that comes later is taken. */
  readonly ended: boolean;
  /** What sinks threw; the run goes on without a sink that did. */
  readonly troubles: readonly Error[];
}

export function createEventStream({ now, sinks }: EventStreamOptions): EventStream {
  const working = new Set(sinks);
  const troubles: Error[] = [];
  let count = 0;
  let ended = false;
  const emit: Emit = (body) => {
    if (ended) return;
    ended = body.type === 'verdict';
    count++;
    const at = new Date(now()).toISOString();
    const event = { seq: count, at, ...maskEvent(inOrder(body)) } as Event;
    const line = JSON.stringify(event);
    for (const sink of [...working]) {
      try {
        sink(event, line);
      } catch (error) {
        // A report that cannot be written must not end a migration half way.
        working.delete(sink);
        troubles.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  return {
    emit,
    troubles,
    get count() {
      return count;
    },
    get ended() {
      return ended;
    },
  };
}
