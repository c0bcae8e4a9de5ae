/** What a command writes, within a bound of memory. */

/** All of it, up to a bound. */
export class Head {
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.#most = most;
  }

  /** False when it is more than may be: the chunk is then not kept, nor is any later one. */
  add(chunk: Buffer): boolean {
    this.#length += chunk.length;
    if (this.#length > this.#most) return false;
    this.#chunks.push(chunk);
    return true;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Its end. */
export class Tail {
  readonly #most: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** @param most bytes; up to twice as many are held for a while */
  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Buffer): void {
    // A copy of its end: a slice would keep all of it in memory.
    this.#chunks.push(chunk.length > this.#most ? Buffer.from(chunk.subarray(-this.#most)) : chunk);
    this.#length += this.#chunks.at(-1)!.length;
    if (this.#length > 2 * this.#most) this.#chunks = [this.#end()];
  }

  text(): string {
    const end = this.#end();
    // A character of several bytes that was cut at the front is left out: its other bytes (10xxxxxx) mean nothing.
    let from = 0;
    while (from < 3 && from < end.length && (end[from]! & 0xc0) === 0x80) from++;
    return end.subarray(from).toString('utf8');
  }

  #end(): Buffer {
    const end = Buffer.from(Buffer.concat(this.#chunks).subarray(-this.#most));
    this.#length = end.length;
    return end;
  }
}
