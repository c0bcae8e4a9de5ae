/**
 * The recorded faults: with the one change applied that the fault made, the walker names the pairs that failed.
 * Each block says on which state it stands.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { NetworkPolicy } from '../../../src/kube/objects.ts';
import type { LinkSpec, Network, NodeNetwork } from '../../../src/twin/network/network.ts';
import { networkPolicies } from '../../../src/twin/network/network-policy.ts';
import { createNetwork } from '../../../src/twin/network/simulated-network.ts';
import {
  attachPods,
  loadCilium,
  loadNode,
  mainRoutes,
  PING_PORT,
  parseAddresses,
  parseIpsets,
  parseLinks,
  RECORDED,
  type RecordedPod,
  recordedCluster,
  recordedText,
  timeline,
  walkPairs,
} from './recorded.ts';

function faultText(file: string): string {
  return readFileSync(join(RECORDED, 'faults', file), 'utf8');
}

/** The parts of a fault's file, one a node. */
function sections(file: string): Map<string, string> {
  const parts = faultText(file).split(/^## /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]));
}

const isRoute = (line: string): boolean => /^(default|blackhole|\d+\.\d+\.\d+\.\d+\S*) .*/.test(line);

/** Links of `ip -br addr` lines: names and kinds, without the details that were not recorded. */
function briefLinks(text: string): LinkSpec[] {
  return text.split('\n').flatMap((line): LinkSpec[] => {
    const found = /^([\w.]+)(?:@\S+)? +(UP|UNKNOWN|DOWN)\b/.exec(line);
    if (found === null) return [];
    const name = found[1]!;
    const mtu = name === 'eth0' ? 1500 : 1450;
    if (name === 'cilium_vxlan') return [{ name, kind: 'vxlan' as const, mtu, vni: 0, port: 8473, external: true }];
    if (name === 'vxlan.calico') return [{ name, kind: 'vxlan' as const, mtu, vni: 4096, port: 4789 }];
    return [{ name, kind: name === 'lo' ? ('loopback' as const) : ('veth' as const), mtu }];
  });
}

/** Running probe pods of `kubectl get pods -o wide`. */
function listedPods(text: string): RecordedPod[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const at = words.findIndex((word) => /^(gold|node)pinger-/.test(word));
    const ip = words.find((word) => /^\d+\.\d+\.\d+\.\d+$/.test(word));
    if (at < 0 || ip === undefined || words[at + 2] !== 'Running') return [];
    const name = words[at]!;
    const node = words.find((word) => word.startsWith('kind-'))!;
    // One group: whoever runs here asks everybody.
    return [{ name, node, ip, group: 'probe', labels: {}, namespace: 'default' }];
  });
}

function outcomes(network: Network, pods: readonly RecordedPod[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const from of pods) {
    for (const to of pods) {
      const outcome = network.connect({ podUid: from.name }, { ip: to.ip, port: PING_PORT });
      result.set(`${from.name} -> ${to.name}`, outcome.ok ? 'ok' : outcome.failure);
    }
  }
  return result;
}

const failing = (pairs: ReadonlyMap<string, boolean>): string[] =>
  [...pairs].filter(([, ok]) => !ok).map(([pair]) => pair);

