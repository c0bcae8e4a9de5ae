/** Only a pool of Cilium's own keeps its addresses apart from Calico's, and only cluster-pool has one before a node is switched. */
import { valueAt } from '../../cni/merge.ts';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { written } from '../written.ts';

const KEY = 'ipam.mode';
const WANTED = 'cluster-pool';

export const ipamMode: Rule = {
  id: 'ipam-mode',
  title: 'Cilium takes its addresses from a pool of its own (ipam.mode cluster-pool), before and after the migration.',
  severity: 'refusal',
  source:
    'cilium Documentation/installation/k8s-install-migration.rst, requirements; Documentation/network/concepts/ipam',
  judgeScenario: (facts) => {
    const { initial, final } = facts.values;
    const now = collisions(facts, initial, 'values');
    return now.length > 0 || valueAt(final, KEY) === valueAt(initial, KEY)
      ? now
      : collisions(facts, final, 'finalValues');
  },
};

function collisions(facts: ScenarioFacts, values: JsonObject, key: 'values' | 'finalValues'): Collision[] {
  const mode = valueAt(values, KEY);
  if (mode === WANTED) return [];
  return [
    {
      where: facts.at(`cilium.${key}.${KEY}`),
      message: `ipam.mode ${JSON.stringify(mode)} ${consequence(mode, facts)}; write ${WANTED}, or leave it out`,
      subjects: [`ipam.mode ${written(mode)}`],
    },
  ];
}

function consequence(mode: Json | undefined, { scenario, at }: ScenarioFacts): string {
  if (mode === 'kubernetes') {
    const subnet = `${scenario.cluster.podSubnet} (${at('cluster.podSubnet')})`;
    return `takes the nodes' podCIDRs, which are cut from ${subnet} like Calico's pool, so both give out the same addresses`;
  }
  if (mode === 'multi-pool') {
    return "gives a node no podCIDR of its own, so that nobody can tell which addresses are Cilium's on which node";
  }
  return "does not take addresses from a pool of Cilium's own on these nodes";
}
