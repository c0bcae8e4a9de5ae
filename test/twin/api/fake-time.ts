/** Time that only a test moves. */
import type { SimulatedTime } from '../../../src/twin/world.ts';

export interface FakeTime extends SimulatedTime {
  /** Runs what becomes due within `ms` from now, in order. */
  advance(ms: number): void;
}

export function fakeTime(epoch = Date.UTC(2026, 0, 1)): FakeTime {
  let now = epoch;
  let count = 0;
  let timers: { at: number; order: number; action: () => void }[] = [];
  return {
    now: () => now,
    after: (ms, action) => {
      const timer = { at: now + ms, order: count++, action };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    advance: (ms) => {
      const end = now + ms;
      for (;;) {
        const [next] = timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at || a.order - b.order);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        now = next.at;
        next.action();
      }
      now = end;
    },
  };
}
