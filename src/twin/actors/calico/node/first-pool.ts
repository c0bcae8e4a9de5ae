/** Before operator 1.34 no controller makes pools: the first calico-node does, from its environment (node/pkg/lifecycle/startup, v3.25.1). */
import type { ContainerContext } from '../../../world.ts';
import { type IpPool, RESOURCES } from '../types.ts';

export function createFirstPool({ world, env }: ContainerContext): void {
  const cidr = env.get('CALICO_IPV4POOL_CIDR');
  if (!cidr || !world.store.has(RESOURCES.pools) || world.store.list(RESOURCES.pools).length > 0) return;
  world.store.create<IpPool>(RESOURCES.pools, {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'default-ipv4-ippool' },
    spec: {
      allowedUses: ['Workload', 'Tunnel'],
      blockSize: Number(env.get('CALICO_IPV4POOL_BLOCK_SIZE') ?? 26),
      cidr,
      ipipMode: env.get('CALICO_IPV4POOL_IPIP') ?? 'Always',
      natOutgoing: env.get('CALICO_IPV4POOL_NAT_OUTGOING') !== 'false',
      nodeSelector: env.get('CALICO_IPV4POOL_NODE_SELECTOR') ?? 'all()',
      vxlanMode: env.get('CALICO_IPV4POOL_VXLAN') ?? 'Never',
    },
  });
}
