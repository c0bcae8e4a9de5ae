/** IPv4 CIDR arithmetic. Addresses are unsigned 32-bit numbers. */

export interface Cidr {
  /** First address. */
  readonly base: number;
  /** Prefix length, 0 to 32. */
  readonly prefix: number;
}

/** The address as a number, or undefined when the text is not a dotted quad. */
export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!parts) return undefined;
  let value = 0;
  for (const part of parts.slice(1)) {
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Number of addresses. */
export function cidrSize(cidr: Cidr): number {
  return 2 ** (32 - cidr.prefix);
}

/** Host bits are cut off, as the kernel does (`172.18.0.3/16` is `172.18.0.0/16`); undefined when it is not IPv4. */
export function parseCidr(text: string): Cidr | undefined {
  const parts = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  if (!parts) return undefined;
  const address = parseAddress(parts[1]!);
  const prefix = Number(parts[2]);
  if (address === undefined || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(address / size) * size, prefix };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.base)}/${cidr.prefix}`;
}

/** Does the CIDR hold this address? An address that is none is held by nothing. */
export function holdsAddress(cidr: Cidr, address: string): boolean {
  const value = parseAddress(address);
  return value !== undefined && value >= cidr.base && value < cidr.base + cidrSize(cidr);
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.base < b.base + cidrSize(b) && b.base < a.base + cidrSize(a);
}

/** Blocks of `maskSize` that fit into the CIDR; 0 when it is smaller than one. */
export function blocksIn(cidr: Cidr, maskSize: number): number {
  return maskSize < cidr.prefix ? 0 : 2 ** (maskSize - cidr.prefix);
}

/** Does any of these CIDRs (texts; those that are not IPv4 are passed over) hold the address? */
export function anyHolds(cidrs: readonly string[], address: string): boolean {
  return cidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && holdsAddress(cidr, address);
  });
}
