import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ConfigMap, KubeObject, Node } from '../../../../src/kube/objects.ts';
import type { CiliumEndpoint, CiliumNode } from '../../../../src/twin/actors/cilium/objects.ts';
import { CNI, Lab, NODES, TAKEOVER } from './lab.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/cilium-recorded/${name}`, import.meta.url), 'utf8');

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});

/** Addresses that are drawn at random, made comparable: router and health address of each node. */
function normalise(text: string, nodes: readonly CiliumNode[]): string {
  let result = text;
  for (const node of nodes) {
    const block = (node.spec.ipam.podCIDRs ?? ['?'])[0]!.replace(/0\/24$/, '');
    for (const { ip, type } of node.spec.addresses)
      if (type === 'CiliumInternalIP') result = result.replaceAll(ip, `${block}ROUTER`);
    if (node.spec.health?.ipv4 !== undefined) result = result.replaceAll(node.spec.health.ipv4, `${block}HEALTH`);
  }
  return result;
}

describe('secondary installation, held against the recorded moment 1', () => {
  const recordedNodes = (): CiliumNode[] =>
    (JSON.parse(fixture('1.ciliumnodes.json')) as { items: CiliumNode[] }).items;
  const own = (): CiliumNode[] => NODES.map((node) => lab.ciliumNode(node));
  beforeEach(() => lab.install());

  /** Both clusters with pod CIDRs named after the node that holds them, as the order of arrival differs. */
  function byNode(text: string, nodes: readonly CiliumNode[]): string[] {
    let result = normalise(text, nodes);
    for (const node of nodes) {
      const block = node.spec.ipam.podCIDRs![0]!.replace(/0\/24$/, '');
      result = result
        .replaceAll(`${block}ROUTER`, `${node.metadata.name}/router`)
        .replaceAll(`${block}0/24`, `${node.metadata.name}/cidr`);
    }
    return result
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }

  test('routes', () => {
    const recorded = byNode(fixture('1.worker.ip-route.txt'), recordedNodes()).filter((line) => /cilium/.test(line));
    const twin = byNode(lab.network('kind-worker').routes().join('\n'), own()).filter((line) => /cilium/.test(line));
    expect(twin.sort()).toEqual(recorded.sort());
    expect(twin).toHaveLength(4);
  });

  test('links with MTU, port and state', () => {
    const recorded = [
      ...fixture('1.worker.ip-d-link.txt').matchAll(/^\d+: (cilium_\w+|lxc_\w+)[^<]*<([^>]*)> mtu (\d+)/gm),
    ].map(([, name, flags, mtu]) => ({ name, up: flags!.split(',').includes('UP'), mtu: Number(mtu) }));
    const twin = lab
      .network('kind-worker')
      .links()
      .filter((link) => /^(cilium_|lxc)/.test(link.name));
    expect(twin.map(({ name, up, mtu }) => ({ name, up, mtu }))).toEqual(recorded);
    expect(lab.network('kind-worker').link('cilium_vxlan')).toMatchObject({ port: 8473, external: true, vni: 0 });
  });

  test('iptables rules', () => {
    const recorded = byNode(fixture('1.worker.iptables-save.txt'), recordedNodes()).filter((line) =>
      /^-A .*CILIUM_/.test(line),
    );
    const twin = byNode(lab.network('kind-worker').iptablesSave(), own()).filter((line) => /^-A .*CILIUM_/.test(line));
    expect(twin.sort()).toEqual(recorded.sort());
    expect(twin.length).toBeGreaterThan(25);
  });

  test('CiliumNodes', () => {
    const shape = (node: CiliumNode): unknown => {
      const text = byNode(JSON.stringify({ spec: { ...node.spec, bootid: '' }, status: node.status }), [node]).join('');
      return JSON.parse(text.replaceAll(/172\.30\.0\.\d+/g, 'NODE').replaceAll(/\d+\.\d+\.\d+\.HEALTH/g, 'HEALTH'));
    };
    expect(own().map(shape)).toEqual(recordedNodes().map(shape));
    expect(new Set(own().flatMap((node) => node.spec.ipam.podCIDRs))).toEqual(
      new Set(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']),
    );
    expect(new Set(own().map((node) => node.spec.bootid)).size).toBe(1);
  });

  test('no CNI file is touched, no endpoint exists, the plugin is in place', () => {
    for (const node of NODES)
      expect(lab.machine(node).files.list(CNI)).toEqual(['10-calico.conflist', 'calico-kubeconfig']);
    expect(lab.world.store.list('ciliumendpoints.cilium.io')).toEqual([]);
    expect(lab.machine('kind-worker').files.read('/opt/cni/bin/cilium-cni')?.mode).toBe(0o755);
  });

  test('agents are ready, and every health endpoint answers through the tunnel', () => {
    lab.world.network.setListeners(
      (where) => 'node' in where && (lab.agents.get(where.node)?.process.ports.includes(where.port) ?? false),
    );
    for (const node of NODES) {
      expect(lab.agents.get(node)!.process.probe!('startup')).toBe(true);
      for (const other of NODES)
        expect(
          lab.world.network.connect({ node }, { ip: lab.ciliumNode(other).spec.health!.ipv4!, port: 4240 }),
        ).toMatchObject({ ok: true });
    }
    expect(lab.agents.get('kind-worker')!.process.http!(4240, '/hello').status).toBe(200);
    lab.agents.get('kind-worker')!.stop();
    expect(
      lab.world.network.connect(
        { node: 'kind-worker2' },
        { ip: lab.ciliumNode('kind-worker').spec.health!.ipv4!, port: 4240 },
      ),
    ).toMatchObject({ ok: false });
  });
});

describe('a switched node', () => {
  beforeEach(() => {
    lab.install();
    lab.switchNode('kind-worker');
  });

  test('its CNI directory is the recorded one; the others are untouched', () => {
    const { files } = lab.machine('kind-worker');
    const recorded = [...fixture('2.worker.cni-dir.txt').matchAll(/^-rw\S+ \d+ root root +(\d+) .* (\S+)$/gm)].map(
      ([, , name]) => name,
    );
    expect(files.list(CNI)).toEqual(recorded);
    const content = fixture('2.worker.cni-dir.txt')
      .split('--- /etc/cni/net.d/05-cilium.conflist\n')[1]!
      .split('--- ')[0]!;
    expect(files.read(`${CNI}/05-cilium.conflist`)).toMatchObject({ content, mode: 0o600 });
    expect(content).toHaveLength(191);
    expect(lab.machine('kind-worker2').files.list(CNI)).toEqual(['10-calico.conflist', 'calico-kubeconfig']);
  });

  test('links and routes with three pods are the recorded ones of moment 2', () => {
    for (const name of ['a', 'b', 'c']) lab.addPod('kind-worker', name);
    const nameless = (name: string): string => (/^lxc[0-9a-f]{12}$/.test(name) ? 'lxcPOD' : name);
    const recorded = [
      ...fixture('2.worker.ip-d-link.txt').matchAll(/^\d+: (cilium_\w+|lxc\w+)[^<]*<([^>]*)> mtu (\d+)/gm),
    ].map(([, name, flags, mtu]) => [nameless(name!), flags!.split(',').includes('UP'), Number(mtu)]);
    const twin = lab
      .network('kind-worker')
      .links()
      .filter((link) => /^(cilium_|lxc)/.test(link.name));
    expect(twin.map(({ name, up, mtu }) => [nameless(name), up, mtu])).toEqual(recorded);
    // A pod of Cilium has no route of its own.
    const recordedRoutes = fixture('2.worker.ip-route.txt')
      .split('\n')
      .filter((line) => line.includes('cilium_host'));
    const routes = lab
      .network('kind-worker')
      .routes()
      .filter((route) => /cilium|lxc/.test(route));
    expect(routes).toHaveLength(recordedRoutes.length);
  });

  test('Calico rewriting its file loses it again at once, and a deleted 05 file comes back', () => {
    const { files } = lab.machine('kind-worker');
    files.write(`${CNI}/10-calico.conflist`, 'new', 0o600);
    lab.world.time.run(300);
    expect(files.list(CNI)).toEqual(['05-cilium.conflist', '10-calico.conflist.cilium_bak', 'calico-kubeconfig']);
    expect(files.read(`${CNI}/10-calico.conflist.cilium_bak`)?.content).toBe('new');
    files.remove(`${CNI}/05-cilium.conflist`);
    lab.world.time.run(2000);
    expect(files.read(`${CNI}/05-cilium.conflist`)).toBeDefined();
  });

  test('without the label a new agent pod leaves the files alone, also when they change', () => {
    lab.world.store.update<Node & KubeObject>('nodes', { name: 'kind-worker' }, (draft) => {
      delete draft.metadata.labels!.migrated;
    });
    lab.startAgent('kind-worker');
    lab.world.time.run(10_000);
    const { files } = lab.machine('kind-worker');
    expect(files.list(CNI)).toEqual(['05-cilium.conflist', '10-calico.conflist.cilium_bak', 'calico-kubeconfig']);
    files.rename(`${CNI}/10-calico.conflist.cilium_bak`, `${CNI}/10-calico.conflist`);
    files.remove(`${CNI}/05-cilium.conflist`);
    lab.world.time.run(60_000);
    expect(files.list(CNI)).toEqual(['10-calico.conflist', 'calico-kubeconfig']);
  });

  test('configuration belongs to the pod: a restarted container keeps it, a new pod reads it again', () => {
    const lab2 = new Lab();
    lab2.install();
    const uid = lab2.startAgent('kind-worker');
    lab2.world.time.run(10_000);
    lab2.world.store.update<ConfigMap & KubeObject>(
      'configmaps',
      { name: 'cilium-config', namespace: 'kube-system' },
      (draft) => {
        draft.data = { ...draft.data, ...TAKEOVER };
      },
    );
    lab2.startAgent('kind-worker', { sameUid: uid });
    lab2.world.time.run(10_000);
    expect(lab2.machine('kind-worker').files.list(CNI)).not.toContain('05-cilium.conflist');
    lab2.startAgent('kind-worker');
    lab2.world.time.run(10_000);
    expect(lab2.machine('kind-worker').files.list(CNI)).toContain('05-cilium.conflist');
  });

  test('pods get addresses of the node, a device, and a CiliumEndpoint in the recorded shape', () => {
    const result = lab.addPod('kind-worker', 'goldpinger-x-1', {
      app: 'goldpinger',
      tier: 'ping',
      'pod-template-hash': 'x',
    });
    const cidr = lab.ciliumNode('kind-worker').spec.ipam.podCIDRs![0]!;
    expect('ip' in result && result.ip.startsWith(cidr.replace('0/24', ''))).toBe(true);
    const attached = lab.network('kind-worker').pod(lab.uidOf('goldpinger-x-1'))!;
    expect(attached.device).toMatch(/^lxc[0-9a-f]{12}$/);
    expect(lab.network('kind-worker').link(attached.device)).toMatchObject({ mtu: 1450, up: true });
    const endpoint = lab.world.store.get<CiliumEndpoint>('ciliumendpoints.cilium.io', 'goldpinger-x-1', 'default')!;
    const recorded = (JSON.parse(fixture('2.ciliumendpoints.json')) as { items: CiliumEndpoint[] }).items[0]!;
    expect(Object.keys(endpoint.status).sort()).toEqual(Object.keys(recorded.status).sort());
    expect(endpoint.status.identity.labels).toEqual(recorded.status.identity.labels);
    expect(endpoint.metadata.labels).toEqual({ ...recorded.metadata.labels, 'pod-template-hash': 'x' });
    expect(endpoint.status.networking).toEqual({ addressing: [{ ipv4: attached.ip }], node: '172.30.0.3' });
    const identity = lab.world.store.get<KubeObject>('ciliumidentities.cilium.io', String(endpoint.status.identity.id));
    expect(identity?.['security-labels']).toMatchObject({ 'k8s:app': 'goldpinger' });

    lab.world.cniPlugins.get('cilium-cni')!.del(lab.machine('kind-worker'), {
      uid: lab.uidOf('goldpinger-x-1'),
      name: 'goldpinger-x-1',
      namespace: 'default',
    });
    expect(lab.world.store.list('ciliumendpoints.cilium.io')).toEqual([]);
    expect(lab.network('kind-worker').link(attached.device)).toBeUndefined();
  });

  test('ADD fails while the agent is away, and pods with the same labels share an identity', () => {
    lab.addPod('kind-worker', 'a');
    lab.addPod('kind-worker', 'b');
    const ids = lab.world.store
      .list<CiliumEndpoint>('ciliumendpoints.cilium.io')
      .map((endpoint) => endpoint.status.identity.id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    lab.agents.get('kind-worker')!.stop();
    expect(lab.addPod('kind-worker', 'c')).toMatchObject({
      error: expect.stringMatching(/^unable to connect to Cilium agent: .*connect: no such file or directory/),
    });
  });

  test('every address is free: a /28 is used up without a duplicate, then refused', () => {
    const small = new Lab({ ipam: { operator: { clusterPoolIPv4MaskSize: 28 } } });
    small.install();
    const ips = Array.from({ length: 12 }, (_, i) => small.addPod('kind-worker', `p${i}`));
    const drawn = ips.map((result) => ('ip' in result ? result.ip : result.error));
    const own = small.ciliumNode('kind-worker');
    const all = [...drawn, own.spec.addresses[1]!.ip, own.spec.health!.ipv4!];
    expect(new Set(all).size).toBe(14);
    expect(all.every((ip) => Number(ip.split('.')[3]) % 16 > 0 && Number(ip.split('.')[3]) % 16 < 15)).toBe(true);
    expect(small.addPod('kind-worker', 'last')).toMatchObject({ error: expect.stringContaining('No more IPs') });
  });

  test('router, health address and pod CIDR survive agent and node restarts', () => {
    const before = lab.ciliumNode('kind-worker').spec;
    lab.agents.get('kind-worker')!.stop();
    lab.world.network.removeNode('kind-worker');
    lab.world.network.addNode('kind-worker', '172.30.0.3', '172.30.0.0/16');
    lab.startAgent('kind-worker');
    lab.world.time.run(10_000);
    expect(lab.ciliumNode('kind-worker').spec).toEqual(before);
    // Without vxlan.calico the devices are full size (recorded at moment 5).
    expect(lab.network('kind-worker').link('cilium_vxlan')).toMatchObject({ mtu: 1500, up: true });
    expect(
      lab
        .network('kind-worker')
        .routes()
        .filter((route) => route.endsWith('mtu 1450')),
    ).toHaveLength(2);
    const recorded = fixture('5.worker.ip-d-link.txt').match(/cilium_host.* mtu (\d+)/)![1];
    expect(recorded).toBe('1500');
  });
});

describe('a tunnel port that Calico holds', () => {
  test('agents stay ready, the device is down, nothing is routed, pods get stuck', () => {
    const clash = new Lab({ tunnelPort: 4789 });
    clash.install();
    clash.world.time.run(60_000);
    for (const node of NODES) {
      const { process, exits } = clash.agents.get(node)!;
      expect(exits).toEqual([]);
      expect(process.probe!('readiness')).toBe(true);
      expect(clash.network(node).link('cilium_vxlan')).toMatchObject({ up: false, port: 4789 });
      expect(
        clash
          .network(node)
          .routes()
          .filter((route) => route.includes('10.244.')),
      ).toEqual([]);
      expect(clash.network(node).link('lxc_health')).toBeDefined();
    }
    expect(clash.addPod('kind-worker', 'stuck')).toHaveProperty('error');
  });

  test('the device comes up when the port is free again', () => {
    const clash = new Lab({ tunnelPort: 4789 });
    clash.install();
    clash.network('kind-worker').deleteLink('vxlan.calico');
    clash.world.time.run(11_000);
    expect(clash.network('kind-worker').link('cilium_vxlan')?.up).toBe(true);
    expect(clash.addPod('kind-worker', 'p')).toHaveProperty('ip');
  });

  test('a change from a working port leaves the old routes', () => {
    lab.install();
    lab.world.store.update<ConfigMap & KubeObject>(
      'configmaps',
      { name: 'cilium-config', namespace: 'kube-system' },
      (draft) => {
        draft.data = { ...draft.data, 'tunnel-port': '4789' };
      },
    );
    lab.startAgent('kind-worker');
    lab.world.time.run(10_000);
    expect(lab.network('kind-worker').link('cilium_vxlan')).toMatchObject({ up: false, port: 4789 });
    expect(
      lab
        .network('kind-worker')
        .routes()
        .filter((route) => route.includes('10.244.')),
    ).toHaveLength(4);
  });
});
