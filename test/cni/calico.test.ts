import { describe, expect, test } from 'vitest';
import {
  apiServerNamespace,
  calicoCustomResources,
  calicoManifests,
  expectedStatuses,
  installationFor,
  isCalicoClusterRole,
  isCalicoCrdGroup,
  poolEncapsulation,
  removalOrder,
} from '../../src/cni/calico.ts';
import { listData } from '../../src/cni/data.ts';
import type { JsonObject } from '../../src/scenario/scenario.ts';

const VERSIONS = ['3.25.1', '3.28.5', '3.29.7', '3.30.7', '3.31.7', '3.32.1'];

const install = {
  version: '3.31.7',
  encapsulation: 'VXLANCrossSubnet' as const,
  cidr: '192.168.0.0/16',
  autodetection: 'firstFound' as const,
  installation: {},
};

describe('manifests', () => {
  test('every bundled release is one of the table', () => {
    const bundled = listData('calico').filter((name) => name.startsWith('v'));
    expect(bundled.map((name) => name.slice(1))).toEqual(VERSIONS);
  });

  test.each(VERSIONS)('%s brings the CRDs before the operator, and Installation among them', (version) => {
    const files = calicoManifests(version);
    const all = files.flatMap(({ objects }) => objects);
    const crd = all.findIndex(({ metadata }) => metadata.name === 'installations.operator.tigera.io');
    const operator = all.findIndex(({ kind }) => kind === 'Deployment');
    expect(crd).toBeGreaterThanOrEqual(0);
    expect(operator).toBeGreaterThan(crd);
    expect(files.at(-1)!.file).toBe('tigera-operator.yaml');
  });
});

describe('custom resources', () => {
  test.each([
    ['3.29.7', ['Installation', 'APIServer']],
    ['3.30.7', ['Goldmane', 'Whisker', 'Installation', 'APIServer']],
  ])('%s applies %j, what rolls calico-node a second time first', (version, kinds) => {
    expect(calicoCustomResources({ ...install, version }).map(({ kind }) => kind)).toEqual(kinds);
  });

  test('the Installation is that of the release with the choices of the scenario', () => {
    expect(installationFor(install).spec).toEqual({
      calicoNetwork: {
        ipPools: [
          {
            name: 'default-ipv4-ippool',
            blockSize: 26,
            cidr: '192.168.0.0/16',
            encapsulation: 'VXLANCrossSubnet',
            natOutgoing: 'Enabled',
            nodeSelector: 'all()',
          },
        ],
      },
    });
    const merged = installationFor({
      ...install,
      autodetection: 'NodeInternalIP',
      installation: { controlPlaneReplicas: 1, calicoNetwork: { mtu: 1400 } },
    }).spec as { controlPlaneReplicas: number; calicoNetwork: JsonObject };
    expect(merged.controlPlaneReplicas).toBe(1);
    expect(merged.calicoNetwork.mtu).toBe(1400);
    expect(merged.calicoNetwork.nodeAddressAutodetectionV4).toEqual({ kubernetes: 'NodeInternalIP' });
    expect(merged.calicoNetwork.ipPools).toHaveLength(1);
  });
});

describe('removal', () => {
  test.each([
    ['3.25.1', ['APIServer', 'Installation']],
    ['3.31.7', ['Whisker', 'Goldmane', 'APIServer', 'Installation']],
  ])('%s deletes %j, the Installation last', (version, kinds) => expect(removalOrder(version)).toEqual(kinds));

  test.each([
    ['operator.tigera.io', true],
    ['crd.projectcalico.org', true],
    ['projectcalico.org', true],
    ['policy.networking.k8s.io', false],
    ['cilium.io', false],
    ['notprojectcalico.org', false],
  ])('CRDs of %s are removed: %j', (group, ours) => expect(isCalicoCrdGroup(group)).toBe(ours));

  test.each([
    ['calico-node', true],
    ['tigera-operator', true],
    ['my-calico-reader', false],
    ['cilium', false],
  ])('ClusterRole %s is removed: %j', (name, ours) => expect(isCalicoClusterRole(name)).toBe(ours));
});

test.each(VERSIONS)('every fact holds for %s', (version) => {
  expect(expectedStatuses(version)).toContain('calico');
  expect(apiServerNamespace(version)).toBe(version < '3.31' ? 'calico-apiserver' : 'calico-system');
});

test.each([
  [{ vxlanMode: 'CrossSubnet', ipipMode: 'Never' }, 'VXLANCrossSubnet'],
  [{ vxlanMode: 'Always' }, 'VXLAN'],
  [{ ipipMode: 'Always', vxlanMode: 'Never' }, 'IPIP'],
  [{}, 'None'],
])('pool %j is %s', (pool, encapsulation) => expect(poolEncapsulation(pool)).toBe(encapsulation));
