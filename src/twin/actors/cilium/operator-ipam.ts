/** Cluster-pool IPAM: the operator gives every CiliumNode one block of the pool, in the order in which agents arrive. */
import type { World } from '../../world.ts';
import { type Cidr, formatCidr, parseCidr } from './cidr.ts';
import { CILIUM_NODES, type CiliumNode } from './objects.ts';

/** Blocks of the configured pool, and who holds them. */
export class ClusterPool {
  readonly #pools: readonly Cidr[];
  readonly #maskSize: number;
  readonly #held = new Set<string>();

  /** @throws Error when a CIDR is invalid, smaller than one block, or overlaps another (ErrCIDRCollision, cidralloc). */
  constructor(cidrs: readonly string[], maskSize: number) {
    this.#pools = cidrs.map(parseCidr);
    this.#maskSize = maskSize;
    for (const pool of this.#pools)
      if (maskSize < pool.bits || maskSize > 32)
        throw new Error(`Unable to init cluster-pool allocator: invalid mask size ${maskSize} for a /${pool.bits}`);
    this.#pools.forEach((pool, index) => {
      const other = this.#pools.slice(0, index).find((first) => overlap(first, pool));
      if (other === undefined) return;
      const [requested, taken] = [pool, other].map(({ base, bits }) => formatCidr(base, bits));
      throw new Error(`Unable to init cluster-pool allocator: requested CIDR ${requested} collides with ${taken}`);
    });
  }

  hold(cidr: string): void {
    this.#held.add(cidr);
  }

  /** The first free block, now held; undefined when the pool is exhausted. */
  next(): string | undefined {
    const size = 2 ** (32 - this.#maskSize);
    for (const pool of this.#pools)
      for (let base = pool.base; base < pool.base + pool.size; base += size) {
        const cidr = formatCidr(base, this.#maskSize);
        if (this.#held.has(cidr)) continue;
        this.#held.add(cidr);
        return cidr;
      }
    return undefined;
  }
}

const overlap = (a: Cidr, b: Cidr): boolean => a.base < b.base + b.size && b.base < a.base + a.size;

/** Takes note of the blocks that nodes already have: they keep them for ever. */
export function holdExisting(world: World, pool: ClusterPool): void {
  for (const node of world.store.list<CiliumNode>(CILIUM_NODES))
    for (const cidr of node.spec.ipam.podCIDRs ?? []) pool.hold(cidr);
}

/** Gives a node its block, or writes into its status that there is none. */
export function allocatePodCidr(world: World, pool: ClusterPool, name: string): void {
  const node = world.store.get<CiliumNode>(CILIUM_NODES, name);
  if (node === undefined || (node.spec.ipam.podCIDRs ?? []).length > 0) return;
  const cidr = pool.next();
  world.store.update<CiliumNode>(CILIUM_NODES, { name }, (draft) => {
    if (cidr === undefined)
      draft.status.ipam['operator-status'] = { error: 'unable to allocate CIDR: all allocators are full' };
    else {
      draft.spec.ipam.podCIDRs = [cidr];
      draft.status.ipam['operator-status'] = {};
    }
  });
}
