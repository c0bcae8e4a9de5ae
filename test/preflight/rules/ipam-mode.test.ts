import { expect, test } from 'vitest';
import { ipamMode } from '../../../src/preflight/rules/ipam-mode.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found } from '../facts.ts';

const mode = (value: string, key: 'values' | 'finalValues' = 'values'): Change => ({
  cilium: { [key]: { ipam: { mode: value } } as JsonObject },
});

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  ['the same once more', mode('cluster-pool'), []],
  ['the same once more at the end', mode('cluster-pool', 'finalValues'), []],
  [
    'kubernetes',
    mode('kubernetes'),
    [
      'lab.yaml: cilium.values.ipam.mode: ipam.mode "kubernetes" takes the nodes\' podCIDRs, which are cut from 192.168.0.0/16 (lab.yaml: cluster.podSubnet) like Calico\'s pool, so both give out the same addresses; write cluster-pool, or leave it out',
    ],
  ],
  [
    'multi-pool',
    mode('multi-pool'),
    [
      'lab.yaml: cilium.values.ipam.mode: ipam.mode "multi-pool" gives a node no podCIDR of its own, so that nobody can tell which addresses are Cilium\'s on which node; write cluster-pool, or leave it out',
    ],
  ],
  [
    'a mode of a cloud',
    mode('eni'),
    [
      'lab.yaml: cilium.values.ipam.mode: ipam.mode "eni" does not take addresses from a pool of Cilium\'s own on these nodes; write cluster-pool, or leave it out',
    ],
  ],
])('%s', (_, change, expected) => {
  expect(found(ipamMode, change)).toEqual(expected);
});

test('a change at the end is refused at the final values', () => {
  expect(found(ipamMode, mode('kubernetes', 'finalValues'))).toEqual([
    expect.stringMatching(/^lab\.yaml: cilium\.finalValues\.ipam\.mode: /),
  ]);
});
