/** The objects of one resource, in the order of their keys, and the events that watches may still ask for. */
import type { KubeObject } from '../../kube/objects.ts';
import type { StoreEvent } from '../world.ts';

export interface StoreRecord {
  /** The resourceVersion of the change. */
  readonly version: number;
  readonly event: StoreEvent;
}

/** `namespace/name`, or `name`: also the order of lists, as etcd has it. */
export const keyOf = (name: string, namespace: string | undefined): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

export class Table {
  readonly #objects = new Map<string, KubeObject>();
  readonly #keys: string[] = [];
  readonly #window: number;
  #records: StoreRecord[] = [];
  /** Events up to this version are forgotten. */
  #forgotten = 0;

  /** @param window how many events are remembered at least */
  constructor(window: number) {
    this.#window = window;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  put(key: string, object: KubeObject): void {
    if (!this.#objects.has(key)) this.#keys.splice(this.#place(key), 0, key);
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#keys.splice(this.#place(key), 1);
  }

  /** All objects, or those of a namespace, in order. */
  list(namespace?: string): KubeObject[] {
    if (namespace === undefined) return this.#keys.map((key) => this.#objects.get(key)!);
    const prefix = `${namespace}/`;
    const found: KubeObject[] = [];
    for (let i = this.#place(prefix); i < this.#keys.length && this.#keys[i]!.startsWith(prefix); i++) {
      found.push(this.#objects.get(this.#keys[i]!)!);
    }
    return found;
  }

  remember(record: StoreRecord): void {
    this.#records.push(record);
    // Dropped in halves, so that a busy resource does not shift its whole window at every event.
    if (this.#records.length > this.#window * 2) {
      const cut = this.#records.length - this.#window;
      this.#forgotten = this.#records[cut - 1]!.version;
      this.#records = this.#records.slice(cut);
    }
  }

  /** What happened after a version; undefined when some of it is forgotten. */
  since(version: number): readonly StoreRecord[] | undefined {
    if (version < this.#forgotten) return undefined;
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records[middle]!.version <= version) low = middle + 1;
      else high = middle;
    }
    return this.#records.slice(low);
  }

  /** All objects as they were at a version; undefined when what happened since is forgotten. */
  listAt(version: number, namespace?: string): KubeObject[] | undefined {
    const since = this.since(version);
    if (since === undefined) return undefined;
    const objects = new Map(this.#objects);
    for (const { event } of [...since].reverse()) {
      const { name, namespace: inside } = event.object.metadata;
      if (event.previous === undefined) objects.delete(keyOf(name, inside));
      else objects.set(keyOf(name, inside), event.previous);
    }
    const keys = [...objects.keys()].filter((key) => namespace === undefined || key.startsWith(`${namespace}/`));
    return keys.sort().map((key) => objects.get(key)!);
  }

  #place(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
