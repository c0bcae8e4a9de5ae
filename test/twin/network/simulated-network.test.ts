import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Listener, Network, NodeNetwork } from '../../../src/twin/network/network.ts';
import { createNetwork } from '../../../src/twin/network/simulated-network.ts';
import { PING_PORT, recordedCluster, walkPairs } from './recorded.ts';

const SUBNET = '172.18.0.0/16';

/** Two nodes with a Calico pod each, routed to each other without rules. */
function pair(options: { now?: () => number } = {}): {
  network: Network;
  a: NodeNetwork;
  b: NodeNetwork;
  closed: Set<string>;
} {
  const network = createNetwork(options);
  const closed = new Set<string>();
  const name = (where: Listener): string => ('podUid' in where ? where.podUid : where.node);
  network.setListeners((where) => !closed.has(name(where)));
  const a = network.addNode('a', '172.18.0.2', SUBNET);
  const b = network.addNode('b', '172.18.0.3', SUBNET);
  const pod = (node: NodeNetwork, uid: string, ip: string): void => {
    node.addLink({ name: `cali${uid}`, kind: 'veth', mtu: 1450, podUid: uid });
    node.addRoute(`${ip} dev cali${uid} scope link`);
    node.attachPod({
      podUid: uid,
      namespace: 'default',
      name: uid,
      ip,
      device: `cali${uid}`,
      cni: 'calico',
      labels: {},
    });
  };
  pod(a, 'pa', '192.168.1.1');
  pod(b, 'pb', '192.168.2.1');
  a.addRoute('192.168.2.0/26 via 172.18.0.3 dev eth0 proto 80 onlink');
  b.addRoute('192.168.1.0/26 via 172.18.0.2 dev eth0 proto 80 onlink');
  b.addRoute('blackhole 192.168.2.0/26 proto 80');
  return { network, a, b, closed };
}

describe('how a connection fails', () => {
  let cluster: ReturnType<typeof pair>;
  beforeEach(() => {
    cluster = pair();
  });
  const failure = (from: 'pa' | 'a' | 'b', ip: string) => {
    const outcome = cluster.network.connect(from === 'pa' ? { podUid: 'pa' } : { node: from }, { ip, port: 80 });
    return outcome.ok ? 'ok' : `${outcome.failure}: ${outcome.errno}`;
  };

  test.each<[string, 'pa' | 'a' | 'b', string, string]>([
    ['a running pod', 'pa', '192.168.2.1', 'ok'],
    ['itself', 'pa', '192.168.1.1', 'ok'],
    ['a node', 'pa', '172.18.0.3', 'ok'],
    ['its own node', 'pa', '172.18.0.2', 'ok'],
    ['the loopback', 'a', '127.0.0.1', 'ok'],
    ['a deleted pod of another node', 'pa', '192.168.2.9', 'timeout: i/o timeout'],
    ['a deleted pod from its node (blackhole)', 'b', '192.168.2.9', 'unreachable: invalid argument'],
    ['an address of the subnet without a node', 'a', '172.18.0.77', 'unreachable: no route to host'],
    ['something outside', 'pa', '8.8.8.8', 'timeout: i/o timeout'],
  ])('%s', (_, from, ip, expected) => {
    expect(failure(from, ip)).toBe(expected);
  });

  test('nobody listens', () => {
    cluster.closed.add('pb');
    expect(failure('pa', '192.168.2.1')).toBe('refused: connection refused');
    cluster.closed.delete('pb');
    expect(failure('pa', '192.168.2.1')).toBe('ok');
  });

  test('a ping needs no listener', () => {
    cluster.closed.add('pb');
    expect(cluster.network.ping({ node: 'a' }, '192.168.2.1').ok).toBe(true);
  });

  test('no route at all', () => {
    cluster.a.deleteRoute('default');
    expect(failure('pa', '8.8.8.8')).toBe('unreachable: network is unreachable');
    expect(failure('a', '8.8.8.8')).toBe('unreachable: network is unreachable');
  });

  test('a pod without its device, and one that is not attached', () => {
    cluster.a.deleteLink('calipa');
    expect(failure('pa', '192.168.2.1')).toBe('unreachable: network is unreachable');
    cluster.a.detachPod('pa');
    expect(failure('pa', '192.168.2.1')).toBe('unreachable: network is unreachable');
  });

  test('a stopped node, and the same node booted again without its old routes', () => {
    cluster.network.removeNode('b');
    expect(failure('pa', '192.168.2.1')).toBe('timeout: i/o timeout');
    expect(failure('a', '172.18.0.3')).toBe('timeout: i/o timeout');
    const again = cluster.network.addNode('b', '172.18.0.3', SUBNET);
    expect(failure('pa', '172.18.0.3')).toBe('timeout: i/o timeout');
    expect(failure('a', '172.18.0.3')).toBe('ok');
    // The pod comes back, but the node has no route to the other's block: the answer leaves by the default route.
    again.addLink({ name: 'calipb', kind: 'veth', mtu: 1450 });
    again.addRoute('192.168.2.1 dev calipb scope link');
    again.attachPod({
      podUid: 'pb',
      namespace: '',
      name: 'pb',
      ip: '192.168.2.1',
      device: 'calipb',
      cni: 'calico',
      labels: {},
    });
    expect(failure('pa', '192.168.2.1')).toBe('timeout: i/o timeout');
    again.addRoute('192.168.1.0/26 via 172.18.0.2 dev eth0 proto 80 onlink');
    expect(failure('pa', '192.168.2.1')).toBe('ok');
  });

  test.each([
    ['', 'refused: connection refused'],
    [' --reject-with tcp-reset', 'refused: connection refused'],
    [' --reject-with icmp-host-prohibited', 'unreachable: no route to host'],
    [' --reject-with icmp-net-unreachable', 'unreachable: network is unreachable'],
  ])('rejected%s', (how, expected) => {
    cluster.b.addRule('filter', `-A FORWARD -p tcp -m tcp --dport 80 -j REJECT${how}`);
    expect(failure('pa', '192.168.2.1')).toBe(expected);
  });

  test('a rule against the answer alone makes the asker wait', () => {
    cluster.b.addRule('filter', '-A FORWARD -s 192.168.2.1/32 -j REJECT');
    expect(failure('pa', '192.168.2.1')).toBe('timeout: i/o timeout');
  });

  test('without address translation a masqueraded source would be lost; with it the answer finds back', () => {
    cluster.a.addRule('nat', '-A POSTROUTING -s 192.168.1.0/24 -o eth0 -j MASQUERADE');
    cluster.b.deleteRoute('192.168.1.0/26');
    expect(cluster.network.connect({ podUid: 'pa' }, { ip: '192.168.2.1', port: 80 })).toMatchObject({
      ok: true,
      sourceSeen: '172.18.0.2',
    });
  });
});

