/** Facts for tests of rules: the lab, changed, as a run on the twin would see it. */

import { calicoCustomResources } from '../../src/cni/calico.ts';
import type { IpPool } from '../../src/cni/resources.ts';
import type { Node } from '../../src/kube/objects.ts';
import type { ClusterFacts, Rule, ScenarioFacts } from '../../src/preflight/rule.ts';
import { scenarioFacts } from '../../src/preflight/scenario-facts.ts';
import { imageExistsOnTwin, reviewForTwin } from '../../src/provider/twin-review.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

export type Change = Parameters<typeof scenario>[0];

/** What the lab, changed, shows; keys stand at `lab.yaml: PATH`. */
export const factsOf = (change: Change = {}, provider: 'twin' | 'kind' = 'twin'): ScenarioFacts =>
  factsOfScenario(scenario(change), provider);

export function factsOfScenario(changed: Scenario, provider: 'twin' | 'kind' = 'twin'): ScenarioFacts {
  return scenarioFacts({
    scenario: changed,
    provider,
    review: reviewForTwin(changed),
    imageExists: imageExistsOnTwin,
    at: (path) => `lab.yaml: ${path}`,
  });
}

/** What the lab's cluster shows, changed. */
export function clusterOf(change: Partial<ClusterFacts> = {}, inScenario: Change = {}): ClusterFacts {
  const facts = factsOf(inScenario);
  const { calico, cluster } = facts.scenario;
  return {
    ...facts,
    installation: calicoCustomResources(calico).find(({ kind }) => kind === 'Installation')! as never,
    felix: undefined,
    pools: [pool('default-ipv4-ippool', calico.cidr)],
    blocks: new Map([['kind-worker', ['192.168.110.128/26']]]),
    nodeSubnets: ['172.18.0.0/16'],
    podSubnet: cluster.podSubnet,
    serviceSubnet: cluster.serviceSubnet,
    clusterNodes: facts.nodes.map(({ name }): Node => ({ metadata: { name } })),
    pods: [],
    networkPolicies: [],
    calicoPolicies: [],
    podDisruptionBudgets: [],
    ...change,
  };
}

export const pool = (name: string, cidr: string, more: Partial<IpPool['spec']> = {}): IpPool => ({
  metadata: { name },
  spec: { cidr, vxlanMode: 'CrossSubnet', ipipMode: 'Never', ...more },
});

/** `WHERE: MESSAGE` of what the rule finds in the scenario. */
export const found = (rule: Rule, change: Change = {}, provider: 'twin' | 'kind' = 'twin'): string[] =>
  rule.judgeScenario!(factsOf(change, provider)).map(({ where, message }) => `${where}: ${message}`);

/** The same in the cluster. */
export const foundLive = (rule: Rule, change: Partial<ClusterFacts> = {}, inScenario: Change = {}): string[] =>
  rule.judgeCluster!(clusterOf(change, inScenario)).map(({ where, message }) => `${where}: ${message}`);
