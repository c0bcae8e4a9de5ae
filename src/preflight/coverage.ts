/** Which addresses a set of blocks leaves out. Ranges are half open, in IPv4 addresses as numbers. */
import { type Cidr, cidrSize, parseCidr } from '../cni/cidr.ts';

/** A CIDR with holes, as an ipBlock of a NetworkPolicy or as nets and notNets of Calico. */
export interface Block {
  readonly cidr: string;
  readonly except: readonly string[];
}

type Range = readonly [from: number, to: number];

/** Those of the wanted CIDRs (texts) that the blocks together do not cover whole; what is not IPv4 is passed over. */
export function uncovered(wanted: readonly string[], blocks: readonly Block[]): string[] {
  const admitted = blocks.flatMap(({ cidr, except }) => without(rangesOf([cidr]), rangesOf(except)));
  return wanted.filter((text) => without(rangesOf([text]), admitted).length > 0);
}

function rangesOf(texts: readonly string[]): Range[] {
  return texts.flatMap((text): Range[] => {
    const cidr: Cidr | undefined = parseCidr(text);
    return cidr === undefined ? [] : [[cidr.base, cidr.base + cidrSize(cidr)]];
  });
}

/** What is left of the ranges when the holes are cut out. */
function without(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  let left = [...ranges];
  for (const [from, to] of holes) {
    left = left.flatMap(([a, b]): Range[] => {
      if (to <= a || from >= b) return [[a, b]];
      return [...(a < from ? [[a, from] as const] : []), ...(to < b ? [[to, b] as const] : [])];
    });
  }
  return left;
}
