import { expect, test } from 'vitest';
import { configSources as rule } from '../../../src/preflight/rules/config-sources.ts';
import { type Change, found, values } from '../rig.ts';

const daemon = (given: object) => values({ daemon: given });
const KEYS = 'cni-chaining-mode,cni-exclusive,custom-cni-conf,write-cni-conf-when-ready';

test.each<[string, Change]>([
  ['the lab', {}],
  ['null, the default', daemon({ configSources: null, allowedConfigOverrides: null })],
  ['the default written out', daemon({ configSources: 'config-map:cilium-config,cilium-node-config' })],
  [
    'with a namespace',
    daemon({ configSources: 'config-map:kube-system/cilium-config,cilium-node-config:kube-system' }),
  ],
  ['with nodes besides', daemon({ configSources: 'config-map:cilium-config, cilium-node-config, node:' })],
  ['all four keys allowed', daemon({ allowedConfigOverrides: `${KEYS},debug` })],
  ['other keys blocked', daemon({ blockedConfigOverrides: 'debug' })],
  [
    'blocked, but the allowed ones win',
    daemon({ allowedConfigOverrides: KEYS, blockedConfigOverrides: 'cni-exclusive' }),
  ],
  ['CRDs created', values({ operator: { skipCRDCreation: false } })],
])('passes: %s', (_, change) => {
  expect(found(rule, change)).toEqual([]);
});

test('refuses sources without CiliumNodeConfigs', () => {
  expect(found(rule, daemon({ configSources: 'config-map:cilium-config' }))).toEqual([
    'lab.yaml: cilium.values.daemon.configSources: "config-map:cilium-config" names no cilium-node-config, so the agent of a labelled node ignores the CiliumNodeConfig and never takes over its CNI directory; leave it out, or write config-map:cilium-config,cilium-node-config',
  ]);
  expect(found(rule, daemon({ configSources: 'config-map:cilium-config,node:' }))).toHaveLength(1);
});

test('refuses lists that keep the four keys from being overridden', () => {
  expect(found(rule, daemon({ allowedConfigOverrides: 'none' }))[0]).toContain(
    `lets no source override ${KEYS.replaceAll(',', ', ')}, so`,
  );
  expect(found(rule, daemon({ blockedConfigOverrides: 'debug,write-cni-conf-when-ready' }))).toEqual([
    'lab.yaml: cilium.values.daemon.blockedConfigOverrides: "debug,write-cni-conf-when-ready" forbids to override write-cni-conf-when-ready, so the agent of a labelled node ignores the CiliumNodeConfig and never takes over its CNI directory; take write-cni-conf-when-ready out of it until the nodes are migrated',
  ]);
});

test('refuses an operator that creates no CRDs', () => {
  expect(found(rule, values({ operator: { skipCRDCreation: true } }))[0]).toMatch(
    /no CiliumNodeConfig .*; leave it out$/,
  );
});
