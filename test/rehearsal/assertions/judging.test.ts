import { describe, expect, test } from 'vitest';
import type { CiliumEndpoint, CiliumNode } from '../../../src/cni/resources.ts';
import { ASSERTIONS } from '../../../src/events/events.ts';
import { KubeError } from '../../../src/kube/api.ts';
import type { Node, Pod } from '../../../src/kube/objects.ts';
import type { Instance } from '../../../src/probe/instances.ts';
import { directoryProblems } from '../../../src/rehearsal/assertions/cni-files-unchanged.ts';
import { replacedByOthers } from '../../../src/rehearsal/assertions/dns-and-api.ts';
import { ASSERTION, assertionIdsAt, assertionsFor } from '../../../src/rehearsal/assertions/index.ts';
import { transfersOf } from '../../../src/rehearsal/assertions/large-payload.ts';
import { networkProblems as nodeProblems } from '../../../src/rehearsal/assertions/network-available.ts';
import { addressProblems } from '../../../src/rehearsal/assertions/node-addresses.ts';
import { deviceProblem, looksOf, missingRoutes } from '../../../src/rehearsal/assertions/overlay-reachable.ts';
import { networkProblems } from '../../../src/rehearsal/assertions/pods-on-new-network.ts';
import { waitsForCordon } from '../../../src/rehearsal/assertions/workloads-available.ts';
import type { AssertionRunner } from '../../../src/rehearsal/gate/types.ts';
import { planFor } from '../../../src/rehearsal/plan.ts';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.ts';
import { scenario } from '../scenario-fixture.ts';

describe('the table', () => {
  test('judges every assertion of the contract somewhere, and nothing else', () => {
    const used = new Set(planFor(scenario(), 1).checkpoints.flatMap(({ id }) => assertionIdsAt(id, true)));
    expect([...used].sort()).toEqual([...ASSERTIONS].sort());
    expect(Object.keys(ASSERTION).sort()).toEqual([...ASSERTIONS].sort());
  });

  test.each([
    ['network-available', ['baseline', 'drained/n', 'restarted/n', 'final'], []],
    ['node-addresses', ['prepared', 'drained/n', 'finalized'], ['baseline', 'legacy-removed', 'final']],
    ['overlay-reachable', ['secondary-installed', 'switched/n', 'restarted/n', 'final'], ['baseline', 'drained/n']],
    [
      'pods-on-new-network',
      ['switched/n', 'migrated/n', 'all-migrated', 'final'],
      ['secondary-installed', 'drained/n'],
    ],
    ['no-cilium-endpoints', ['secondary-installed'], ['drained/n', 'baseline']],
    ['large-payload', ['baseline', 'switched/n', 'migrated/n', 'all-migrated', 'finalized', 'final'], ['restarted/n']],
    ['apiservice-available', ['baseline', 'finalized'], ['legacy-removed', 'restarted/n', 'final']],
    ['nothing-legacy-left', ['legacy-removed', 'restarted/n', 'final'], ['finalized']],
    ['agents-ready', ['secondary-installed', 'drained/n', 'final'], ['prepared']],
  ] as const)('%s is judged at %j and not at %j', (id, at, notAt) => {
    for (const checkpoint of at) expect(assertionIdsAt(checkpoint, true)).toContain(id);
    for (const checkpoint of notAt) expect(assertionIdsAt(checkpoint, true)).not.toContain(id);
  });

  test.each(['restarted/n', 'final'])(
    'where Calico stays, at %s nothing is called left behind and its API is judged',
    (id) => {
      expect(assertionIdsAt(id, false)).not.toContain('nothing-legacy-left');
      expect(assertionIdsAt(id, false)).toContain('apiservice-available');
    },
  );
});

test('no-cilium-endpoints: a list that failed is a failed call, never an empty list', async () => {
  const list = () => Promise.reject(new KubeError(404, '', 'page not found', 'GET'));
  const [looked] = await Promise.allSettled([
    ASSERTION['no-cilium-endpoints'](
      { rawApi: { list } } as unknown as Rehearsal,
      { id: 'secondary-installed', phase: 'secondary', node: null },
      { since: 0, signal: undefined },
      [],
    ),
  ]);
  expect(looked).toMatchObject({ status: 'rejected' });
});

