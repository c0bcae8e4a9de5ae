/**
 * Calico's IPAM: blocks of a pool, affine to a host, addresses handed out in order (libcalico-go/lib/ipam). State lives in
 * IPAMBlock and BlockAffinity objects alone, in the recorded shape. IPAMHandles are not modelled: nothing reads them.
 */
import { createHash } from 'node:crypto';
import type { World } from '../../../world.ts';
import { contains, formatIp, parseCidr, parseIp } from '../ipv4.ts';
import { type BlockAffinity, type BlockAttribute, type IpamBlock, type IpPool, RESOURCES } from '../types.ts';

const DEFAULT_BLOCK_SIZE = 26;

/** Pools that hand out addresses for this use, in the order of their names. */
export function poolsFor(world: World, use: 'Workload' | 'Tunnel'): IpPool[] {
  if (!world.store.has(RESOURCES.pools)) return [];
  return world.store
    .list<IpPool>(RESOURCES.pools)
    .filter((pool) => !pool.spec.disabled && !pool.metadata.deletionTimestamp)
    .filter((pool) => pool.spec.allowedUses?.includes(use) ?? true);
}

const blockName = (cidr: string): string => cidr.replace(/[./]/g, '-');

function hostBlocks(world: World, node: string): IpamBlock[] {
  return world.store.list<IpamBlock>(RESOURCES.blocks).filter((block) => block.spec.affinity === `host:${node}`);
}

function poolOf(pools: readonly IpPool[], cidr: string): IpPool | undefined {
  const ip = parseCidr(cidr).base;
  return pools.find((pool) => contains(parseCidr(pool.spec.cidr), ip));
}

/** Claims a free block of the pool for a node: a starting point drawn from the node's own stream, then the next free one. */
function claimBlock(world: World, node: string, pool: IpPool): IpamBlock | undefined {
  const blockSize = pool.spec.blockSize ?? DEFAULT_BLOCK_SIZE;
  const range = parseCidr(pool.spec.cidr);
  const size = 2 ** (32 - blockSize);
  const count = range.size / size;
  const start = world.random(`calico-ipam/${node}/${pool.metadata.name}`).integer(0, count - 1);
  for (let step = 0; step < count; step++) {
    const cidr = `${formatIp(range.base + ((start + step) % count) * size)}/${blockSize}`;
    if (world.store.get(RESOURCES.blocks, blockName(cidr))) continue;
    return createBlock(world, node, cidr, size);
  }
  return undefined;
}

function createBlock(world: World, node: string, cidr: string, size: number): IpamBlock {
  const labels = {
    'projectcalico.org/affinity-type': 'host',
    'projectcalico.org/hostname-hash': hostnameHash(node),
    'projectcalico.org/ip-version': '4',
  };
  const affinity: BlockAffinity = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'BlockAffinity',
    metadata: { name: `${node}-${blockName(cidr)}`, labels },
    spec: { cidr, deleted: 'false', node, state: 'confirmed', type: 'host' },
  };
  if (!world.store.get(RESOURCES.affinities, affinity.metadata.name)) {
    world.store.create<BlockAffinity>(RESOURCES.affinities, affinity);
  }
  return world.store.create<IpamBlock>(RESOURCES.blocks, {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPAMBlock',
    metadata: { name: blockName(cidr), annotations: { 'projectcalico.org/metadata': '{"creationTimestamp":null}' } },
    spec: {
      affinity: `host:${node}`,
      allocations: Array.from({ length: size }, () => null),
      attributes: [],
      cidr,
      deleted: false,
      sequenceNumber: world.time.now() * 1000,
      sequenceNumberForAllocation: {},
      strictAffinity: false,
      unallocated: Array.from({ length: size }, (_, ordinal) => ordinal),
    },
  });
}

/** A stable stand-in for Calico's hash of the host name, in its alphabet and length (the real function is not modelled). */
function hostnameHash(node: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const digest = createHash('sha256').update(node).digest();
  return Array.from({ length: 52 }, (_, i) => alphabet[digest[i % digest.length]! % 32]).join('');
}

export interface Assignment {
  readonly ip: string;
  readonly pool: IpPool;
}

