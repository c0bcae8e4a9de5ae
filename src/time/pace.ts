/**
 * Virtual time that goes with the wall's, so that people and unmodified clients can use an embedded cluster: it never
 * jumps, and what is due happens when the wall says so. Only `rehearse serve` wants it; its runs are not repeatable.
 */

/** Real milliseconds after which a waiting loop looks again, whatever the next timer is: time limits of requests and the like. */
const LOOK_MS = 200;

export class Pace {
  readonly #speed: number;
  readonly #virtual: number;
  readonly #real: number;
  #rouse: (() => void) | undefined;
  /** Aborted: time may jump again. */
  readonly signal: AbortSignal;

  /**
   * @param from virtual milliseconds since the epoch at which the pace begins
   * @param speed virtual milliseconds in a real one, above 0
   */
  constructor(from: number, speed: number, signal: AbortSignal) {
    this.#virtual = from;
    this.#speed = speed;
    this.#real = performance.now();
    this.signal = signal;
    signal.addEventListener('abort', () => this.rouse(), { once: true });
  }

  /** The virtual moment that belongs to this real one. */
  now(): number {
    return Math.floor(this.#virtual + (performance.now() - this.#real) * this.#speed);
  }

  /** Ends a wait: something new is due, or has come in. */
  rouse(): void {
    this.#rouse?.();
  }

  /** Resolves when `due` (virtual milliseconds) has come, or earlier; the caller looks again. */
  async wait(due: number | undefined): Promise<void> {
    const ms = due === undefined ? LOOK_MS : Math.min(LOOK_MS, Math.max(0, (due - this.now()) / this.#speed));
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#rouse = undefined;
  }
}
