/** Facts that rules rest on, from real files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScenarioError } from '../../src/scenario/problem.ts';
import { readScenarioWithPositions } from '../../src/scenario/read.ts';
import type { JsonObject } from '../../src/scenario/scenario.ts';
import { factsOf } from './facts.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'facts-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('a key stands where it was written, whichever way it came', () => {
  mkdirSync(join(directory, 'deep'));
  writeFileSync(join(directory, 'deep', 'values.yaml'), '# ours\ncni:\n  customConf: false\n');
  const file = join(directory, 'deep', 's.yaml');
  writeFileSync(
    file,
    [
      'schemaVersion: 1',
      'calico:',
      '  installation: { calicoNetwork: { ipPools: [{ cidr: 10.1.0.0/16 }] } }',
      'cilium:',
      '  podCIDR: 10.244.0.0/16',
      '  values: values.yaml',
      'name: s',
      '',
    ].join('\n'),
  );
  const { at } = readScenarioWithPositions(file, file, [{ path: 'cilium.tunnelPort', value: '4789' }]);
  expect(at('cilium.podCIDR')).toBe('s.yaml:5:3: cilium.podCIDR');
  expect(at('cilium.tunnelPort')).toBe('--set cilium.tunnelPort');
  expect(at('cilium.values.cni.customConf')).toBe('values.yaml:3:3: cni.customConf');
  expect(at('cilium.values')).toBe('s.yaml:6:3: cilium.values');
  expect(at('calico.installation.calicoNetwork.ipPools.0.cidr')).toMatch(
    /^s\.yaml:3:\d+: calico\.installation\.calicoNetwork\.ipPools\.0\.cidr$/,
  );
  expect(at('cluster.podSubnet')).toBe('s.yaml: cluster.podSubnet');
});

describe("Cilium's values are ours with the user's over them", () => {
  test.each<[string, Parameters<typeof factsOf>[0], readonly string[] | null, number | null]>([
    ['the lab', {}, ['10.244.0.0/16'], 8473],
    ['left open', { cilium: { podCIDR: null as never, tunnelPort: null as never } }, null, null],
    [
      'left open, but given as values',
      {
        cilium: {
          podCIDR: null as never,
          tunnelPort: null as never,
          values: { tunnelPort: 0, ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.9.0.0/16'] } } } as JsonObject,
        },
      },
      ['10.9.0.0/16'],
      8472,
    ],
    [
      'geneve on its default',
      { cilium: { tunnelProtocol: 'geneve', values: { tunnelPort: 0 } as JsonObject } },
      ['10.244.0.0/16'],
      6081,
    ],
    [
      'multi-pool',
      {
        cilium: {
          values: {
            ipam: {
              mode: 'multi-pool',
              operator: {
                autoCreateCiliumPodIPPools: { default: { ipv4: { cidrs: ['10.8.0.0/16', '10.7.0.0/16'] } } },
              },
            },
          } as JsonObject,
        },
      },
      ['10.8.0.0/16', '10.7.0.0/16'],
      8473,
    ],
  ])('%s', (_, change, podCidrs, tunnelPort) => {
    expect(factsOf(change)).toMatchObject({ podCidrs, tunnelPort });
  });
});

test('workloads come as objects with their namespace, Lists unfolded', () => {
  const manifest = `apiVersion: v1
kind: List
items:
  - { apiVersion: apps/v1, kind: Deployment, metadata: { name: web } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: { name: np, namespace: shop } }
---
{ apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: { name: gnp } }
---
{ apiVersion: example.org/v1, kind: Thing, metadata: { name: it } }
`;
  const { workloads } = factsOf({ workloads: [{ file: 'web.yaml', manifest }] });
  expect(workloads.map(({ where }) => where)).toEqual([
    'web.yaml: Deployment default/web',
    'web.yaml: Namespace shop',
    'web.yaml: NetworkPolicy shop/np',
    'web.yaml: GlobalNetworkPolicy gnp',
    'web.yaml: Thing default/it',
  ]);
});

test('a document that is no object is the file to blame', () => {
  const bad = (): unknown => factsOf({ workloads: [{ file: 'web.yaml', manifest: 'a: 1\n' }] });
  expect(bad).toThrow(ScenarioError);
  expect(bad).toThrow(/^workloads: web\.yaml, document 1: not a Kubernetes object/);
});
