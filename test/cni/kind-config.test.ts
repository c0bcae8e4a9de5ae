import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { clusterNodes, kindConfig } from '../../src/cni/kind-config.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

test("the lab's configuration is that of the walk-through", () => {
  expect(parse(kindConfig(scenario()))).toEqual({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [
      {
        role: 'control-plane',
        image: 'kindest/node:v1.34.8',
        extraPortMappings: [
          { containerPort: 32042, hostPort: 32042 },
          { containerPort: 32043, hostPort: 32043 },
        ],
      },
      ...Array.from({ length: 4 }, () => ({ role: 'worker', image: 'kindest/node:v1.34.8' })),
    ],
    networking: { disableDefaultCNI: true, podSubnet: '192.168.0.0/16', serviceSubnet: '10.96.0.0/16' },
  });
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
