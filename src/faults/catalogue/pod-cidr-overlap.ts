/** Cilium's pool overlaps what is in use already: Calico's blocks, the Services, or the nodes. */
import { type Cidr, formatCidr, overlaps, parseCidr } from '../../cni/cidr.ts';
import type { CalicoInUse, Expectation, Fault, RunRecord } from '../fault.ts';
import { firstCaught, strandedInBlocks, strandedOnServices } from '../first-caught.ts';
import { ownPolicies } from '../probe-policy.ts';

/** Pods get one /24 a node, as the lab's do; Calico's blocks are /26. */
const MASK = 24;

const within = (cidr: Cidr, prefix: number): Cidr => {
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(cidr.base / size) * size, prefix };
};

/** The /24s around Calico's blocks, and more of its pool where blocks share one, until every node can have its own. */
export function poolsAroundBlocks(calico: Pick<CalicoInUse, 'pools' | 'blocks'>, maskSize: number): string[] {
  const blocks = [...calico.blocks.values()].flat().flatMap((text) => parseCidr(text) ?? []);
  const chosen = new Map<string, Cidr>();
  for (const block of blocks.sort((a, b) => a.base - b.base)) {
    const around = within(block, Math.min(maskSize, block.prefix));
    chosen.set(formatCidr(around), around);
  }
  for (const text of calico.pools) {
    const pool = parseCidr(text);
    if (!pool) continue;
    const size = 2 ** (32 - maskSize);
    for (let base = pool.base; base < pool.base + 2 ** (32 - pool.prefix); base += size) {
      if (chosen.size >= calico.blocks.size) break;
      const next = { base, prefix: maskSize };
      if (![...chosen.values()].some((other) => overlaps(other, next))) chosen.set(formatCidr(next), next);
    }
  }
  return [...chosen.keys()];
}

function byAddresses(run: RunRecord): Expectation {
  const of = run.args.of;
  const caught = firstCaught(run, of === 'services' ? strandedOnServices : strandedInBlocks);
  if (!caught) return { outcome: 'latent' };
  return { outcome: `failed:${caught.checkpoint}`, blame: blameOf(caught) };
}

export function blameOf({ stranded }: NonNullable<ReturnType<typeof firstCaught>>): Expectation['blame'] {
  const addresses = new Set(stranded.map(({ ip }) => ip));
  return {
    // The health endpoints show it first. A stranded pod is never ready, which mostly ends a step before pairs are judged.
    ...(stranded.some(({ what }) => what === 'health endpoint') && { assertions: ['overlay-reachable'] }),
    pairsIfAny: ({ from, to }) => addresses.has(from.ip) || addresses.has(to.ip),
  };
}

export const podCidrOverlap: Fault = {
  name: 'pod-cidr-overlap',
  kind: 'configuration',
  summary: "Cilium's pod CIDR overlaps Calico's blocks, the Services or the nodes.",
  ends: {
    'of=calico-block':
      '`failed` at the first checkpoint at which a health endpoint (`secondary-installed`, by `overlay-reachable`) or a pod on Cilium (`switched/*`, `migrated/*`) has an address inside a block; else `latent`',
    'of=services':
      '`latent`; `failed` where a pod draws the ClusterIP of a Service that it calls (it then calls itself: the API, or DNS), or address *and* port of one. Otherwise an address collides with nothing, because both are translated together',
    'of=nodes':
      "`failed:secondary-installed`, `control-plane-lost` once the control plane's own agent has set its routes, or because agents are not ready; nodes stay Ready and pairs good",
  },
  mechanism:
    "calico-block: the pool is the /24s around Calico's blocks in use, read after `prepared`; an address that Cilium draws inside a block is routed to the block's node by the longer route. services: the pool is the service subnet; an address and port that a Service has is translated by kube-proxy. nodes: the pool is the nodes' subnet; every node routes the others' addresses, the gateway and the API server into the overlay.",
  source: 'recording of the three pools with Cilium 1.19 and Calico 3.31',
  providers: ['twin', 'kind'],
  arguments: {
    of: { help: 'what is overlapped', required: true, values: ['calico-block', 'services', 'nodes'] },
  },
  refusedBy: 'pod-cidr-overlap',
  unfit: (scenario, { of }) => (of === 'services' ? ownPolicies(scenario) : null),
  change: (scenario, { of }) => {
    const { cluster, calico, cilium } = scenario;
    const cidr = of === 'services' ? cluster.serviceSubnet : of === 'nodes' ? cluster.nodeSubnet : calico.cidr;
    return { ...scenario, cilium: { ...cilium, podCIDR: [cidr], maskSize: MASK } };
  },
  pools: ({ pools, blocks, nodeSubnets }, { of }, { cluster, cilium }) => {
    if (of === 'calico-block') return poolsAroundBlocks({ pools, blocks }, cilium.maskSize);
    if (of === 'nodes') return nodeSubnets.length > 0 ? nodeSubnets : [cluster.nodeSubnet];
    return [cluster.serviceSubnet];
  },
  expected: (run) => {
    if (run.args.of !== 'nodes') return byAddresses(run);
    return {
      outcome: 'failed:secondary-installed',
      blame: { reasons: ['control-plane-lost', 'assertion-failed', 'step-timed-out'] },
    };
  },
};
