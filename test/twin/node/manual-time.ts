/** Virtual time for tests of machines and commands: a heap of timers that a test runs forward. */
import type { Cancel, SimulatedTime } from '../../../src/twin/world.ts';

export const EPOCH = Date.parse('2026-01-01T00:00:00Z');

export class ManualTime implements SimulatedTime {
  #now = EPOCH;
  #order = 0;
  readonly #timers = new Map<number, { at: number; action: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): Cancel {
    const id = this.#order++;
    this.#timers.set(id, { at: this.#now + Math.max(0, ms), action });
    return () => void this.#timers.delete(id);
  }

  /** Resolves after `ms`; rejects when the signal aborts. */
  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason as Error);
      });
    });

  /** Runs every timer of the next `ms` milliseconds. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#step(end));
    this.#now = end;
  }

  /** Runs timers until the condition holds; fails after `limitMs`. */
  until(condition: () => boolean, limitMs = 600_000): void {
    const end = this.#now + limitMs;
    while (!condition()) {
      if (!this.#step(end)) throw new Error(`condition not met within ${limitMs / 1000} s`);
    }
  }

  /** Runs timers until the promise has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const state = { over: false };
    promise.then(
      () => (state.over = true),
      () => (state.over = true),
    );
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      if (state.over) return promise;
      if (!this.#step(Number.POSITIVE_INFINITY)) throw new Error('nothing left to do, and the promise is pending');
    }
  }

  #step(end: number): boolean {
    let next: number | undefined;
    for (const [id, timer] of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < this.#timers.get(next)!.at)) next = id;
    }
    if (next === undefined) return false;
    const timer = this.#timers.get(next)!;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, timer.at);
    timer.action();
    return true;
  }
}