describe('overlay-reachable', () => {
  const link = (flags: string[], port: number): string =>
    JSON.stringify([{ ifname: 'cilium_vxlan', flags, linkinfo: { info_kind: 'vxlan', info_data: { port } } }]);

  test.each([
    ['is fine', link(['UP', 'LOWER_UP'], 8473), null],
    ['is DOWN', link(['BROADCAST'], 8473), /DOWN/],
    ['has the old port', link(['UP'], 4789), /uses UDP 4789, not 8473/],
    ['is missing', '[]', /no cilium_vxlan/],
  ])('the device %s', (_, json, problem) => {
    const seen = deviceProblem(json, 'cilium_vxlan', 8473);
    if (problem === null) expect(seen).toBeNull();
    else expect(seen).toMatch(problem);
  });

  test('a blackhole is no route to a pod CIDR, nor is a wider one', () => {
    const routes = JSON.stringify([
      { dst: '10.244.0.0/24' },
      { dst: '10.244.1.0/24', type: 'blackhole' },
      { dst: '10.0.0.0/8' },
    ]);
    expect(missingRoutes(routes, ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])).toEqual([
      '10.244.1.0/24',
      '10.244.2.0/24',
    ]);
  });

  test.each([2, 5, 20, 21, 50])('of %i nodes each is looked at by others, the changed one by all', (count) => {
    const nodes = Array.from({ length: count }, (_, index) => `n${index}`);
    const looks = looksOf(nodes, ['n3']);
    for (const node of nodes) {
      expect(looks.get(node)).not.toContain(node);
      if (node !== 'n3' && nodes.includes('n3')) expect(looks.get(node)).toContain('n3');
      expect([...looks.values()].some((others) => others.includes(node))).toBe(true);
    }
    expect(looks.get('n0')!.length).toBe(count <= 20 ? count - 1 : 5);
  });
});

