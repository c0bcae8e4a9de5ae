import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineExceeded } from '../../src/time/clock.ts';
import { TimerQueue } from '../../src/time/timer-queue.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

const clockAt = (epoch = 0, batch = true): VirtualClock => new VirtualClock({ epoch, batch });

describe('timers', () => {
  test('come in the order of time, then of setting, whatever was cancelled', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(50), cancel: fc.boolean() })), (items) => {
        const queue = new TimerQueue();
        const timers = items.map(({ at }) => queue.add(at, () => undefined));
        items.forEach((item, i) => {
          if (item.cancel) timers[i]!.action = undefined;
        });
        const taken: number[] = [];
        for (let t = queue.take(); t !== undefined; t = queue.take()) taken.push(timers.indexOf(t));
        const expected = items
          .map((item, i) => ({ ...item, i }))
          .filter((item) => !item.cancel)
          .sort((a, b) => a.at - b.at || a.i - b.i)
          .map(({ i }) => i);
        expect(taken).toEqual(expected);
      }),
    );
  });
});

describe.each([true, false])('virtual time, batched: %s', (batch) => {
  test('jumps from timer to timer and never backwards', async () => {
    const clock = clockAt(1_000, batch);
    const seen: string[] = [];
    await clock.run(async () => {
      clock.after(30, () => seen.push(`internal ${clock.now()}`));
      await Promise.all([
        clock.sleep(50).then(() => seen.push(`b ${clock.now()}`)),
        clock.sleep(20).then(() => seen.push(`a ${clock.now()}`)),
      ]);
    });
    expect(seen).toEqual(['a 1020', 'internal 1030', 'b 1050']);
  });

  test('stands still while a tracked operation is under way', async () => {
    const clock = clockAt(0, batch);
    await clock.run(async () => {
      const slept = clock.sleep(10).then(() => clock.now());
      const tracked = clock.track(() => new Promise<number>((resolve) => setTimeout(() => resolve(clock.now()), 20)));
      expect(await tracked).toBe(0);
      expect(await slept).toBe(10);
    });
  });

  test('admits concurrent requests in the order of issue, whatever the order of arrival', async () => {
    const clock = clockAt(0, batch);
    const served: number[] = [];
    const request = (arrivalMs: number): Promise<void> =>
      clock.track(
        (issue) =>
          new Promise((resolve) =>
            setTimeout(
              () =>
                clock.admit(issue, () => {
                  served.push(issue);
                  resolve();
                }),
              arrivalMs,
            ),
          ),
      );
    await clock.run(async () => {
      await Promise.all([request(12), request(6), request(0)]);
    });
    expect(served).toEqual([1, 2, 3]);
  });

  test('does not serve a request that was given up while parked', async () => {
    const clock = clockAt(0, batch);
    let served = false;
    await clock.run(async () => {
      const controller = new AbortController();
      const call = clock.track(
        (issue) =>
          new Promise<void>((_, reject) => {
            controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error));
            clock.admit(issue, () => (served = true), controller.signal);
          }),
      );
      controller.abort(new Error('given up'));
      await expect(call).rejects.toThrow('given up');
    });
    expect(served).toBe(false);
  });

  test('does not serve a request that arrives when its caller has given it up', async () => {
    const clock = clockAt(0, batch);
    let served = false;
    await clock.run(async () => {
      let issued = 0;
      await clock.track(async (issue) => {
        issued = issue;
      });
      clock.admit(issued, () => (served = true));
      await clock.sleep(1);
    });
    expect(served).toBe(false);
  });

  test('holds time for every watch line until it was handled or the watch was closed', async () => {
    const clock = clockAt(0, batch);
    const log: string[] = [];
    await clock.run(async () => {
      const ticket = clock.openWatch();
      ticket.opened();
      clock.after(5, () => {
        for (const line of ['x', 'y']) {
          clock.deliver(ticket.id, () => {
            setTimeout(() => {
              log.push(`${line} ${clock.now()}`);
              ticket.handled();
            }, 3);
          });
        }
      });
      await clock.sleep(6);
      log.push(`woke ${clock.now()}`);
      clock.after(1, () => clock.deliver(ticket.id, () => log.push('never handled')));
      await clock.sleep(0);
      setTimeout(() => {
        ticket.close();
        ticket.close();
      }, 10);
      await clock.sleep(2);
      log.push(`end ${clock.now()}`);
    });
    expect(log).toEqual(['x 5', 'y 5', 'woke 6', 'never handled', 'end 8']);
  });

  test('a deadline fires at its time, stands still while paused, and says what it was', async () => {
    const clock = clockAt(0, batch);
    await clock.run(async () => {
      const deadline = clock.deadline(100);
      await clock.sleep(40);
      deadline.pause();
      deadline.pause();
      await clock.sleep(1_000);
      expect(deadline.remaining()).toBe(60);
      expect(deadline.signal.aborted).toBe(false);
      deadline.resume();
      await expect(clock.sleep(500, deadline.signal)).rejects.toBeInstanceOf(DeadlineExceeded);
      expect(clock.now()).toBe(1_100);
      expect(deadline.remaining()).toBe(0);
      deadline.resume();
    });
  });

  test('a deadline hands on the reason of its parent, and a cleared one never fires', async () => {
    const clock = clockAt(0, batch);
    await clock.run(async () => {
      const parent = new AbortController();
      const child = clock.deadline(100, parent.signal);
      const cleared = clock.deadline(10, parent.signal);
      cleared.clear();
      await clock.sleep(20);
      parent.abort(new Error('stop'));
      expect(child.signal.reason).toEqual(new Error('stop'));
      await clock.sleep(500);
      expect(cleared.signal.aborted).toBe(false);
      expect(clock.deadline(5, parent.signal).signal.aborted).toBe(true);
    });
  });

  test('lets interrupts in only when nothing is under way', async () => {
    const clock = clockAt(0, batch);
    const seen: string[] = [];
    await clock.run(async () => {
      await clock.track(async () => {
        clock.interrupt(() => seen.push('interrupt'));
        await new Promise((resolve) => setTimeout(resolve, 5));
        seen.push('operation over');
      });
      await clock.sleep(1);
    });
    expect(seen).toEqual(['operation over', 'interrupt']);
  });
});

