import { describe, expect, test } from 'vitest';
import type { Condition, NetworkPolicy, Node, Pod } from '../../../../src/kube/objects.ts';
import { allocationsOf } from '../../../../src/twin/actors/calico/ipam/blocks.ts';
import { ANNOTATIONS, type IpamBlock, type IpPool, RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { type FakeWorld, fakeWorld, type Running } from './fake-world.ts';

const IMAGE = 'quay.io/calico/node:v3.31.7';
const ENV = { IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip', CALICO_NETWORKING_BACKEND: 'bird' };
const NODES = ['kind-worker', 'kind-worker2'];

function started(
  nodes: readonly string[] = NODES,
  blockSize = 26,
  cidr = '192.168.0.0/16',
): { fake: FakeWorld; agents: Map<string, Running> } {
  const fake = fakeWorld(nodes);
  fake.store.create('namespaces', { metadata: { name: 'calico-system' } });
  fake.store.create('serviceaccounts', { metadata: { name: 'calico-cni-plugin', namespace: 'calico-system' } });
  fake.store.create<IpPool>(RESOURCES.pools, {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPPool',
    metadata: { name: 'default-ipv4-ippool' },
    spec: { blockSize, cidr, natOutgoing: true, nodeSelector: 'all()', vxlanMode: 'CrossSubnet' },
  });
  const agents = new Map<string, Running>();
  for (const node of nodes) {
    fake.init('quay.io/calico/cni:v3.31.7', 'install-cni', node);
    agents.set(node, fake.run(IMAGE, { node, env: ENV }));
  }
  fake.time.pass(10);
  return { fake, agents };
}

const kernel = (fake: FakeWorld, node: string): string => {
  const network = fake.network(node);
  return JSON.stringify([
    network.links(),
    network.addresses(),
    network.routes(),
    network.iptablesSave().replace(/^#.*$/gm, ''),
  ]);
};
const condition = (fake: FakeWorld, node: string): Condition =>
  (fake.store.get<Node>('nodes', node)!.status!.conditions as Condition[]).find(
    (one) => one.type === 'NetworkUnavailable',
  )!;

describe('the kernel outlives calico-node', () => {
  test('preStop reports CalicoIsDown, the kernel stays, a new start reports CalicoIsUp and changes nothing', () => {
    const { fake, agents } = started();
    fake.attach('a', 'kind-worker');
    fake.time.pass(5);
    const before = kernel(fake, 'kind-worker');
    const agent = agents.get('kind-worker')!;
    expect(agent.process.probe!('readiness')).toBe(true);
    expect(agent.process.terminate!()).toBeLessThan(5_000);
    expect(condition(fake, 'kind-worker')).toMatchObject({ status: 'True', reason: 'CalicoIsDown' });
    agent.end();
    fake.time.pass(200);
    expect(kernel(fake, 'kind-worker')).toBe(before);
    const next = fake.run(IMAGE, { node: 'kind-worker', env: ENV });
    expect(next.process.probe!('readiness')).toBe(false);
    fake.time.pass(10);
    expect(next.process.probe!('readiness')).toBe(true);
    expect(condition(fake, 'kind-worker')).toMatchObject({ status: 'False', reason: 'CalicoIsUp' });
    expect(kernel(fake, 'kind-worker')).toBe(before);
  });

  test("what was deleted by hand comes back within 90 s, others' routes are left alone", () => {
    const { fake } = started();
    fake.attach('a', 'kind-worker');
    fake.attach('b', 'kind-worker2');
    fake.time.pass(5);
    const network = fake.network('kind-worker');
    const before = kernel(fake, 'kind-worker');
    const masquerade = network.rules('nat').find((rule) => rule.includes('cali40masq-ipam-pools'))!;
    network.deleteRule('nat', masquerade);
    network.deleteRoute(
      network
        .routes()
        .find((route) => route.includes('proto 80 onlink'))!
        .split(' ')[0]!,
    );
    fake.time.pass(95);
    expect(kernel(fake, 'kind-worker')).toBe(before);
    network.addRoute('10.244.1.0/24 dev eth0 proto kernel');
    network.addRoute('10.10.0.0/24 dev eth0 proto 80');
    fake.time.pass(95);
    expect(network.routes().some((route) => route.startsWith('10.244.1.0/24'))).toBe(true);
    expect(network.routes().some((route) => route.startsWith('10.10.0.0/24'))).toBe(false);
  });

  test('a new network namespace (restarted node) is filled again', () => {
    const { fake, agents } = started();
    fake.attach('b', 'kind-worker2');
    fake.time.pass(5);
    const routes = fake
      .network('kind-worker')
      .routes()
      .filter((route) => route.includes('proto 80'));
    agents.get('kind-worker')!.end();
    fake.world.network.addNode('kind-worker', '172.18.0.2', '172.18.0.0/16');
    expect(fake.network('kind-worker').link('vxlan.calico')).toBeUndefined();
    fake.run(IMAGE, { node: 'kind-worker', env: ENV });
    fake.time.pass(10);
    expect(fake.network('kind-worker').link('vxlan.calico')?.up).toBe(true);
    expect(
      fake
        .network('kind-worker')
        .routes()
        .filter((route) => route.includes('proto 80')),
    ).toEqual(routes);
  });

  test('pools that vanish under a running Felix take masquerade, device and routes along', () => {
    const { fake } = started();
    fake.attach('b', 'kind-worker2');
    fake.time.pass(5);
    fake.store.remove(RESOURCES.pools, { name: 'default-ipv4-ippool' });
    fake.time.pass(5);
    const network = fake.network('kind-worker');
    expect(network.link('vxlan.calico')).toBeUndefined();
    expect(network.routes().filter((route) => route.includes('proto 80'))).toEqual([]);
    expect(network.ipset('cali40masq-ipam-pools')).toEqual([]);
  });

  test('at rest nothing is written again', () => {
    const { fake } = started();
    fake.attach('a', 'kind-worker');
    fake.time.pass(120);
    const { network } = fake.world;
    const version = network.version();
    let writes = 0;
    fake.store.onChange('*', () => {
      writes += 1;
    });
    fake.time.pass(1_800);
    expect([network.version() - version, writes]).toEqual([0, 0]);
  });

  test('while another tunnel holds its UDP port vxlan.calico stays down, and comes up within 10 s after', () => {
    const fake = fakeWorld(['kind-worker', 'kind-worker2']);
    fake.store.create<IpPool>(RESOURCES.pools, {
      metadata: { name: 'default-ipv4-ippool' },
      spec: { blockSize: 26, cidr: '192.168.0.0/16', natOutgoing: true, vxlanMode: 'Always' },
    });
    fake
      .network('kind-worker')
      .addLink({ name: 'cilium_vxlan', kind: 'vxlan', mtu: 1450, port: 4789, external: true, up: true });
    for (const node of ['kind-worker', 'kind-worker2']) fake.run(IMAGE, { node, env: ENV });
    fake.time.pass(30);
    const network = fake.network('kind-worker');
    const routes = () => network.routes().filter((route) => route.includes('dev vxlan.calico'));
    expect(network.link('vxlan.calico')?.up).toBe(false);
    expect(routes()).toEqual([]);
    network.deleteLink('cilium_vxlan');
    fake.time.pass(11);
    expect(network.link('vxlan.calico')?.up).toBe(true);
    expect(routes()).toHaveLength(2);
  });

  test('without the API start-up waits', () => {
    const fake = fakeWorld(['kind-worker']);
    fake.api = false;
    const agent = fake.run(IMAGE, { env: ENV });
    fake.time.pass(60);
    expect(condition(fake, 'kind-worker')).toBeUndefined();
    expect(agent.exits).toEqual([]);
    fake.api = true;
    fake.time.pass(5);
    expect(condition(fake, 'kind-worker').reason).toBe('CalicoIsUp');
  });
});

describe('addresses', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('are unique, inside own blocks, and given back (seed %i)', (seed) => {
    const { fake } = started(['n0', 'n1', 'n2'], 28);
    const random = fake.world.random(`test/${seed}`);
    const live = new Map<string, string>();
    for (let step = 0; step < 150; step++) {
      const node = `n${random.integer(0, 2)}`;
      const [gone] = random.shuffle([...live.keys()]);
      if (gone && random.next() < 0.45) {
        const pod = fake.store.get<Pod>('pods', gone, 'default')!;
        fake.world.cniPlugins
          .get('calico')!
          .del(fake.machine(pod.spec!.nodeName!), { uid: pod.metadata.uid!, name: gone, namespace: 'default' });
        fake.store.remove('pods', { name: gone, namespace: 'default' });
        live.delete(gone);
      } else {
        const ip = fake.attach(`p${step}`, node);
        expect([...live.values()]).not.toContain(ip);
        live.set(`p${step}`, ip);
      }
    }
    const held = fake.store.list<IpamBlock>(RESOURCES.blocks).flatMap((block) => {
      expect(block.spec.unallocated.length).toBe(block.spec.allocations.filter((one) => one === null).length);
      return allocationsOf(block).map(({ ip, attribute }) => ({ ip, attribute, owner: block.spec.affinity }));
    });
    const pods = held.filter(({ attribute }) => attribute.secondary.pod);
    expect(pods.map(({ ip }) => ip).sort()).toEqual([...live.values()].sort());
    for (const { attribute, owner } of held) expect(owner).toBe(`host:${attribute.secondary.node}`);
    expect(held.length - pods.length).toBe(3);
  });

  test('a full pool refuses by name', () => {
    const { fake } = started(['n0'], 29, '192.168.0.0/29');
    for (let i = 0; i < 7; i++) fake.attach(`p${i}`, 'n0');
    expect(() => fake.attach('p7', 'n0')).toThrow(/No more free affine blocks/);
  });

  test('the pod carries what the plugin did, and its device and route go with it', () => {
    const { fake } = started();
    const ip = fake.attach('a', 'kind-worker');
    const pod = fake.store.get<Pod>('pods', 'a', 'default')!;
    expect(pod.metadata.annotations![ANNOTATIONS.podIp]).toBe(`${ip}/32`);
    const network = fake.network('kind-worker');
    expect(network.routes().some((route) => route.startsWith(`${ip} dev cali`))).toBe(true);
    fake.world.cniPlugins
      .get('calico')!
      .del(fake.machine('kind-worker'), { uid: pod.metadata.uid!, name: 'a', namespace: 'default' });
    expect(network.pods()).toEqual([]);
    expect(network.routes().some((route) => route.includes('dev cali'))).toBe(false);
  });

  test.each([
    [
      'calico-node never ran there',
      (fake: FakeWorld) => void fake.machine('kind-worker').files.remove('/var/lib/calico/nodename'),
      /nodename: no such file/,
    ],
    [
      'its kubeconfig was deleted',
      (fake: FakeWorld) => void fake.machine('kind-worker').files.remove('/etc/cni/net.d/calico-kubeconfig'),
      /calico-kubeconfig: no such file/,
    ],
    [
      'the API is away',
      (fake: FakeWorld) => {
        fake.api = false;
      },
      /connection refused/,
    ],
    [
      'its account terminates',
      (fake: FakeWorld) => {
        fake.store.update('serviceaccounts', { name: 'calico-cni-plugin', namespace: 'calico-system' }, (draft) => {
          draft.metadata.finalizers = ['tigera.io/cni-protector'];
        });
        fake.store.remove('serviceaccounts', { name: 'calico-cni-plugin', namespace: 'calico-system' });
      },
      /Unauthorized/,
    ],
    [
      'the pools are gone',
      (fake: FakeWorld) => void fake.store.remove(RESOURCES.pools, { name: 'default-ipv4-ippool' }),
      /no configured Calico pools/,
    ],
  ])('ADD fails when %s', (_, harm, error) => {
    const { fake } = started();
    harm(fake);
    expect(() => fake.attach('a', 'kind-worker')).toThrow(error);
  });
});

test('an allocation whose pod went through another CNI leaks, and is collected after 15 minutes', () => {
  const { fake } = started();
  fake.run('quay.io/calico/kube-controllers:v3.31.7');
  fake.attach('stays', 'kind-worker');
  fake.attach('leaks', 'kind-worker');
  fake.store.remove('pods', { name: 'leaks', namespace: 'default' });
  const held = () =>
    fake.store
      .list<IpamBlock>(RESOURCES.blocks)
      .flatMap((block) =>
        allocationsOf(block).map(({ attribute }) => attribute.secondary.pod ?? attribute.secondary.type),
      );
  fake.time.pass(15 * 60);
  expect(held()).toContain('leaks');
  fake.time.pass(10 * 60);
  expect(held()).not.toContain('leaks');
  expect(held()).toContain('stays');
  expect(held().filter((one) => one === 'vxlanTunnelAddress')).toHaveLength(2);
});

describe('what Felix writes decides connections', () => {
  const reach = (fake: FakeWorld, from: string, to: string): boolean => {
    const uid = (name: string) => fake.store.get<Pod>('pods', name, 'default')!.metadata.uid!;
    fake.world.network.setListeners(() => true);
    return fake.world.network.connect(
      { podUid: uid(from) },
      { ip: fake.store.get<Pod>('pods', to, 'default')!.status!.podIP!, port: 8080 },
    ).ok;
  };
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'ping-only', namespace: 'default' },
    spec: {
      podSelector: { matchLabels: { tier: 'ping' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { tier: 'ping' } } }] } as object],
    },
  };

  function pods(): FakeWorld {
    const { fake } = started();
    fake.attach('a', 'kind-worker', { labels: { tier: 'ping' } });
    fake.attach('b', 'kind-worker2', { labels: { tier: 'ping' } });
    fake.attach('c', 'kind-worker2', { labels: { tier: 'other' } });
    fake.time.pass(3);
    return fake;
  }

  test('without a policy everybody reaches everybody', () => {
    const fake = pods();
    for (const from of ['a', 'b', 'c'])
      for (const to of ['a', 'b', 'c']) expect(reach(fake, from, to), `${from} ${to}`).toBe(true);
  });

  test('a podSelector policy lets in Calico pods that carry the label, and nobody else', () => {
    const fake = pods();
    fake.store.create<NetworkPolicy>(RESOURCES.policies, policy);
    fake.time.pass(3);
    expect([reach(fake, 'a', 'b'), reach(fake, 'b', 'a')]).toEqual([true, true]);
    expect([reach(fake, 'c', 'a'), reach(fake, 'c', 'b')]).toEqual([false, false]);
    expect(reach(fake, 'a', 'c')).toBe(true);
    fake.store.remove(RESOURCES.policies, { name: 'ping-only', namespace: 'default' });
    fake.time.pass(3);
    expect(reach(fake, 'c', 'a')).toBe(true);
  });

  test('routes to the other node exist only while its calico-node has told where it is', () => {
    const { fake } = started();
    fake.attach('a', 'kind-worker');
    fake.attach('b', 'kind-worker2');
    // Felix needs half a second for the first pod of a block.
    expect(reach(fake, 'a', 'b')).toBe(false);
    fake.time.pass(2);
    expect(reach(fake, 'a', 'b')).toBe(true);
  });
});

describe('Typha', () => {
  test('sheds one connection a second, at most 285', () => {
    const fake = fakeWorld(Array.from({ length: 5 }, (_, i) => `n${i}`));
    fake.store.create('namespaces', { metadata: { name: 'calico-system' } });
    const pods = (app: string, count: number): void => {
      for (let i = 0; i < count; i++) {
        fake.store.create<Pod>('pods', {
          metadata: { name: `${app}-${i}`, namespace: 'calico-system', labels: { 'k8s-app': app } },
          status: { phase: 'Running' },
        } as Pod);
      }
    };
    pods('calico-node', 5);
    pods('calico-typha', 3);
    const typha = fake.run('quay.io/calico/typha:v3.31.7');
    expect(typha.process.terminate!()).toBe(5_000);
    for (let i = 5; i < 1_000; i++)
      fake.store.create<Pod>('pods', {
        metadata: { name: `x-${i}`, namespace: 'calico-system', labels: { 'k8s-app': 'calico-node' } },
        status: { phase: 'Running' },
      } as Pod);
    expect(typha.process.terminate!()).toBe(285_000);
  });
});
