import { expect, test } from 'vitest';
import { calicoPoolOutsidePodSubnet } from '../../../src/preflight/rules/calico-pool-outside-pod-subnet.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found } from '../facts.ts';

const pools = (...cidrs: string[]): JsonObject => ({ calicoNetwork: { ipPools: cidrs.map((cidr) => ({ cidr })) } });

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  ['a part of the subnet', { calico: { installation: pools('192.168.0.0/18', '192.168.64.0/18') } }, []],
  // Another rule's matter.
  ['an IPv6 pool', { calico: { installation: pools('192.168.0.0/18', 'fd00::/112') } }, []],
  [
    'elsewhere',
    { cluster: { podSubnet: '10.1.0.0/16' } },
    [
      "lab.yaml: calico.cidr: Calico's pool 192.168.0.0/16 is not within the cluster's pod subnet 10.1.0.0/16 (lab.yaml: cluster.podSubnet), and the operator refuses it; write cluster.podSubnet: 192.168.0.0/16, or a pool inside 10.1.0.0/16",
    ],
  ],
  [
    'larger than the subnet, the second of two',
    { calico: { installation: pools('192.168.0.0/18', '192.0.0.0/8') } },
    [
      "lab.yaml: calico.installation.calicoNetwork.ipPools.1.cidr: Calico's pool 192.0.0.0/8 is not within the cluster's pod subnet 192.168.0.0/16 (lab.yaml: cluster.podSubnet), and the operator refuses it; write cluster.podSubnet: 192.0.0.0/8, or a pool inside 192.168.0.0/16",
    ],
  ],
])('%s', (_, change, expected) => {
  expect(found(calicoPoolOutsidePodSubnet, change)).toEqual(expected);
});
