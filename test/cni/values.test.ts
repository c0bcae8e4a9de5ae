import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import {
  ciliumNodeConfigFor,
  clusterNameFor,
  cniFileGatesReady,
  finalValues,
  hasEnvoy,
  initialValues,
  nodeConfigVersions,
  servedNodeConfigVersion,
  tunnelPortOf,
} from '../../src/cni/cilium.ts';
import { changedValues, mergeValues, valueAt } from '../../src/cni/merge.ts';
import type { JsonObject } from '../../src/scenario/scenario.ts';
import { externalEnvoy } from '../../src/twin/chart/cilium-config.ts';

const choice = {
  clusterName: 'kind-kind',
  podCidrs: ['10.244.0.0/16'],
  maskSize: 24,
  tunnelProtocol: 'vxlan' as const,
  tunnelPort: 8473,
  values: {},
};

describe("Cilium's values", () => {
  test("hold everything of the walk-through's first file", () => {
    const walkthrough: JsonObject = {
      bpf: { hostLegacyRouting: true },
      cluster: { name: 'kind-kind' },
      cni: { customConf: true, uninstall: false },
      ipam: { mode: 'cluster-pool', operator: { clusterPoolIPv4PodCIDRList: ['10.244.0.0/16'] } },
      operator: { replicas: 1, unmanagedPodWatcher: { restart: false } },
      policyEnforcementMode: 'never',
      routingMode: 'tunnel',
      tunnelPort: 8473,
      tunnelProtocol: 'vxlan',
    };
    const ours = initialValues(choice);
    expect(mergeValues(ours, walkthrough)).toEqual(ours);
    expect(['image', 'operator.image', 'envoy.image'].map((path) => valueAt(ours, `${path}.useDigest`))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('the final ones change exactly three settings', () => {
    const initial = initialValues(choice);
    expect(changedValues(initial, finalValues(initial, 'default', {}))).toEqual([
      { path: 'cni.customConf', before: true, after: false },
      { path: 'operator.unmanagedPodWatcher.restart', before: false, after: true },
      { path: 'policyEnforcementMode', before: 'never', after: 'default' },
    ]);
  });

  test("the user's values win in both moments, the final ones last", () => {
    const initial = initialValues({ ...choice, values: { MTU: 1400, operator: { replicas: 2 } } });
    expect(valueAt(initial, 'operator.replicas')).toBe(2);
    expect(valueAt(initial, 'operator.unmanagedPodWatcher.restart')).toBe(false);
    const final = finalValues(initial, 'always', { operator: { unmanagedPodWatcher: { restart: false } } });
    expect(valueAt(final, 'MTU')).toBe(1400);
    expect(valueAt(final, 'operator.unmanagedPodWatcher.restart')).toBe(false);
    expect(valueAt(final, 'policyEnforcementMode')).toBe('always');
  });

  test('the tunnel port of the merged values decides, 0 being the default of the protocol', () => {
    expect(tunnelPortOf({ tunnelPort: 8473 })).toBe(8473);
    expect(tunnelPortOf({ tunnelPort: '4789' })).toBe(4789);
    expect(tunnelPortOf({ tunnelPort: 0 })).toBe(8472);
    expect(tunnelPortOf({ tunnelProtocol: 'geneve' })).toBe(6081);
  });

  test('the difference is empty for equal values, and applying it gives the other side', () => {
    const values = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { minKeys: 1 }),
      ),
    })).value;
    const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), values) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(object, object, (a, b) => {
        expect(changedValues(a, a)).toEqual([]);
        const leaves = new Map(changedValues({}, a).map(({ path, after }) => [path, after]));
        for (const { path, after } of changedValues(a, b)) {
          if (after === null) leaves.delete(path);
          else leaves.set(path, after);
        }
        expect(new Map([...leaves].sort())).toEqual(
          new Map(
            changedValues({}, b)
              .map(({ path, after }) => [path, after] as const)
              .sort(),
          ),
        );
      }),
    );
  });
});

describe('versions', () => {
  test.each([
    ['1.14.19', ['v2alpha1'], false, false],
    ['1.15.19', ['v2alpha1'], false, false],
    ['1.16.19', ['v2', 'v2alpha1'], true, true],
    ['1.19.6', ['v2', 'v2alpha1'], true, true],
    ['1.20.0', ['v2'], true, true],
    ['1.21.0-pre.0', ['v2'], true, true],
  ])('Cilium %s serves %j', (version, served, envoy, gates) => {
    expect(nodeConfigVersions(version)).toEqual(served);
    expect(hasEnvoy(version, {})).toBe(envoy);
    expect(cniFileGatesReady(version)).toBe(gates);
  });

  test.each([
    [{ envoy: { enabled: false } }, false],
    [{ envoy: { enabled: true } }, true],
    [{ l7Proxy: false }, false],
    [{ envoy: { enabled: null } }, true],
    [{ upgradeCompatibility: '1.15' }, false],
    [{ upgradeCompatibility: '1.16' }, true],
    [{ upgradeCompatibility: '1.15', envoy: { enabled: true } }, true],
  ])('an envoy with %j: %j', (values, envoy) => {
    expect(hasEnvoy('1.19.6', values)).toBe(envoy);
    expect(externalEnvoy('1.19.6', values)).toBe(envoy);
  });

  test.each([
    [{ envoy: { enabled: true } }, true],
    [{ envoy: { enabled: true }, l7Proxy: false }, true],
    [{}, false],
  ])('before 1.16 an envoy with %j: %j', (values, envoy) => {
    expect(hasEnvoy('1.15.19', values)).toBe(envoy);
    expect(externalEnvoy('1.15.19', values)).toBe(envoy);
  });

  test('what the CRD serves decides, v2 first', () => {
    expect(servedNodeConfigVersion([{ name: 'v2alpha1', served: true }])).toBe('v2alpha1');
    const both = [
      { name: 'v2alpha1', served: true },
      { name: 'v2', served: true },
    ];
    expect(servedNodeConfigVersion(both)).toBe('v2');
    expect(servedNodeConfigVersion([{ name: 'v2', served: false }])).toBeUndefined();
  });
});

test('the CiliumNodeConfig is the one of the walk-through', () => {
  expect(stringify(ciliumNodeConfigFor('v2', {}))).toBe(`apiVersion: cilium.io/v2
kind: CiliumNodeConfig
metadata:
  namespace: kube-system
  name: cilium-default
spec:
  nodeSelector:
    matchLabels:
      io.cilium.migration/cilium-default: "true"
  defaults:
    write-cni-conf-when-ready: /host/etc/cni/net.d/05-cilium.conflist
    custom-cni-conf: "false"
    cni-chaining-mode: none
    cni-exclusive: "true"
`);
});

test.each([
  ['portmap', 'portmap'],
  [null, 'none'],
  ['', 'none'],
])('a switched node chains what the values chain: %s', (chainingMode, wanted) => {
  const { spec } = ciliumNodeConfigFor('v2', { cni: { chainingMode } });
  expect(spec).toMatchObject({ defaults: { 'cni-chaining-mode': wanted } });
});

test.each([
  ['kind', 'kind-kind'],
  ['a_b.c', 'kind-a-b-c'],
  ['x'.repeat(50), `kind-${'x'.repeat(27)}`],
])('the name of cluster %s is fit for Cilium', (name, wanted) => expect(clusterNameFor(name)).toBe(wanted));
