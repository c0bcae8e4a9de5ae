/** The clock of real clusters on a machine whose time is set: by NTP, by a person, by a lid that was closed. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Outages } from '../../src/rehearsal/patient-api.ts';
import type { Clock } from '../../src/time/clock.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

class Machine {
  #wall = Date.parse('2026-03-29T00:59:00Z');
  #monotonic = 5_000;
  wall = (): number => this.#wall;
  monotonic = (): number => this.#monotonic;
  /** Time passes. */
  pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }
  /** The wall clock is set; what has passed has not changed. */
  set(ms: number): void {
    this.#wall += ms;
  }
}

/** Positive: time passes. Otherwise the clock is set by so much. */
const happening = fc.oneof(
  fc.record({ pass: fc.integer({ min: 0, max: 600_000 }) }),
  fc.record({ set: fc.integer({ min: -7_200_000, max: 7_200_000 }) }),
);
type Happening = { readonly pass: number } | { readonly set: number };
const happen = (machine: Machine, what: Happening): void => {
  if ('pass' in what) machine.pass(what.pass);
  else machine.set(what.set);
};

describe('a clock that is set', () => {
  test('never goes back, is never behind the machine, and counts at least what has passed', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (story) => {
        const machine = new Machine();
        const clock = new WallClock(machine);
        for (const what of story) {
          const [before, monotonic] = [clock.now(), machine.monotonic()];
          happen(machine, what);
          const now = clock.now();
          expect(now - before).toBeGreaterThanOrEqual(machine.monotonic() - monotonic);
          expect(now).toBeGreaterThanOrEqual(machine.wall());
        }
      }),
    );
  });

  test("is the machine's own time as long as nobody sets it back", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(happening.filter((what) => 'pass' in what || what.set >= 0))), (story) => {
        const machine = new Machine();
        const clock = new WallClock(machine);
        for (const what of story) {
          happen(machine, what);
          expect(clock.now()).toBe(machine.wall());
        }
      }),
    );
  });

  test('a stamp that a machine wrote before a change never looks newer than the change', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (story) => {
        const machine = new Machine();
        const clock = new WallClock(machine);
        for (const what of story) {
          // The clock is looked at in between, as sweeps do every few seconds.
          clock.now();
          const stamp = machine.wall();
          happen(machine, what);
          expect(clock.now()).toBeGreaterThanOrEqual(stamp);
        }
      }),
    );
  });

  test('neither prolongs nor shortens a deadline, nor an outage', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (story) => {
        const machine = new Machine();
        const clock: Clock = new WallClock(machine);
        using deadline = clock.deadline(86_400_000);
        const outages = new Outages(clock);
        outages.away();
        const began = machine.monotonic();
        for (const what of story) {
          happen(machine, what);
          const passed = machine.monotonic() - began;
          expect(deadline.remaining()).toBe(86_400_000 - passed);
          expect(outages.away()).toBe(passed);
        }
      }),
    );
  });
});

describe('waits', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
  afterEach(() => void vi.useRealTimers());

  test('end at their moment although the clock was set to another day', async () => {
    const clock = new WallClock();
    using deadline = clock.deadline(10_000);
    const sleep = clock.sleep(9_000);
    vi.setSystemTime(0);
    await vi.advanceTimersByTimeAsync(9_000);
    await sleep;
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.remaining()).toBe(1_000);
    vi.setSystemTime(4_102_444_800_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(deadline.signal.reason).toMatchObject({ name: 'DeadlineExceeded', limitMs: 10_000 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('longer than a platform timer can be (24.8 days) do not end at once', async () => {
    const clock = new WallClock();
    let over = false;
    void clock.sleep(2 ** 31 + 1_000).then(() => (over = true));
    await vi.advanceTimersByTimeAsync(2 ** 31);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(over).toBe(true);
  });

  test.each(['sleep', 'deadline'] as const)('an abort ends a %s and leaves no timer', async (kind) => {
    const clock = new WallClock();
    const controller = new AbortController();
    if (kind === 'sleep') {
      const sleep = clock.sleep(60_000, controller.signal);
      controller.abort(new Error('enough'));
      await expect(sleep).rejects.toThrow('enough');
    } else {
      const deadline = clock.deadline(60_000, controller.signal);
      controller.abort(new Error('enough'));
      expect(deadline.signal.reason).toMatchObject({ message: 'enough' });
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});