describe('pods-on-new-network', () => {
  const node = { metadata: { name: 'n' }, spec: { ipam: { podCIDRs: ['10.244.1.0/24'] } } } as CiliumNode;
  const pod = (ip: string | undefined, extra: object = {}): Pod =>
    ({
      metadata: { name: 'p', namespace: 'ns' },
      spec: { nodeName: 'n', containers: [], ...extra },
      status: { phase: 'Running', ...(ip === undefined ? {} : { podIP: ip }) },
    }) as Pod;
  const endpoint = (ip: string): CiliumEndpoint =>
    ({
      metadata: { name: 'p', namespace: 'ns' },
      status: { networking: { addressing: [{ ipv4: ip }] } },
    }) as CiliumEndpoint;

  test.each([
    ['attached by Cilium', pod('10.244.1.5'), [endpoint('10.244.1.5')], null],
    ['on the host network', pod('172.18.0.3', { hostNetwork: true }), [], null],
    ['without an endpoint, though inside the CIDR', pod('10.244.1.5'), [], /no CiliumEndpoint/],
    ['outside its node CIDR', pod('10.244.2.5'), [endpoint('10.244.2.5')], /outside 10\.244\.1\.0\/24/],
    ['whose endpoint is of another address', pod('10.244.1.5'), [endpoint('10.244.1.9')], /10\.244\.1\.9, not/],
    ['without an address', pod(undefined), [], /no address/],
  ])('a pod %s', (_, each, endpoints, problem) => {
    const seen = networkProblems([each], endpoints, [node]);
    expect(seen).toHaveLength(problem === null ? 0 : 1);
    if (problem) expect(seen[0]!.text).toMatch(problem);
  });

  test('a pod whose address another has as well is told: that one answers every ping in its place', () => {
    const mine = pod('10.244.1.5');
    const other = { ...pod('10.244.1.5', { nodeName: 'm' }), metadata: { name: 'q', namespace: 'ns' } };
    expect(networkProblems([mine], [endpoint('10.244.1.5')], [node], [mine, other])).toEqual([
      { subject: 'ns/p', text: '10.244.1.5 on n is the address of ns/q on m as well', reason: 'wrong-address' },
    ]);
    const gone = { ...other, metadata: { ...other.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(networkProblems([mine], [endpoint('10.244.1.5')], [node], [mine, gone])).toEqual([]);
  });
});

describe('nodes', () => {
  const node = (calico: string | undefined, conditions: object[] = [], taints: object[] = []): Node =>
    ({
      metadata: { name: 'n', annotations: calico === undefined ? {} : { 'projectcalico.org/IPv4Address': calico } },
      spec: { taints },
      status: { addresses: [{ type: 'InternalIP', address: '172.18.0.3' }], conditions },
    }) as unknown as Node;

  test.each([
    ['172.18.0.3/16', 0],
    ['10.244.2.193/32', 1],
    ['172.18.0.30/16', 1],
    [undefined, 1],
  ])('Calico using %s: %i problems', (address, count) => expect(addressProblems([node(address)])).toHaveLength(count));

  const up = (reason: string): object => ({ type: 'NetworkUnavailable', status: 'False', reason });
  test.each([
    [[up('CalicoIsUp')], [], false, 0],
    [[up('CalicoIsUp')], [], true, 1],
    [[up('CiliumIsUp')], [], true, 0],
    [[{ type: 'NetworkUnavailable', status: 'True', reason: 'CalicoIsDown' }], [], false, 1],
    [[], [], false, 1],
    [[up('CiliumIsUp')], [{ key: 'node.cilium.io/agent-not-ready', effect: 'NoSchedule' }], true, 1],
    [[up('CiliumIsUp')], [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }], true, 0],
  ])('%j with taints %j, by Cilium %j: %i problems', (conditions, taints, byCilium, count) => {
    expect(nodeProblems([node('172.18.0.3/16', conditions, taints)], byCilium)).toHaveLength(count);
  });
});

describe('cni-files-unchanged', () => {
  const before = new Map([
    ['10-calico.conflist', '{"a":1}'],
    ['calico-kubeconfig', ''],
  ]);
  test.each([
    ['the same', before, 0],
    ['a changed configuration', new Map(before).set('10-calico.conflist', '{"a":2}'), 1],
    ['a new file', new Map(before).set('05-cilium.conflist', ''), 1],
    [
      'a renamed one',
      new Map([
        ['10-calico.conflist.cilium_bak', ''],
        ['calico-kubeconfig', ''],
      ]),
      1,
    ],
    ["Calico's kubeconfig gone", new Map([['10-calico.conflist', '{"a":1}']]), 1],
    ['a file that no runtime reads', new Map(before).set('10-calico.conflist.orig', ''), 0],
  ])('%s', (_, now, count) => expect(directoryProblems('n', before, now)).toHaveLength(count));
});

test("CoreDNS's pods may only be replaced by us, and replacements count as well", () => {
  const known = new Set(['a', 'b']);
  expect(replacedByOthers(known, ['a', 'b'], new Set())).toEqual([]);
  expect(replacedByOthers(known, ['b', 'c'], new Set(['a']))).toEqual([]);
  expect(replacedByOthers(known, ['b', 'd'], new Set(['a']))).toEqual(['c']);
});

test.each([
  ['0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.', true],
  ['0/2 nodes are available: 2 Insufficient cpu.', false],
])('%s waits for our cordon: %j', (message, waits) => {
  const conditions = [{ type: 'PodScheduled', status: 'False', message }];
  expect(waitsForCordon({ metadata: { name: 'p' }, status: { conditions } } as Pod)).toBe(waits);
});

describe('large-payload', () => {
  const at = (node: string, cni: 'calico' | 'cilium', ip = '1.2.3.4'): Instance => ({
    probe: 'nodepinger',
    uid: node,
    pod: `nodepinger-${node}`,
    node,
    ip,
    cni,
    ready: true,
    unready: '',
  });
  const kinds = (list: Instance[], node: string | null): string[] =>
    transfersOf(list, node).map(({ from, to }) => `${from.node}>${to.node}`);

  test('every ordered pair of CNIs is crossed, the node in hand first', () => {
    const mixed = [at('a', 'cilium'), at('b', 'cilium'), at('c', 'calico'), at('d', 'calico')];
    expect(kinds(mixed, 'b').sort()).toEqual(['a>b', 'b>a', 'b>c', 'c>b', 'c>d', 'd>c']);
  });

  test('with one CNI both directions, with one pod none', () => {
    expect(kinds([at('a', 'calico'), at('b', 'calico')], null)).toEqual(['a>b', 'b>a']);
    expect(kinds([at('a', 'calico')], null)).toEqual([]);
    expect(kinds([at('a', 'calico'), at('b', 'calico', '')], null)).toEqual([]);
  });
});

describe('a batch', () => {
  test('asks once a round what is the same for all of its checkpoints, and anew in the next round', async () => {
    let lists = 0;
    const rehearsal = {
      scenario: scenario(),
      rawApi: {
        list: () => {
          lists += 1;
          return Promise.resolve({ items: [] });
        },
      },
    } as unknown as Rehearsal;
    const batch = planFor(scenario(), 1).checkpoints.filter(({ id }) => id.startsWith('switched/'));
    expect(batch.length).toBeGreaterThan(2);
    const runners = assertionsFor(rehearsal, batch);
    const at = (id: string): AssertionRunner[] =>
      runners.map((own, index) => own[assertionIdsAt(batch[index]!.id, true).indexOf(id as 'network-available')]!);
    for (const round of [1, 2]) {
      const context = { since: 0, signal: undefined };
      const results = await Promise.all(at('network-available').map((runner) => runner(context)));
      expect(lists).toBe(round);
      expect(results.map(({ outcome }) => outcome)).toEqual(batch.map(() => 'passed'));
    }
    // What is judged of one node is asked for each.
    lists = 0;
    const context = { since: 0, signal: undefined };
    await Promise.all(at('pods-on-new-network').map((runner) => runner(context)));
    expect(lists).toBe(3 * batch.length);
  });

  test('looks at every node that the step changed', () => {
    const nodes = Array.from({ length: 30 }, (_, i) => `n${i}`);
    const looks = looksOf(nodes, ['n3', 'n20']);
    for (const [node, others] of looks) {
      for (const changed of ['n3', 'n20']) if (node !== changed) expect(others).toContain(changed);
    }
  });
});
