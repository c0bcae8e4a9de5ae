/** Cilium's pods and ClusterIPs without kube-proxy replacement, and packets that the routes send into the tunnel again. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Network, NodeNetwork } from '../../../src/twin/network/network.ts';
import { createNetwork } from '../../../src/twin/network/simulated-network.ts';

const SUBNET = '172.18.0.0/16';
const VIP = '10.96.0.10';
let network: Network;
let a: NodeNetwork;
let b: NodeNetwork;

/** A node with Cilium's devices, programs and routes, and one pod. */
function join(node: NodeNetwork, own: number, others: readonly NodeNetwork[]): void {
  const router = `10.0.${own}.1`;
  node.addLink({ name: 'cilium_host', kind: 'veth', mtu: 1500 });
  node.addLink({ name: 'cilium_vxlan', kind: 'vxlan', mtu: 1500, port: 8473, external: true, vni: 0 });
  node.addAddress('cilium_host', `${router}/32`);
  const via = `via ${router} dev cilium_host proto kernel src ${router}`;
  const tunnels = new Map<string, string>();
  for (const other of [0, 1]) {
    node.addRoute(`10.0.${other}.0/24 ${via}`);
    if (other !== own) tunnels.set(`10.0.${other}.0/24`, others[0]!.address);
  }
  node.setCilium({
    tunnelPort: 8473,
    tunnelProtocol: 'vxlan',
    routerIp: router,
    healthIp: '',
    podCidrs: [`10.0.${own}.0/24`],
    tunnels,
    policyEnforcement: 'never',
  });
  const uid = `pod-${own}`;
  node.addLink({ name: `lxc${own}`, kind: 'veth', mtu: 1450, podUid: uid });
  node.attachPod({
    podUid: uid,
    namespace: 'default',
    name: uid,
    ip: `10.0.${own}.7`,
    device: `lxc${own}`,
    cni: 'cilium',
    labels: {},
  });
}

beforeEach(() => {
  network = createNetwork({});
  network.setListeners(() => true);
  a = network.addNode('a', '172.18.0.2', SUBNET);
  b = network.addNode('b', '172.18.0.3', SUBNET);
  join(a, 0, [b]);
  join(b, 1, [a]);
});

describe('a call to a ClusterIP', () => {
  const serve = (...backends: string[]): void =>
    network.setServices((ip, port) =>
      ip === VIP && port === 53 ? backends.map((backend) => ({ ip: backend, port: 5353 })) : undefined,
    );
  const call = (ip = VIP, port = 53) => network.connect({ podUid: 'pod-0' }, { ip, port });

  test('keeps the pod as its source: the answer comes back through the tunnel, past the node', () => {
    serve('10.0.1.7');
    expect(call()).toMatchObject({ ok: true, sourceSeen: '10.0.0.7', at: { podUid: 'pod-1', port: 5353 } });
  });

  test('reaches the pod that calls, where that is the endpoint', () => {
    serve('10.0.0.7');
    expect(call()).toMatchObject({ ok: true, at: { podUid: 'pod-0' } });
  });

  test('is refused without an endpoint, and no Service has the other ports', () => {
    serve();
    expect(call()).toMatchObject({ ok: false, failure: 'refused' });
    expect(call(VIP, 80)).toMatchObject({ ok: false, failure: 'timeout' });
  });
});

describe("a pool that covers the nodes' addresses", () => {
  beforeEach(() => {
    for (const node of [a, b]) {
      const router = node === a ? '10.0.0.1' : '10.0.1.1';
      const cilium = node.cilium()!;
      const other = node === a ? b : a;
      node.addRoute(`172.18.0.0/24 via ${router} dev cilium_host proto kernel src ${router}`);
      node.setCilium({ ...cilium, tunnels: new Map([...cilium.tunnels, ['172.18.0.0/24', other.address]]) });
    }
  });

  test('sends what is for them into the overlay, and the bridge gets no answer', () => {
    expect(a.deviceTo('172.18.0.1')).toBe('cilium_host');
    expect(a.deviceTo('172.18.0.2')).toBe('lo');
    expect(a.deviceTo('172.18.9.9')).toBe('eth0');
    expect(a.deviceTo('8.8.8.8')).toBe('eth0');
  });

  test("the tunnel's own packets go into the tunnel again, until the kernel drops them", () => {
    const outcome = network.connect({ node: 'a' }, { ip: '172.18.0.3', port: 22 });
    expect(outcome).toMatchObject({ ok: false, failure: 'timeout' });
    expect(outcome.ok ? '' : outcome.lostAt).toContain('leads into the tunnel again on a');
    expect(network.connect({ podUid: 'pod-0' }, { ip: '10.0.1.7', port: 80 }).ok).toBe(false);
  });
});
