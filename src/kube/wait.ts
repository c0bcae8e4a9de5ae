/** Waiting by watching: a condition over the objects of one or more resources, with a limit and a reason. */
import type { Clock } from '../time/clock.ts';
import type { KubeApi, ListOptions, Resource } from './api.ts';
import { WatchCache } from './watch-cache.ts';

/** The condition did not come true in time. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout';
  /** What was waited for, such as `DaemonSet kube-system/cilium to be rolled out`. */
  readonly what: string;
  /** What was seen last, in the words of the condition. */
  readonly lastSeen: string;
  constructor(what: string, lastSeen: string, options?: ErrorOptions) {
    super(`timed out waiting for ${what}; last seen: ${lastSeen}`, options);
    this.what = what;
    this.lastSeen = lastSeen;
  }
}

/** One of the resources that are watched for a wait. */
export interface Watched<T extends object> {
  readonly resource: Resource<T>;
  readonly options?: Omit<ListOptions, 'signal' | 'timeoutMs'>;
}

interface WaitBase {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** What is waited for, for the error: `node kind-worker to be Ready`. */
  readonly what: string;
  /**
   * When it aborts, the wait ends with {@link WaitTimeout} if the reason is a DeadlineExceeded, with the reason otherwise.
   * Usually the signal of a Deadline, which the caller may pause while the API is away.
   */
  readonly signal: AbortSignal;
  /** Called when the API stops and starts to answer. The wait goes on in between. */
  readonly onAvailability?: (up: boolean) => void;
}

export interface WaitOptions<T extends object> extends WaitBase, Watched<T> {
  /** True ends the wait; a text says what is still missing. Called after the list and after every event. */
  readonly until: (items: readonly T[]) => true | string;
}

/** Waits for a condition over one resource and returns the objects that met it. */
export async function waitFor<T extends object>(options: WaitOptions<T>): Promise<readonly T[]> {
  const { resource, options: list, until, ...base } = options;
  const [items] = await waitForAll<[T]>({
    ...base,
    watched: [{ resource, ...(list !== undefined && { options: list }) }],
    until: (first) => until(first),
  });
  return items;
}

type Watches<T extends object[]> = { readonly [K in keyof T]: Watched<T[K]> };
type Items<T extends object[]> = { [K in keyof T]: readonly T[K][] };

export interface WaitAllOptions<T extends object[]> extends WaitBase {
  readonly watched: Watches<T>;
  /** Called with the items of each resource, in the order of `watched`, once all have been listed. */
  readonly until: (...items: Items<T>) => true | string;
}

/** Waits for a condition over several resources together. */
export async function waitForAll<T extends object[]>(options: WaitAllOptions<T>): Promise<Items<T>> {
  const { api, clock, what, signal, watched } = options;
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  // One outage is seen by every watch; the caller hears of it once.
  let away = 0;
  const onAvailability = (up: boolean): void => {
    const before = away;
    away += up ? -1 : 1;
    if ((before === 0) !== (away === 0)) options.onAvailability?.(away === 0);
  };
  const caches = watched.map(
    (one) => new WatchCache(api, clock, one.resource as Resource<object>, { ...one.options, onAvailability }),
  );
  let lastSeen = 'nothing yet';
  let result: Items<T> | undefined;
  let failure: Error | undefined;

  const look = (): void => {
    if (result !== undefined || failure !== undefined || running.aborted) return;
    if (!caches.every((cache) => cache.synced())) return;
    const items = caches.map((cache) => cache.items()) as unknown as Items<T>;
    try {
      const verdict = options.until(...items);
      if (verdict === true) result = items;
      else lastSeen = verdict;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    if (result !== undefined || failure !== undefined) stop.abort();
  };
  for (const cache of caches) cache.onChange(look);

  signal.throwIfAborted();
  const outcomes = await Promise.allSettled(
    caches.map(async (cache) => {
      try {
        await cache.run(running);
      } catch (error) {
        failure ??= error instanceof Error ? error : new Error(String(error));
        stop.abort();
        throw error;
      }
    }),
  );
  // The caller's pause of its limit must not outlive the wait.
  if (away > 0) options.onAvailability?.(true);
  if (result !== undefined) return result;
  if (failure !== undefined) throw failure;
  const reason: unknown = signal.reason;
  if (reason instanceof Error && reason.name === 'DeadlineExceeded') {
    const missing = caches.filter((cache) => !cache.synced()).map((cache) => cache.describe());
    const seen = missing.length > 0 ? `the API had not yet answered about ${missing.join(', ')}` : lastSeen;
    throw new WaitTimeout(what, away > 0 ? `${seen} (the API did not answer)` : seen, { cause: reason });
  }
  signal.throwIfAborted();
  throw new Error(`waiting for ${what} ended without a result: ${JSON.stringify(outcomes)}`);
}