describe('connection tracking', () => {
  const ask = (network: Network) => network.connect({ podUid: 'pa' }, { ip: '192.168.2.1', port: 80 });

  test('an answer is invalid on a node that has not seen the question', () => {
    const { network, b } = pair();
    const c = network.addNode('c', '172.18.0.4', SUBNET);
    c.addRoute('192.168.1.0/26 via 172.18.0.2 dev eth0');
    b.addRoute('192.168.1.0/26 via 172.18.0.4 dev eth0');
    expect(ask(network).ok).toBe(true);
    c.addRule('filter', '-A FORWARD -m conntrack --ctstate INVALID -j DROP');
    expect(ask(network)).toMatchObject({ ok: false, lostAt: 'reply: dropped by iptables filter FORWARD of c' });
  });

  test('what is not tracked is not translated', () => {
    const { network, a } = pair();
    a.addRule('nat', '-A POSTROUTING -s 192.168.1.0/24 -o eth0 -j MASQUERADE');
    expect(ask(network)).toMatchObject({ sourceSeen: '172.18.0.2' });
    a.addRule('raw', '-A PREROUTING -i cali+ -j CT --notrack');
    expect(ask(network)).toMatchObject({ sourceSeen: '192.168.1.1' });
  });

  test('answers pass where only ESTABLISHED does', () => {
    const { network, a } = pair();
    a.addRule('filter', '-A FORWARD -i eth0 -m conntrack ! --ctstate ESTABLISHED -j DROP');
    expect(ask(network).ok).toBe(true);
    expect(network.connect({ podUid: 'pb' }, { ip: '192.168.1.1', port: 80 }).ok).toBe(false);
  });

  test('DNAT is undone for the answer', () => {
    const { network, b } = pair();
    b.addRule('nat', '-A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination 192.168.2.1:80');
    const outcome = network.connect({ podUid: 'pa' }, { ip: '172.18.0.3', port: 81 });
    expect(outcome).toMatchObject({ ok: true, at: { podUid: 'pb', port: 80 }, sourceSeen: '192.168.1.1' });
  });
});

