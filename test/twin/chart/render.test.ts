import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { ciliumConfig } from '../../../src/twin/chart/cilium-config.ts';
import { bundledVersions, ciliumMinor, loadChart } from '../../../src/twin/chart/data.ts';
import { mergeValues, valueAt } from '../../../src/twin/chart/merge.ts';
import { renderChart } from '../../../src/twin/chart/render.ts';

function recorded(name: string): Record<string, string> {
  const file = new URL(`../../fixtures/cilium-recorded/cilium-config.${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { data: Record<string, string> }).data;
}

/** What the recording was installed with. */
const INITIAL: JsonObject = {
  routingMode: 'tunnel',
  tunnelProtocol: 'vxlan',
  tunnelPort: 8473,
  cni: { customConf: true, uninstall: false },
  ipam: {
    mode: 'cluster-pool',
    operator: { clusterPoolIPv4PodCIDRList: ['10.244.0.0/16'], clusterPoolIPv4MaskSize: 24 },
  },
  policyEnforcementMode: 'never',
  bpf: { hostLegacyRouting: true },
  operator: { replicas: 1, unmanagedPodWatcher: { restart: false } },
  cluster: { name: 'kind-kind' },
  hubble: { enabled: false },
  l7Proxy: false,
  authentication: { enabled: true },
};
const FINAL = mergeValues(INITIAL, {
  operator: { unmanagedPodWatcher: { restart: true } },
  cni: { customConf: false },
  policyEnforcementMode: 'default',
});

const config = (version: string, user: JsonObject): Record<string, string> =>
  ciliumConfig(version, mergeValues(loadChart(version)!.values, user));

function find(version: string, user: JsonObject, kind: string, name: string): JsonObject | undefined {
  const values = mergeValues(loadChart(version)!.values, user);
  return renderChart(version, 'kube-system', values).find(
    (object) => object.kind === kind && valueAt(object, 'metadata.name') === name,
  );
}

describe('cilium-config', () => {
  test('1.19 with the recorded values is the recorded ConfigMap, key by key', () => {
    expect(config('1.19.6', INITIAL)).toEqual(recorded('initial'));
    expect(config('1.19.6', FINAL)).toEqual(recorded('final'));
  });

  test('the final values change exactly the recorded six keys', () => {
    const [before, after] = [config('1.19.6', INITIAL), config('1.19.6', FINAL)];
    const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((key) => before[key] !== after[key])
      .sort();
    expect(changed).toEqual([
      'cni-exclusive',
      'cni-log-file',
      'custom-cni-conf',
      'enable-policy',
      'unmanaged-pod-watcher-interval',
      'write-cni-conf-when-ready',
    ]);
  });

  test.each(bundledVersions())('%s: the watcher interval has the form of its version', (version) => {
    expect(config(version, INITIAL)['unmanaged-pod-watcher-interval']).toBe('0');
    expect(config(version, FINAL)['unmanaged-pod-watcher-interval']).toBe(ciliumMinor(version) >= 19 ? '15s' : '15');
  });

  test.each([
    [{ cni: { uninstall: true } }, 'cni-uninstall', 'true'],
    [{ cni: { uninstall: false } }, 'cni-uninstall', undefined],
    [{ tunnelPort: 0 }, 'tunnel-port', undefined],
    [{ ipam: { mode: 'kubernetes' } }, 'cluster-pool-ipv4-cidr', undefined],
    [
      { ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.0.0.0/24', '10.0.2.0/24'] } } },
      'cluster-pool-ipv4-cidr',
      '10.0.0.0/24 10.0.2.0/24',
    ],
    [{ cni: { customConf: false, exclusive: false } }, 'cni-exclusive', 'false'],
    [{ cni: { install: false } }, 'write-cni-conf-when-ready', undefined],
    [{ MTU: 1400 }, 'mtu', '1400'],
  ])('%j gives %s=%s', (user, key, value) => {
    expect(config('1.19.6', user as JsonObject)[key as string]).toBe(value);
  });
});

describe('objects', () => {
  test.each(bundledVersions())('%s: envoy is a DaemonSet from 1.16 on, unless switched off', (version) => {
    const expected = ciliumMinor(version) >= 16;
    expect(find(version, {}, 'DaemonSet', 'cilium-envoy') !== undefined).toBe(expected);
    expect(find(version, { l7Proxy: false }, 'DaemonSet', 'cilium-envoy')).toBeUndefined();
    expect(find(version, { envoy: { enabled: false } }, 'DaemonSet', 'cilium-envoy')).toBeUndefined();
  });

  test.each(bundledVersions())('%s: startup budget and operator tolerations as charted', (version) => {
    const container = (
      valueAt(find(version, {}, 'DaemonSet', 'cilium')!, 'spec.template.spec.containers') as JsonObject[]
    )[0]!;
    expect(valueAt(container, 'startupProbe.failureThreshold')).toBe(ciliumMinor(version) <= 17 ? 105 : 300);
    const tolerations = valueAt(find(version, {}, 'Deployment', 'cilium-operator')!, 'spec.template.spec.tolerations');
    if (ciliumMinor(version) <= 17) expect(tolerations).toEqual([{ operator: 'Exists' }]);
    else expect(tolerations).toContainEqual({ key: 'node.cilium.io/agent-not-ready', operator: 'Exists' });
  });

  test('images carry the digest with useDigest, and only then', () => {
    const image = (user: JsonObject): unknown =>
      (valueAt(find('1.19.6', user, 'DaemonSet', 'cilium')!, 'spec.template.spec.containers') as JsonObject[])[0]!
        .image;
    expect(image({})).toMatch(/^quay\.io\/cilium\/cilium:v1\.19\.6@sha256:/);
    expect(image({ image: { useDigest: false } })).toBe('quay.io/cilium/cilium:v1.19.6');
  });

  test('one replica of the operator may be away, more are halved', () => {
    const strategy = (replicas: number): unknown =>
      valueAt(
        find('1.19.6', { operator: { replicas } }, 'Deployment', 'cilium-operator')!,
        'spec.strategy.rollingUpdate.maxUnavailable',
      );
    expect(strategy(1)).toBe('100%');
    expect(strategy(2)).toBe('50%');
  });

  test('rollOutCiliumPods makes the template follow the ConfigMap', () => {
    const annotations = (user: JsonObject): unknown =>
      valueAt(find('1.19.6', user, 'DaemonSet', 'cilium')!, 'spec.template.metadata.annotations');
    const rolled = { rollOutCiliumPods: true };
    expect(annotations({ policyEnforcementMode: 'never' })).toEqual(annotations({}));
    expect(annotations({ ...rolled, policyEnforcementMode: 'never' })).not.toEqual(annotations(rolled));
  });

  test('from 1.19 on a single config map as source leaves out the container that reads CiliumNodeConfigs', () => {
    const names = (version: string): unknown[] =>
      (
        valueAt(
          find(version, { daemon: { configSources: 'config-map:cilium-config' } }, 'DaemonSet', 'cilium')!,
          'spec.template.spec.initContainers',
        ) as JsonObject[]
      ).map((container) => container.name);
    expect(names('1.18.12')).toContain('config');
    expect(names('1.19.6')).not.toContain('config');
  });
});
