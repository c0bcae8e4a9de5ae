import { expect, test } from 'vitest';
import { poolTooSmall } from '../../../src/preflight/rules/pool-too-small.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, clusterOf, found, foundLive } from '../facts.ts';

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  ['left open', { cluster: { workers: 9_000 }, cilium: { podCIDR: null as never } }, []],
  ['a block for each of 256 nodes', { cluster: { workers: 255 } }, []],
  ['several small pools', { cluster: { workers: 3 }, cilium: { podCIDR: ['10.1.0.0/23', '10.2.0.0/23'] } }, []],
  [
    'another mode',
    { cilium: { podCIDR: ['10.1.0.0/24'], values: { ipam: { mode: 'kubernetes' } } as JsonObject } },
    [],
  ],
  [
    'a mask that is none',
    { cilium: { values: { ipam: { operator: { clusterPoolIPv4MaskSize: 'wide' } } } as JsonObject } },
    [
      'lab.yaml: cilium.values.ipam.operator.clusterPoolIPv4MaskSize: "wide" is no prefix length of a node\'s block; write one such as 24',
    ],
  ],
  [
    'a node more',
    { cluster: { workers: 256 } },
    [
      'lab.yaml: cilium.podCIDR: 10.244.0.0/16 of Cilium has 256 blocks of /24 (lab.yaml: cilium.maskSize) for 257 nodes, and each needs one; write a larger pool such as 10.254.0.0/15, or a longer mask',
    ],
  ],
  [
    'one block',
    { cilium: { podCIDR: ['10.1.0.0/24'] } },
    [
      'lab.yaml: cilium.podCIDR: 10.1.0.0/24 of Cilium has 1 block of /24 (lab.yaml: cilium.maskSize) for 5 nodes, and each needs one; write a larger pool such as 10.244.0.0/16, or a longer mask',
    ],
  ],
  [
    "a pool smaller than a node's block, both given as values",
    {
      cilium: {
        values: {
          ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.1.0.0/25'], clusterPoolIPv4MaskSize: '24' } },
        } as JsonObject,
      },
    },
    [
      'lab.yaml: cilium.values.ipam.operator.clusterPoolIPv4PodCIDRList: 10.1.0.0/25 of Cilium has 0 blocks of /24 (lab.yaml: cilium.values.ipam.operator.clusterPoolIPv4MaskSize) for 5 nodes, and each needs one; write a larger pool such as 10.244.0.0/16, or a longer mask',
    ],
  ],
])('%s', (_, change, expected) => {
  expect(found(poolTooSmall, change)).toEqual(expected);
});

test('the cluster may have more nodes than were asked for', () => {
  const change: Change = { cilium: { podCIDR: ['10.1.0.0/21'] } };
  expect(foundLive(poolTooSmall, {}, change)).toEqual([]);
  const clusterNodes = Array.from({ length: 9 }, (_, i) => ({
    ...clusterOf().clusterNodes[0]!,
    metadata: { name: `n${i}` },
  }));
  expect(foundLive(poolTooSmall, { clusterNodes }, change)).toEqual([expect.stringContaining('8 blocks of /24')]);
});
