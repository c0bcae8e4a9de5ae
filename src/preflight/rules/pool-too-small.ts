/** Every node gets a block of the pool; the agent of a node without one waits for ever. */
import { blocksIn, parseCidr } from '../../cni/cidr.ts';
import { valueAt } from '../../cni/merge.ts';
import { freePool, maskSizeKey, maskSizeOf, poolKey, rangesAsked } from '../address-ranges.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const poolTooSmall: Rule = {
  id: 'pool-too-small',
  title: "Cilium's pools have a block for every node.",
  severity: 'refusal',
  source: 'cilium pkg/ipam/allocator/clusterpool: one block of clusterPoolIPv4MaskSize a node',
  judgeScenario: (facts) => collisions(facts, facts.nodes.length),
  judgeCluster: (facts) => collisions(facts, facts.clusterNodes.length),
};

function collisions(facts: ScenarioFacts, nodes: number): Collision[] {
  const { initial } = facts.values;
  // Left open, it is chosen large enough.
  if (valueAt(initial, 'ipam.mode') !== 'cluster-pool' || facts.podCidrs === null) return [];
  const maskSize = maskSizeOf(initial);
  if (!Number.isInteger(maskSize) || maskSize < 1 || maskSize > 32) {
    const written = JSON.stringify(valueAt(initial, 'ipam.operator.clusterPoolIPv4MaskSize'));
    const message = `${written} is no prefix length of a node's block; write one such as 24`;
    return [{ where: facts.at(maskSizeKey(facts)), message, subjects: [written] }];
  }
  const cidrs = facts.podCidrs.flatMap((text) => parseCidr(text) ?? []);
  const blocks = cidrs.reduce((sum, cidr) => sum + blocksIn(cidr, maskSize), 0);
  if (blocks >= nodes) return [];
  const taken = [...rangesAsked(facts).map(({ cidr }) => cidr)];
  const larger = freePool(taken, nodes, maskSize);
  const remedy = larger === undefined ? 'write a larger pool' : `write a larger pool such as ${larger}`;
  return [
    {
      where: facts.at(poolKey(facts)),
      message: `${facts.podCidrs.join(', ') || 'no pool'} of Cilium has ${blocks === 1 ? '1 block' : `${blocks} blocks`} of /${maskSize} (${facts.at(maskSizeKey(facts))}) for ${nodes} nodes, and each needs one; ${remedy}, or a longer mask`,
      subjects: [...facts.podCidrs],
    },
  ];
}
