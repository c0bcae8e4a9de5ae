import { expect, test } from 'vitest';
import { ipFamily } from '../../../src/preflight/rules/ip-family.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found } from '../facts.ts';

const values = (value: JsonObject): Change => ({ cilium: { values: value } });
const network = (calicoNetwork: JsonObject): Change => ({ calico: { installation: { calicoNetwork } as JsonObject } });

test.each<[string, Change, string[]]>([
  ['the lab', {}, []],
  ['what is said anyway', values({ ipv4: { enabled: true }, ipv6: { enabled: false } }), []],
  [
    'Cilium with both',
    values({ ipv6: { enabled: true } }),
    [
      'lab.yaml: cilium.values.ipv6.enabled: Cilium with IPv6 on a cluster and a Calico that are IPv4 only (lab.yaml: cluster.podSubnet): a change of IP family during the migration is not tested; write false, or leave it out',
    ],
  ],
  [
    'Cilium with IPv6 only',
    values({ ipv6: { enabled: true }, ipv4: { enabled: false } }),
    [
      expect.stringMatching(/^lab\.yaml: cilium\.values\.ipv6\.enabled: /) as unknown as string,
      'lab.yaml: cilium.values.ipv4.enabled: Cilium without IPv4 can serve no pod of this IPv4 cluster (lab.yaml: cluster.podSubnet); write true, or leave it out',
    ],
  ],
  [
    'both at the end',
    { cilium: { finalValues: { ipv6: { enabled: true } } as JsonObject } },
    [expect.stringMatching(/^lab\.yaml: cilium\.finalValues\.ipv6\.enabled: /) as unknown as string],
  ],
  [
    'Calico with both',
    network({
      ipPools: [{ cidr: '192.168.0.0/16' }, { cidr: 'fd00::/112' }],
      nodeAddressAutodetectionV6: { firstFound: true },
    }),
    [
      "lab.yaml: calico.installation.calicoNetwork.ipPools.1.cidr: Calico's pool fd00::/112 is IPv6, and the cluster (lab.yaml: cluster.podSubnet) and Cilium are IPv4 only; leave it out",
      'lab.yaml: calico.installation.calicoNetwork.nodeAddressAutodetectionV6: the nodes of this cluster have no IPv6 address that Calico could find (lab.yaml: cluster.podSubnet is IPv4); leave it out',
    ],
  ],
  [
    'pools that are none',
    values({ ipam: { operator: { clusterPoolIPv4PodCIDRList: ['fd00::/104', '10.244.0.0/16', '10.245.0.0'] } } }),
    ['fd00::/104', '10.245.0.0'].map(
      (cidr) =>
        `lab.yaml: cilium.values.ipam.operator.clusterPoolIPv4PodCIDRList: "${cidr}" in Cilium's list of IPv4 pools is no IPv4 CIDR; write one such as 10.244.0.0/16`,
    ),
  ],
])('%s', (_, change, expected) => {
  expect(found(ipFamily, change)).toEqual(expected);
});
