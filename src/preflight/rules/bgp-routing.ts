/** Calico's BGP keeps running beside Cilium; nobody has tested what it tells its peers meanwhile. */
import { valueAt } from '../../cni/merge.ts';
import { askedPools, installationSpec } from '../address-ranges.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

export const bgpRouting: Rule = {
  id: 'bgp-routing',
  title: "Tells that Calico's BGP is on (the operator's default), which Cilium's guide calls not tested.",
  severity: 'finding',
  source:
    'cilium Documentation/installation/k8s-install-migration.rst; tigera/operator v1.29.3 to v1.42.3 (calicoNetwork.bgp Enabled by default)',
  judgeScenario: (facts: ScenarioFacts): Collision[] => {
    const key = 'calicoNetwork.bgp';
    const bgp = valueAt(installationSpec(facts), key);
    if (bgp === 'Disabled') return [];
    const where =
      bgp === undefined
        ? `${facts.at(`calico.installation.${key}`)} (the operator's default)`
        : facts.at(`calico.installation.${key}`);
    // Felix itself routes VXLAN pools; BIRD those with IPIP or without encapsulation.
    const routed = askedPools(facts).filter(({ encapsulation }) => !encapsulation.startsWith('VXLAN'));
    const message =
      routed.length === 0
        ? `Calico's BGP is on though its VXLAN pools do not need it, and a migration with BGP is not tested by Cilium; write Disabled`
        : `Calico's pods are routed by BGP (${routed.map(({ cidr, encapsulation }) => `${cidr}: ${encapsulation}`).join(', ')}), and a migration with BGP is not tested by Cilium; look closely at pairs between Calico pods, or use VXLAN`;
    return [{ where, message, subjects: [key], weight: routed.length === 0 ? 'info' : 'warning' }];
  },
};
