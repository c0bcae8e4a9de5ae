/** Fewer blocks in Cilium's pool than there are nodes. */
import { type Cidr, formatCidr, parseCidr } from '../../cni/cidr.ts';
import type { Fault } from '../fault.ts';

const POOL: Cidr = parseCidr('10.244.0.0/16')!;

/** The largest pool with at least one block and fewer than nodes: half of what a power of two would need. */
function smallPool(scenario: Parameters<NonNullable<Fault['unfit']>>[0], nodes: number): string {
  const [given] = scenario.cilium.podCIDR ?? [];
  const base = (given === undefined ? undefined : parseCidr(given)) ?? POOL;
  return formatCidr({ base: base.base, prefix: scenario.cilium.maskSize - Math.floor(Math.log2(nodes - 1)) });
}

export const poolTooSmall: Fault = {
  name: 'pool-too-small',
  kind: 'configuration',
  summary: "Cilium's pool has fewer blocks than the cluster has nodes.",
  ends: '`failed:secondary-installed`, naming the nodes without a pod CIDR',
  mechanism:
    "The operator gives one block of cilium.maskSize a node, in order of the agents' arrival. The last nodes get none (CiliumNode status: unable to allocate CIDR), and their agents wait for one for ever.",
  source: 'cilium 1.19 pkg/ipam/allocator/clusterpool/clusterpool.go and operator status of CiliumNode',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'pool-too-small',
  change: (scenario, _args, nodes) => ({
    ...scenario,
    cilium: { ...scenario.cilium, podCIDR: [smallPool(scenario, nodes.length)] },
  }),
  expected: ({ snapshots = [] }) => ({
    outcome: 'failed:secondary-installed',
    blame: {
      reasons: ['step-timed-out', 'assertion-failed'],
      // Which nodes come last is the cluster's choice.
      names: (snapshots.at(-1)?.ciliumNodes ?? [])
        .filter(({ podCIDRs }) => podCIDRs.length === 0)
        .map(({ name }) => name),
    },
  }),
};
