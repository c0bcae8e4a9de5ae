/** IPv4 arithmetic for Calico's actors; addresses are unsigned 32-bit numbers. */

/** @throws Error when the text is not an IPv4 address. */
export function parseIp(text: string): number {
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

export function formatIp(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

export interface Cidr {
  /** Network address, host bits cleared. */
  readonly base: number;
  readonly prefix: number;
  /** Number of addresses. */
  readonly size: number;
}

const cache = new Map<string, Cidr>();

/** @throws Error when the text is not a CIDR. An address without a prefix is a /32. */
export function parseCidr(text: string): Cidr {
  const known = cache.get(text);
  if (known) return known;
  const [address = '', prefixText] = text.split('/');
  const prefix = prefixText === undefined ? 32 : Number(prefixText);
  if (!(prefix >= 0 && prefix <= 32)) throw new Error(`not a CIDR: ${text}`);
  const size = 2 ** (32 - prefix);
  const ip = parseIp(address);
  const cidr = { base: ip - (ip % size), prefix, size };
  cache.set(text, cidr);
  return cidr;
}

export function contains(cidr: Cidr, ip: number): boolean {
  return ip >= cidr.base && ip < cidr.base + cidr.size;
}

/** Is `inner` wholly inside `outer`? */
export function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && contains(outer, inner.base);
}
