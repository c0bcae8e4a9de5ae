/** Faults speak the words of decision 3 on nodes, no others, and take back what they did. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { apiOutage } from '../../src/faults/catalogue/api-outage.ts';
import { calicoFirstFound } from '../../src/faults/catalogue/calico-first-found.ts';
import { nodeStaysDown } from '../../src/faults/catalogue/node-stays-down.ts';
import { pairDrop } from '../../src/faults/catalogue/pair-drop.ts';
import { pdbNeverMet } from '../../src/faults/catalogue/pdb-never-met.ts';
import { tunnelPortBlocked } from '../../src/faults/catalogue/tunnel-port-blocked.ts';
import type { FaultArgs, FaultWorld, InjectedFault } from '../../src/faults/fault.ts';
import { type KubeApi, KubeError, type Resource } from '../../src/kube/api.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';
import { scenarioWith } from './inject.ts';

const TABLE = readFileSync(new URL('../../docs/decisions/0003-commands-on-nodes.md', import.meta.url), 'utf8')
  .split('### Words of faults')[1]!
  .split('### Words to a real machine')[0]!
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .flatMap((line) => [...line.matchAll(/`docker exec NODE ([^`]+)`/g)].map((match) => match[1]!))
  .filter((words) => /ip6?tables|systemctl/.test(words));

const pattern = (words: string): RegExp =>
  new RegExp(`^${words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\b(PORT|PID|CIDR)\b/g, '\\S+')}$`);

const OBJECTS: Readonly<Record<string, unknown>> = {
  nodes: { metadata: { name: 'a' }, status: { addresses: [{ type: 'InternalIP', address: '172.18.0.3' }] } },
  ciliumnodes: {
    metadata: { name: 'a' },
    spec: {
      addresses: [
        { type: 'InternalIP', ip: '172.18.0.3' },
        { type: 'CiliumInternalIP', ip: '10.244.1.7' },
      ],
      ipam: { podCIDRs: ['10.244.1.0/24'] },
    },
  },
};
const LISTS: Readonly<Record<string, readonly unknown[]>> = {
  ipamblocks: [
    { spec: { cidr: '192.168.1.0/26', affinity: 'host:a' } },
    { spec: { cidr: '192.168.2.0/26', affinity: 'host:ab' } },
  ],
  pods: [
    { metadata: { name: 'nodepinger-1' }, status: { podIP: '10.244.2.9' } },
    { metadata: { name: 'starting' }, status: {} },
    { metadata: { name: 'ending', deletionTimestamp: 'now' }, status: { podIP: '10.244.2.8' } },
  ],
};

function world(answer: (words: string) => string = () => ''): { world: FaultWorld; spoken: string[] } {
  const spoken: string[] = [];
  const api = {
    get: ({ plural }: Resource) => Promise.resolve(OBJECTS[plural]),
    list: ({ plural }: Resource) => Promise.resolve({ items: LISTS[plural], resourceVersion: '1' }),
  } as unknown as KubeApi;
  const known = {
    scenario: scenarioWith('minimal'),
    nodes: [
      { name: 'a', role: 'worker' },
      { name: 'cp1', role: 'control-plane' },
      { name: 'cp2', role: 'control-plane' },
    ],
    api,
    signal: new AbortController().signal,
    cilium: { tunnelPort: 8473, podCidrs: ['10.244.0.0/16'] },
    onNode: (node: string, words: readonly string[]) => {
      const text = words.join(' ');
      spoken.push(`${node}: ${text}`);
      if (text.startsWith('crictl pods')) return Promise.resolve('abc\n');
      if (text.startsWith('crictl inspectp')) return Promise.resolve('4711\n');
      return Promise.resolve(answer(text));
    },
    levers: null,
  };
  return { world: known as unknown as FaultWorld, spoken };
}

const CASES: readonly [InjectedFault, FaultArgs][] = [
  [tunnelPortBlocked, { node: 'a' }],
  [nodeStaysDown, { node: 'a' }],
  [apiOutage, { for: '20s' }],
  [pairDrop, { from: 'a', to: 'cp1', mode: 'packets' }],
  [pairDrop, { from: 'a', to: 'cp1', mode: 'new-connections' }],
];

test('the words are those of the decision record, all of them', async () => {
  const all: string[] = [];
  for (const [fault, args] of CASES) {
    const { world: given, spoken } = world();
    const heal = await fault.inject(given, args);
    await heal!(given);
    all.push(
      ...spoken.map((words) => words.slice(words.indexOf(': ') + 2)).filter((words) => !words.startsWith('crictl')),
    );
  }
  expect(all.filter((words) => !TABLE.some((row) => pattern(row).test(words)))).toEqual([]);
  expect(TABLE.length).toBeGreaterThan(10);
  expect(TABLE.filter((row) => !all.some((words) => pattern(row).test(words)))).toEqual([]);
});

test('pair-drop drops every source of the node, in every pod that runs, and takes each rule off once', async () => {
  const { world: given, spoken } = world();
  const heal = await pairDrop.inject(given, { from: 'a', to: 'cp1', mode: 'packets' });
  const sources = ['172.18.0.3/32', '10.244.1.7/32', '10.244.1.0/24', '192.168.1.0/26'];
  const rules = (verb: string): string[] =>
    sources.map((cidr) => `cp1: nsenter --target 4711 --net iptables --wait ${verb} INPUT -s ${cidr} -p tcp -j DROP`);
  expect(spoken.filter((words) => words.includes(' -I '))).toEqual(rules('-I'));
  await heal!(given);
  expect(spoken.filter((words) => words.includes(' -D ')).sort()).toEqual(rules('-D').sort());
});

test('api-outage reaches every control plane and no worker', async () => {
  const { world: given, spoken } = world();
  await apiOutage.inject(given, { for: '20s' });
  expect(spoken.map((words) => words.split(' ').slice(0, 2).join(' '))).toEqual([
    'cp1: ip6tables',
    'cp1: iptables',
    'cp2: ip6tables',
    'cp2: iptables',
  ]);
});

test.each([
  ['a rule that is gone', 'iptables: Bad rule (does a matching rule exist in that chain?).', true],
  ['a pod that is gone', 'nsenter: cannot open /proc/4711/ns/net: No such file or directory', true],
  ['a container that starts', 'Error response from daemon: Container abc is restarting, wait until it runs', true],
  ['a container that does not run', 'Error response from daemon: container abc is not running', true],
  ['anything else', 'Error response from daemon: cannot connect', false],
])('healing %s', async (_, stderr, quiet) => {
  const { world: given } = world((words) => {
    if (words.includes(' -D ')) throw new Error(`docker exec: exit code 1: ${stderr}`);
    return '';
  });
  const heal = await tunnelPortBlocked.inject(given, { node: 'a' });
  if (quiet) await expect(heal!(given)).resolves.toBeUndefined();
  else await expect(heal!(given)).rejects.toThrow(stderr);
});

test('half a fault is taken back when the other half cannot be made, and why is told', async () => {
  const { world: given, spoken } = world((words) => {
    if (words.startsWith('iptables') && words.includes(' -I ')) throw new Error('iptables: no such table');
    if (words.startsWith('ip6tables') && words.includes(' -D ')) throw new Error('ip6tables: no such table either');
    return '';
  });
  await expect(apiOutage.inject(given, { for: '20s' })).rejects.toThrow('iptables: no such table');
  expect(spoken.map((words) => words.split(' ').slice(0, 4).join(' '))).toEqual([
    'cp1: ip6tables --wait -I',
    'cp1: iptables --wait -I',
    'cp1: ip6tables --wait -D',
  ]);
});

test('one rule that cannot be taken off keeps none of the others', async () => {
  const { world: given, spoken } = world((words) => {
    if (words.startsWith('iptables') && words.includes(' -D ')) throw new Error('iptables: busy');
    return '';
  });
  const heal = await apiOutage.inject(given, { for: '20s' });
  await expect(heal!(given)).rejects.toThrow('iptables: busy');
  expect(spoken.filter((words) => words.includes(' -D '))).toHaveLength(4);
});

describe('calico-first-found', () => {
  /** A node as kind makes one: eth0 keeps the index that it got on the host, and new links count from the namespace's own. */
  function linked(eth0: number, break_: (words: string) => void = () => undefined) {
    let next = 2;
    let link: number | undefined;
    const { world: given, spoken } = world((words) => {
      if (words === 'ip link add rehearsal0 type bridge') link = next++;
      if (words === 'ip link del rehearsal0') link = undefined;
      break_(words);
      const links = [
        { ifindex: 1, ifname: 'lo' },
        ...(link === undefined ? [] : [{ ifindex: link, ifname: 'rehearsal0' }]),
        { ifindex: eth0, ifname: 'eth0' },
      ];
      return JSON.stringify(links);
    });
    return { given, spoken, next: () => next, left: () => link !== undefined };
  }
  const inject = (given: FaultWorld) => calicoFirstFound.inject!(given, { node: 'a' });

  test.each([2, 3, 45])("goes on until the next index lies above eth0's %i, with few looks", async (eth0) => {
    const { given, spoken, next, left } = linked(eth0);
    await inject(given);
    expect(next()).toBeGreaterThan(eth0);
    expect(left()).toBe(false);
    expect(spoken.filter((words) => words.includes('link show')).length).toBeLessThanOrEqual(3);
  });

  test('gives up where that would take for ever', async () => {
    const { given, left } = linked(100_000);
    await expect(inject(given)).rejects.toThrow("would not reach eth0's index 100000");
    expect(left()).toBe(false);
  });

  test('leaves no link behind when it fails', async () => {
    let looks = 0;
    const { given, left } = linked(9, (words) => {
      if (words.includes('link show') && ++looks === 2) throw new Error('docker exec: exit code 137');
    });
    await expect(inject(given)).rejects.toThrow('exit code 137');
    expect(left()).toBe(false);
  });
});

