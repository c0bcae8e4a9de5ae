/** What the transports of the embedded server need of the virtual clock (see src/time/virtual-clock.ts). */
export interface Turnstile {
  /** Parks a request that has fully arrived; `serve` runs at its turn, unless the signal aborts before. */
  admit(issue: number, serve: () => void, signal?: AbortSignal): void;
  /** Queues one line of a counted watch; `write` runs at its turn. */
  deliver(ticketId: number, write: () => void): void;
}

/** An error as a socket gives it. */
export function socketError(code: 'ECONNREFUSED' | 'ECONNRESET'): Error {
  const text = code === 'ECONNREFUSED' ? 'connection refused' : 'connection reset by peer';
  return Object.assign(new Error(text), { code });
}
