/**
 * Asks all instances once an interval without letting the slow ones hold up the others: while a node restarts, its pods
 * cost a time-out on both paths, longer than an interval, and the readings of all others would grow stale meanwhile. What
 * is still under way at the end of a sweep is not asked again and arrives with a later one.
 */
import type { Instance } from '../probe/instances.ts';
import type { AccessPath, InstanceReader, Reading } from '../probe/read.ts';
import type { Clock } from '../time/clock.ts';

export interface Arrived {
  readonly instance: Instance;
  readonly reading: Reading;
  /** The API did not answer the proxied call. */
  readonly silent: boolean;
  /** When it was asked and when the answer came, milliseconds since the epoch. */
  readonly askedAt: number;
  readonly at: number;
}

const PARALLEL_READS = 24;
/** Readings after which the proxy is tried first again for an instance that only the fall-back could read. */
const PROXY_RETRY = 5;

export class Poll {
  readonly #reader: InstanceReader;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #queue: (() => void)[] = [];
  /** How each instance was last read, by uid; null: by no path. */
  readonly #paths = new Map<string, { readonly path: AccessPath | null; readonly readings: number }>();
  #running = 0;
  #arrived: Arrived[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(reader: InstanceReader, clock: Clock, intervalMs: number) {
    this.#reader = reader;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Asks the instances, in their order, and returns what has arrived when all have answered or an interval is over. */
  async sweep(instances: readonly Instance[], signal: AbortSignal): Promise<Arrived[]> {
    for (const instance of instances) {
      if (!this.#underWay.has(instance.uid)) this.#underWay.set(instance.uid, this.#ask(instance, signal));
    }
    const over = new AbortController();
    const interval = this.#clock.sleep(this.#intervalMs, over.signal).catch(() => undefined);
    await Promise.race([Promise.all([...this.#underWay.values()]), interval]);
    over.abort();
    signal.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  /** By which path an instance was last read. */
  path(uid: string): AccessPath | null {
    return this.#paths.get(uid)?.path ?? null;
  }

  /** Forgets instances that are no more. */
  keep(uids: ReadonlySet<string>): void {
    for (const uid of [...this.#paths.keys()]) if (!uids.has(uid)) this.#paths.delete(uid);
  }

  /** Resolves when nothing is under way any more; the signal of the sweeps must have been aborted. */
  async close(): Promise<void> {
    for (const next of this.#queue.splice(0)) next();
    await Promise.all([...this.#underWay.values()]);
  }

  /** Never rejects. */
  async #ask(instance: Instance, signal: AbortSignal): Promise<void> {
    if (this.#running >= PARALLEL_READS) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running++;
    try {
      signal.throwIfAborted();
      const askedAt = this.#clock.now();
      const { reading, silent } = await this.#reader.read(instance, this.#firstPath(instance.uid), signal);
      this.#remember(instance.uid, reading.kind === 'read' ? reading.path : null);
      this.#arrived.push({ instance, reading, silent, askedAt, at: this.#clock.now() });
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#running--;
      this.#underWay.delete(instance.uid);
      this.#queue.shift()?.();
    }
  }

  #firstPath(uid: string): AccessPath {
    const last = this.#paths.get(uid);
    return last?.path === 'fallback' && last.readings % PROXY_RETRY !== 0 ? 'fallback' : 'proxy';
  }

  #remember(uid: string, path: AccessPath | null): void {
    const last = this.#paths.get(uid);
    this.#paths.set(uid, { path, readings: last?.path === path ? last.readings + 1 : 1 });
  }
}