describe('tunnel-port-blocked: UDP 8473 dropped on the way into one node', () => {
  // The fault was recorded without rules and routes, on a cluster where kind-worker was blocked and kind-worker2 switched.
  // In the recorded moment 2 kind-worker is the switched one, so the mirror image is walked: kind-worker2 is blocked.
  const RULE = '-A INPUT -p udp -m udp --dport 8473 -j DROP';

  /** Classes of pairs that failed on the real cluster, by role of the nodes, at the last readings before the rule went. */
  function recordedClasses(): { failed: Set<string>; all: Set<string> } {
    const role = (node: string): string =>
      node === 'kind-worker' ? 'blocked' : node === 'kind-worker2' ? 'switched' : 'third';
    const last = new Map<string, { node: string; bad: { dst: string; err: string }[] }>();
    let pods: { name: string; node: string; del: boolean; rdy: boolean }[] = [];
    for (const entry of timeline('tunnel-port-blocked')) {
      if (entry.step === 'unblocked') break;
      const { pods: listed, node } = entry as unknown as { pods?: typeof pods; node: string };
      if (listed !== undefined) pods = listed;
      if (entry.src !== undefined && entry.bad !== undefined) last.set(entry.src, { node, bad: entry.bad });
    }
    const alive = new Map(pods.filter((pod) => !pod.del && pod.rdy).map((pod) => [pod.name, pod.node]));
    const failed = new Set<string>();
    const all = new Set<string>();
    for (const [source, node] of alive) {
      const bad = last.get(source)?.bad ?? [];
      for (const [target, targetNode] of alive) {
        if (source.split('-')[0] !== target.split('-')[0]) continue;
        const key = `${role(node)} -> ${role(targetNode)}`;
        all.add(key);
        if (bad.some((entry) => entry.dst === target && entry.err.includes('deadline exceeded'))) failed.add(key);
      }
    }
    return { failed, all };
  }

  test('fails from Calico pods on the blocked node to Cilium pods, and nowhere else', () => {
    const real = recordedClasses();
    expect(real.all.size).toBe(9);
    expect([...real.failed]).toEqual(['blocked -> switched']);

    const cluster = recordedCluster(2);
    cluster.node('worker2').addRule('filter', RULE, true);
    const role = (node: string): string =>
      node === 'kind-worker2' ? 'blocked' : node === 'kind-worker' ? 'switched' : 'third';
    const nodeOf = new Map(cluster.pods.map((pod) => [pod.name, pod.node]));
    for (const [pair, ok] of walkPairs(cluster)) {
      const [from, to] = pair.split(' -> ').map((name) => role(nodeOf.get(name)!));
      expect(ok, pair).toBe(!real.failed.has(`${from} -> ${to}`));
    }
  });

  test('says that the reply was lost at the blocked node, and heals with the rule', () => {
    const cluster = recordedCluster(2);
    const blocked = cluster.node('worker2');
    const from = cluster.pods.find((pod) => pod.node === 'kind-worker2' && pod.group === 'goldpinger')!;
    const to = cluster.pods.find((pod) => pod.node === 'kind-worker' && pod.group === 'goldpinger')!;
    const ask = () => cluster.network.connect({ podUid: from.name }, { ip: to.ip, port: PING_PORT });
    blocked.addRule('filter', RULE, true);
    expect(ask()).toEqual({
      ok: false,
      failure: 'timeout',
      errno: 'i/o timeout',
      lostAt: 'reply: tunnel packet of kind-worker: dropped by iptables filter INPUT of kind-worker2',
    });
    blocked.deleteRule('filter', RULE);
    expect(ask().ok).toBe(true);
  });

  test('cannot be seen while no pod is on Cilium (moment 1), but by the health endpoints', () => {
    const cluster = recordedCluster(1);
    cluster.node('worker').addRule('filter', RULE, true);
    expect(failing(walkPairs(cluster))).toEqual([]);
    const health = cluster.node('worker').cilium()!.healthIp;
    const ask = (node: string) => cluster.network.connect({ node }, { ip: health, port: 4240 });
    expect(ask('kind-control-plane')).toMatchObject({ ok: false, failure: 'timeout' });
    expect(ask('kind-worker').ok).toBe(true);
  });
});

describe('tunnel-port-clash: Cilium on Calico’s port 4789', () => {
  // The fault's own links and routes (clash-crosssubnet). Addresses follow from the routes; rules were not recorded.
  function clash(): { network: Network; pods: RecordedPod[]; nodes: NodeNetwork[] } {
    const network = createNetwork();
    network.setListeners(() => true);
    const pods: RecordedPod[] = [];
    const nodes = [...sections('tunnel-port-clash.clash-crosssubnet.txt')].map(([name, text]) => {
      const routes = text
        .split('\n')
        .filter(isRoute)
        .map((line) => line.trim());
      const own = /^172\.30\.0\.0\/16 .* src (\S+)$/m.exec(routes.join('\n'))![1]!;
      const local = routes.filter((route) => / dev cali/.test(route)).map((route) => route.split(' '));
      const devices = local.map((words) => ({ name: words[2]!, kind: 'veth' as const, mtu: 1450 }));
      const tunnels = parseLinks(text).filter((link) => link.kind === 'vxlan');
      const addresses = [{ device: 'eth0', cidr: `${own}/16` }];
      const node = loadNode(network, name, { links: [...tunnels, ...devices], addresses, routes });
      const here = local.map(([ip]) => ({
        name: `pod-${ip}`,
        ip: ip!,
        node: name,
        group: 'probe',
        labels: {},
        namespace: '',
      }));
      attachPods(node, here);
      pods.push(...here);
      return node;
    });
    return { network, pods, nodes };
  }

  test('no pair of Calico pods fails', () => {
    const { network, pods } = clash();
    expect(pods.length).toBeGreaterThanOrEqual(9);
    expect(new Set(outcomes(network, pods).values())).toEqual(new Set(['ok']));
  });

  test('the device is down, cannot be set up, and no node has a route to another’s pod CIDR', () => {
    for (const node of clash().nodes) {
      expect(node.link('cilium_vxlan')).toMatchObject({ up: false, port: 4789, external: true });
      expect(() => node.setLink('cilium_vxlan', { up: true })).toThrow('address already in use');
      expect(node.routes().filter((route) => route.startsWith('10.244.'))).toEqual([]);
    }
  });

  test('derived, on moment 2: with the switched node’s tunnel down only what needs the tunnel fails', () => {
    const cluster = recordedCluster(2);
    cluster.node('worker').setLink('cilium_vxlan', { up: false });
    const nodeOf = new Map(cluster.pods.map((pod) => [pod.name, pod.node]));
    for (const [pair, ok] of walkPairs(cluster)) {
      const [from, to] = pair.split(' -> ').map((name) => nodeOf.get(name)!);
      // Calico pods of other nodes need it there and back; Cilium pods leave masqueraded by eth0.
      expect(ok, pair).toBe(!(from !== 'kind-worker' && to === 'kind-worker'));
    }
  });
});

