import { describe, expect, test } from 'vitest';
import type { DaemonSet } from '../../../../src/kube/objects.ts';
import { calicoCrds } from '../../../../src/twin/actors/calico/data.ts';
import { type Installation, RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { createCustomResources, customResources, operatorImage, runOperator, VERSIONS } from './calico-objects.ts';
import { type FakeWorld, fakeWorld, type Running } from './fake-world.ts';

const LAB = ['kind-control-plane', 'kind-worker', 'kind-worker2'];
const KINDS = {
  Whisker: RESOURCES.whiskers,
  Goldmane: RESOURCES.goldmanes,
  APIServer: RESOURCES.apiServers,
  Installation: RESOURCES.installations,
};

function installed(version: string): { fake: FakeWorld; operator: Running } {
  const fake = fakeWorld(LAB);
  const operator = runOperator(fake, version);
  createCustomResources(fake, customResources(version));
  if (version === 'v3.25.1')
    fake.run('docker.io/calico/node:v3.25.1', { env: { CALICO_IPV4POOL_CIDR: '192.168.0.0/16' } });
  fake.time.pass(120);
  return { fake, operator };
}

const remove = (fake: FakeWorld, kinds: readonly (keyof typeof KINDS)[]): void => {
  for (const kind of kinds) fake.store.remove(KINDS[kind], { name: 'default' });
};
const installation = (fake: FakeWorld) => fake.store.get<Installation>(RESOURCES.installations, 'default');
const guarded = (fake: FakeWorld): string[] =>
  ['serviceaccounts', RESOURCES.clusterRoles, RESOURCES.clusterRoleBindings].flatMap((resource) =>
    fake.store
      .list(resource)
      .filter((object) => object.metadata.finalizers?.includes('tigera.io/cni-protector'))
      .map((object) => `${resource}/${object.metadata.name}`),
  );

describe.each(VERSIONS)('removal of %s', (version) => {
  const all = ['Whisker', 'Goldmane', 'APIServer', 'Installation'] as const;

  test('back to back with the operator alive: everything goes', () => {
    const { fake } = installed(version);
    remove(fake, all);
    expect(installation(fake)?.metadata.deletionTimestamp).toBeDefined();
    fake.time.pass(120);
    expect(installation(fake)).toBeUndefined();
    expect(guarded(fake)).toEqual([]);
    expect(fake.store.list('pods').map((pod) => pod.metadata.name)).toEqual([]);
    expect(fake.store.list('namespaces').map((one) => one.metadata.name)).toEqual([
      'default',
      'kube-system',
      'tigera-operator',
    ]);
    expect(fake.store.list(RESOURCES.apiServices)).toEqual([]);
    expect(fake.store.list(RESOURCES.tigeraStatuses)).toEqual([]);
  });

  test('the operator gone first (the order of the lab): Installation hangs on its finalizers, the accounts on cni-protector', () => {
    const { fake, operator } = installed(version);
    const before = installation(fake)!.metadata.finalizers;
    expect(before).toContain('tigera.io/operator-cleanup');
    operator.end();
    remove(fake, all);
    fake.store.remove('namespaces', { name: 'calico-system' });
    fake.time.pass(1_800);
    expect(installation(fake)!.metadata.finalizers).toEqual(before);
    expect(guarded(fake)).toHaveLength(version === 'v3.25.1' ? 3 : 6);
    expect(fake.store.get('namespaces', 'calico-system')).toBeDefined();
    expect(fake.store.get('serviceaccounts', 'calico-node', 'calico-system')!.metadata.deletionTimestamp).toBeDefined();
  });

  test('pools deleted first: the operator waits for pools and never comes to the finalizers', () => {
    const { fake } = installed(version);
    for (const pool of fake.store.list(RESOURCES.pools))
      fake.store.remove(RESOURCES.pools, { name: pool.metadata.name });
    remove(fake, all);
    fake.time.pass(1_800);
    if (version === 'v3.25.1') {
      // No pool controller yet, hence no such wait.
      expect(installation(fake)).toBeUndefined();
      return;
    }
    expect(installation(fake)!.metadata.finalizers).toContain('operator.tigera.io/installation-controller');
    expect(JSON.stringify(fake.store.get(RESOURCES.tigeraStatuses, 'calico')!.status)).toContain(
      'waiting for enabled IP pools to be created',
    );
    expect(fake.store.list(RESOURCES.pools)).toEqual([]);
  });

  test('a component that stays keeps its finalizer', () => {
    if (version === 'v3.25.1') return;
    const { fake } = installed(version);
    remove(fake, ['Whisker', 'Goldmane', 'Installation']);
    fake.time.pass(600);
    expect(installation(fake)!.metadata.finalizers).toContain('operator.tigera.io/apiserver-controller');
    remove(fake, ['APIServer']);
    fake.time.pass(120);
    expect(installation(fake)).toBeUndefined();
  });
});

test('deleting Goldmane changes the template of calico-node in the middle of the removal', () => {
  const { fake } = installed('v3.31.7');
  const generation = () =>
    fake.store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation!;
  const before = generation();
  const seen: number[] = [];
  fake.store.onChange<DaemonSet>('daemonsets.apps', ({ object }) => {
    if (object.metadata.name === 'calico-node') seen.push(object.metadata.generation ?? 0);
  });
  remove(fake, ['Whisker', 'Goldmane', 'APIServer', 'Installation']);
  fake.time.pass(120);
  expect(Math.max(...seen)).toBe(before + 1);
});

describe('CRDs', () => {
  const image = operatorImage('v3.31.7');
  const crd = (fake: FakeWorld, name: string) => fake.store.get(RESOURCES.crds, name);

  test('the living operator makes what is missing, the one that ended does not', () => {
    const fake = fakeWorld(LAB);
    const operator = fake.run(image, { args: ['-manage-crds=true'] });
    fake.time.pass(10);
    expect(fake.store.list(RESOURCES.crds).map((one) => one.metadata.name)).toEqual(
      [...calicoCrds('v3.31.7').keys()].sort(),
    );
    fake.store.remove(RESOURCES.crds, { name: 'ippools.crd.projectcalico.org' });
    fake.time.pass(10);
    expect(crd(fake, 'ippools.crd.projectcalico.org')?.spec).toMatchObject({ group: 'crd.projectcalico.org' });
    expect(operator.process.terminate!()).toBeLessThan(1_000);
    operator.end();
    fake.store.remove(RESOURCES.crds, { name: 'ippools.crd.projectcalico.org' });
    fake.time.pass(60);
    expect(crd(fake, 'ippools.crd.projectcalico.org')).toBeUndefined();
  });

  test.each([
    ['v3.25.1', 21],
    ['v3.28.5', undefined],
    ['v3.29.7', 24],
    ['v3.30.7', 32],
    ['v3.31.7', 32],
  ])('%s brings %s CRDs', (version, count) => {
    if (count === undefined) expect(calicoCrds(version).size).toBeGreaterThan(20);
    else expect(calicoCrds(version).size).toBe(count);
  });
});

test('SIGTERM while the Installation terminates: the operator stays up to its grace and ends when it is gone', () => {
  const { fake, operator } = installed('v3.31.7');
  remove(fake, ['Installation']);
  expect(operator.process.terminate!()).toBe(60_000);
  fake.time.pass(5);
  expect(operator.exits).toEqual([]);
  remove(fake, ['Whisker', 'Goldmane', 'APIServer']);
  fake.time.pass(50);
  expect(operator.exits).toEqual([0]);
});

test('an operator without data is refused by name', () => {
  const fake = fakeWorld(LAB);
  const operator = fake.run('quay.io/tigera/operator:v1.99.0');
  fake.time.pass(5);
  expect(operator.exits).toEqual([64]);
});
