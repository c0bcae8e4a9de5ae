/** IPv4 arithmetic for pools, pod CIDRs and addresses. */

/** Address as an unsigned 32-bit number. */
export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export interface Cidr {
  /** First address, as a number. */
  readonly base: number;
  readonly bits: number;
  /** Number of addresses. */
  readonly size: number;
}

/** @throws Error when the text is no IPv4 CIDR. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text.trim());
  const bits = Number(match?.[2]);
  if (match === null || bits > 32) throw new Error(`invalid CIDR address: ${text}`);
  const size = 2 ** (32 - bits);
  return { base: Math.floor(toNumber(match[1]!) / size) * size, bits, size };
}

export function formatCidr(base: number, bits: number): string {
  return `${toAddress(base)}/${bits}`;
}

export function contains(cidr: Cidr, address: string): boolean {
  const value = toNumber(address);
  return value >= cidr.base && value < cidr.base + cidr.size;
}
