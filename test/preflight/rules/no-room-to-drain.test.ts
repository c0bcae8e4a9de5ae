import { describe, expect, test } from 'vitest';
import { noRoomToDrain as rule } from '../../../src/preflight/rules/no-room-to-drain.ts';
import { type Change, found, foundLive } from '../rig.ts';

const APP = 'labelSelector: { matchLabels: { app: web } }';
const APART = `affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, ${APP} }] } }, `;
const ANYWHERE = 'tolerations: [{ operator: Exists }], ';
const spread = (more: string, key = 'kubernetes.io/hostname') =>
  `topologySpreadConstraints: [{ maxSkew: 1, topologyKey: ${key}, whenUnsatisfiable: DoNotSchedule, ${APP}${more} }], `;
const affinity = (terms: string) =>
  `affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [${terms}] } } }, `;

const web = (pod = '', replicas = 2, kind = 'Deployment') => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: web }
spec:
  replicas: ${replicas}
  template:
    metadata: { labels: { app: web } }
    spec: { ${pod}containers: [{ name: web, image: web }] }
`;
const budget = (spec: string, name = 'pdb', app = 'web') => `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: ${name} }
spec: { ${spec}, selector: { matchLabels: { app: ${app} } } }
`;
const workers = (count: number, batchSize = 1, order: unknown = 'name'): Change => ({
  cluster: { workers: count },
  migration: { batchSize, order },
});
const judged = (workloads: string, change: Change = {}) => found(rule, change, { workloads });

describe('room', () => {
  test('the only worker of a workload that stays off the control plane', () => {
    expect(judged(web(), workers(1))).toEqual([
      'w.yaml: Deployment default/web: draining kind-worker leaves no node for its pods (no toleration of node-role.kubernetes.io/control-plane:NoSchedule), so all of them stay Pending until it is back; write more cluster.workers, or tolerate or select more nodes',
    ]);
    expect(judged(web(ANYWHERE), workers(1))).toEqual([]);
    expect(judged(web(), workers(2))).toEqual([]);
  });

  test('a batch of all workers', () => {
    expect(judged(web(), workers(2, 2))[0]).toContain(
      'draining kind-worker and kind-worker2 at once (migration.batchSize 2) leaves no node for its pods',
    );
    expect(judged(web(), workers(3, 2))).toEqual([]);
    expect(judged(web(ANYWHERE), workers(2, 2))).toEqual([]);
  });

  test('which workers meet in a batch is a matter of the order', () => {
    const two = affinity(
      '{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [kind-worker, kind-worker4] }] }',
    );
    expect(judged(web(two), workers(4, 2))).toEqual([]);
    expect(judged(web(two), workers(4, 2, ['kind-worker4', 'kind-worker']))).toHaveLength(1);
    expect(judged(web(two), workers(4, 2, 'random'))).toHaveLength(1);
    expect(judged(web(two), workers(4, 1, 'random'))).toEqual([]);
  });

  test.each<[string, string, number]>([
    ['a selector of one node', 'nodeSelector: { kubernetes.io/hostname: kind-worker2 }, ', 1],
    ['a selector that no node bears', 'nodeSelector: { disk: ssd }, ', 1],
    ['the architecture, which only the machine tells', 'nodeSelector: { kubernetes.io/arch: arm64 }, ', 0],
    [
      'workers by affinity',
      affinity('{ matchExpressions: [{ key: node-role.kubernetes.io/control-plane, operator: DoesNotExist }] }'),
      0,
    ],
    [
      'two terms, either of which does',
      affinity(
        '{ matchFields: [{ key: metadata.name, operator: In, values: [kind-worker] }] }, { matchFields: [{ key: metadata.name, operator: In, values: [kind-worker2] }] }',
      ),
      0,
    ],
    ['a term without requirements', affinity('{}'), 1],
    ['a spread over zones that kind does not have', spread('', 'topology.kubernetes.io/zone'), 1],
    ['the control plane alone', `nodeSelector: { node-role.kubernetes.io/control-plane: "" }, ${ANYWHERE}`, 1],
    ['a toleration of another taint', 'tolerations: [{ key: other, operator: Exists }], ', 0],
  ])('%s', (_, pod, count) => {
    expect(judged(web(pod))).toHaveLength(count);
  });

  test('a node that nobody offers is said to be so', () => {
    expect(judged(web('nodeSelector: { disk: ssd }, '))).toEqual([
      'w.yaml: Deployment default/web: none of the 5 nodes takes its pods (nodeSelector disk: ssd, no toleration of node-role.kubernetes.io/control-plane:NoSchedule), so they stay Pending; change what it asks of nodes',
    ]);
  });

  test.each<[string, string, number, number]>([
    ['anti-affinity with a node to spare', APART, 3, 0],
    ['anti-affinity on every worker', APART, 4, 1],
    ['anti-affinity, the control plane tolerated', APART + ANYWHERE, 4, 0],
    ['anti-affinity to others', APART.replaceAll('app: web', 'app: db'), 4, 0],
    ['a host port on every worker', 'hostNetwork: true, ', 4, 0],
    ['a strict spread that counts cordoned nodes', spread(''), 4, 1],
    ['a strict spread with a node to spare', spread(''), 3, 0],
    ['a strict spread that honours taints', spread(', nodeTaintsPolicy: Honor'), 9, 0],
    ['a lenient spread', spread('').replace('DoNotSchedule', 'ScheduleAnyway'), 9, 0],
    ['nothing asked', '', 40, 0],
  ])('%s, %i replicas', (_, pod, replicas, count) => {
    expect(judged(web(pod, replicas))).toHaveLength(count);
  });

  test('places that are too few are counted', () => {
    expect(judged(web(APART, 4))).toEqual([
      'w.yaml: Deployment default/web: draining kind-worker leaves 3 places on 3 nodes for its 4 pods, because a required anti-affinity keeps them on different nodes, so some stay Pending until it is back; write more cluster.workers, fewer replicas, or a preference instead of a demand',
    ]);
    const port = web('', 4).replace('image: web', 'image: web, ports: [{ containerPort: 1, hostPort: 8080 }]');
    expect(judged(port)[0]).toContain('because port 8080 of a node can be had only once');
  });

  test.each(['DaemonSet', 'Job', 'CronJob'])('a %s is not moved by drains', (kind) => {
    expect(judged(web('', 2, kind), workers(1))).toEqual([]);
  });

  test('a workload without pods needs no room', () => {
    expect(judged(web('', 0), workers(1))).toEqual([]);
  });
});

describe('budgets', () => {
  test.each<[string, string, number, number]>([
    ['maxUnavailable 0', 'maxUnavailable: 0', 2, 1],
    ['maxUnavailable 1', 'maxUnavailable: 1', 1, 0],
    ['maxUnavailable 0%', 'maxUnavailable: 0%', 2, 1],
    ['maxUnavailable 1%, rounded up', 'maxUnavailable: 1%', 2, 0],
    ['minAvailable as many as there are', 'minAvailable: 2', 2, 1],
    ['minAvailable more than there are', 'minAvailable: 3', 2, 1],
    ['minAvailable fewer', 'minAvailable: 1', 2, 0],
    ['minAvailable 100%', 'minAvailable: 100%', 3, 1],
    ['minAvailable 51% of two, rounded up', 'minAvailable: 51%', 2, 1],
    ['minAvailable 50% of two', 'minAvailable: 50%', 2, 0],
    ['minAvailable 90% of ten', 'minAvailable: 90%', 10, 0],
    ['a single replica with minAvailable 1', 'minAvailable: 1', 1, 1],
  ])('%s of %i', (_, spec, replicas, count) => {
    expect(judged(`${web('', replicas)}---${budget(spec)}`)).toHaveLength(count);
  });

  test('the message names the budget, whose pods, and what to write', () => {
    expect(judged(`${web()}---${budget('maxUnavailable: 0')}`)).toEqual([
      'w.yaml: PodDisruptionBudget default/pdb: maxUnavailable 0 never allows to evict one of the 2 pods that it selects (w.yaml: Deployment default/web), so the drain of their nodes cannot end; write maxUnavailable: 1, or more replicas than minAvailable',
    ]);
  });

  test('a budget on the probes counts, one on daemons or on nobody does not', () => {
    expect(judged(budget('maxUnavailable: 0', 'pdb', 'goldpinger'))[0]).toContain('(Deployment default/goldpinger)');
    expect(judged(budget('maxUnavailable: 0', 'pdb', 'nodepinger'))).toEqual([]);
    expect(judged(budget('maxUnavailable: 0', 'pdb', 'none'))).toEqual([]);
    expect(judged(`${web('', 2, 'DaemonSet')}---${budget('maxUnavailable: 0')}`)).toEqual([]);
  });

  test('pods without a controller have no size that a percentage could be of', () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: { name: p, labels: { app: web } }\nspec: { containers: [] }\n';
    expect(judged(`${pod}---${budget('maxUnavailable: 1')}`)).toHaveLength(1);
    expect(judged(`${pod}---${budget('minAvailable: 0')}`)).toEqual([]);
  });

  test('a pod of two budgets is never evicted', () => {
    expect(judged([web(), budget('maxUnavailable: 1', 'a'), budget('maxUnavailable: 1', 'b')].join('---'))).toEqual([
      'w.yaml: Deployment default/web: PodDisruptionBudgets a and b both select its pods, and the API evicts no pod of more than one budget; leave one of them out',
    ]);
  });
});

describe('in the cluster', () => {
  const pod = (name: string, more = '', spec = '', namespace = 'default') => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: ${namespace}
  labels: { app: web }
  ownerReferences: [{ kind: ReplicaSet, name: web-1, uid: u, apiVersion: apps/v1, controller: true }]
  ${more}
spec: { ${spec}containers: [] }
`;
  const judgedLive = (objects: string[], change: Change = {}) => foundLive(rule, {}, change, objects.join('---'));

  test('counts living pods by controller', () => {
    expect(judgedLive([pod('a'), pod('b'), budget('minAvailable: 1')])).toEqual([]);
    expect(judgedLive([pod('a'), pod('b'), budget('minAvailable: 2')])[0]).toMatch(
      /^PodDisruptionBudget default\/pdb: minAvailable 2 never allows .* \(ReplicaSet default\/web-1\)/,
    );
    const going = pod('b', 'deletionTimestamp: "2026-01-01T00:00:00Z"');
    expect(judgedLive([pod('a'), going, budget('minAvailable: 1')])).toHaveLength(1);
  });

  test("leaves the operator's budgets and Calico's pods alone", () => {
    const own = budget('maxUnavailable: 0').replace(
      'name: pdb',
      'name: pdb, ownerReferences: [{ apiVersion: operator.tigera.io/v1, kind: Installation, name: default }]',
    );
    expect(judgedLive([pod('a'), own])).toEqual([]);
    expect(judgedLive([pod('a', '', '', 'calico-system')], workers(1))).toEqual([]);
  });

  test('goes by labels and taints as they are; taints of a passing state do not count', () => {
    expect(judgedLive([pod('a')], workers(1))[0]).toMatch(/^ReplicaSet default\/web-1: draining kind-worker leaves/);
    const node = (name: string, taints: { key: string; effect: string }[], labels = {}) => ({
      metadata: { name, labels },
      spec: { taints },
    });
    const passing = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];
    const open = [node('kind-control-plane', passing), node('kind-worker', [], { disk: 'ssd' })];
    expect(foundLive(rule, { clusterNodes: open }, workers(1), pod('a'))).toEqual([]);
    const ssd = pod('a', '', 'nodeSelector: { disk: ssd }, ');
    expect(foundLive(rule, { clusterNodes: open }, workers(1), ssd)).toHaveLength(1);
  });
});
