/**
 * Until a node is labelled, its CNI directory is Calico's. `cni.exclusive: false` is no danger: both files then stand side by
 * side and Cilium's `05-` sorts before Calico's `10-`; the CiliumNodeConfig sets it for the nodes that are switched anyway.
 */
import { valueAt } from '../../cni/merge.ts';
import type { Json } from '../../scenario/scenario.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { isTrue } from '../values.ts';

export const cniTakeover: Rule = {
  id: 'cni-takeover',
  title: "Cilium leaves every node's CNI directory alone until the node is switched.",
  severity: 'refusal',
  source: 'cilium daemon/cmd/cni/config.go and charts 1.14 to 1.20 (configmap.yaml, cni-uninstall.sh); observed',
  judgeScenario: (facts) => [...atInstall(facts), ...withoutBinary(facts), ...atStop(facts)],
};

const cni = ({ values }: ScenarioFacts, key: string): Json | undefined => valueAt(values.initial, `cni.${key}`);

/** Only this pair decides: the chart writes `write-cni-conf-when-ready` unless customConf is true or install is false. */
function atInstall(facts: ScenarioFacts): Collision[] {
  if (cni(facts, 'customConf') === true || cni(facts, 'install') === false) return [];
  return [
    {
      where: facts.at('cilium.values.cni.customConf'),
      message: `cni.customConf ${JSON.stringify(cni(facts, 'customConf'))} lets every agent take /etc/cni/net.d from Calico at its first start, before its node is drained; write true, or leave it out`,
      subjects: ['cni.customConf'],
    },
  ];
}

function withoutBinary(facts: ScenarioFacts): Collision[] {
  if (cni(facts, 'install') !== false) return [];
  return [
    {
      where: facts.at('cilium.values.cni.install'),
      message:
        'cni.install false leaves /opt/cni/bin without cilium-cni, and a switched node can start no pod; write true, or leave it out',
      subjects: ['cni.install'],
    },
  ];
}

/** The preStop hook looks at nothing else, whatever customConf is: the chart sets no CILIUM_CUSTOM_CNI_CONF. */
function atStop(facts: ScenarioFacts): Collision[] {
  if (!isTrue(cni(facts, 'uninstall'))) return [];
  return [
    {
      where: facts.at('cilium.values.cni.uninstall'),
      message:
        "cni.uninstall true deletes Cilium's CNI file at every stop of an agent while Calico's stays renamed, and the node has no CNI until the agent is back; write false, or leave it out",
      subjects: ['cni.uninstall'],
    },
  ];
}
