import type { Clock, Deadline, WatchTicket } from './clock.ts';
import { startDeadline } from './deadline.ts';

/** Longest delay of a platform timer; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The two clocks of a machine, in milliseconds. */
export interface TimeSource {
  /** Since the Unix epoch. Somebody may set it: NTP, a person, a laptop that slept. */
  wall(): number;
  /** Since some moment. Only ever counts on; stands still while the machine sleeps (Linux, CLOCK_MONOTONIC). */
  monotonic(): number;
}

const MACHINE: TimeSource = { wall: () => Date.now(), monotonic: () => performance.now() };

/** The clock of real clusters. */
export class WallClock implements Clock {
  readonly #source: TimeSource;
  #issued = 0;
  #tickets = 0;
  #last: number;
  #lastMonotonic: number;

  constructor(source: TimeSource = MACHINE) {
    this.#source = source;
    this.#last = source.wall();
    this.#lastMonotonic = source.monotonic();
  }

  /**
   * The machine's time where it was set forward; where it was set back, what has passed is counted on. So it never goes
   * back and is never behind the machines whose stamps it is compared with: nothing that they wrote before a change can
   * look newer than the change. In the worst case it looks too old, which is unknown and never green.
   */
  now(): number {
    const monotonic = this.#source.monotonic();
    const counted = this.#last + Math.max(0, monotonic - this.#lastMonotonic);
    this.#lastMonotonic = Math.max(this.#lastMonotonic, monotonic);
    this.#last = Math.max(counted, this.#source.wall());
    return this.#last;
  }

  monotonic(): number {
    return this.#source.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const cancel = after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  deadline(ms: number, parent?: AbortSignal): Deadline {
    // Monotonic, so that a clock that is set does not end or prolong anything.
    return startDeadline({ now: () => this.#source.monotonic(), after }, ms, parent);
  }

  track<T>(operation: (issue: number) => Promise<T>): Promise<T> {
    return operation(++this.#issued);
  }

  openWatch(): WatchTicket {
    const nothing = (): void => undefined;
    return { id: ++this.#tickets, issue: ++this.#issued, opened: nothing, handled: nothing, close: nothing };
  }
}

/** Platform timers run on the monotonic clock (libuv). Longer waits than one of them can do are made of several. */
function after(ms: number, action: () => void): () => void {
  let left = Math.max(0, ms);
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const step = Math.min(left, MAX_TIMER_MS);
    left -= step;
    timer = setTimeout(left > 0 ? next : action, step);
  };
  next();
  return () => clearTimeout(timer);
}
