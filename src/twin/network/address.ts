/** IPv4 addresses and prefixes as unsigned 32-bit numbers, the form in which routes and rules are compared. */

/** A prefix such as 10.244.0.0/24. */
export interface Prefix {
  /** Network address with the host bits cleared. */
  readonly base: number;
  /** 0 to 32. */
  readonly length: number;
}

/** @throws Error when the text is no dotted IPv4 address. */
export function parseAddress(text: string): number {
  const parts = text.split('.');
  if (parts.length !== 4) throw new Error(`not an IPv4 address: ${text}`);
  let value = 0;
  for (const part of parts) {
    const byte = Number(part);
    if (!/^\d{1,3}$/.test(part) || byte > 255) throw new Error(`not an IPv4 address: ${text}`);
    value = value * 256 + byte;
  }
  return value;
}

export function formatAddress(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** Netmask of a prefix length as an unsigned number. */
export function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** `10.244.0.0/24`, or an address alone (/32). Host bits are cleared. @throws Error on other text. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const length = slash < 0 ? 32 : Number(text.slice(slash + 1));
  if (!Number.isInteger(length) || length < 0 || length > 32) throw new Error(`not an IPv4 prefix: ${text}`);
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  return { base: (address & maskOf(length)) >>> 0, length };
}

export function contains(prefix: Prefix, address: number): boolean {
  return (address & maskOf(prefix.length)) >>> 0 === prefix.base;
}

/** Values by prefix, found by longest match. One value per prefix. */
export class PrefixMap<T> {
  readonly #byLength = new Map<number, Map<number, T>>();
  /** Lengths in use, longest first. */
  #lengths: number[] = [];

  set(prefix: Prefix, value: T): void {
    let bucket = this.#byLength.get(prefix.length);
    if (bucket === undefined) {
      bucket = new Map();
      this.#byLength.set(prefix.length, bucket);
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    }
    bucket.set(prefix.base, value);
  }

  get(prefix: Prefix): T | undefined {
    return this.#byLength.get(prefix.length)?.get(prefix.base);
  }

  delete(prefix: Prefix): boolean {
    const bucket = this.#byLength.get(prefix.length);
    if (bucket === undefined || !bucket.delete(prefix.base)) return false;
    if (bucket.size === 0) {
      this.#byLength.delete(prefix.length);
      this.#lengths = this.#lengths.filter((length) => length !== prefix.length);
    }
    return true;
  }

  /** The value of the longest prefix that contains the address and whose value is accepted. */
  longest(address: number, accept: (value: T) => boolean = () => true): T | undefined {
    for (const length of this.#lengths) {
      const value = this.#byLength.get(length)!.get((address & maskOf(length)) >>> 0);
      if (value !== undefined && accept(value)) return value;
    }
    return undefined;
  }

  /** By network address, and for one address the longer prefix first. */
  entries(): { prefix: Prefix; value: T }[] {
    const all: { prefix: Prefix; value: T }[] = [];
    for (const [length, bucket] of this.#byLength) {
      for (const [base, value] of bucket) all.push({ prefix: { base, length }, value });
    }
    return all.sort((a, b) => a.prefix.base - b.prefix.base || b.prefix.length - a.prefix.length);
  }
}
