/** A clock for tests of code that only sleeps: time jumps to the next sleeper when nothing else has work. */
import type { Clock, Deadline, WatchTicket } from '../../src/time/clock.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

export class SteppedClock implements Clock {
  #now: number;
  #issue = 0;
  #sleepers: Sleeper[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const sleeper = { due: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** Lets time pass until `main` has settled. */
  async run<T>(main: Promise<T>): Promise<T> {
    let over = false;
    const done = (): void => {
      over = true;
    };
    main.then(done, done);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (over) return main;
      this.#sleepers.sort((a, b) => a.due - b.due);
      const next = this.#sleepers.shift();
      if (!next) throw new Error('nobody sleeps and the test is not over');
      this.#now = Math.max(this.#now, next.due);
      next.wake();
    }
  }

  track<T>(operation: (issue: number) => Promise<T>): Promise<T> {
    return operation(++this.#issue);
  }

  deadline(): Deadline {
    throw new Error('not needed here');
  }

  openWatch(): WatchTicket {
    throw new Error('not needed here');
  }
}
