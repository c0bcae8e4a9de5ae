import { describe, expect, test } from 'vitest';
import { unknownPaths } from '../../src/cni/chart-paths.ts';
import { verifiedCiliumVersions } from '../../src/cni/images.ts';
import { reviewForKind } from '../../src/provider/kind-review.ts';
import { reviewForTwin } from '../../src/provider/twin-review.ts';
import { assertProviderData } from '../../src/scenario/provider-data.ts';
import type { JsonObject, Scenario } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

const LAB = scenario();
const withValues = (values: JsonObject, version = '1.19.6'): Scenario => ({
  ...LAB,
  cilium: { ...LAB.cilium, version, values },
});

/** Values as users write them, some of them wrong. */
const VALUES: JsonObject = {
  hubble: { relay: { enabled: true }, metrics: { enabled: ['dns'] } },
  resources: { limits: { memory: '1Gi', 'example.com/thing': 1 } },
  tolerations: [{ operator: 'Exists' }],
  ipv4NativeRoutingCIDR: '10.0.0.0/8',
  kubeProxyReplacment: true,
  operator: { replcas: 2 },
  nothingLikeIt: { at: { all: 1 } },
};

describe('values that no chart knows', () => {
  test('are told with the nearest name', () => {
    expect(reviewForKind(withValues(VALUES)).unknownValues).toEqual([
      'cilium.values.kubeProxyReplacment (did you mean kubeProxyReplacement?)',
      'cilium.values.nothingLikeIt.at.all',
      'cilium.values.operator.replcas (did you mean operator.replicas?)',
    ]);
  });

  test('are those that the embedded cluster finds, by tables of its own', () => {
    for (const version of verifiedCiliumVersions()) {
      const found = (texts: readonly string[]): string[] => texts.map((text) => text.split(' ')[0]!);
      const of = withValues(VALUES, version);
      expect(found(reviewForKind(of).unknownValues), version).toEqual(found(reviewForTwin(of).unknownValues));
    }
  });

  test('are judged by the same minor where the patch has no data, and not at all where the minor has none', () => {
    expect(unknownPaths('1.19.1', { image: { tagg: 'x' } })).toEqual([{ path: 'image.tagg', near: 'image.tag' }]);
    expect(unknownPaths('1.25.0', { image: { tagg: 'x' } })).toEqual([]);
  });

  test('on kind nothing lacks a model', () => {
    const review = reviewForKind(withValues(VALUES));
    expect([review.notModelled, review.notModelledValues, review.irrelevantValues]).toEqual([[], [], []]);
  });
});

describe('versions', () => {
  const check = (change: { calico?: string; cilium?: string }, provider: 'twin' | 'kind'): string => {
    const of = {
      ...LAB,
      calico: { ...LAB.calico, version: change.calico ?? LAB.calico.version },
      cilium: { ...LAB.cilium, version: change.cilium ?? LAB.cilium.version },
    };
    try {
      assertProviderData(of, 'x.yaml', provider);
      return 'fine';
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each<[{ calico?: string; cilium?: string }, 'twin' | 'kind', RegExp]>([
    [{}, 'kind', /^fine$/],
    [{ cilium: '1.14.0' }, 'kind', /^fine$/],
    [{ cilium: '1.18.1' }, 'kind', /^fine$/],
    [{ cilium: '1.18.1' }, 'twin', /the twin has no data/],
    [{ cilium: '1.21.0-pre.1' }, 'kind', /^fine$/],
    [{ cilium: '1.13.18' }, 'kind', /cilium\.version.*older than 1\.14\.0/],
    [{ calico: '3.27.0' }, 'kind', /calico\.version.*not bundled; write one of 3\.32\.1/],
  ])('%j on %s', (change, provider, expected) => {
    expect(check(change, provider)).toMatch(expected);
  });
});
