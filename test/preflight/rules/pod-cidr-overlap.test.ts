import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { podCidrOverlap } from '../../../src/preflight/rules/pod-cidr-overlap.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found, foundLive, pool } from '../facts.ts';

const cilium = (...podCIDR: string[]): Change => ({ cilium: { podCIDR } });
const values = (value: JsonObject, podCIDR: readonly string[] | null = null): Change => ({
  cilium: { podCIDR: podCIDR as never, values: value },
});
const list = (...cidrs: string[]): JsonObject => ({ ipam: { operator: { clusterPoolIPv4PodCIDRList: cidrs } } });
const installation = (...ipPools: JsonObject[]): Change => ({
  calico: { installation: { calicoNetwork: { ipPools } } as JsonObject },
});

describe('the scenario', () => {
  test.each<[string, Change]>([
    ['the lab', {}],
    ['pools left open', { cilium: { podCIDR: null as never } }],
    ['several pools', cilium('10.244.0.0/16', '10.245.0.0/16')],
    ['right beside Calico', cilium('192.169.0.0/16', '192.167.0.0/16')],
    ['a pool of the default that the Installation replaces', installation({ cidr: '10.1.0.0/16' })],
    [
      'a pool in which nobody gets an address',
      installation({ cidr: '192.168.0.0/16' }, { cidr: '10.244.0.0/16', disableNewAllocations: true }),
    ],
    [
      'a mode without pools of its own',
      { cilium: { podCIDR: ['192.168.0.0/16'], values: { ipam: { mode: 'kubernetes' } } as JsonObject } },
    ],
    ["values that win over the scenario's key", values(list('10.9.0.0/16'))],
  ])('%s passes', (_, change) => {
    expect(found(podCidrOverlap, change)).toEqual([]);
  });

  test.each<[string, Change, string[]]>([
    [
      "Calico's pool",
      cilium('192.168.0.0/16'),
      [
        "lab.yaml: cilium.podCIDR: 192.168.0.0/16 of Cilium overlaps Calico's pool 192.168.0.0/16 (lab.yaml: calico.cidr): a Cilium pod with an address inside another node's Calico block cannot be reached; write 10.244.0.0/16 instead",
      ],
    ],
    [
      'a part of it, in the second pool of several, against the second of several',
      {
        cilium: { podCIDR: ['10.244.0.0/16', '10.1.9.0/24'] },
        ...installation({ cidr: '192.168.0.0/16' }, { cidr: '10.1.0.0/16' }),
      },
      [
        "lab.yaml: cilium.podCIDR.1: 10.1.9.0/24 of Cilium overlaps Calico's pool 10.1.0.0/16 (lab.yaml: calico.installation.calicoNetwork.ipPools.1.cidr): a Cilium pod with an address inside another node's Calico block cannot be reached; write 10.255.0.0/16 instead",
      ],
    ],
    [
      'the Services',
      cilium('10.96.0.0/16'),
      [
        "lab.yaml: cilium.podCIDR: 10.96.0.0/16 of Cilium overlaps the Services' subnet 10.96.0.0/16 (lab.yaml: cluster.serviceSubnet): a pod may get the address of a Service; write 10.244.0.0/16 instead",
      ],
    ],
    [
      'the nodes',
      cilium('172.16.0.0/12'),
      [
        "lab.yaml: cilium.podCIDR: 172.16.0.0/12 of Cilium overlaps the nodes' subnet 172.18.0.0/16 (lab.yaml: cluster.nodeSubnet): Cilium's routes hide the nodes themselves, and the API is lost; write 10.244.0.0/16 instead",
      ],
    ],
    [
      "the pod subnet beside Calico's pool",
      {
        cluster: { podSubnet: '192.168.0.0/16' },
        calico: { cidr: '192.168.0.0/17' },
        cilium: { podCIDR: ['192.168.128.0/17'] },
      },
      [
        "lab.yaml: cilium.podCIDR: 192.168.128.0/17 of Cilium overlaps the cluster's pod subnet 192.168.0.0/16 (lab.yaml: cluster.podSubnet): it must be left to Calico and kube-proxy; write 10.244.0.0/16 instead",
      ],
    ],
    [
      'itself',
      cilium('10.0.0.0/12', '10.1.0.0/16'),
      [
        'lab.yaml: cilium.podCIDR.1: 10.1.0.0/16 of Cilium overlaps its own pool 10.0.0.0/12 (lab.yaml: cilium.podCIDR.0), which its operator refuses; write 10.244.0.0/16 instead',
      ],
    ],
  ])('over %s is refused', (_, change, expected) => {
    expect(found(podCidrOverlap, change)).toEqual(expected);
  });

  test('everything that is hit is told, each once, at the key that the user wrote', () => {
    const told = found(podCidrOverlap, values(list('0.0.0.0/0')));
    expect(told.map((line) => line.split(' overlaps ')[1]!.split(' (')[0])).toEqual([
      "Calico's pool 192.168.0.0/16",
      "the Services' subnet 10.96.0.0/16",
      "the nodes' subnet 172.18.0.0/16",
    ]);
    for (const line of told) {
      expect(line).toMatch(/^lab\.yaml: cilium\.values\.ipam\.operator\.clusterPoolIPv4PodCIDRList: /);
      expect(line).toMatch(/; write a CIDR that is not in use$/);
    }
  });

  test('a pool that only the final values add is judged too', () => {
    const change: Change = { cilium: { finalValues: list('10.244.0.0/16', '192.168.0.0/24') } };
    expect(found(podCidrOverlap, change)).toEqual([
      expect.stringMatching(
        /^lab\.yaml: cilium\.finalValues\.ipam.*: 192\.168\.0\.0\/24 of Cilium overlaps Calico's pool/,
      ),
    ]);
  });

  test('pools of multi-pool mode are judged', () => {
    const pools = { default: { ipv4: { cidrs: ['192.168.0.0/16'] } } };
    const change = values({ ipam: { mode: 'multi-pool', operator: { autoCreateCiliumPodIPPools: pools } } });
    expect(found(podCidrOverlap, change)).toHaveLength(1);
  });

  test('the subnet of real nodes is not known before they exist', () => {
    expect(found(podCidrOverlap, cilium('172.18.0.0/16'), 'kind')).toEqual([]);
  });

  test('what it says to write is never refused', () => {
    const prefix = fc.integer({ min: 9, max: 24 });
    const cidr = fc
      .tuple(fc.constantFrom(10, 172, 192), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), prefix)
      .map(([a, b, c, size]) => {
        const address = (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8) & (-1 << (32 - size));
        return `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')}/${size}`;
      });
    fc.assert(
      fc.property(cidr, cidr, (calico, ours) => {
        const change = (podCIDR: string): Change => ({
          calico: { cidr: calico },
          cluster: { podSubnet: calico },
          cilium: { podCIDR: [podCIDR] },
        });
        for (const line of found(podCidrOverlap, change(ours))) {
          const instead = /write (\S+) instead$/.exec(line)?.[1];
          if (instead !== undefined) expect(found(podCidrOverlap, change(instead))).toEqual([]);
        }
      }),
    );
  });
});

