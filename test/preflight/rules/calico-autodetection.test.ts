import { describe, expect, test } from 'vitest';
import { calicoAutodetection } from '../../../src/preflight/rules/calico-autodetection.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { type Change, found, foundLive } from '../facts.ts';

const KEEP = { migration: { setAutodetection: 'keep' } } as const;
const by = (method: JsonObject, more: Change = KEEP): Change => ({
  ...more,
  calico: { installation: { calicoNetwork: { nodeAddressAutodetectionV4: method } } as JsonObject },
});

describe('kept as it is', () => {
  test.each<[string, Change]>([
    ['NodeInternalIP from the start', { ...KEEP, calico: { autodetection: 'NodeInternalIP' } }],
    ['NodeInternalIP by the Installation', by({ kubernetes: 'NodeInternalIP' })],
    ['an interface', by({ interface: 'eth.*' })],
    ['several interfaces', by({ interface: 'ens.*,eth0' })],
    ["a list that skips Cilium's", by({ skipInterface: 'docker.*,cilium.*' })],
    ['a target elsewhere', by({ canReach: '8.8.8.8' })],
    ['a name', by({ canReach: 'example.org' })],
    ['CIDRs of the nodes', by({ cidrs: ['172.18.0.0/16'] })],
  ])('%s passes', (_, change) => {
    expect(found(calicoAutodetection, change)).toEqual([]);
  });

  const remedy = (method: string): string =>
    `so Calico may take Cilium's cilium_host for its node's address after the install; leave ${method} out and write migration.setAutodetection: NodeInternalIP`;
  const KEY = 'lab.yaml: calico.installation.calicoNetwork.nodeAddressAutodetectionV4';
  test.each<[string, Change, string]>([
    [
      'firstFound',
      KEEP,
      "lab.yaml: migration.setAutodetection: keep leaves firstFound, which walks all interfaces from the newest (lab.yaml: calico.autodetection), so Calico may take Cilium's cilium_host for its node's address after the install; write migration.setAutodetection: NodeInternalIP",
    ],
    [
      'any interface',
      by({ interface: '.*' }),
      `${KEY}: keep leaves interface .*, which fits cilium_host (${KEY}), ${remedy('interface')}`,
    ],
    [
      'a list that skips others',
      by({ skipInterface: 'docker.*' }),
      `${KEY}: keep leaves skipInterface docker.*, which does not skip cilium_host (${KEY}), ${remedy('skipInterface')}`,
    ],
    [
      'a pattern that is none',
      by({ skipInterface: 'cilium(' }),
      `${KEY}: keep leaves skipInterface cilium(, which does not skip cilium_host (${KEY}), ${remedy('skipInterface')}`,
    ],
    [
      'a target in the pool',
      by({ canReach: '10.244.0.1' }),
      `${KEY}: keep leaves canReach 10.244.0.1, which lies in Cilium's pool 10.244.0.0/16 (${KEY}), ${remedy('canReach')}`,
    ],
    [
      'CIDRs around the pool',
      by({ cidrs: ['172.18.0.0/16', '10.0.0.0/8'] }),
      `${KEY}: keep leaves cidrs 172.18.0.0/16, 10.0.0.0/8, which hold addresses of Cilium's pool 10.244.0.0/16 (${KEY}), ${remedy('cidrs')}`,
    ],
    [
      'CIDRs around the pool that will be chosen',
      { ...by({ cidrs: ['10.0.0.0/8'] }), cilium: { podCIDR: null as never } },
      `${KEY}: keep leaves cidrs 10.0.0.0/8, which hold addresses of Cilium's pool 10.244.0.0/16 (${KEY}), ${remedy('cidrs')}`,
    ],
  ])('%s is refused', (_, change, expected) => {
    expect(found(calicoAutodetection, change)).toEqual([expected]);
  });
});

describe('moved to NodeInternalIP', () => {
  test.each<[string, Change]>([
    ['the lab', {}],
    ['firstFound of the Installation', by({ firstFound: true }, {})],
    ['NodeInternalIP before', by({ kubernetes: 'NodeInternalIP' }, {})],
  ])('%s passes', (_, change) => {
    expect(found(calicoAutodetection, change)).toEqual([]);
  });

  test.each<[string, Change, string]>([
    [
      'a method that the patch leaves beside its own',
      by({ interface: 'eth0' }, {}),
      'interface and kubernetes (of migration.setAutodetection) exclude each other, the operator calls such an Installation invalid; leave interface out, or write migration.setAutodetection: keep',
    ],
    [
      'two methods from the start',
      {
        calico: {
          autodetection: 'NodeInternalIP',
          installation: { calicoNetwork: { nodeAddressAutodetectionV4: { firstFound: true } } } as JsonObject,
        },
      },
      'firstFound and kubernetes exclude each other, the operator calls such an Installation invalid; keep one of them',
    ],
  ])('%s is refused', (_, change, expected) => {
    expect(found(calicoAutodetection, change)).toEqual([
      `lab.yaml: calico.installation.calicoNetwork.nodeAddressAutodetectionV4: ${expected}`,
    ]);
  });
});

test('the cluster is judged by what its Installation has become', () => {
  const installation = {
    metadata: { name: 'default' },
    spec: { calicoNetwork: { nodeAddressAutodetectionV4: { canReach: '10.244.0.1' } } },
  };
  expect(foundLive(calicoAutodetection)).toEqual([]);
  expect(foundLive(calicoAutodetection, { installation }, KEEP)).toEqual([
    expect.stringMatching(
      /^Installation default: spec\.calicoNetwork\.nodeAddressAutodetectionV4: keep leaves canReach/,
    ),
  ]);
  expect(foundLive(calicoAutodetection, { installation })).toEqual([
    expect.stringMatching(/canReach and kubernetes .* exclude each other/),
  ]);
});
