/**
 * Virtual time: it jumps to the next due timer when the world is quiescent, and quiescence is counted, never guessed.
 * The rule, its figures and how each weaker rule broke: docs/decisions/0001-virtual-time.md.
 */
import type { Clock, Deadline, WatchTicket } from './clock.ts';
import { startDeadline } from './deadline.ts';
import { Pace } from './pace.ts';
import { TimerQueue } from './timer-queue.ts';

/** Forgets a timer; harmless when it has run. */
type Cancel = () => void;

/** Real milliseconds without any progress after which the loop gives up instead of hanging for ever. */
const STALL_MS = 20_000;
/** Even timers that wake nobody leave the event loop a turn after so many, so that signals and sockets are served. */
const TIMERS_PER_TURN = 1_000;

/** What is under way on a virtual clock; all zero after a run that has left nothing behind. */
export interface UnderWay {
  /** Operations that are issued and not settled. */
  readonly operations: number;
  readonly watches: number;
  /** Sleeps and deadlines that nobody has ended; the world's own timers are not among them. */
  readonly waits: number;
}

interface Parked {
  readonly issue: number;
  readonly serve: () => void;
}

interface Stream {
  readonly issue: number;
  opening: boolean;
  closed: boolean;
  /** Lines written and not yet handled. */
  outstanding: number;
  readonly queue: (() => void)[];
}

export interface VirtualClockOptions {
  /** Milliseconds since the Unix epoch at which time starts. */
  readonly epoch: number;
  /**
   * Go on with the next timer at once when one provably woke nobody (default). Turned off by the conformance test, which
   * demands the same events either way.
   */
  readonly batch?: boolean;
}

export class VirtualClock implements Clock {
  #now: number;
  readonly #batch: boolean;
  readonly #timers = new TimerQueue();
  /** Operations issued and not settled, watches being opened, and watch lines not yet handled. */
  #busy = 0;
  #issued = 0;
  /** Issue numbers of operations under way. */
  readonly #open = new Set<number>();
  #tickets = 0;
  /** Counts every time that something outside the server was woken. */
  #wakes = 0;
  /** Sleeps and deadlines that wait for their moment. */
  #waits = 0;
  /** Requests that have fully arrived and wait for their turn. */
  #parked: Parked[] = [];
  readonly #streams = new Map<number, Stream>();
  /** Streams with queued lines, in the order of their first line. */
  #out: Stream[] = [];
  #interrupts: (() => void)[] = [];
  #running = false;
  #pace: Pace | undefined;

  constructor(options: VirtualClockOptions) {
    this.#now = options.epoch;
    this.#batch = options.batch ?? true;
  }

