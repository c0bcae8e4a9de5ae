/** IPv4 networks as scenarios write them. */

export interface Network {
  readonly text: string;
  /** First address as an unsigned 32-bit number. */
  readonly first: number;
  /** Number of addresses. */
  readonly size: number;
  readonly prefix: number;
}

/** As Go's net.ParseCIDR takes it: no leading zeros. */
const OCTET = '(?:0|[1-9]\\d{0,2})';
export const CIDR_PATTERN = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}/(?:[1-9]|[12]\\d|30)$`);

/** Networks that hosts and pods cannot use (RFC 6890: "this network", loopback, link-local; RFC 1112: multicast and above). */
const UNUSABLE = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'];

/** undefined when the text is not an IPv4 CIDR with its network address. */
export function parseNetwork(text: string): Network | undefined {
  if (!CIDR_PATTERN.test(text)) return undefined;
  const [a, b, c, d, prefix] = text.split(/[./]/).map(Number) as [number, number, number, number, number];
  if ([a, b, c, d].some((byte) => byte > 255)) return undefined;
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { text, first, size, prefix } : undefined;
}

export function overlap(a: Network, b: Network): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** Can machines and pods have all of its addresses? */
export function isUsable(network: Network): boolean {
  return !UNUSABLE.some((text) => overlap(network, parseNetwork(text)!));
}
