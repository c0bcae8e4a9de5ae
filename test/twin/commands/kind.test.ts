import { describe, expect, it } from 'vitest';
import type { KubeObject, Node } from '../../../src/kube/objects.ts';
import { clusterYaml, createCluster, createRig } from '../node/rig.ts';

const CREATE = ['create', 'cluster', '--name', 'kind', '--config', '-', '--kubeconfig', '/kubeconfig', '--retain'];
const DELETE = ['delete', 'cluster', '--name', 'kind', '--kubeconfig', '/kubeconfig'];

describe('kind', () => {
  it('makes the cluster that its configuration asks for', async () => {
    const rig = createRig();
    const from = rig.time.now();
    const result = await rig.run('kind', CREATE, clusterYaml(1, 4));
    expect(result).toMatchObject({ exitCode: 0, stdout: '' });
    expect(result.stderr).toContain('Set kubectl context to "kind-kind"');
    const seconds = (rig.time.now() - from) / 1000;
    expect(seconds).toBeGreaterThan(25);
    expect(seconds).toBeLessThan(46);
    const nodes = rig.world.store.list<Node>('nodes');
    expect(nodes.map((node) => node.metadata.name)).toEqual([
      'kind-control-plane',
      'kind-worker',
      'kind-worker2',
      'kind-worker3',
      'kind-worker4',
    ]);
    expect(new Set(nodes.map((node) => node.spec?.podCIDR)).size).toBe(5);
    expect(nodes[0]?.spec?.providerID).toBe('kind://docker/kind/kind-control-plane');
    expect(nodes.map((node) => node.status?.nodeInfo?.kubeletVersion)).toEqual(Array(5).fill('v1.34.11'));
    const addresses = nodes.map((node) => node.status?.addresses?.[0]?.address).sort();
    expect(addresses).toEqual(['172.18.0.2', '172.18.0.3', '172.18.0.4', '172.18.0.5', '172.18.0.6']);
    expect(rig.kubeconfigs).toEqual(new Set(['/kubeconfig']));
  });

  it('fills kube-system as kubeadm does', async () => {
    const rig = await createCluster(1, 1);
    rig.time.advance(10_000);
    const names = (resource: string, namespace: string): string[] =>
      rig.world.store.list<KubeObject>(resource, { namespace }).map((object) => object.metadata.name);
    expect(names('deployments.apps', 'kube-system')).toEqual(['coredns']);
    expect(names('deployments.apps', 'local-path-storage')).toEqual(['local-path-provisioner']);
    expect(names('daemonsets.apps', 'kube-system')).toEqual(['kube-proxy']);
    expect(names('configmaps', 'kube-system')).toEqual(
      expect.arrayContaining(['coredns', 'kube-proxy', 'kubeadm-config']),
    );
    expect(rig.world.store.get<KubeObject>('services', 'kubernetes', 'default')?.spec).toMatchObject({
      clusterIP: '10.96.0.1',
    });
    expect(rig.world.store.get<KubeObject>('services', 'kube-dns', 'kube-system')?.spec).toMatchObject({
      clusterIP: '10.96.0.10',
    });
    const config = rig.world.store.get<KubeObject>('configmaps', 'kube-proxy', 'kube-system');
    expect(JSON.stringify(config?.data)).toContain('clusterCIDR: 192.168.0.0/16');
    const pods = names('pods', 'kube-system').filter((name) => name.endsWith('-kind-control-plane'));
    expect(pods.map((name) => name.replace('-kind-control-plane', ''))).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
    ]);
  });

  it('gives addresses to nodes in another order under another seed', async () => {
    const orders = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const rig = await createCluster(1, 3, seed);
      orders.add([...rig.cluster.machines.values()].map((machine) => machine.address).join());
    }
    expect(orders.size).toBeGreaterThan(1);
  });

  it('puts a load balancer before several control planes', async () => {
    const rig = await createCluster(3, 1);
    expect(rig.cluster.loadBalancer?.name).toBe('kind-external-load-balancer');
    expect(rig.world.machines.size).toBe(4);
    const slice = rig.world.store.get<KubeObject>('endpointslices.discovery.k8s.io', 'kubernetes', 'default');
    expect(slice?.endpoints).toHaveLength(3);
    const inspected = await rig.run('docker', ['inspect', '--type', 'container', 'kind-external-load-balancer']);
    expect(JSON.parse(inspected.stdout)).toMatchObject([
      { Config: { Labels: { 'io.x-k8s.kind.role': 'external-load-balancer' } } },
    ]);
  });

  it('knows its clusters', async () => {
    const rig = createRig();
    expect(await rig.run('kind', ['get', 'clusters'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'No kind clusters found.\n',
    });
    await rig.run('kind', CREATE, clusterYaml(1, 1));
    expect((await rig.run('kind', ['get', 'clusters'])).stdout).toBe('kind\n');
    const again = await rig.run('kind', CREATE, clusterYaml(1, 1));
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('node(s) already exist for a cluster with the name "kind"');
    const deleted = await rig.run('kind', DELETE);
    expect(deleted).toMatchObject({ exitCode: 0, stdout: '' });
    expect(deleted.stderr).toContain('Deleted nodes: ["kind-control-plane" "kind-worker"]');
    expect(rig.world.apiAvailable()).toBe(false);
    expect(rig.world.network.nodes()).toEqual([]);
    expect((await rig.run('kind', DELETE)).exitCode).toBe(0);
    expect(rig.kubeconfigs.size).toBe(0);
  });

  it.each([
    ['an unknown field', 'networking: { disableDefaultCNI: true, podSubnets: x }', 1, /field podSubnets not found/],
    [
      'no control plane',
      'networking: { disableDefaultCNI: true }\nnodes: [{ role: worker }]',
      1,
      /at least one control-plane/,
    ],
    [
      'a bad subnet',
      'networking: { disableDefaultCNI: true, podSubnet: 1.2.3 }',
      1,
      /failed to parse cidr value:"1.2.3"/,
    ],
    [
      'two families',
      'networking: { disableDefaultCNI: true, podSubnet: "10.0.0.0/8,fd00::/64" }',
      1,
      /only one CIDR allowed/,
    ],
    [
      'a bad role',
      'networking: { disableDefaultCNI: true }\nnodes: [{ role: master }]',
      1,
      /"master" is not a valid node role/,
    ],
    [
      'an image that does not exist',
      'networking: { disableDefaultCNI: true }\nnodes: [{ role: control-plane, image: "kindest/node:v1.99.0" }]',
      1,
      /failed to pull image "kindest\/node:v1.99.0"/,
    ],
    ["kind's own CNI", 'networking: {}', 64, /not modelled by the twin: kind create cluster: kindnet/],
    ['ipvs', 'networking: { disableDefaultCNI: true, kubeProxyMode: ipvs }', 64, /kubeProxyMode ipvs/],
    ['patches', 'networking: { disableDefaultCNI: true }\nkubeadmConfigPatches: [x]', 64, /kubeadmConfigPatches/],
  ])('refuses %s', async (_, rest, exitCode, text) => {
    const rig = createRig();
    const yaml = `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n${rest}\n`;
    const result = await rig.run('kind', CREATE, yaml);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toMatch(text);
    expect(rig.world.machines.size).toBe(0);
  });

  it.each([
    ['load', 'docker-image', 'x'],
    ['get', 'nodes'],
    ['create', 'cluster', '--wait', '1m'],
  ])('does not model %s %s', async (...args) => {
    const result = await createRig().run('kind', args);
    expect(result.exitCode).toBe(64);
    expect(result.stderr).toContain('not modelled by the twin: kind');
  });
});
