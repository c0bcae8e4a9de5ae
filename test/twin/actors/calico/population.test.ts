import { describe, expect, test } from 'vitest';
import type { Condition, DaemonSet, Deployment, KubeObject } from '../../../../src/kube/objects.ts';
import { calicoReleases } from '../../../../src/twin/actors/calico/data.ts';
import { typhaReplicasFor } from '../../../../src/twin/actors/calico/operator/typha-scale.ts';
import { type Installation, type IpPool, RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { createCustomResources, customResources, runOperator, VERSIONS } from './calico-objects.ts';
import { type FakeWorld, fakeWorld } from './fake-world.ts';

const LAB = ['kind-control-plane', 'kind-worker', 'kind-worker2', 'kind-worker3', 'kind-worker4'];

function installed(version: string, change: (objects: KubeObject[]) => KubeObject[] = (objects) => objects): FakeWorld {
  const fake = fakeWorld(LAB);
  runOperator(fake, version);
  createCustomResources(fake, change(customResources(version)));
  // Until operator 1.29 calico-node makes the pool.
  if (version === 'v3.25.1')
    fake.run('docker.io/calico/node:v3.25.1', { env: { CALICO_IPV4POOL_CIDR: '192.168.0.0/16' } });
  fake.time.pass(120);
  return fake;
}

const names = (fake: FakeWorld, resource: string): string[] =>
  fake.store
    .list(resource)
    .map(({ metadata }) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name));

const conditions = (fake: FakeWorld, name: string): Record<string, string> => {
  const status = fake.store.get(RESOURCES.tigeraStatuses, name)?.status as { conditions: Condition[] } | undefined;
  return Object.fromEntries((status?.conditions ?? []).map((one) => [one.type, one.status]));
};

/** calico.md 2.2 and 11. */
const TABLE = [
  {
    version: 'v3.25.1',
    apiserver: 'calico-apiserver',
    budget: false,
    goldmane: false,
    statuses: ['apiserver', 'calico'],
    protectors: 3,
    provider: undefined,
    tier: false,
    init: ['flexvol-driver', 'install-cni'],
  },
  {
    version: 'v3.28.5',
    apiserver: 'calico-apiserver',
    budget: false,
    goldmane: false,
    statuses: ['apiserver', 'calico', 'ippools'],
    protectors: 6,
    provider: undefined,
    tier: false,
    init: ['flexvol-driver', 'install-cni'],
  },
  {
    version: 'v3.29.7',
    apiserver: 'calico-apiserver',
    budget: true,
    goldmane: false,
    statuses: ['apiserver', 'calico', 'ippools'],
    protectors: 6,
    provider: undefined,
    tier: false,
    init: ['flexvol-driver', 'install-cni'],
  },
  {
    version: 'v3.30.7',
    apiserver: 'calico-apiserver',
    budget: true,
    goldmane: true,
    statuses: ['apiserver', 'calico', 'goldmane', 'ippools', 'whisker'],
    protectors: 6,
    provider: undefined,
    tier: false,
    init: ['flexvol-driver', 'install-cni'],
  },
  {
    version: 'v3.31.7',
    apiserver: 'calico-system',
    budget: true,
    goldmane: true,
    statuses: ['apiserver', 'calico', 'goldmane', 'ippools', 'whisker'],
    protectors: 6,
    provider: 'Kind',
    tier: false,
    init: ['flexvol-driver', 'install-cni', 'ebpf-bootstrap'],
  },
  {
    version: 'v3.32.1',
    apiserver: 'calico-system',
    budget: true,
    goldmane: true,
    statuses: ['apiserver', 'calico', 'goldmane', 'ippools', 'tiers', 'whisker'],
    protectors: 6,
    provider: 'Kind',
    tier: true,
    init: ['flexvol-driver', 'install-cni', 'ebpf-bootstrap'],
  },
];

test('the table has every release of the data', () => {
  expect(TABLE.map((row) => row.version)).toEqual(calicoReleases().map((release) => release.calico));
  expect(VERSIONS).toEqual(TABLE.map((row) => row.version));
});