describe('Services', () => {
  test('endpoints in turn; outsiders, node ports and hairpins are masqueraded; none is refused', () => {
    const { network, b } = pair();
    let backends = [{ ip: '192.168.2.1', port: 8080 }];
    network.setServices((ip, port) => (ip === '10.96.0.9' || port === 32042 ? backends : undefined), {
      clusterCidr: '192.168.0.0/16',
    });
    const ask = (from: { podUid: string } | { node: string }, ip: string, port: number) =>
      network.connect(from, { ip, port });
    const at = { podUid: 'pb', port: 8080 };
    expect(ask({ podUid: 'pa' }, '10.96.0.9', 80)).toMatchObject({ ok: true, at, sourceSeen: '192.168.1.1' });
    expect(ask({ node: 'a' }, '10.96.0.9', 80)).toMatchObject({ ok: true, at, sourceSeen: '172.18.0.2' });
    expect(ask({ podUid: 'pa' }, '172.18.0.2', 32042)).toMatchObject({ ok: true, at, sourceSeen: '172.18.0.2' });
    expect(ask({ podUid: 'pb' }, '10.96.0.9', 80)).toMatchObject({ ok: true, at, sourceSeen: '172.18.0.3' });
    backends = [...backends, { ip: '192.168.1.1', port: 9090 }];
    network.servicesChanged();
    const served = [1, 2, 3, 4].map(() => {
      const outcome = ask({ node: 'a' }, '10.96.0.9', 80);
      return outcome.ok ? outcome.at.port : 0;
    });
    expect(served.sort()).toEqual([8080, 8080, 9090, 9090]);
    backends = [];
    network.servicesChanged();
    expect(ask({ podUid: 'pa' }, '10.96.0.9', 80)).toMatchObject({ failure: 'refused' });
    expect(b.rules('nat')).toEqual([]);
  });
});

describe('links', () => {
  test('a container’s index comes from the host and grows with a restart; the namespace’s own counter is circular', () => {
    const { network, a } = pair();
    const first = a.link('eth0')!.index;
    expect(network.node('b')!.link('eth0')!.index).toBe(first + 2);
    expect(network.addNode('a', '172.18.0.2', SUBNET).link('eth0')!.index).toBe(first + 4);
    const node = network.addNode('c', '172.18.0.4', SUBNET, { eth0Index: 4 });
    const index = (name: string): number => node.addLink({ name, kind: 'veth', mtu: 1500 }).index;
    expect([index('x2'), index('x3'), index('x5')]).toEqual([2, 3, 5]);
    node.deleteLink('x3');
    expect([index('x6'), index('lxc8'), index('lxc10')]).toEqual([6, 8, 10]);
  });

  test.each([
    ['Calico and Cilium on one port', { port: 4789, external: true }, false],
    ['different ports', { port: 8473, external: true }, true],
    ['another kind on the same port', { kind: 'geneve' as const, port: 4789 }, false],
    ['two plain VXLAN devices with different identifiers', { port: 4789, vni: 7 }, true],
  ])('tunnel sockets: %s', (_, spec, possible) => {
    const { a } = pair();
    a.addLink({ name: 'vxlan.calico', kind: 'vxlan', mtu: 1450, port: 4789, vni: 4096 });
    a.addLink({ name: 'second', kind: 'vxlan', mtu: 1450, up: false, ...spec });
    const up = (): void => a.setLink('second', { up: true });
    if (possible) expect(up).not.toThrow();
    else expect(up).toThrow('address already in use');
    expect(a.link('second')!.up).toBe(possible);
  });

  test('once somebody uses IPIP every namespace has tunl0, DOWN, those of later boots too', () => {
    const { network, a, b } = pair();
    expect(b.link('tunl0')).toBeUndefined();
    a.addLink({ name: 'tunl0', kind: 'ipip', mtu: 1480, up: true });
    expect(a.link('tunl0')).toMatchObject({ up: true });
    expect(b.link('tunl0')).toMatchObject({ up: false });
    network.removeNode('a');
    expect(network.addNode('a', '172.18.0.2', SUBNET).link('tunl0')).toMatchObject({ up: false });
  });

  test('routes go with their device; connected ones come back with it', () => {
    const { a } = pair();
    a.addAddress('eth0', '10.7.0.1/24');
    a.setLink('eth0', { up: false });
    expect(a.routes()).toEqual(['192.168.1.1 dev calipa scope link']);
    expect(() => a.addRoute('1.2.3.4 dev eth0')).toThrow('Network is down');
    a.setLink('eth0', { up: true });
    expect(a.routes()).toContain('172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.2');
    expect(a.routes()).toContain('10.7.0.0/24 dev eth0 proto kernel scope link src 10.7.0.1');
    expect(a.routes().some((route) => route.startsWith('default'))).toBe(false);
    expect(() => a.addRoute('1.2.3.4 dev nothing')).toThrow('Cannot find device');
  });
});

