import { describe, expect, test } from 'vitest';
import { PROBE_PODS, policyAcrossCnis as rule } from '../../../src/preflight/rules/policy-across-cnis.ts';
import { PROBE_NAMES, probeManifests } from '../../../src/probe/manifests.ts';
import { scenario } from '../../rehearsal/scenario-fixture.ts';
import { type Change, found, foundLive, values } from '../rig.ts';

const NODES = '172.18.0.0/16';
const CALICO = '192.168.0.0/16';
const CILIUM = '10.244.0.0/16';
const ALL = [NODES, CALICO, CILIUM];

/** On the probes unless said; `ingress` and more as YAML. */
const policy = (spec: string, name = 'web', metadata = '') => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}${metadata} }
spec: { ${spec.includes('podSelector: { matchLabels') || spec.startsWith('podSelector') ? '' : 'podSelector: {}, '}${spec} }
`;
const blocks = (...cidrs: string[]) => cidrs.map((cidr) => `{ ipBlock: { cidr: ${cidr} } }`).join(', ');
const judged = (workloads: string, change: Change = {}) => found(rule, change, { workloads });

test('the probes that policies may select are the ones that we deploy', () => {
  const templates = probeManifests(scenario())
    .filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')
    .map((object) => ({
      namespace: object.metadata.namespace,
      labels: (object.spec as { template: { metadata: { labels: object } } }).template.metadata.labels,
    }));
  expect(templates).toEqual(PROBE_PODS);
  expect(PROBE_PODS).toHaveLength(PROBE_NAMES.length);
});

describe('in the scenario', () => {
  test('the lab has no policies', () => {
    expect(found(rule)).toEqual([]);
  });

  test('a podSelector is refused with what fails and what to write', () => {
    expect(judged(policy('ingress: [{ from: [{ podSelector: { matchLabels: { app: a } } }] }]'))).toEqual([
      "w.yaml: NetworkPolicy default/web: ingress rule 1 admits by podSelector, which Calico resolves to its own pods only, while migrated pods come under addresses of nodes: Cilium → Calico is dropped from the first switched node on, even under policyEnforcementMode never; add ipBlock peers for 172.18.0.0/16 (nodes), 192.168.0.0/16 (Calico's pool) and 10.244.0.0/16 (Cilium's pool), or leave the policy out until the migration is done",
    ]);
  });

  test('blocks that leave something out are refused, naming what', () => {
    expect(judged(policy(`ingress: [{}, { ports: [{ port: 1 }], from: [${blocks(CALICO)}] }]`))).toEqual([]);
    expect(judged(policy(`ingress: [{ from: [${blocks(CALICO, CILIUM)}] }]`))).toEqual([
      'w.yaml: NetworkPolicy default/web: ingress rule 1 admits 192.168.0.0/16, 10.244.0.0/16, while migrated pods come under addresses of nodes: Cilium → Calico is dropped from the first switched node on, even under policyEnforcementMode never; add ipBlock peers for 172.18.0.0/16 (nodes), or leave the policy out until the migration is done',
    ]);
  });

  test.each<[string, string]>([
    ['a namespaceSelector', '{ namespaceSelector: {} }'],
    ['both in one peer', '{ namespaceSelector: {}, podSelector: {} }'],
    ['a block without nodes', blocks(CALICO, CILIUM)],
    ["a block without Cilium's pool", blocks(NODES, CALICO)],
    ["a block without Calico's pool", blocks(NODES, CILIUM)],
    ['a hole in the nodes', `{ ipBlock: { cidr: 0.0.0.0/0, except: [172.18.0.0/24] } }`],
    ['a block somewhere else', blocks('203.0.113.0/24')],
  ])('refuses %s', (_, from) => {
    expect(judged(policy(`ingress: [{ from: [${from}] }]`))).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['no `from`', 'ingress: [{ ports: [{ port: 80 }] }]'],
    ['an empty `from`', 'ingress: [{ from: [] }]'],
    ['deny all, which the CNIs agree on', 'ingress: []'],
    ['egress only', 'policyTypes: [Egress], ingress: [{ from: [{ podSelector: {} }] }], egress: []'],
    ['egress by selector', 'policyTypes: [Egress], egress: [{ to: [{ podSelector: {} }] }]'],
    ['one block over all', `ingress: [{ from: [${blocks('0.0.0.0/0')}] }]`],
    ['several blocks', `ingress: [{ from: [${blocks(...ALL)}] }]`],
    ['selectors beside blocks that cover', `ingress: [{ from: [{ podSelector: {} }, ${blocks(...ALL)}] }]`],
    ['halves of a block', `ingress: [{ from: [${blocks('172.18.0.0/17', '172.18.128.0/17', CALICO, CILIUM)}] }]`],
    ['a hole outside', `ingress: [{ from: [{ ipBlock: { cidr: 0.0.0.0/0, except: [203.0.113.0/24] } }] }]`],
    ['nobody selected', 'podSelector: { matchLabels: { app: none } }, ingress: [{ from: [{ podSelector: {} }] }]'],
    [
      'another rule admits the same ports',
      `ingress: [{ ports: [{ port: 80 }], from: [{ podSelector: {} }] }, { ports: [{ port: 80, protocol: TCP }, { port: 81 }], from: [${blocks(...ALL)}] }]`,
    ],
  ])('passes: %s', (_, spec) => {
    expect(judged(policy(spec))).toEqual([]);
  });

  test('another rule for other ports does not help', () => {
    const rules = `{ ports: [{ port: 80 }], from: [{ podSelector: {} }] }, { ports: [{ port: 81 }] }`;
    expect(judged(policy(`ingress: [${rules}]`))).toHaveLength(1);
  });

  test('a second policy over the same pods helps, one over fewer does not', () => {
    const mine = policy('ingress: [{ from: [{ podSelector: {} }] }]');
    const all = `ingress: [{ from: [${blocks(...ALL)}] }]`;
    expect(judged(`${mine}---${policy(all, 'bridge')}`)).toEqual([]);
    expect(
      judged(`${mine}---${policy(`podSelector: { matchLabels: { app: nodepinger } }, ${all}`, 'b')}`),
    ).toHaveLength(1);
    expect(judged(`${mine}---${policy(all, 'b', ', namespace: other')}`)).toHaveLength(1);
  });

  test('pods of the workloads are selected, those on the host network are not', () => {
    const pod = (spec: string) =>
      `apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: shop, labels: { app: p } }\nspec: { ${spec} containers: [] }\n---\n`;
    const inShop = policy('ingress: [{ from: [{ podSelector: {} }] }]', 'web', ', namespace: shop');
    expect(judged(inShop)).toEqual([]);
    expect(judged(pod('') + inShop)).toHaveLength(1);
    expect(judged(pod('hostNetwork: true, ') + inShop)).toEqual([]);
  });

  test('the nodes of kind are known only to the cluster', () => {
    const workloads = policy(`ingress: [{ from: [${blocks(CALICO, CILIUM)}] }]`);
    expect(found(rule, {}, { workloads, provider: 'kind' })).toEqual([]);
  });

  test("Cilium's pool that is still to be chosen is judged in the cluster", () => {
    const open: Change = { cilium: { podCIDR: null } };
    const spec = `ingress: [{ from: [${blocks(NODES, CALICO)}] }]`;
    expect(judged(policy(spec), open)).toEqual([]);
    expect(foundLive(rule, {}, open, policy(spec) + POD)[0]).toMatch(/10.0.0.0\/8 \(Cilium's pool may be chosen here/);
    expect(foundLive(rule, {}, open, policy(`ingress: [{ from: [${blocks('0.0.0.0/0')}] }]`) + POD)).toEqual([]);
  });

  test('pools of an own Installation, and enforcement from the start', () => {
    const calico = { installation: { calicoNetwork: { ipPools: [{ cidr: '10.1.0.0/16' }] } } };
    const workloads = policy(`ingress: [{ from: [${blocks(...ALL)}] }]`);
    expect(judged(workloads, { calico })[0]).toContain("add ipBlock peers for 10.1.0.0/16 (Calico's pool), or");
    const selector = policy('ingress: [{ from: [{ podSelector: {} }] }]');
    expect(judged(selector, values({ policyEnforcementMode: 'default' }))[0]).toContain(
      'traffic between Cilium and Calico is dropped both ways from the first switched node on (policyEnforcementMode default)',
    );
    expect(found(rule, values({ policyEnforcementMode: 'default' }))).toEqual([]);
    expect(found(rule, values({ policyEnforcementMode: 'Always' }))[0]).toContain(': Always lets Cilium drop');
    expect(found(rule, values({ policyEnforcementMode: 'always' }))).toEqual([
      'lab.yaml: cilium.values.policyEnforcementMode: always lets Cilium drop whatever no policy admits, so pods on Calico cannot reach a migrated pod; write never, the final values set finish.policyEnforcement',
    ]);
  });
});

const POD = '---\napiVersion: v1\nkind: Pod\nmetadata: { name: p, labels: { app: web } }\nspec: { containers: [] }\n';

describe('policies of Calico', () => {
  const calico = (spec: string, kind = 'NetworkPolicy') =>
    `apiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata: { name: web }\nspec: { ${spec} }\n`;

  test.each<[string, string, number]>([
    ['a selector', "ingress: [{ action: Allow, source: { selector: app == 'a' } }]", 1],
    [
      'a selector with nets: both must fit',
      "ingress: [{ action: Allow, source: { selector: a == 'a', nets: [0.0.0.0/0] } }]",
      1,
    ],
    ['a namespaceSelector', 'ingress: [{ action: Allow, source: { namespaceSelector: all() } }]', 1],
    ['service accounts', 'ingress: [{ action: Allow, source: { serviceAccounts: { names: [a] } } }]', 1],
    ['nets that leave out', `ingress: [{ action: Allow, source: { nets: [${CALICO}] } }]`, 1],
    ['notNets that take away', 'ingress: [{ action: Allow, source: { notNets: [172.18.0.0/24] } }]', 1],
    ['nets over all', `ingress: [{ action: Allow, source: { nets: [${ALL.join(', ')}] } }]`, 0],
    ['no source', 'ingress: [{ action: Allow, destination: { ports: [80] } }]', 0],
    ['deny', "ingress: [{ action: Deny, source: { selector: app == 'a' } }]", 0],
    ['log', "ingress: [{ action: Log, source: { selector: app == 'a' } }]", 0],
    ['egress', "types: [Egress], ingress: [{ action: Allow, source: { selector: app == 'a' } }]", 0],
    ['nobody selected', "selector: app == 'none', ingress: [{ action: Allow, source: { selector: app == 'a' } }]", 0],
    [
      'a selector that nobody can read',
      "selector: app =, ingress: [{ action: Allow, source: { selector: app == 'a' } }]",
      1,
    ],
    ['another rule for the same', `ingress: [{ action: Allow, source: { selector: a == 'a' } }, { action: Allow }]`, 0],
  ])('%s', (_, spec, count) => {
    expect(judged(calico(spec))).toHaveLength(count);
    expect(judged(calico(spec, 'GlobalNetworkPolicy'))).toHaveLength(count);
  });

  test('say what to write in their own words; host endpoints are not pods', () => {
    expect(judged(calico("ingress: [{ action: Allow, source: { selector: app == 'a' } }]"))[0]).toMatch(
      /ingress rule 1 admits by source.selector, .* add a rule with source.nets for 172.18.0.0\/16 \(nodes\), /,
    );
    const onHosts = "preDNAT: true, ingress: [{ action: Allow, source: { selector: app == 'a' } }]";
    expect(judged(calico(onHosts, 'GlobalNetworkPolicy'))).toEqual([]);
  });
});

describe('in the cluster', () => {
  const selector = 'ingress: [{ from: [{ podSelector: {} }] }]';

  test('judges by the pods that are there', () => {
    expect(foundLive(rule, {}, {}, policy(selector))).toEqual([]);
    expect(foundLive(rule, {}, {}, policy(selector) + POD)[0]).toMatch(/^NetworkPolicy default\/web: ingress rule 1 /);
  });

  test('ignores what the operator owns', () => {
    const owner = ', ownerReferences: [{ apiVersion: operator.tigera.io/v1, kind: APIServer, name: default }]';
    expect(foundLive(rule, {}, {}, policy(selector, 'web', owner) + POD)).toEqual([]);
  });

  test('takes nodes and pools from the cluster, disabled pools apart', () => {
    const objects = policy(`ingress: [{ from: [${blocks(...ALL)}] }]`) + POD;
    expect(foundLive(rule, {}, {}, objects)).toEqual([]);
    expect(foundLive(rule, { nodeSubnets: ['10.9.0.0/24'] }, {}, objects)[0]).toContain('for 10.9.0.0/24 (nodes), or');
    const pool = (disabled: boolean) => [{ metadata: { name: 'p' }, spec: { cidr: '10.1.0.0/16', disabled } }];
    expect(foundLive(rule, { pools: pool(true) }, {}, objects)).toEqual([]);
    expect(foundLive(rule, { pools: pool(false) }, {}, objects)).toHaveLength(1);
  });
});