/**
 * Hands out an address to a node: from its own blocks, else from a new one. Borrowing from other nodes' blocks is not modelled;
 * a pool without a free block then refuses.
 * @returns the address, or the error text of calico-ipam
 */
export function assign(
  world: World,
  node: string,
  attribute: BlockAttribute,
  use: 'Workload' | 'Tunnel' = 'Workload',
): Assignment | { error: string } {
  const pools = poolsFor(world, use);
  if (pools.length === 0) return { error: 'failed to request IPv4 addresses: no configured Calico pools' };
  const partial = pools.find((pool) => (pool.spec.nodeSelector ?? 'all()').replaceAll(' ', '') !== 'all()');
  if (partial)
    return { error: `not modelled: nodeSelector ${partial.spec.nodeSelector} of IPPool ${partial.metadata.name}` };
  const free = (block: IpamBlock | undefined): boolean => (block?.spec.unallocated.length ?? 0) > 0;
  let block = hostBlocks(world, node).find((candidate) => free(candidate) && poolOf(pools, candidate.spec.cidr));
  for (const pool of pools) block ??= claimBlock(world, node, pool);
  const pool = block && poolOf(pools, block.spec.cidr);
  if (!block || !pool) {
    return {
      error:
        'failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled (borrowing is not modelled)',
    };
  }
  const ordinal = block.spec.unallocated[0]!;
  world.store.update<IpamBlock>(RESOURCES.blocks, { name: block.metadata.name }, (draft) => {
    const spec = draft.spec;
    spec.unallocated.shift();
    spec.attributes.push(attribute);
    spec.allocations[ordinal] = spec.attributes.length - 1;
    spec.sequenceNumberForAllocation[String(ordinal)] = spec.sequenceNumber;
    spec.sequenceNumber += 1;
  });
  return { ip: formatIp(parseCidr(block.spec.cidr).base + ordinal), pool };
}

/** Gives back everything that a handle holds. */
export function releaseHandle(world: World, handle: string): void {
  for (const block of world.store.list<IpamBlock>(RESOURCES.blocks)) {
    if (block.spec.attributes.some((attribute) => attribute.handle_id === handle)) {
      releaseWhere(world, block, (attribute) => attribute.handle_id === handle);
    }
  }
}

/** Gives back the allocations of one block whose attributes satisfy the test. */
export function releaseWhere(world: World, block: IpamBlock, test: (attribute: BlockAttribute) => boolean): void {
  world.store.update<IpamBlock>(RESOURCES.blocks, { name: block.metadata.name }, (draft) => {
    const spec = draft.spec;
    const kept: BlockAttribute[] = [];
    const moved = new Map<number, number>();
    spec.attributes.forEach((attribute, index) => {
      if (test(attribute)) return;
      moved.set(index, kept.length);
      kept.push(attribute);
    });
    if (kept.length === spec.attributes.length) return;
    spec.allocations.forEach((index, ordinal) => {
      if (index === null) return;
      const next = moved.get(index);
      if (next === undefined) {
        spec.unallocated.push(ordinal);
        delete spec.sequenceNumberForAllocation[String(ordinal)];
      }
      spec.allocations[ordinal] = next ?? null;
    });
    spec.attributes = kept;
    spec.sequenceNumber += 1;
  });
}

/** Addresses of a block that are in use, with what holds them. */
export function allocationsOf(block: IpamBlock): { ip: string; attribute: BlockAttribute }[] {
  const base = parseCidr(block.spec.cidr).base;
  return block.spec.allocations.flatMap((index, ordinal) => {
    const attribute = index === null ? undefined : block.spec.attributes[index];
    return attribute ? [{ ip: formatIp(base + ordinal), attribute }] : [];
  });
}

/** The address that a handle holds. */
export function addressOfHandle(world: World, handle: string): string | undefined {
  for (const block of world.store.list<IpamBlock>(RESOURCES.blocks)) {
    const found = allocationsOf(block).find((allocation) => allocation.attribute.handle_id === handle);
    if (found) return found.ip;
  }
  return undefined;
}

/** Is the address in a pool that exists? */
export function inPools(pools: readonly IpPool[], ip: string): boolean {
  return pools.some((pool) => contains(parseCidr(pool.spec.cidr), parseIp(ip)));
}
