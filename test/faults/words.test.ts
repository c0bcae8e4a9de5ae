/** Faults speak the words of decision 3 on nodes, no others, and take back what they did. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiOutage } from '../../src/faults/catalogue/api-outage.ts';
import { nodeStaysDown } from '../../src/faults/catalogue/node-stays-down.ts';
import { pairDrop } from '../../src/faults/catalogue/pair-drop.ts';
import { tunnelPortBlocked } from '../../src/faults/catalogue/tunnel-port-blocked.ts';
import type { FaultArgs, FaultWorld, InjectedFault } from '../../src/faults/fault.ts';
import type { KubeApi, Resource } from '../../src/kube/api.ts';
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
    await heal!();
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
  await heal!();
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
  ['a container that does not run', 'Error response from daemon: container abc is not running', true],
  ['anything else', 'Error response from daemon: cannot connect', false],
])('healing %s', async (_, stderr, quiet) => {
  const { world: given } = world((words) => {
    if (words.includes(' -D ')) throw new Error(`docker exec: exit code 1: ${stderr}`);
    return '';
  });
  const heal = await tunnelPortBlocked.inject(given, { node: 'a' });
  if (quiet) await expect(heal!()).resolves.toBeUndefined();
  else await expect(heal!()).rejects.toThrow(stderr);
});