test('a tunnel packet that reaches another owner’s device on the same port is not understood', () => {
  const cluster = recordedCluster(2);
  const node = cluster.node('worker2');
  node.deleteLink('cilium_vxlan');
  node.addLink({ name: 'other', kind: 'vxlan', mtu: 1450, port: 8473, vni: 4096 });
  expect(cluster.network.ping({ node: 'kind-worker' }, node.cilium()!.routerIp)).toMatchObject({
    ok: false,
    lostAt: expect.stringContaining('does not understand'),
  });
});

describe('pool-contains-calico-block: the /24 by cilium_host beside /26 routes', () => {
  // The fault's own addresses, routes, pods and CiliumNodes (switched). Rules were not recorded: the nat table of moment 2's
  // kind-worker with this node's pod CIDR and router address put in, and moment 2's ipsets (the same Calico pool).
  const pods = listedPods(faultText('pool-contains-calico-block.switched-pods.txt'));
  const lost = pods.find((pod) => pod.ip === '192.168.128.84')!;

  function cluster(): Network {
    const network = createNetwork();
    const podCidrs = new Map(
      faultText('pool-contains-calico-block.switched-cn.txt')
        .trim()
        .split('\n')
        .map((line) => [line.split(' ')[0]!, /"([^"]+)"/.exec(line)![1]!]),
    );
    const states = [...sections('pool-contains-calico-block.switched.txt')].map(([name, text]) => ({
      name,
      text,
      addresses: parseAddresses(
        text
          .split('\n')
          .filter((line) => !isRoute(line))
          .join('\n'),
      ),
    }));
    const addressOf = (name: string, device: string): string =>
      states
        .find((state) => state.name === name)!
        .addresses.find((entry) => entry.device === device)!
        .cidr.split('/')[0]!;
    const ciliumNodes = {
      items: states.map(({ name }) => ({
        metadata: { name },
        spec: {
          addresses: [
            { type: 'InternalIP', ip: addressOf(name, 'eth0') },
            { type: 'CiliumInternalIP', ip: addressOf(name, 'cilium_host') },
          ],
          ipam: { podCIDRs: [podCidrs.get(name)!] },
        },
      })),
    };
    const nat = recordedText(2, 'worker.iptables-save.txt')
      .split(/^(?=\*)/m)
      .find((table) => table.startsWith('*nat'))!;
    for (const { name, text, addresses } of states) {
      const routes = mainRoutes(text.split('\n').filter(isRoute).join('\n'));
      const node = loadNode(network, name, { links: briefLinks(text), addresses, routes });
      node.restoreIptables(
        nat.replaceAll('10.244.0.0/24', podCidrs.get(name)!).replaceAll('10.244.0.244', addressOf(name, 'cilium_host')),
      );
      for (const [set, members] of parseIpsets(recordedText(2, 'worker.ipset.txt'))) node.setIpset(set, members);
      loadCilium(node, ciliumNodes, 'never');
      attachPods(
        node,
        pods.filter((pod) => pod.node === name),
      );
    }
    // goldpinger opens its port after it has reached the API server.
    network.setListeners((where) => {
      if ('node' in where) return where.port === 6443;
      return network.connect({ podUid: where.podUid }, { ip: addressOf('kind-control-plane', 'eth0'), port: 6443 }).ok;
    });
    return network;
  }

  test('exactly the pairs to the pod with an address of another node’s block fail, as recorded', () => {
    expect(pods.length).toBe(16);
    for (const [pair, outcome] of outcomes(cluster(), pods)) {
      const [from, to] = pair.split(' -> ');
      if (from === lost.name) continue;
      const sameNode = pods.find((pod) => pod.name === from)!.node === lost.node;
      // Recorded: `context deadline exceeded` from other nodes, `connection refused` from its own.
      expect(outcome, pair).toBe(to !== lost.name ? 'ok' : sameNode ? 'refused' : 'timeout');
    }
  });

  test('the pod’s own connections lose their answers, and its kubelet and the API proxy do not reach it', () => {
    const network = cluster();
    expect(network.connect({ podUid: lost.name }, { ip: '172.30.0.3', port: 6443 })).toMatchObject({
      failure: 'timeout',
    });
    const ask = (node: string) => network.connect({ node }, { ip: lost.ip, port: PING_PORT });
    expect(ask('kind-worker')).toMatchObject({ failure: 'timeout' });
    expect(ask('kind-control-plane')).toMatchObject({ failure: 'unreachable', errno: 'invalid argument' });
  });
});

