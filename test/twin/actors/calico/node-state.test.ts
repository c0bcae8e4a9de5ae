import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Condition, Node } from '../../../../src/kube/objects.ts';
import { hostDevice } from '../../../../src/twin/actors/calico/cni.ts';
import { ANNOTATIONS, type IpamBlock, type IpPool, RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { type FakeWorld, fakeWorld } from './fake-world.ts';

const NODES = ['kind-control-plane', 'kind-worker', 'kind-worker2'];
const RECORDED = new URL('../../../fixtures/recorded-kind/1-secondary-installed/', import.meta.url);
const recorded = (file: string): string => readFileSync(new URL(file, RECORDED), 'utf8');

function pool(spec: Partial<IpPool['spec']> = {}): IpPool {
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'default-ipv4-ippool' },
    spec: {
      allowedUses: ['Workload', 'Tunnel'],
      blockSize: 26,
      cidr: '192.168.0.0/16',
      ipipMode: 'Never',
      natOutgoing: true,
      nodeSelector: 'all()',
      vxlanMode: 'CrossSubnet',
      ...spec,
    },
  };
}

/** The recorded cluster's Calico: no BIRD, kubernetes-internal-ip. */
const ENV = { IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip', CALICO_NETWORKING_BACKEND: 'vxlan' };

function started(
  spec: Partial<IpPool['spec']> = {},
  env: Record<string, string> = ENV,
  image = 'quay.io/calico/node:v3.31.7',
): FakeWorld {
  const fake = fakeWorld(NODES);
  fake.store.create('namespaces', { metadata: { name: 'calico-system' } });
  fake.store.create('serviceaccounts', { metadata: { name: 'calico-cni-plugin', namespace: 'calico-system' } });
  fake.store.create<IpPool>(RESOURCES.pools, pool(spec));
  for (const node of NODES) {
    fake.init('quay.io/calico/cni:v3.31.7', 'install-cni', node);
    fake.run(image, { node, env });
  }
  fake.time.pass(10);
  return fake;
}

/** Gives kind-worker the three pods that the recorded node had. */
function withRecordedPods(fake: FakeWorld): FakeWorld {
  for (const name of ['nodepinger-lv5ml', 'goldpinger-76c568bbd4-jms2c', 'goldpinger-76c568bbd4-76q8g'])
    fake.attach(name, 'kind-worker');
  fake.time.pass(2);
  return fake;
}

const blockOf = (fake: FakeWorld, node: string): IpamBlock =>
  fake.store.list<IpamBlock>(RESOURCES.blocks).find((block) => block.spec.affinity === `host:${node}`)!;
const annotations = (fake: FakeWorld, node: string): Record<string, string> =>
  fake.store.get<Node>('nodes', node)!.metadata.annotations ?? {};

/** Maps addresses to where they belong: `B(kind-worker)+1`, `N(kind-worker)`; a table line a reason: both are drawn or given by the host. */
function normaliser(
  blocks: { node: string; cidr: string }[],
  addresses: Record<string, string>,
): (text: string) => string {
  const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return (text) =>
    text.replace(/\d+\.\d+\.\d+\.\d+/g, (ip) => {
      const node = Object.entries(addresses).find(([, address]) => address === ip);
      if (node) return `N(${node[0]})`;
      const block = blocks.find(
        ({ cidr }) => number(ip) >= number(cidr.split('/')[0]!) && number(ip) < number(cidr.split('/')[0]!) + 64,
      );
      return block ? `B(${block.node})+${number(ip) - number(block.cidr.split('/')[0]!)}` : ip;
    });
}

const recordedBlocks = (JSON.parse(recorded('ipamblocks.json')) as { items: IpamBlock[] }).items;
const recordedNodes = (JSON.parse(recorded('nodes.json')) as { items: Node[] }).items;
const normaliseRecorded = normaliser(
  recordedBlocks.map(({ spec }) => ({ node: spec.affinity!.slice(5), cidr: spec.cidr })),
  Object.fromEntries(
    recordedNodes.map((node) => [
      node.metadata.name,
      node.status!.addresses!.find((one) => one.type === 'InternalIP')!.address,
    ]),
  ),
);
const normaliseTwin = (fake: FakeWorld) =>
  normaliser(
    NODES.map((node) => ({ node, cidr: blockOf(fake, node).spec.cidr })),
    Object.fromEntries(NODES.map((node) => [node, fake.machine(node).address])),
  );

describe('kind-worker after the start, against the recording', () => {
  const fake = withRecordedPods(started());
  const network = fake.network('kind-worker');
  const normalise = normaliseTwin(fake);

  test('routes of Calico', () => {
    // Cilium's, the default and the connected route are not Calico's; order differs with the addresses drawn.
    const mine = (lines: readonly string[]) =>
      lines
        .map((line) => line.trim())
        .filter((line) => /proto 80|cali/.test(line))
        .sort();
    expect(mine(network.routes()).map(normalise)).toEqual(
      expect.arrayContaining(mine(recorded('worker.ip-route.txt').split('\n')).map(normaliseRecorded)),
    );
    expect(mine(network.routes())).toHaveLength(mine(recorded('worker.ip-route.txt').split('\n')).length);
  });

  test('links', () => {
    const parse = (text: string) => {
      const links = new Map<string, { mtu: number; up: boolean }>();
      for (const [, name, flags, mtu] of text.matchAll(/^\d+: ([^:@]+)(?:@\S+)?: <([^>]*)> mtu (\d+)/gm)) {
        links.set(name!, { mtu: Number(mtu), up: flags!.split(',').includes('UP') });
      }
      return links;
    };
    const wanted = [...parse(recorded('worker.ip-d-link.txt'))]
      .filter(([name]) => /^(cali|vxlan\.calico)/.test(name))
      .sort();
    const present = network
      .links()
      .filter((link) => /^(cali|vxlan\.calico)/.test(link.name))
      .map((link) => [link.name, { mtu: link.mtu, up: link.up }])
      .sort();
    expect(present).toEqual(wanted);
    expect(network.link('vxlan.calico')).toMatchObject({ port: 4789, vni: 4096, local: '172.18.0.3', parent: 'eth0' });
  });

  test('rules of Calico in every table', () => {
    // Hashes depend on the content of the whole chain; the recorded node also had Cilium's rules, which are not Calico's.
    const anonymous = (rule: string): string => rule.replace(/cali:[\w-]{16}/, 'cali:HASH');
    const tables = new Map<string, string[]>();
    let table = '';
    for (const line of recorded('worker.iptables-save.txt').split('\n')) {
      if (line.startsWith('*')) table = line.slice(1);
      if (line.startsWith('-A') && line.includes('"cali:'))
        tables.set(table, [...(tables.get(table) ?? []), anonymous(line)]);
    }
    for (const name of ['raw', 'mangle', 'nat', 'filter']) {
      const mine = network
        .rules(name)
        .filter((rule) => rule.includes('"cali:'))
        .map(anonymous);
      // Endpoint rules are grouped by device, and devices are named alike here and there; order within a chain counts.
      const chain = (rules: readonly string[]) => [...new Set(rules.map((rule) => rule.split(' ')[1]!))].sort();
      const wanted = tables.get(name)!;
      expect(chain(mine), name).toEqual(chain(wanted));
      for (const one of chain(wanted)) {
        const of = (rules: readonly string[]) => rules.filter((rule) => rule.split(' ')[1] === one);
        expect(of(mine), `${name} ${one}`).toEqual(of(wanted));
      }
    }
  });

  test('CNI directory', () => {
    const files = fake.machine('kind-worker').files;
    expect(files.list('/etc/cni/net.d')).toEqual(['10-calico.conflist', 'calico-kubeconfig']);
    const text = /conflist\n(\{[\s\S]*\})/.exec(recorded('worker.cni-dir.txt'))![1]!;
    const file = files.read('/etc/cni/net.d/10-calico.conflist')!;
    expect(file.content).toBe(text);
    expect([file.mode, files.read('/etc/cni/net.d/calico-kubeconfig')!.mode]).toEqual([0o600, 0o600]);
    expect(files.read('/opt/cni/bin/calico')).toBeDefined();
    expect(files.read('/opt/cni/bin/calico-ipam')).toBeDefined();
  });

  test('annotations', () => {
    const wanted = recordedNodes.find((node) => node.metadata.name === 'kind-worker')!.metadata.annotations!;
    const own = annotations(fake, 'kind-worker');
    expect(Object.keys(own).sort()).toEqual(
      Object.keys(wanted)
        .filter((key) => key.startsWith('projectcalico.org/'))
        .sort(),
    );
    expect(normalise(own[ANNOTATIONS.address]!)).toBe(normaliseRecorded(wanted[ANNOTATIONS.address]!));
    expect(normalise(own[ANNOTATIONS.vxlanTunnel]!)).toBe(normaliseRecorded(wanted[ANNOTATIONS.vxlanTunnel]!));
    expect(own[ANNOTATIONS.interfaces]).toBe('[{"name":"eth0","addresses":["172.18.0.3"]}]');
  });

  test('condition and IPAM block', () => {
    const conditions = fake.store.get<Node>('nodes', 'kind-worker')!.status!.conditions as Condition[];
    expect(conditions[0]).toMatchObject({ type: 'NetworkUnavailable', status: 'False', reason: 'CalicoIsUp' });
    const wanted = recordedBlocks.find((block) => block.spec.affinity === 'host:kind-worker')!.spec;
    const block = blockOf(fake, 'kind-worker').spec;
    expect(block.allocations).toEqual(wanted.allocations);
    expect(block.unallocated).toEqual(wanted.unallocated);
    const shape = (spec: IpamBlock['spec']) =>
      spec.attributes.map((one) => [
        one.handle_id.replace(/\.[0-9a-f]{64}$/, ''),
        one.secondary.pod,
        one.secondary.type,
        Object.keys(one.secondary).sort(),
      ]);
    expect(shape(block)).toEqual(shape(wanted));
    expect(Object.keys(block).sort()).toEqual(Object.keys(wanted).sort());
  });

  test('ipsets that rules ask', () => {
    const sets = new Set(
      ['raw', 'mangle', 'nat', 'filter'].flatMap((table) =>
        network.rules(table).flatMap((rule) => [...rule.matchAll(/--match-set (\S+)/g)].map((match) => match[1]!)),
      ),
    );
    expect([...sets].sort()).toEqual([
      'cali40all-vxlan-net',
      'cali40dscp-src-net',
      'cali40masq-ipam-pools',
      'cali40network-ip-pools',
      'cali40this-host',
    ]);
    for (const name of sets) expect(network.ipset(name), name).toBeDefined();
  });
});

test('host device names are those that were recorded', () => {
  expect(hostDevice('default', 'nodepinger-lv5ml')).toBe('cali8ca3a4b3bf2');
});

describe('encapsulation decides the routes to another node', () => {
  const to = (fake: FakeWorld, prefix: string) =>
    fake
      .network('kind-worker')
      .routes()
      .map((route) => normaliseTwin(fake)(route.trim()))
      .filter((route) => route.startsWith(prefix));

  test.each([
    [
      { vxlanMode: 'CrossSubnet' },
      'vxlan',
      [
        'B(kind-worker2)+0 via N(kind-worker2) dev eth0 proto 80 onlink',
        'B(kind-worker2)+0/26 via N(kind-worker2) dev eth0 proto 80 onlink',
      ],
    ],
    [
      { vxlanMode: 'Always' },
      'vxlan',
      [
        'B(kind-worker2)+0 dev vxlan.calico scope link mtu 1450',
        'B(kind-worker2)+0/26 via B(kind-worker2)+0 dev vxlan.calico onlink mtu 1450',
      ],
    ],
    [
      { vxlanMode: 'Never', ipipMode: 'Always' },
      'bird',
      ['B(kind-worker2)+0/26 via N(kind-worker2) dev tunl0 proto bird onlink'],
    ],
    [
      { vxlanMode: 'Never', ipipMode: 'CrossSubnet' },
      'bird',
      ['B(kind-worker2)+0/26 via N(kind-worker2) dev eth0 proto bird'],
    ],
    [
      { vxlanMode: 'Never', ipipMode: 'Never' },
      'bird',
      ['B(kind-worker2)+0/26 via N(kind-worker2) dev eth0 proto bird'],
    ],
  ])('%j', (spec, backend, routes) => {
    const fake = started(spec, { ...ENV, CALICO_NETWORKING_BACKEND: backend });
    for (const node of NODES) fake.attach(`pod-${node}`, node);
    fake.time.pass(5);
    expect(to(fake, 'B(kind-worker2)').sort()).toEqual([...routes].sort());
    expect(fake.network('kind-worker').link('vxlan.calico') !== undefined).toBe(spec.vxlanMode !== 'Never');
  });
});

test('IPIP packets are taken from Calico hosts only', () => {
  const fake = started({ vxlanMode: 'Never', ipipMode: 'Always' }, { ...ENV, CALICO_NETWORKING_BACKEND: 'bird' });
  const ips = new Map(NODES.map((node) => [node, fake.attach(`pod-${node}`, node)]));
  fake.time.pass(5);
  const ping = () => {
    const from = fake.network('kind-worker').pods()[0]!;
    return fake.world.network.ping({ podUid: from.podUid }, ips.get('kind-worker2')!);
  };
  expect(fake.network('kind-worker').ipset('cali40all-hosts-net')).toEqual(['172.18.0.2', '172.18.0.3', '172.18.0.4']);
  expect(fake.network('kind-worker').link('tunl0')).toMatchObject({ up: true, mtu: 1480 });
  expect(ping()).toMatchObject({ ok: true });
  fake.network('kind-worker2').setIpset('cali40all-hosts-net', ['172.18.0.2']);
  expect(ping()).toMatchObject({ ok: false, failure: 'timeout' });
});

describe('first-found', () => {
  const cilium = (fake: FakeWorld, node: string): void => {
    const network = fake.network(node);
    network.addLink({ name: 'cilium_host', kind: 'veth', mtu: 1450, up: true });
    network.addAddress('cilium_host', '10.244.2.193/32');
  };
  const FIRST = { IP_AUTODETECTION_METHOD: 'first-found', CALICO_NETWORKING_BACKEND: 'vxlan' };

  test('takes the interface with the highest index, within 60 s, and the others follow by VXLAN', () => {
    // eth0 has index 3; vxlan.calico takes 2, so that cilium_host gets one above eth0.
    const fake = started({}, FIRST);
    expect(annotations(fake, 'kind-worker')[ANNOTATIONS.address]).toBe('172.18.0.3/16');
    cilium(fake, 'kind-worker');
    fake.time.pass(70);
    expect(annotations(fake, 'kind-worker')[ANNOTATIONS.address]).toBe('10.244.2.193/32');
    expect(annotations(fake, 'kind-worker2')[ANNOTATIONS.address]).toBe('172.18.0.4/16');
    // Recorded in `calico-first-found`: the device moves, with the smaller MTU.
    expect(fake.network('kind-worker').link('vxlan.calico')).toMatchObject({
      local: '10.244.2.193',
      parent: 'cilium_host',
      mtu: 1400,
    });
    const tunnel = annotations(fake, 'kind-worker')[ANNOTATIONS.vxlanTunnel]!;
    expect(
      fake
        .network('kind-worker2')
        .routes()
        .map((route) => route.trim()),
    ).toContain(`${tunnel} dev vxlan.calico scope link mtu 1450`);
  });

  test.each([
    'kubernetes-internal-ip',
    'skip-interface=cilium.*',
    'interface=eth.*',
    'cidr=172.18.0.0/16',
    'can-reach=172.18.0.1',
  ])('%s keeps eth0', (method) => {
    const fake = started({}, { ...FIRST, IP_AUTODETECTION_METHOD: method });
    cilium(fake, 'kind-worker');
    fake.time.pass(70);
    expect(annotations(fake, 'kind-worker')[ANNOTATIONS.address]).toBe('172.18.0.3/16');
  });

  test('a node whose eth0 has the higher index keeps it', () => {
    const fake = fakeWorld(['kind-worker'], { eth0Index: 50 });
    fake.store.create<IpPool>(RESOURCES.pools, pool());
    fake.run('quay.io/calico/node:v3.31.7', { env: FIRST });
    fake.time.pass(10);
    cilium(fake, 'kind-worker');
    fake.time.pass(70);
    expect(annotations(fake, 'kind-worker')[ANNOTATIONS.address]).toBe('172.18.0.2/16');
  });
});
