/** The pool controller (operator 1.34 on): makes IPPools from the Installation, reports in TigeraStatus `ippools`. */
import type { World } from '../../../world.ts';
import { type Installation, type IpPool, type PoolRequest, RESOURCES } from '../types.ts';
import { outsidePodSubnet } from './installation.ts';
import type { Report } from './status.ts';

const MANAGED = { 'app.kubernetes.io/managed-by': 'tigera-operator' };

function poolSpec(pool: PoolRequest): IpPool['spec'] {
  const mode = (kind: 'VXLAN' | 'IPIP'): string =>
    pool.encapsulation === kind ? 'Always' : pool.encapsulation === `${kind}CrossSubnet` ? 'CrossSubnet' : 'Never';
  return {
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
    blockSize: pool.blockSize ?? 26,
    cidr: pool.cidr,
    ipipMode: mode('IPIP'),
    natOutgoing: pool.natOutgoing !== 'Disabled',
    nodeSelector: pool.nodeSelector ?? 'all()',
    vxlanMode: mode('VXLAN'),
  };
}

/** Pools of this world that are enabled and stay. */
export function enabledPools(world: World): IpPool[] {
  if (!world.store.has(RESOURCES.pools)) return [];
  return world.store
    .list<IpPool>(RESOURCES.pools)
    .filter((pool) => !pool.spec.disabled && !pool.metadata.deletionTimestamp);
}

/** One pass; a terminating Installation is left alone, so pools deleted during a removal never come back. */
export function reconcilePools(world: World, installation: Installation): Report | undefined {
  if (installation.metadata.deletionTimestamp) return undefined;
  const pools = installation.spec.calicoNetwork?.ipPools ?? [];
  const outside = outsidePodSubnet(world, pools);
  if (outside)
    return { degraded: { reason: 'ResourceValidationError', message: `error filling IP pool defaults: ${outside}` } };
  if (!world.store.has(RESOURCES.pools)) {
    return {
      degraded: { reason: 'ResourceReadError', message: 'error querying IP pools: no matches for kind "IPPool"' },
    };
  }
  const existing = world.store.list<IpPool>(RESOURCES.pools);
  for (const pool of pools) {
    const spec = poolSpec(pool);
    const present = existing.find((candidate) => candidate.spec.cidr === pool.cidr);
    if (!present) {
      world.store.create<IpPool>(RESOURCES.pools, {
        apiVersion: 'crd.projectcalico.org/v1',
        kind: 'IPPool',
        metadata: { name: pool.name ?? 'default-ipv4-ippool', labels: { ...MANAGED } },
        spec,
      });
    } else if (present.metadata.labels?.['app.kubernetes.io/managed-by'] === 'tigera-operator') {
      world.store.update<IpPool>(RESOURCES.pools, { name: present.metadata.name }, (draft) => {
        Object.assign(draft.spec, spec);
      });
    }
  }
  return {};
}
