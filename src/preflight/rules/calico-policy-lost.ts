/**
 * Only Calico reads policies of projectcalico.org, and only for pods that it attached. So they protect nothing any more
 * once every pod is on Cilium, whether Calico is removed or not; with `finish.removeCalico` the objects themselves go with
 * their CRDs. Sets, tiers and host endpoints are lost only by that. Staged policies enforce nothing and are not judged;
 * neither are Kubernetes NetworkPolicies, which Cilium takes over with the final values.
 */
import { calicoWorkloads, isOperatorOwned, type Placed, placed } from '../calico-objects.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';

/** What Cilium has instead (cilium CRDs; facts on policies of calico v3.25 to v3.32). */
const INSTEAD: Readonly<Record<string, string>> = {
  NetworkPolicy: 'a NetworkPolicy of networking.k8s.io or a CiliumNetworkPolicy',
  GlobalNetworkPolicy: 'a CiliumClusterwideNetworkPolicy',
  NetworkSet: 'a CiliumCIDRGroup',
  GlobalNetworkSet: 'a CiliumCIDRGroup',
  HostEndpoint: 'a CiliumClusterwideNetworkPolicy with a nodeSelector',
  Tier: 'policies that need no tiers',
};
const FOR_PODS = new Set(['NetworkPolicy', 'GlobalNetworkPolicy']);

export const calicoPolicyLost: Rule = {
  id: 'calico-policy-lost',
  title: 'Nothing is protected by policies that only Calico understands.',
  severity: 'refusal',
  source:
    'projectcalico/calico v3.25.1 to v3.32.1 (CRDs, felix: workload endpoints only); tigera/operator v1.42.3 (policies of its own)',
  judgeScenario: (facts) => judge(facts, calicoWorkloads(facts)),
  judgeCluster: (facts) => judge(facts, placed(facts.calicoPolicies)),
};

function judge(facts: ScenarioFacts, objects: readonly Placed[]): Collision[] {
  const { removeCalico } = facts.scenario.finish;
  return objects.flatMap(({ object, where }): Collision[] => {
    const kind = object.kind ?? '';
    const instead = INSTEAD[kind];
    if (instead === undefined || isOperatorOwned(object) || !(removeCalico || FOR_PODS.has(kind))) return [];
    const lost = removeCalico
      ? "goes with Calico's CRDs (finish.removeCalico: true), and Cilium does not read it"
      : 'stays (finish.removeCalico: false), but Calico enforces it for its own pods only, and none is left when all are on Cilium';
    const { name, namespace } = object.metadata;
    return [
      {
        where,
        message: `it ${lost}; write ${instead} instead and take this one out`,
        subjects: [`${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`],
      },
    ];
  });
}
