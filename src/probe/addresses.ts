/** IPv4 arithmetic that the instrument needs, and which CNI gave an address. */
import type { Cni } from '../events/events.ts';

/** The address as an unsigned number, or undefined when the text is not an IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

interface Block {
  readonly first: number;
  readonly size: number;
}

function parseBlock(cidr: string): Block {
  const slash = cidr.indexOf('/');
  const address = parseAddress(cidr.slice(0, slash));
  const length = Number(cidr.slice(slash + 1));
  if (slash < 0 || address === undefined || !Number.isInteger(length) || length < 0 || length > 32) {
    throw new Error(`not an IPv4 CIDR: ${cidr}`);
  }
  const size = 2 ** (32 - length);
  return { first: address - (address % size), size };
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The first usable address of a CIDR: `10.96.0.1` of `10.96.0.0/16`. */
export function firstAddress(cidr: string): string {
  return formatAddress(parseBlock(cidr).first + 1);
}

/**
 * Tells by address which CNI a pod is on: the narrowest of the given CIDRs that holds it decides, so that a Cilium pool
 * inside Calico's stays visible. The same CIDR on both sides, or none, is `unknown`.
 */
export function cniByAddress(calico: readonly string[], cilium: readonly string[]): (ip: string) => Cni {
  const blocks = [
    ...calico.map((cidr) => ({ ...parseBlock(cidr), cni: 'calico' as const })),
    ...cilium.map((cidr) => ({ ...parseBlock(cidr), cni: 'cilium' as const })),
  ].sort((a, b) => a.size - b.size);
  return (ip) => {
    const address = parseAddress(ip);
    if (address === undefined) return 'unknown';
    const holding = blocks.filter((block) => address >= block.first && address < block.first + block.size);
    const narrowest = holding.filter((block) => block.size === holding[0]?.size);
    const first = narrowest[0];
    return first && narrowest.every((block) => block.cni === first.cni) ? first.cni : 'unknown';
  };
}
