import { describe, expect, test } from 'vitest';
import { reviewForTwin } from '../../src/provider/twin-review.ts';
import type { JsonObject } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

const installation = (spec: JsonObject) => reviewForTwin(scenario({ calico: { installation: spec } })).notModelled;

test('the lab lacks nothing', () => {
  expect(reviewForTwin(scenario())).toEqual({
    notModelled: [],
    notModelledValues: [],
    irrelevantValues: [],
    unknownValues: [],
  });
});

describe('an Installation', () => {
  test.each<[JsonObject, string[]]>([
    [{ calicoNetwork: { bgp: 'Disabled' }, controlPlaneReplicas: 1, kubeletVolumePluginPath: 'None' }, []],
    [{ calicoNetwork: { linuxDataplane: 'Iptables' } }, []],
    [
      { calicoNetwork: { linuxDataplane: 'BPF' } },
      ['calico.installation.calicoNetwork.linuxDataplane: "BPF" (modelled: Iptables)'],
    ],
    [{ calicoNetwork: { mtu: 1400 } }, ['calico.installation.calicoNetwork.mtu']],
    [{ cni: { ipam: { type: 'HostLocal' } } }, ['calico.installation.cni.ipam.type: "HostLocal" (modelled: Calico)']],
    [{ typhaDeployment: {} }, ['calico.installation.typhaDeployment']],
  ])('%j', (spec, lacking) => {
    expect(installation(spec)).toEqual(lacking);
  });
});

test('values are sorted into what has a model, what changes nothing, what lacks one, and what no chart knows', () => {
  const review = reviewForTwin(
    scenario({
      cilium: {
        values: { encryption: { enabled: true }, resources: { limits: { cpu: '1' } }, tunelPort: 1 } as JsonObject,
        finalValues: { hubble: { enabled: false } } as JsonObject,
      },
    }),
  );
  expect(review.notModelledValues).toEqual(['cilium.values.encryption.enabled']);
  expect(review.irrelevantValues).toContain('cilium.values.resources');
  expect(review.unknownValues).toEqual([
    expect.stringMatching(/^cilium\.values\.tunelPort \(did you mean tunnelPort\?\)$/),
  ]);
  expect(review.notModelled).toEqual([]);
});

test('what has no model at all cannot be allowed', () => {
  expect(
    reviewForTwin(
      scenario({
        finish: { connectivityTest: { tests: [], timeout: '10m' } },
        probes: { mesh: 'sampled' },
        calico: { felix: { vxlanPort: 4790, bpfEnabled: true } as JsonObject },
      }),
    ).notModelled.map((text) => text.split(' ')[0]),
  ).toEqual(['calico.felix.bpfEnabled', 'finish.connectivityTest', 'probes.mesh']);
});