describe.each(TABLE)('population of $version', (row) => {
  const fake = installed(row.version);

  test('workloads', () => {
    const extra = row.goldmane ? ['calico-system/goldmane', 'calico-system/whisker'] : [];
    expect(names(fake, 'deployments.apps')).toEqual(
      [
        `${row.apiserver}/calico-apiserver`,
        'calico-system/calico-kube-controllers',
        'calico-system/calico-typha',
        ...extra,
      ].sort(),
    );
    expect(names(fake, 'daemonsets.apps')).toEqual(['calico-system/calico-node', 'calico-system/csi-node-driver']);
    const budgets = [...(row.budget ? [`${row.apiserver}/calico-apiserver`] : []), 'calico-system/calico-typha'];
    expect(names(fake, RESOURCES.budgets)).toEqual(budgets.sort());
  });

  test('shape of the pods', () => {
    const template = (name: string, namespace = 'calico-system') =>
      (fake.store.get<Deployment>('deployments.apps', name, namespace) ??
        fake.store.get<DaemonSet>('daemonsets.apps', name, namespace))!.spec!.template.spec!;
    const node = template('calico-node');
    expect(node.initContainers!.map((one) => one.name)).toEqual(row.init);
    expect(node.hostNetwork).toBe(true);
    expect(node.terminationGracePeriodSeconds).toBe(5);
    expect(node.containers[0]!.readinessProbe!.periodSeconds).toBe(30);
    expect(template('calico-apiserver', row.apiserver).containers[0]!.readinessProbe!.periodSeconds).toBe(60);
    const typha = template('calico-typha');
    expect(typha.terminationGracePeriodSeconds).toBe(300);
    expect(typha.containers[0]!.ports![0]!.hostPort).toBe(5473);
    const onPodNetwork = [
      'calico-kube-controllers',
      'csi-node-driver',
      ...(row.goldmane ? ['goldmane', 'whisker'] : []),
    ];
    for (const name of onPodNetwork) expect(template(name).hostNetwork ?? false, name).toBe(false);
    const tolerates = (name: string, namespace?: string) =>
      template(name, namespace).tolerations!.some(
        (one) => !one.key && one.operator === 'Exists' && one.effect === 'NoSchedule',
      );
    expect([tolerates('calico-node'), tolerates('calico-typha'), tolerates('csi-node-driver')]).toEqual([
      true,
      true,
      true,
    ]);
    expect([tolerates('calico-kube-controllers'), tolerates('calico-apiserver', row.apiserver)]).toEqual([
      false,
      false,
    ]);
  });

  test('every component is Available at its generation', () => {
    expect(names(fake, RESOURCES.tigeraStatuses)).toEqual(row.statuses);
    for (const name of row.statuses) {
      expect(conditions(fake, name), name).toEqual({ Available: 'True', Degraded: 'False', Progressing: 'False' });
    }
    const status = fake.store.get(RESOURCES.tigeraStatuses, 'calico')!.status as { conditions: Condition[] };
    const installation = fake.store.get<Installation>(RESOURCES.installations, 'default')!;
    expect(status.conditions[0]!.observedGeneration).toBe(installation.metadata.generation);
  });

  test('guards, pool, provider, tier', () => {
    const guarded = ['serviceaccounts', RESOURCES.clusterRoles, RESOURCES.clusterRoleBindings].flatMap((resource) =>
      fake.store.list(resource).filter((object) => object.metadata.finalizers?.includes('tigera.io/cni-protector')),
    );
    expect(guarded).toHaveLength(row.protectors);
    const spec = fake.store.get<Installation>(RESOURCES.installations, 'default')!.spec;
    expect(spec.kubernetesProvider).toBe(row.provider);
    expect(spec.calicoNetwork).toMatchObject({ bgp: 'Enabled', nodeAddressAutodetectionV4: { firstFound: true } });
    const [pool] = fake.store.list<IpPool>(RESOURCES.pools);
    expect(pool!.spec.cidr).toBe('192.168.0.0/16');
    expect(fake.store.list(RESOURCES.tiers).length > 0).toBe(row.tier);
    expect(fake.store.get(RESOURCES.apiServices, 'v3.projectcalico.org')!.spec).toMatchObject({
      service: { name: 'calico-api', namespace: row.apiserver },
    });
  });
});

test('the operator waits for nothing but writes nothing while the API is away', () => {
  const fake = fakeWorld(LAB);
  createCustomResources(fake, customResources('v3.31.7'));
  fake.api = false;
  runOperator(fake, 'v3.31.7');
  fake.time.pass(60);
  expect(names(fake, 'daemonsets.apps')).toEqual([]);
  fake.api = true;
  fake.time.pass(60);
  expect(names(fake, 'daemonsets.apps')).toHaveLength(2);
});