describe('the cluster', () => {
  test.each<[string, Parameters<typeof foundLive>[1], string[]]>([
    ['as the scenario has it', {}, []],
    [
      'a disabled pool over it: a remedy against masquerading',
      { pools: [pool('a', '192.168.0.0/16'), pool('b', '10.244.0.0/16', { disabled: true })] },
      [],
    ],
    [
      'another pool',
      { pools: [pool('a', '192.168.0.0/16'), pool('b', '10.244.128.0/17')] },
      [
        "lab.yaml: cilium.podCIDR: 10.244.0.0/16 of Cilium overlaps Calico's pool 10.244.128.0/17 (IPPool b): a Cilium pod with an address inside another node's Calico block cannot be reached; write 10.255.0.0/16 instead",
      ],
    ],
    [
      "a block that outlives its pool, and the pool's own blocks not once more",
      { pools: [], blocks: new Map([['kind-worker', ['10.244.1.64/26', '10.1.0.0/26']]]) },
      [
        "lab.yaml: cilium.podCIDR: 10.244.0.0/16 of Cilium overlaps Calico's block 10.244.1.64/26 (IPAMBlock 10-244-1-64-26 of kind-worker): a Cilium pod with an address inside another node's Calico block cannot be reached; write 10.255.0.0/16 instead",
      ],
    ],
    [
      'nodes elsewhere than asked for',
      { nodeSubnets: ['10.244.0.0/24'] },
      [
        "lab.yaml: cilium.podCIDR: 10.244.0.0/16 of Cilium overlaps the nodes' subnet 10.244.0.0/24 (the nodes' addresses): Cilium's routes hide the nodes themselves, and the API is lost; write 10.255.0.0/16 instead",
      ],
    ],
    [
      'Services elsewhere, of two families',
      { serviceSubnet: 'fd00::/112,10.244.0.0/20' },
      [
        "lab.yaml: cilium.podCIDR: 10.244.0.0/16 of Cilium overlaps the Services' subnet 10.244.0.0/20 (ConfigMap kube-system/kubeadm-config): a pod may get the address of a Service; write 10.255.0.0/16 instead",
      ],
    ],
  ])('%s', (_, change, expected) => {
    expect(foundLive(podCidrOverlap, change)).toEqual(expected);
  });

  test('pools that are chosen from it cannot collide with it', () => {
    const open: Change = { cilium: { podCIDR: null as never } };
    expect(foundLive(podCidrOverlap, { pools: [pool('a', '10.244.0.0/16')] }, open)).toEqual([]);
  });
});
