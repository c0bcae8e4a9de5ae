/** Cilium's addresses must be nobody else's while both networks run: longest prefix decides, and Calico's routes are longer. */
import {
  type CiliumPool,
  ciliumPools,
  freePool,
  maskSizeOf,
  overlap,
  type Range,
  rangesAsked,
  rangesFound,
} from '../address-ranges.ts';
import type { ClusterFacts, Collision, Rule, ScenarioFacts } from '../rule.ts';

/** What comes of it (cilium issues 42383, 13955, 13766; recorded on a kind cluster, Cilium 1.19). */
const CONSEQUENCE: Record<Range['kind'], string> = {
  calico: "a Cilium pod with an address inside another node's Calico block cannot be reached",
  pods: 'it must be left to Calico and kube-proxy',
  services: 'a pod may get the address of a Service',
  nodes: "Cilium's routes hide the nodes themselves, and the API is lost",
};

export const podCidrOverlap: Rule = {
  id: 'pod-cidr-overlap',
  title: "Cilium's pools are disjoint from Calico's pools and blocks, the pod subnet, the Services and the nodes.",
  severity: 'refusal',
  source:
    'cilium Documentation/installation/k8s-install-migration.rst (a new, distinct CIDR); cilium pkg/ipam/allocator/clusterpool/cidralloc; observed',
  judgeScenario: (facts) => collisions(facts, rangesAsked(facts)),
  judgeCluster: (facts: ClusterFacts) => collisions(facts, rangesFound(facts)),
};

function collisions(facts: ScenarioFacts, taken: readonly Range[]): Collision[] {
  const pools = ciliumPools(facts);
  const free = freePool(
    [...taken.map(({ cidr }) => cidr), ...rangesAsked(facts).map(({ cidr }) => cidr), ...pools.map(({ cidr }) => cidr)],
    facts.nodes.length,
    maskSizeOf(facts.values.initial),
  );
  const instead = free === undefined ? 'write a CIDR that is not in use' : `write ${free} instead`;
  return [
    ...pools.flatMap((pool) =>
      hitBy(pool, taken).map(
        (range): Collision => ({
          where: pool.where,
          message: `${pool.cidr} of Cilium overlaps ${range.what} ${range.cidr} (${range.where}): ${CONSEQUENCE[range.kind]}; ${instead}`,
          subjects: [pool.cidr, range.cidr],
        }),
      ),
    ),
    ...amongThemselves(pools, instead),
  ];
}

/** The ranges that the pool hits; of two that lie in each other and say the same only the first. */
function hitBy({ cidr }: CiliumPool, taken: readonly Range[]): Range[] {
  const hit: Range[] = [];
  for (const range of taken) {
    if (!overlap(cidr, range.cidr)) continue;
    const told = hit.some((other) => other.kind === 'calico' && overlap(other.cidr, range.cidr));
    if (told && (range.kind === 'calico' || range.kind === 'pods')) continue;
    hit.push(range);
  }
  return hit;
}

/** Cilium's operator does not start with pools that collide (ErrCIDRCollision). */
function amongThemselves(pools: readonly CiliumPool[], instead: string): Collision[] {
  return pools.flatMap((pool, index) =>
    pools
      .slice(0, index)
      .filter((other) => overlap(other.cidr, pool.cidr))
      .map((other) => ({
        where: pool.where,
        message: `${pool.cidr} of Cilium overlaps its own pool ${other.cidr} (${other.where}), which its operator refuses; ${instead}`,
        subjects: [pool.cidr, other.cidr],
      })),
  );
}
