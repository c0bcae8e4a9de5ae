/** What is due next: a binary heap by time, and by order of arrival at one time. */
export interface Due {
  next: number;
}

export class DueQueue<T extends Due> {
  readonly #heap: { readonly item: T; readonly at: number; readonly order: number }[] = [];
  #order = 0;

  /** When the first item is due; Infinity when there is none. */
  get first(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** The item's time must not change while it is in the queue. */
  push(item: T): void {
    const heap = this.#heap;
    const entry = { item, at: item.next, order: this.#order++ };
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return undefined;
    if (heap.length === 0) return top.item;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top.item;
  }

  clear(): void {
    this.#heap.length = 0;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
