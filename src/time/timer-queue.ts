/** Timers in the order in which they are due; of those due together the one that was set first comes first. */

export interface Timer {
  readonly dueAt: number;
  /** undefined once cancelled. */
  action: (() => void) | undefined;
}

interface Entry extends Timer {
  readonly number: number;
}

const before = (a: Entry, b: Entry): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.number < b.number);

/** A binary heap; cancelled timers stay in it until they are due and are passed over. */
export class TimerQueue {
  readonly #heap: Entry[] = [];
  #numbers = 0;

  add(dueAt: number, action: () => void): Timer {
    const entry: Entry = { dueAt, action, number: this.#numbers++ };
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
    return entry;
  }

  /** Takes the next timer that has not been cancelled, or undefined when there is none. */
  take(): Timer | undefined {
    for (;;) {
      const top = this.#pop();
      if (top === undefined || top.action !== undefined) return top;
    }
  }

  /** When the next timer that has not been cancelled is due; undefined: there is none. */
  nextDueAt(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].action === undefined) this.#pop();
    return this.#heap[0]?.dueAt;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
