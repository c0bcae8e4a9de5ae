/** The operator refuses a pool outside kubeadm's pod subnet, and nothing of Calico comes up. */
import { type Cidr, cidrSize, parseCidr } from '../../cni/cidr.ts';
import { askedPools } from '../address-ranges.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const calicoPoolOutsidePodSubnet: Rule = {
  id: 'calico-pool-outside-pod-subnet',
  title: "Calico's pools lie in the cluster's pod subnet.",
  severity: 'refusal',
  source:
    "tigera/operator v1.29.3 core_controller.go, v1.42.3 pkg/controller/ippool/defaults.go: not within the platform's configured pod network CIDR(s)",
  judgeScenario: (facts: ScenarioFacts): Collision[] => {
    const { podSubnet } = facts.scenario.cluster;
    const subnet = parseCidr(podSubnet);
    if (subnet === undefined) return [];
    return askedPools(facts).flatMap(({ cidr, where }) => {
      const pool = parseCidr(cidr);
      if (pool === undefined || holds(subnet, pool)) return [];
      return [
        {
          where,
          message: `Calico's pool ${cidr} is not within the cluster's pod subnet ${podSubnet} (${facts.at('cluster.podSubnet')}), and the operator refuses it; write cluster.podSubnet: ${cidr}, or a pool inside ${podSubnet}`,
          subjects: [cidr, podSubnet],
        },
      ];
    });
  },
};

function holds(outer: Cidr, inner: Cidr): boolean {
  return inner.base >= outer.base && inner.base + cidrSize(inner) <= outer.base + cidrSize(outer);
}
