/**
 * The objects of one resource as a watch keeps them: list, then watch from that resourceVersion. Ends of the stream are
 * resumed, an expired version is listed anew, and while the API is away it is tried again with a back-off on the clock.
 */
import type { Clock } from '../time/clock.ts';
import { ApiUnreachable, type KubeApi, KubeError, type ListOptions, type Resource, type WatchEvent } from './api.ts';
import type { KubeObject } from './objects.ts';
import { DENIAL_MS, isDenial, isInTrouble } from './passing.ts';
import { qualifiedName } from './resources.ts';

export interface WatchCacheOptions extends ListOptions {
  /** Called synchronously when the API becomes unreachable for this watch (false) and when it answers again (true). */
  readonly onAvailability?: (up: boolean) => void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 4_000;

export class WatchCache<T extends object> {
  readonly #api: KubeApi;
  readonly #clock: Clock;
  readonly #resource: Resource<T>;
  readonly #options: WatchCacheOptions;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<() => void>();
  #sorted: readonly T[] | undefined;
  #synced = false;
  #up = true;
  #failure: Error | undefined;

  constructor(api: KubeApi, clock: Clock, resource: Resource<T>, options: WatchCacheOptions = {}) {
    this.#api = api;
    this.#clock = clock;
    this.#resource = resource;
    this.#options = options;
  }

  /** The objects in the order of namespace and name. The array is not changed later. */
  items(): readonly T[] {
    this.#sorted ??= [...this.#objects].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, object]) => object);
    return this.#sorted;
  }

  get(name: string, namespace?: string): T | undefined {
    return this.#objects.get(keyOf(name, namespace));
  }

  /** True after the first list. */
  synced(): boolean {
    return this.#synced;
  }

  /** False while the API does not answer. */
  available(): boolean {
    return this.#up;
  }

  /** Why the watch is over for good, if it is: an answer of the API that does not pass by waiting (403, 404, 400). */
  failure(): Error | undefined {
    return this.#failure;
  }

  /** Calls `listener` synchronously after every list and event, and after a failure. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Lists and watches until the signal aborts; resolves then. Rejects with what {@link failure} returns. */
  async run(signal: AbortSignal): Promise<void> {
    let version: string | undefined;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        if (version === undefined) {
          version = await this.#list(signal);
          retryMs = FIRST_RETRY_MS;
        }
        version = await this.#watch(version, signal);
        // A stream that the server has ended is resumed at once; only a server that ends them at once is given time.
        if (!signal.aborted) await this.#clock.sleep(FIRST_RETRY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof KubeError && error.code === 410) {
          version = undefined;
          continue;
        }
        if (!this.#passes(error)) {
          this.#failure = error instanceof Error ? error : new Error(String(error));
          this.#changed();
          throw this.#failure;
        }
        this.#setAvailable(false);
        // The watch is opened again where it stopped; a server that has forgotten that place says 410.
        version = this.#lastVersion ?? version;
        await this.#clock.sleep(retryMs, signal).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  }

  #lastVersion: string | undefined;
  /** Since when a server denies everything, on the monotonic clock. */
  #deniedSince: number | undefined;

  #passes(error: unknown): boolean {
    if (!isDenial(error)) {
      this.#deniedSince = undefined;
      return error instanceof ApiUnreachable || isInTrouble(error);
    }
    this.#deniedSince ??= this.#clock.monotonic();
    return this.#clock.monotonic() - this.#deniedSince <= DENIAL_MS;
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { onAvailability: _, ...options } = this.#options;
    const list = await this.#api.list<T>(this.#resource, { ...options, signal });
    this.#objects.clear();
    for (const object of list.items) this.#objects.set(keyOfObject(object), object);
    this.#lastVersion = list.resourceVersion;
    this.#deniedSince = undefined;
    this.#synced = true;
    this.#setAvailable(true);
    this.#changed();
    return list.resourceVersion;
  }

  async #watch(from: string, signal: AbortSignal): Promise<string> {
    const { onAvailability: _, ...options } = this.#options;
    this.#lastVersion = from;
    if (!this.#up) {
      // Only an answer proves that the API is back, and a watch gives none before its first event.
      await this.#api.raw('/readyz', { signal });
      this.#setAvailable(true);
    }
    await this.#api.watch<T>(this.#resource, { ...options, resourceVersion: from, signal }, (event) =>
      this.#take(event),
    );
    this.#deniedSince = undefined;
    return this.#lastVersion;
  }

  #take(event: WatchEvent<T>): void {
    this.#deniedSince = undefined;
    if (event.type === 'BOOKMARK') {
      this.#lastVersion = event.resourceVersion;
      return;
    }
    this.#lastVersion = (event.object as KubeObject).metadata.resourceVersion;
    if (event.type === 'DELETED') this.#objects.delete(keyOfObject(event.object));
    else this.#objects.set(keyOfObject(event.object), event.object);
    this.#changed();
  }

  #changed(): void {
    this.#sorted = undefined;
    for (const listener of [...this.#listeners]) listener();
  }

  #setAvailable(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    this.#options.onAvailability?.(up);
  }

  /** For messages: `pods in kube-system`. */
  describe(): string {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const where = [namespace && `in ${namespace}`, labelSelector && `with ${labelSelector}`, fieldSelector];
    return [qualifiedName(this.#resource), ...where.filter(Boolean)].join(' ');
  }
}

const keyOf = (name: string, namespace: string | undefined): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

function keyOfObject(object: object): string {
  const { name, namespace } = (object as KubeObject).metadata;
  return keyOf(name, namespace);
}
