/** Facts for the tables of rules: the lab, changed. */
import { finalValues, initialValues } from '../../src/cni/cilium.ts';
import { clusterNodes } from '../../src/cni/kind-config.ts';
import { parseManifests } from '../../src/kube/manifests.ts';
import type { Node, Pod } from '../../src/kube/objects.ts';
import type { ClusterFacts, Rule, ScenarioFacts, WorkloadObject } from '../../src/preflight/rule.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

/** Keys of the scenario, given in part; the fixture's own type is too deep for tables. */
export type Change = { readonly [K in keyof Scenario]?: unknown };

export interface More {
  readonly workloads?: string;
  readonly provider?: 'twin' | 'kind';
  readonly imageExists?: ScenarioFacts['imageExists'];
}

export function factsOf(
  change: Change = {},
  { workloads = '', provider = 'twin', imageExists }: More = {},
): ScenarioFacts {
  const changed: Scenario = scenario(change as Parameters<typeof scenario>[0]);
  const { cilium, cluster, finish } = changed;
  const initial = initialValues({
    clusterName: 'kind-kind',
    podCidrs: cilium.podCIDR ?? [],
    maskSize: cilium.maskSize,
    tunnelProtocol: cilium.tunnelProtocol,
    tunnelPort: cilium.tunnelPort ?? 8473,
    values: cilium.values,
  });
  return {
    scenario: changed,
    provider,
    nodes: clusterNodes(cluster),
    at: (path) => `lab.yaml: ${path}`,
    values: { initial, final: finalValues(initial, finish.policyEnforcement, cilium.finalValues) },
    podCidrs: cilium.podCIDR,
    tunnelPort: cilium.tunnelPort,
    workloads: workloadsOf(workloads),
    imageExists: imageExists ?? (() => 'yes'),
    review: { notModelled: [], notModelledValues: [], irrelevantValues: [], unknownValues: [] },
  };
}

const CLUSTER_SCOPED = /^(Global|Cluster)|^(Namespace|Tier|HostEndpoint)$/;

export function workloadsOf(yaml: string): WorkloadObject[] {
  return parseManifests(yaml, 'w.yaml').map((parsed) => {
    const namespaced = !CLUSTER_SCOPED.test(parsed.kind!);
    const object = namespaced ? { ...parsed, metadata: { namespace: 'default', ...parsed.metadata } } : parsed;
    const place = namespaced ? `${object.metadata.namespace}/` : '';
    return { object, file: 'w.yaml', where: `w.yaml: ${object.kind} ${place}${object.metadata.name}` };
  });
}

/** Nodes as kind registers them. */
export function nodeObjects(facts: ScenarioFacts): Node[] {
  return facts.nodes.map(({ name, role }) => ({
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...(role === 'control-plane' ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      },
    },
    spec:
      role === 'control-plane'
        ? { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }
        : {},
  }));
}

/** The lab's cluster, changed; `objects`: pods, policies and budgets by their kind. */
export function clusterOf(change: Partial<ClusterFacts> = {}, inScenario: Change = {}, objects = ''): ClusterFacts {
  const facts = factsOf(inScenario);
  const { calico, cluster } = facts.scenario;
  const all = workloadsOf(objects).map(({ object }) => object);
  const ofKind = (kind: string, calicos = false) =>
    all.filter((one) => one.kind === kind && /projectcalico/.test(one.apiVersion!) === calicos);
  return {
    ...facts,
    installation: { metadata: { name: 'default' }, spec: {} },
    felix: undefined,
    pools: [{ metadata: { name: 'default-ipv4-ippool' }, spec: { cidr: calico.cidr } }],
    blocks: new Map(),
    nodeSubnets: ['172.18.0.0/16'],
    podSubnet: cluster.podSubnet,
    serviceSubnet: cluster.serviceSubnet,
    clusterNodes: nodeObjects(facts),
    pods: ofKind('Pod') as Pod[],
    networkPolicies: ofKind('NetworkPolicy'),
    calicoPolicies: all.filter((one) => /projectcalico/.test(one.apiVersion!)),
    podDisruptionBudgets: ofKind('PodDisruptionBudget'),
    ...change,
  };
}

const lines = (collisions: ReturnType<NonNullable<Rule['judgeScenario']>>): string[] =>
  collisions.map(({ where, message }) => `${where}: ${message}`);

/** `WHERE: MESSAGE` of what the rule finds in the scenario. */
export const found = (rule: Rule, change: Change = {}, more: More = {}): string[] =>
  lines(rule.judgeScenario!(factsOf(change, more)));

/** The same in the cluster. */
export const foundLive = (
  rule: Rule,
  change: Partial<ClusterFacts> = {},
  inScenario: Change = {},
  objects = '',
): string[] => lines(rule.judgeCluster!(clusterOf(change, inScenario, objects)));

/** Helm values of the install. */
export const values = (given: object): Change => ({ cilium: { values: given } });
