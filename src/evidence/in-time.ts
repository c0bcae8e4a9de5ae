import type { Clock } from '../time/clock.ts';

/**
 * Ends with the work, with its time, or with the signal, whichever is first: also where the work heeds no signal.
 * @throws DeadlineExceeded, or the signal's reason
 */
export async function inTime<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  using limit = clock.deadline(ms, signal);
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  limit.signal.addEventListener('abort', () => over.reject(limit.signal.reason), { once: true });
  return await Promise.race([work(limit.signal), over.promise]);
}