const nodeEnv = (fake: FakeWorld): Record<string, string | undefined> => {
  const node = fake.store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!;
  return Object.fromEntries(node.spec!.template.spec!.containers[0]!.env!.map((one) => [one.name, one.value]));
};

describe('autodetection', () => {
  const patch = (fake: FakeWorld, value: object): void => {
    fake.store.update<Installation>(RESOURCES.installations, { name: 'default' }, (draft) => {
      draft.spec.calicoNetwork!.nodeAddressAutodetectionV4 = value;
    });
    fake.time.pass(60);
  };

  test.each([
    [{ firstFound: false, kubernetes: 'NodeInternalIP' }, 'kubernetes-internal-ip'],
    [{ kubernetes: 'NodeInternalIP' }, 'kubernetes-internal-ip'],
    [{ skipInterface: 'cilium.*' }, 'skip-interface=cilium.*'],
    [{ canReach: '8.8.8.8' }, 'can-reach=8.8.8.8'],
    [{ firstFound: true }, 'first-found'],
  ])('%j becomes %s', (value, method) => {
    const fake = installed('v3.31.7');
    patch(fake, value);
    expect(nodeEnv(fake).IP_AUTODETECTION_METHOD).toBe(method);
    expect(conditions(fake, 'calico').Degraded).toBe('False');
  });

  test('two methods degrade the Installation and leave the DaemonSet as it was', () => {
    const fake = installed('v3.31.7');
    const before = fake.store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation;
    patch(fake, { firstFound: true, kubernetes: 'NodeInternalIP' });
    const status = fake.store.get(RESOURCES.tigeraStatuses, 'calico')!.status as { conditions: Condition[] };
    const degraded = status.conditions.find((one) => one.type === 'Degraded')!;
    expect(degraded).toMatchObject({ status: 'True', reason: 'InvalidConfigurationError' });
    expect(degraded.message).toContain(
      'no more than one node address autodetection method can be specified per-family',
    );
    expect(fake.store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation).toBe(
      before,
    );
  });
});

test("a pool outside of kubeadm's pod subnet degrades ippools and nothing is rendered", () => {
  const fake = fakeWorld(LAB, { podSubnet: '10.244.0.0/16' });
  runOperator(fake, 'v3.31.7');
  createCustomResources(fake, customResources('v3.31.7'));
  fake.time.pass(60);
  const status = fake.store.get(RESOURCES.tigeraStatuses, 'ippools')!.status as { conditions: Condition[] };
  expect(status.conditions.find((one) => one.type === 'Degraded')!.message).toContain(
    "IPPool 192.168.0.0/16 is not within the platform's configured pod network CIDR(s) [10.244.0.0/16]",
  );
  expect(names(fake, 'daemonsets.apps')).toEqual([]);
});

describe('Goldmane and the template of calico-node', () => {
  const generations = (order: (objects: KubeObject[]) => KubeObject[][]): number => {
    const fake = fakeWorld(LAB);
    runOperator(fake, 'v3.31.7');
    for (const objects of order(customResources('v3.31.7'))) {
      createCustomResources(fake, objects);
      fake.time.pass(60);
    }
    return fake.store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation!;
  };
  const isFlow = (object: KubeObject) => object.kind === 'Goldmane' || object.kind === 'Whisker';

  test('before Installation: one template', () => {
    expect(generations((all) => [all.filter(isFlow), all.filter((one) => !isFlow(one))])).toBe(1);
  });
  test('after Installation: a second roll', () => {
    expect(generations((all) => [all.filter((one) => !isFlow(one)), all.filter(isFlow)])).toBe(2);
  });
});

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
  [200, 3],
  [399, 3],
  [400, 4],
  [1000, 7],
])('Typha for %i nodes: %i', (nodes, replicas) => {
  expect(typhaReplicasFor(nodes)).toBe(replicas);
});

test('cordoning a node of five takes a Typha away, uncordoning brings it back', () => {
  const fake = installed('v3.31.7');
  const replicas = () =>
    fake.store.get<Deployment>('deployments.apps', 'calico-typha', 'calico-system')!.spec!.replicas;
  expect(replicas()).toBe(3);
  for (const [unschedulable, expected] of [
    [true, 2],
    [false, 3],
  ] as const) {
    fake.store.update('nodes', { name: 'kind-worker' }, (draft) => {
      draft.spec = { ...(draft.spec as object), unschedulable };
    });
    fake.time.pass(15);
    expect(replicas()).toBe(expected);
  }
});