describe('calico-first-found: Calico’s VXLAN moved onto cilium_host', () => {
  // The fault's own links, addresses and routes; rules were not recorded.
  test('all pairs stay green by double encapsulation', () => {
    const network = createNetwork();
    network.setListeners(() => true);
    const pods: RecordedPod[] = [];
    const all = [...sections('calico-first-found.after.txt')];
    const states = all.map(([name, text]) => {
      const brief = text.split('\n').filter((line) => !isRoute(line) && !/^\s|^\d+:/.test(line));
      const calico = parseLinks(text).filter((link) => link.name === 'vxlan.calico');
      const links = [...briefLinks(brief.join('\n')).filter((link) => link.name !== 'vxlan.calico'), ...calico];
      const withoutIndex = links.map(({ index: _, ...link }) => link);
      return {
        name,
        links: withoutIndex,
        addresses: parseAddresses(brief.join('\n')),
        routes: text.split('\n').filter(isRoute),
      };
    });
    const ip = (state: (typeof states)[number], device: string): string =>
      state.addresses.find((entry) => entry.device === device)!.cidr.split('/')[0]!;
    const ciliumNodes = {
      items: states.map((state) => ({
        metadata: { name: state.name },
        spec: {
          addresses: [
            { type: 'InternalIP', ip: ip(state, 'eth0') },
            { type: 'CiliumInternalIP', ip: ip(state, 'cilium_host') },
          ],
          ipam: { podCIDRs: [ip(state, 'cilium_host').replace(/\.\d+$/, '.0/24')] },
        },
      })),
    };
    for (const state of states) {
      const node = loadNode(network, state.name, state);
      loadCilium(node, ciliumNodes, 'never');
      const local = node
        .routes()
        .filter((route) => / dev cali/.test(route))
        .map((route) => route.split(' ')[0]!);
      const here = local.map((address) => ({
        name: address,
        ip: address,
        node: state.name,
        group: '',
        labels: {},
        namespace: '',
      }));
      attachPods(node, here);
      pods.push(...here);
    }
    expect(pods.length).toBe(12);
    expect(new Set(outcomes(network, pods).values())).toEqual(new Set(['ok']));
    const far = network.connect({ podUid: '192.168.44.193' }, { ip: '192.168.216.129', port: PING_PORT });
    // Recorded: payload with DF falls to between 1300 and 1371 bytes.
    expect(far).toMatchObject({ ok: true });
    if (far.ok) expect(far.pathMtu - 28).toBeGreaterThanOrEqual(1300);
    if (far.ok) expect(far.pathMtu - 28).toBeLessThan(1372);
  });
});

