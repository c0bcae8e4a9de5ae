import type { Clock, Deadline, WatchTicket } from './clock.ts';
import { startDeadline } from './deadline.ts';

/** Longest delay of a platform timer; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of real clusters. */
export class WallClock implements Clock {
  #issued = 0;
  #tickets = 0;

  now(): number {
    return Date.now();
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
    return startDeadline({ now: () => performance.now(), after }, ms, parent);
  }

  track<T>(operation: (issue: number) => Promise<T>): Promise<T> {
    return operation(++this.#issued);
  }

  openWatch(): WatchTicket {
    const nothing = (): void => undefined;
    return { id: ++this.#tickets, issue: ++this.#issued, opened: nothing, handled: nothing, close: nothing };
  }
}

function after(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, Math.min(Math.max(0, ms), MAX_TIMER_MS));
  return () => clearTimeout(timer);
}