describe('changes', () => {
  test('the hook runs once a moment, before the first change takes effect', () => {
    let now = 1;
    const { network, a } = pair({ now: () => now });
    const seen: boolean[] = [];
    const look = (): void => void seen.push(network.connect({ podUid: 'pa' }, { ip: '192.168.2.1', port: 80 }).ok);
    const forget = network.onBeforeChange(look);
    now = 2;
    a.deleteRoute('192.168.2.0/26');
    a.deleteRoute('default');
    expect(seen).toEqual([true]);
    now = 3;
    a.addRoute('192.168.2.0/26 via 172.18.0.3 dev eth0');
    expect(seen).toEqual([true, false]);
    forget();
    now = 4;
    a.deleteRoute('192.168.2.0/26');
    expect(seen.length).toBe(2);
  });

  test('Cilium’s maps are changed through setCilium only', () => {
    const { network } = recordedCluster(2);
    const datapath = network.node('kind-worker')!.cilium()!;
    expect(() => datapath.tunnels.set('10.0.0.0/8', '1.2.3.4')).toThrow('setCilium');
    expect(() => {
      datapath.tunnelPort = 1;
    }).toThrow();
  });

  test('a namespace of before a restart changes nothing that is alive', () => {
    const { network, a } = pair();
    network.addNode('a', '172.18.0.2', SUBNET);
    const pod = {
      podUid: 'late',
      namespace: '',
      name: 'late',
      ip: '192.168.1.7',
      device: 'calipa',
      cni: 'calico' as const,
      labels: {},
    };
    a.attachPod(pod);
    expect(network.connect({ podUid: 'late' }, { ip: '172.18.0.3', port: 80 }).ok).toBe(false);
  });

  test('cached verdicts equal fresh ones after any changes', () => {
    // Two equal clusters see the same changes; one is asked after every change, the other only at the end.
    type Change = (cluster: ReturnType<typeof recordedCluster>) => void;
    const block = '-A INPUT -p udp -m udp --dport 8473 -j DROP';
    const changes: Change[] = [
      (c) => c.node('worker2').addRule('filter', block, true),
      (c) => c.node('worker2').deleteRule('filter', block),
      (c) => c.node('worker').setLink('cilium_vxlan', { up: false }),
      (c) => c.node('worker').setLink('cilium_vxlan', { up: true }),
      (c) => c.node('control-plane').deleteRoute('10.244.0.0/24'),
      (c) => c.node('control-plane').addRoute('10.244.0.0/24 via 10.244.2.54 dev cilium_host proto kernel'),
      (c) => c.node('worker').setCilium({ ...c.node('worker').cilium()!, tunnels: new Map() }),
      (c) => c.node('worker2').setIpset('cali40masq-ipam-pools', []),
      (c) => c.network.removeNode('kind-worker'),
      (c) => c.network.addNode('kind-worker', c.node('control-plane').address.replace(/\d+$/, '77'), SUBNET),
      (c) => c.network.node('kind-worker2')!.setLink('eth0', { up: false }),
      (c) => c.node('worker2').detachPod(c.pods.find((pod) => pod.node === 'kind-worker2')!.name),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...changes), { maxLength: 4 }), (steps) => {
        const often = recordedCluster(2);
        const seldom = recordedCluster(2);
        // Where the node or the device has gone before, the change does nothing, to both alike.
        const attempt = (change: Change, cluster: ReturnType<typeof recordedCluster>): string => {
          try {
            change(cluster);
            return 'done';
          } catch (error) {
            return (error as Error).message;
          }
        };
        for (const step of steps) {
          walkPairs(often);
          expect(attempt(step, often)).toBe(attempt(step, seldom));
        }
        expect([...walkPairs(often)]).toEqual([...walkPairs(seldom)]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the way back', () => {
  test('a connection that works is seen from its destination as coming from a way that leads back', () => {
    // Whoever answers to the source that it saw reaches a node or pod that exists: no verdict rests on a one-way path.
    for (const moment of [1, 2, 3, 4] as const) {
      const { network, pods } = recordedCluster(moment);
      for (const from of pods) {
        for (const to of pods) {
          const outcome = network.connect({ podUid: from.name }, { ip: to.ip, port: PING_PORT });
          expect(outcome.ok).toBe(true);
          if (outcome.ok) expect(network.ping({ podUid: to.name }, outcome.sourceSeen).ok).toBe(true);
        }
      }
    }
  });
});