test('a world in which everybody waits for nothing fails instead of hanging', async () => {
  const clock = clockAt();
  await expect(clock.run(() => new Promise<void>(() => undefined))).rejects.toThrow('virtual time cannot move');
});

test('hands on what main throws', async () => {
  await expect(clockAt().run(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
});

describe('at the pace of the wall', () => {
  test('nothing jumps: what is due runs in its order, between two timers time passes, and an abort lets it jump again', async () => {
    const clock = clockAt(1_000);
    const stop = new AbortController();
    const seen: string[] = [];
    const real = new WallClock();
    await clock.run(async () => {
      await clock.sleep(500);
      clock.pace(100, stop.signal);
      const before = clock.now();
      expect(before).toBeGreaterThanOrEqual(1_500);
      clock.after(3_000, () => seen.push('second'));
      clock.after(1_000, () => seen.push('first'));
      // Somebody from outside looks while nothing is due: the time that he reads is no timer's.
      await real.sleep(5);
      expect(clock.now()).toBeGreaterThan(before);
      await clock.sleep(4_000);
      expect(seen).toEqual(['first', 'second']);
      const paced = clock.now();
      expect(paced).toBeGreaterThanOrEqual(before + 4_000);
      stop.abort();
      await clock.sleep(86_400_000);
      expect(clock.now()).toBeGreaterThanOrEqual(paced + 86_400_000);
    });
  });

  test('a timer that is set from outside is not waited over', async () => {
    const clock = clockAt();
    const stop = new AbortController();
    const real = new WallClock();
    await clock.run(async () => {
      clock.pace(1, stop.signal);
      const ran = new Promise<void>((resolve) => {
        void real.sleep(1).then(() => clock.after(0, resolve));
      });
      await ran;
      stop.abort();
    });
    expect(stop.signal.aborted).toBe(true);
  });
});
