/**
 * Time as every module sees it. Nothing outside `src/time` touches a timer or reads the wall clock: on the twin the
 * clock is virtual and jumps to the next due timer when nobody works any more (see `virtual-clock.ts` and
 * docs/decisions/0001-virtual-time.md); on real clusters it is the wall clock.
 */

/** A time limit that can be paused, for example while the Kubernetes API does not answer. */
export interface Deadline extends Disposable {
  /** Aborts with a {@link DeadlineExceeded} when the time is up, or with the parent's reason when the parent aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds left; stands still while paused. */
  remaining(): number;
  /** Stops the count-down. Calling it twice is harmless. */
  pause(): void;
  /** Goes on counting from where {@link pause} stopped. Calling it twice is harmless. */
  resume(): void;
  /** Forgets the limit; the signal never aborts afterwards. */
  clear(): void;
}

/** The reason with which a {@link Deadline}'s signal aborts. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  /** The limit that was exceeded, in milliseconds. */
  readonly limitMs: number;
  constructor(limitMs: number) {
    super(`deadline of ${limitMs / 1000} s exceeded`);
    this.limitMs = limitMs;
  }
}

/** What a watch tells the clock, so that time stands still while one of its lines is on its way or being handled. */
export interface WatchTicket {
  /** Identity of the stream; travels to an embedded API server as the query parameter `twinWatch`. */
  readonly id: number;
  /** Place of the opening request in the order in which operations were issued. */
  readonly issue: number;
  /** The response headers have arrived: the opening call is over. Idempotent. */
  opened(): void;
  /** The handler of one line has returned. */
  handled(): void;
  /** The watch is over, by either side; lines still on their way no longer hold time. Idempotent. */
  close(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch, comparable with what machines write into their objects. Never goes back. */
  now(): number;
  /**
   * Milliseconds since a moment of the clock's own: for durations. Differences are what has passed, also when somebody
   * sets the machine's clock meanwhile.
   */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Starts a time limit of `ms` milliseconds, bound to `parent` when given. */
  deadline(ms: number, parent?: AbortSignal): Deadline;
  /**
   * Runs an operation against the world outside the process's own logic (an API call, a command, a file) and holds time
   * until its outermost promise has settled. `issue` is its place in the order of all operations ever issued; transports
   * hand it to an embedded server, which admits concurrent requests in that order.
   */
  track<T>(operation: (issue: number) => Promise<T>): Promise<T>;
  /** Registers a watch. */
  openWatch(): WatchTicket;
}