describe("pdb-never-met runs the node's own sandbox image", () => {
  const created: { spec?: { template?: { spec?: { containers?: { image?: string }[] } } } }[] = [];
  const given = (images: readonly { names: string[] }[], run: boolean) => {
    created.length = 0;
    const gone: string[] = [];
    const { world: base } = world();
    const api = {
      get: () => Promise.resolve({ metadata: { name: 'a' }, status: { images } }),
      create: (_: Resource, object: (typeof created)[number]) => Promise.resolve(void created.push(object)),
      delete: ({ kind }: Resource) => Promise.resolve(void gone.push(kind)),
      list: () =>
        run
          ? Promise.resolve({
              items: [{ metadata: { name: 'p' }, status: { phase: 'Running' } }],
              resourceVersion: '1',
            })
          : Promise.reject(new KubeError(400, 'BadRequest', 'no', 'GET /pods')),
      watch: () => Promise.resolve(),
    } as unknown as KubeApi;
    const clock = new VirtualClock({ epoch: 0 });
    const doors = { ...base, api, clock } as FaultWorld;
    return { doors, gone, inject: () => clock.run(() => pdbNeverMet.inject(doors, { node: 'a' })) };
  };
  const image = () => created[1]?.spec?.template?.spec?.containers?.[0]?.image;

  test.each([
    // As read from a node of kind 0.32 with Kubernetes 1.34.
    [
      [{ names: ['registry.k8s.io/etcd:3.6.5-0'] }, { names: ['registry.k8s.io/pause:3.10.1'] }],
      'registry.k8s.io/pause:3.10.1',
    ],
    [[], 'registry.k8s.io/pause:3.10'],
  ])('of %j', async (images, expected) => {
    const { inject } = given(images, true);
    await inject();
    expect(image()).toBe(expected);
  });

  test('and takes its workload and then its budget back when that never runs', async () => {
    const { inject, gone } = given([], false);
    await expect(inject()).rejects.toThrow('no');
    expect(gone).toEqual(['Deployment', 'PodDisruptionBudget']);
  });
});