describe('policy: a podSelector policy on the probes', () => {
  // The recorded policy on moment 2 (one worker switched); the expected counts by class are the fault's own snapshots.
  const policy = parse(faultText('policy.np.yaml')) as NetworkPolicy;
  const SNAPSHOT = { default: 'default, worker switched, NP', never: 'never, worker switched, NP' } as const;

  function recordedClasses(snapshot: string): Map<string, string> {
    const text = faultText('policy.snapshots.txt')
      .split(/^== /m)
      .find((part) => part.includes(`SNAP ${snapshot}\n`))!;
    const lines = [...text.matchAll(/^\('(\S+)', '(\S+)', '(\S+)'\) \d+$/gm)];
    return new Map(lines.map(([, pair, where, state]) => [`${pair} ${where}`, state!]));
  }

  test.each(['default', 'never'] as const)('enforcement mode %s', (mode) => {
    const expected = recordedClasses(SNAPSHOT[mode]);
    expect(expected.size).toBe(5);
    const cluster = recordedCluster(2);
    for (const node of cluster.network.nodes()) node.setCilium({ ...node.cilium()!, policyEnforcement: mode });
    cluster.network.setPolicies(networkPolicies({ policies: () => [policy], namespaceLabels: () => ({}) }));
    const seen = new Map<string, Set<string>>();
    const cni = (pod: RecordedPod): string => (pod.ip.startsWith('10.244.') ? 'CIL' : 'CAL');
    for (const from of cluster.pods) {
      for (const to of cluster.pods) {
        if (from.group !== to.group || !['goldpinger', 'nodepinger'].includes(from.group) || from === to) continue;
        const key = `${cni(from)}->${cni(to)} ${from.node === to.node ? 'same' : 'cross'}`;
        const { ok } = cluster.network.connect({ podUid: from.name }, { ip: to.ip, port: PING_PORT });
        seen.set(key, (seen.get(key) ?? new Set()).add(ok ? 'OK' : 'BAD'));
      }
    }
    for (const [key, state] of expected) expect([...(seen.get(key) ?? [])], key).toEqual([state]);
  });

  test('between Cilium pods identities decide, across nodes too (moment 3; observed: CIL->CIL OK)', () => {
    const cluster = recordedCluster(3);
    for (const node of cluster.network.nodes()) node.setCilium({ ...node.cilium()!, policyEnforcement: 'default' });
    cluster.network.setPolicies(networkPolicies({ policies: () => [policy], namespaceLabels: () => ({}) }));
    expect(failing(walkPairs(cluster))).toEqual([]);
    const dns = cluster.pods.find((pod) => pod.labels['k8s-app'] === 'kube-dns')!;
    const probe = cluster.pods.find((pod) => pod.group === 'goldpinger' && pod.node !== dns.node)!;
    const ask = (from: RecordedPod, to: RecordedPod) =>
      cluster.network.connect({ podUid: from.name }, { ip: to.ip, port: PING_PORT });
    expect(ask(dns, probe)).toMatchObject({ ok: false, lostAt: expect.stringContaining(`pod ${dns.ip}`) });
    expect(ask(probe, dns).ok).toBe(true);
  });

  test('a masqueraded Calico pod is the world to Cilium on its own node as well (derived from the recorded drop lines)', () => {
    const cluster = recordedCluster(2);
    const worker = cluster.node('worker');
    const ip = '192.168.204.200';
    worker.addLink({ name: 'calilate', kind: 'veth', mtu: 1450 });
    worker.addRoute(`${ip} dev calilate scope link`);
    worker.addRule('filter', '-A cali-from-wl-dispatch -i calilate -j ACCEPT', true);
    worker.addRule('filter', '-A cali-to-wl-dispatch -o calilate -j ACCEPT', true);
    const labels = { tier: 'ping' };
    worker.attachPod({
      podUid: 'late',
      name: 'late',
      namespace: 'default',
      ip,
      device: 'calilate',
      cni: 'calico',
      labels,
    });
    const target = cluster.pods.find((pod) => pod.node === 'kind-worker' && pod.group === 'goldpinger')!;
    const ask = () => cluster.network.connect({ podUid: 'late' }, { ip: target.ip, port: PING_PORT });
    expect(ask()).toMatchObject({ ok: true, sourceSeen: '10.244.0.244' });
    worker.setCilium({ ...worker.cilium()!, policyEnforcement: 'default' });
    cluster.network.setPolicies(networkPolicies({ policies: () => [policy], namespaceLabels: () => ({}) }));
    expect(ask()).toMatchObject({ ok: false, lostAt: expect.stringContaining('world 10.244.0.244') });
  });

  test('a pod’s own node always reaches it; other nodes do not', () => {
    const cluster = recordedCluster(2);
    for (const node of cluster.network.nodes()) node.setCilium({ ...node.cilium()!, policyEnforcement: 'default' });
    cluster.network.setPolicies(networkPolicies({ policies: () => [policy], namespaceLabels: () => ({}) }));
    for (const pod of cluster.pods.filter((one) => one.labels.tier === 'ping')) {
      for (const { node } of cluster.network.nodes()) {
        const { ok } = cluster.network.connect({ node }, { ip: pod.ip, port: PING_PORT });
        expect(ok, `${node} -> ${pod.name}`).toBe(node === pod.node);
      }
    }
  });
});
