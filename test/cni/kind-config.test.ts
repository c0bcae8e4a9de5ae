import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { clusterNodes, kindConfig } from '../../src/cni/kind-config.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

const IMAGE = 'kindest/node:v1.34.8@sha256:02722c2dedddcfc00febf5d27fbeb9b7b2c14294c82109ff4a85d89ac9ba3256';

test("the lab's configuration is that of the walk-through", () => {
  const { kubeadmConfigPatches: _, ...config } = parse(kindConfig(scenario())) as Record<string, unknown>;
  expect(config).toEqual({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [
      {
        role: 'control-plane',
        image: IMAGE,
        extraPortMappings: [
          { containerPort: 32042, hostPort: 32042 },
          { containerPort: 32043, hostPort: 32043 },
        ],
      },
      ...Array.from({ length: 4 }, () => ({ role: 'worker', image: IMAGE })),
    ],
    networking: { disableDefaultCNI: true, podSubnet: '192.168.0.0/16', serviceSubnet: '10.96.0.0/16', dnsSearch: [] },
  });
});

const patchesOf = (text: string): unknown[] =>
  (parse(text) as { kubeadmConfigPatches: string[] }).kubeadmConfigPatches.map((patch) => parse(patch) as unknown);

test('etcd does without fsync in both of the forms that kubeadm takes', () => {
  expect(patchesOf(kindConfig(scenario()))).toEqual([
    {
      apiVersion: 'kubeadm.k8s.io/v1beta3',
      kind: 'ClusterConfiguration',
      etcd: { local: { extraArgs: { 'unsafe-no-fsync': 'true' } } },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      etcd: { local: { extraArgs: [{ name: 'unsafe-no-fsync', value: 'true' }] } },
    },
  ]);
});

test('a machine adds its own: a mirror, a directory, cgroup v1', () => {
  const extras = {
    nodeImage: 'mirror.example/docker.io/kindest/node:v1.34.8',
    archives: { hostPath: '/state/images', containerPath: '/images' },
    cgroupV1: true,
  };
  const text = kindConfig(scenario(), extras);
  const { nodes } = parse(text) as { nodes: { image: string; extraMounts: unknown }[] };
  expect(nodes).toHaveLength(5);
  for (const { image, extraMounts } of nodes) {
    expect(image).toBe(extras.nodeImage);
    expect(extraMounts).toEqual([{ hostPath: '/state/images', containerPath: '/images', readOnly: true }]);
  }
  expect(patchesOf(text).at(-1)).toEqual({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
  });
});

test('a version that no release announced goes by its tag', () => {
  const { nodes } = parse(kindConfig(scenario({ kubernetes: { version: '1.34.99' } }))) as {
    nodes: { image: string }[];
  };
  expect(new Set(nodes.map(({ image }) => image))).toEqual(new Set(['kindest/node:v1.34.99']));
});

test('several control planes publish the ports once', () => {
  const text = kindConfig(scenario({ cluster: { controlPlanes: 3, workers: 2 }, kubernetes: { image: 'mine:1' } }));
  const config = parse(text) as { nodes: { role: string; image: string; extraPortMappings?: unknown }[] };
  expect(config.nodes.map(({ role }) => role)).toEqual([
    ...['control-plane', 'control-plane', 'control-plane'],
    ...['worker', 'worker'],
  ]);
  expect(config.nodes.filter((node) => node.extraPortMappings !== undefined)).toHaveLength(1);
  expect(config.nodes[0]!.extraPortMappings).toBeDefined();
  expect(config.nodes.every(({ image }) => image === 'mine:1')).toBe(true);
});

test('nodes are named as kind names them', () => {
  expect(clusterNodes(scenario({ cluster: { name: 'x', controlPlanes: 3, workers: 2 } }).cluster)).toEqual([
    { name: 'x-control-plane', role: 'control-plane' },
    { name: 'x-control-plane2', role: 'control-plane' },
    { name: 'x-control-plane3', role: 'control-plane' },
    { name: 'x-worker', role: 'worker' },
    { name: 'x-worker2', role: 'worker' },
  ]);
});