  now(): number {
    if (this.#pace === undefined) return this.#now;
    // Between two timers time passes; it does not overtake one that is due and has not run.
    return Math.max(this.#now, Math.min(this.#pace.now(), this.#timers.nextDueAt() ?? Number.POSITIVE_INFINITY));
  }

  monotonic(): number {
    return this.now();
  }

  /** From now on time passes with the wall's, `speed` times as fast, and jumps again when the signal aborts. */
  pace(speed: number, signal: AbortSignal): void {
    this.#pace = new Pace(this.#now, speed, signal);
  }

  /** A timer of the embedded world itself: `action` is synchronous and resolves no promise of anybody outside. */
  after(ms: number, action: () => void): Cancel {
    const timer = this.#timers.add(this.now() + Math.max(0, ms), action);
    this.#pace?.rouse();
    return () => {
      timer.action = undefined;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const cancel = this.#wakeAfter(ms, () => {
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
    return startDeadline(
      { now: () => this.now(), after: (after, action) => this.#wakeAfter(after, action) },
      ms,
      parent,
    );
  }

  async track<T>(operation: (issue: number) => Promise<T>): Promise<T> {
    const issue = ++this.#issued;
    this.#busy++;
    this.#open.add(issue);
    try {
      return await operation(issue);
    } finally {
      this.#settle(issue);
    }
  }

  openWatch(): WatchTicket {
    const id = ++this.#tickets;
    const stream: Stream = { issue: ++this.#issued, opening: true, closed: false, outstanding: 0, queue: [] };
    this.#streams.set(id, stream);
    this.#busy++;
    this.#open.add(stream.issue);
    const opened = (): void => {
      if (!stream.opening) return;
      stream.opening = false;
      this.#settle(stream.issue);
    };
    return {
      id,
      issue: stream.issue,
      opened,
      handled: () => {
        if (stream.closed || stream.outstanding === 0) return;
        stream.outstanding--;
        this.#busy--;
        this.#wakes++;
      },
      close: () => {
        opened();
        if (stream.closed) return;
        stream.closed = true;
        this.#busy -= stream.outstanding;
        stream.outstanding = 0;
        stream.queue.length = 0;
        this.#streams.delete(id);
        this.#wakes++;
      },
    };
  }

  /**
   * Parks a request that has fully arrived. Requests are served one at a time, in the order in which their callers
   * issued them, and only when every issued one has arrived: then neither sockets nor their delays decide any order.
   * A request whose signal aborts while it is parked is never served, nor is one whose caller gave it up before it
   * arrived: on a socket it would otherwise still be applied, in process it never is.
   */
  admit(issue: number, serve: () => void, signal?: AbortSignal): void {
    if (signal?.aborted || !this.#open.has(issue)) return;
    const parked: Parked = {
      issue,
      serve: () => {
        signal?.removeEventListener('abort', leave);
        serve();
      },
    };
    const leave = (): void => {
      this.#parked = this.#parked.filter((other) => other !== parked);
    };
    signal?.addEventListener('abort', leave, { once: true });
    const at = this.#parked.findIndex((other) => other.issue > issue);
    this.#parked.splice(at < 0 ? this.#parked.length : at, 0, parked);
  }

  /** Queues a line for a counted watch; the loop calls `write`, and the line holds time until the ticket says `handled`. */
  deliver(ticketId: number, write: () => void): void {
    const stream = this.#streams.get(ticketId);
    if (stream === undefined || stream.closed) return;
    if (stream.queue.length === 0) this.#out.push(stream);
    stream.queue.push(write);
  }

  /** For tests and the soak: a run that has ended must have left nothing behind. */
  underWay(): UnderWay {
    return { operations: this.#open.size, watches: this.#streams.size, waits: this.#waits };
  }

  /** Lets something from outside in at the next moment at which nothing is under way. */
  interrupt(action: () => void): void {
    this.#interrupts.push(action);
  }

  /**
   * Drives time until `main` has settled and everything that it caused has come to rest.
   * @throws what `main` throws; Error when time cannot move any more (everybody waits for nothing).
   */
  async run<T>(main: () => Promise<T>): Promise<T> {
    if (this.#running) throw new Error('the virtual clock is running already');
    this.#running = true;
    let settled = false;
    const result = main().finally(() => {
      settled = true;
    });
    // The rejection is handed on below, after the loop has come to rest.
    result.catch(() => undefined);
    try {
      await this.#loop(() => settled);
    } finally {
      this.#running = false;
    }
    return result;
  }

  /** An operation is over: it holds time no more, and a request of it that is still parked is never served. */
  #settle(issue: number): void {
    this.#open.delete(issue);
    this.#busy--;
    this.#wakes++;
    const at = this.#parked.findIndex((parked) => parked.issue === issue);
    if (at >= 0) this.#parked.splice(at, 1);
  }

  #wakeAfter(ms: number, action: () => void): Cancel {
    let waiting = true;
    const over = (): void => {
      if (waiting) this.#waits--;
      waiting = false;
    };
    this.#waits++;
    const cancel = this.after(ms, () => {
      over();
      this.#wakes++;
      action();
    });
    return () => {
      over();
      cancel();
    };
  }

  /** The rule. Numbers as in docs/decisions/0001-virtual-time.md. */
  async #loop(settled: () => boolean): Promise<void> {
    let progressAt = performance.now();
    for (;;) {
      // 1: microtasks and ticks of all that ran before are drained by one macrotask turn.
      await turn();
      // 2: something is on the wire or being digested.
      if (this.#busy > this.#parked.length) {
        if (performance.now() - progressAt > STALL_MS) throw new Error(this.#stalled());
        continue;
      }
      progressAt = performance.now();
      // 3: lines of one stream.
      const stream = this.#out.shift();
      if (stream !== undefined) {
        this.#write(stream);
        continue;
      }
      // 4: one request.
      const next = this.#parked.shift();
      if (next !== undefined) {
        next.serve();
        continue;
      }
      // 5: nothing is under way.
      if (settled()) return;
      const interrupts = this.#interrupts.splice(0);
      if (interrupts.length > 0) {
        for (const interrupt of interrupts) interrupt();
        continue;
      }
      if (this.#pace?.signal.aborted) {
        this.#now = this.now();
        this.#pace = undefined;
      }
      if (this.#pace !== undefined) await this.#keepPace(this.#pace);
      else this.#fireTimers();
    }
  }

  /** Runs one timer that is due by the wall, or waits for it. */
  async #keepPace(pace: Pace): Promise<void> {
    const due = this.#timers.nextDueAt();
    if (due === undefined || due > pace.now()) return pace.wait(due);
    const timer = this.#timers.take()!;
    this.#now = Math.max(this.#now, timer.dueAt);
    const action = timer.action!;
    timer.action = undefined;
    action();
  }

  #write(stream: Stream): void {
    for (const write of stream.queue.splice(0)) {
      if (stream.closed) return;
      stream.outstanding++;
      this.#busy++;
      write();
    }
  }

  /** Moves time to the next timer; goes on (6) only while the timers provably wake nobody. */
  #fireTimers(): void {
    for (let fired = 0; fired < TIMERS_PER_TURN; fired++) {
      const timer = this.#timers.take();
      if (timer === undefined) {
        if (fired > 0) return;
        throw new Error('virtual time cannot move: nothing is under way, no timer is set, and the run has not ended');
      }
      this.#now = Math.max(this.#now, timer.dueAt);
      const wakes = this.#wakes;
      const action = timer.action!;
      timer.action = undefined;
      action();
      const wokeNobody =
        this.#wakes === wakes && this.#busy === 0 && this.#out.length === 0 && this.#parked.length === 0;
      if (!this.#batch || !wokeNobody || this.#interrupts.length > 0) return;
    }
  }

  #stalled(): string {
    const waiting = this.#parked.map(({ issue }) => issue).join(', ') || 'none';
    const streams = [...this.#streams].map(([id, s]) => `${id} (${s.outstanding} lines)`).join(', ') || 'none';
    return (
      `virtual time stood still for ${STALL_MS / 1000} s: ${this.#busy} operations under way, ` +
      `parked requests: ${waiting}, watches: ${streams}`
    );
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
