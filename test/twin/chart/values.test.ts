import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { bundledVersions, loadChart } from '../../../src/twin/chart/data.ts';
import { mergeValues } from '../../../src/twin/chart/merge.ts';
import { chartFailure } from '../../../src/twin/chart/rules.ts';
import { validate } from '../../../src/twin/chart/schema.ts';
import { classifyValues } from '../../../src/twin/chart/values.ts';

describe('classifyValues', () => {
  test.each([
    ['modelled', 'tunnelPort', { tunnelPort: 8473 }],
    ['modelled', 'cni.customConf', { cni: { customConf: true } }],
    [
      'modelled',
      'ipam.operator.clusterPoolIPv4PodCIDRList',
      { ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.1.0.0/16'] } } },
    ],
    ['modelled', 'kubeProxyReplacement', { kubeProxyReplacement: false }],
    ['modelled', 'operator.unmanagedPodWatcher.restart', { operator: { unmanagedPodWatcher: { restart: true } } }],
    ['irrelevant', 'resources', { resources: { limits: { cpu: '1' } } }],
    ['irrelevant', 'operator.resources', { operator: { resources: { limits: { cpu: '1' } } } }],
    ['irrelevant', 'prometheus.enabled', { prometheus: { enabled: true } }],
    ['irrelevant', 'hubble.metrics.enabled', { hubble: { metrics: { enabled: ['dns'] } } }],
    ['irrelevant', 'encryption.enabled', { encryption: { enabled: false } }],
    ['notModelled', 'encryption.enabled', { encryption: { enabled: true } }],
    ['notModelled', 'kubeProxyReplacement', { kubeProxyReplacement: true }],
    ['notModelled', 'cni.install', { cni: { install: false } }],
    ['notModelled', 'routingMode', { routingMode: 'native' }],
    ['notModelled', 'ipv6.enabled', { ipv6: { enabled: true } }],
    ['notModelled', 'hubble.relay.enabled', { hubble: { relay: { enabled: true } } }],
    ['notModelled', 'extraConfig', { extraConfig: { 'enable-policy': 'always' } }],
  ] as [string, string, JsonObject][])('%s: %s', (kind, path, values) => {
    const classes = classifyValues('1.19.6', values);
    expect({ ...classes, unknown: classes.unknown.map((entry) => entry.path) }).toEqual({
      modelled: [],
      irrelevant: [],
      notModelled: [],
      unknown: [],
      [kind]: [path],
    });
  });

  test('a path that no chart knows comes with the nearest one', () => {
    const values = { tunelPort: 1, ipam: { operator: { clusterPoolIPv4PodCIDRlist: [] } }, cni: { customConf2: true } };
    expect(classifyValues('1.19.6', values).unknown).toEqual([
      { path: 'cni.customConf2', nearest: 'cni.customConf' },
      { path: 'ipam.operator.clusterPoolIPv4PodCIDRlist', nearest: 'ipam.operator.clusterPoolIPv4PodCIDRList' },
      { path: 'tunelPort', nearest: 'tunnelPort' },
    ]);
  });

  test.each(bundledVersions())(
    '%s knows a key that its values.yaml has only as a comment, and what the migration sets',
    (version) => {
      const values = {
        kubeProxyReplacement: 'false',
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
        operator: { replicas: 1, unmanagedPodWatcher: { restart: false }, image: { useDigest: false } },
        cluster: { name: 'kind-kind' },
        image: { useDigest: false },
        envoy: { image: { useDigest: false } },
      };
      const { notModelled, unknown, irrelevant } = classifyValues(version, values);
      expect({ notModelled, unknown, irrelevant }).toEqual({ notModelled: [], unknown: [], irrelevant: [] });
    },
  );
});

describe('the chart rejects', () => {
  const merged = (version: string, values: JsonObject): JsonObject => mergeValues(loadChart(version)!.values, values);

  test.each([
    [{ tunnelPort: '8473' }, "- at '/tunnelPort': got string, want integer"],
    [{ kubeProxyReplacement: 1 }, "- at '/kubeProxyReplacement': got number, want string or boolean"],
    [{ cni: { customConf: 'yes' } }, "- at '/cni/customConf': got string, want boolean"],
    [
      { ipam: { operator: { clusterPoolIPv4MaskSize: 24.5 } } },
      "- at '/ipam/operator/clusterPoolIPv4MaskSize': got number, want integer",
    ],
  ] as [JsonObject, string][])('%j by its schema', (values, line) => {
    expect(validate(loadChart('1.19.6')!.schema, merged('1.19.6', values))).toEqual([line]);
  });

  test.each(bundledVersions())('%s accepts its own defaults', (version) => {
    const chart = loadChart(version)!;
    expect(chart.schema === undefined).toBe(chart.minor < 16);
    if (chart.schema !== undefined) expect(validate(chart.schema, chart.values)).toEqual([]);
    expect(chartFailure(version, chart.values)).toBeUndefined();
  });

  test.each([
    ['1.15.19', { tunnel: 'vxlan' }, /removed in v1\.15/],
    ['1.14.19', { tunnel: 'vxlan' }, undefined],
    ['1.19.6', { kubeProxyReplacement: 'strict' }, /kubeProxyReplacement/],
    ['1.15.19', { kubeProxyReplacement: 'strict' }, undefined],
    ['1.19.6', { cluster: { name: 'Kind' } }, /cluster name/],
    ['1.19.6', { cluster: { id: 3 } }, /cluster\.id/],
    ['1.18.12', { routingMode: 'native' }, /ipv4NativeRoutingCIDR/],
    ['1.18.12', { ipam: { operator: { clusterPoolIPv4PodCIDR: '10.0.0.0/8' } } }, /clusterPoolIPv4PodCIDRList/],
    ['1.19.6', { ipam: { operator: { clusterPoolIPv4PodCIDR: '10.0.0.0/8' } } }, undefined],
    ['1.19.6', { hubble: { enabled: false, relay: { enabled: true } } }, /Hubble Relay/],
  ] as [string, JsonObject, RegExp | undefined][])('%s %j', (version, values, message) => {
    const failure = chartFailure(version, merged(version, values));
    if (message === undefined) expect(failure).toBeUndefined();
    else expect(failure).toMatch(message);
  });
});
