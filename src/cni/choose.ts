/** What the scenario may leave open, chosen when the cluster has been read: Cilium's pod CIDR and its tunnel port. */
import { blocksIn, type Cidr, formatCidr, overlaps, parseCidr } from './cidr.ts';

/** The walk-through's choice: kind's own default, free because Calico's pool is elsewhere. */
const FIRST_CHOICE = '10.244.0.0/16';
/** Searched from the top, because small networks are commonly cut from the bottom. */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** The walk-through's choice: next to Cilium's default 8472, which flannel uses as well. */
const FIRST_VXLAN_PORT = 8473;
const FIRST_GENEVE_PORT = 6081;

export class NoFreeCidr extends Error {
  override readonly name = 'NoFreeCidr';
  constructor(prefix: number, taken: readonly string[]) {
    super(
      `no private /${prefix} is disjoint from ${taken.join(', ')}; set cilium.podCIDR (or a larger cilium.maskSize) in the scenario`,
    );
  }
}

/**
 * A pod CIDR disjoint from everything in use, with a block of `maskSize` for every node. At least a /16 is taken, so
 * that nodes can be added later.
 * @throws NoFreeCidr
 */
export function choosePodCidr(taken: readonly string[], nodes: number, maskSize: number): string {
  const used = taken.flatMap((text) => parseCidr(text) ?? []);
  const free = (cidr: Cidr): boolean => used.every((other) => !overlaps(cidr, other));
  const prefix = Math.min(16, maskSize - Math.ceil(Math.log2(Math.max(1, nodes))));
  const first = parseCidr(FIRST_CHOICE)!;
  if (blocksIn(first, maskSize) >= nodes && prefix === first.prefix && free(first)) return FIRST_CHOICE;
  for (const text of PRIVATE_RANGES) {
    const range = parseCidr(text)!;
    for (let index = blocksIn(range, prefix) - 1; index >= 0; index--) {
      const candidate = { base: range.base + index * 2 ** (32 - prefix), prefix };
      if (free(candidate)) return formatCidr(candidate);
    }
  }
  throw new NoFreeCidr(prefix, taken);
}

/** A UDP port for Cilium's tunnel that none of the ports in use is. */
export function chooseTunnelPort(protocol: 'vxlan' | 'geneve', taken: readonly number[]): number {
  let port = protocol === 'vxlan' ? FIRST_VXLAN_PORT : FIRST_GENEVE_PORT;
  while (taken.includes(port)) port++;
  return port;
}
