import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ConfigMap, DaemonSet, KubeObject, Secret } from '../../../src/kube/objects.ts';
import type { JsonObject } from '../../../src/scenario/scenario.ts';
import { helmCommand } from '../../../src/twin/commands/helm.ts';
import type { Network } from '../../../src/twin/network/network.ts';
import { FakeStore, type FakeWorld, fakeWorld } from '../actors/cilium/fake-world.ts';

const VALUES: JsonObject = {
  tunnelPort: 8473,
  cni: { customConf: true },
  cluster: { name: 'kind-kind' },
  operator: { replicas: 1 },
  l7Proxy: false,
};

function helm(
  world: FakeWorld,
): (args: string, stdin?: string) => Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const command = helmCommand(world, {
    sleep: async (ms) => world.time.run(ms),
    readFile: (path) => {
      if (path === 'values.yaml') return stringify(VALUES);
      throw new Error('ENOENT');
    },
  });
  return (args, stdin = '') => command(args.split(' '), { stdin, signal: new AbortController().signal });
}

const upgrade = (version: string, values = '-'): string =>
  `upgrade --install cilium cilium --repo https://helm.cilium.io/ --version ${version} --namespace kube-system --kubeconfig /tmp/k --values ${values}`;

function setUp(): { world: FakeWorld; run: ReturnType<typeof helm>; writes: string[] } {
  let store: FakeStore | undefined;
  const world = fakeWorld({} as Network, 1, (time) => {
    store = new FakeStore(time);
    return store;
  });
  return { world, run: helm(world), writes: store!.writes };
}

describe('helm', () => {
  test('version', async () => {
    const { run } = setUp();
    expect(await run('version --template {{.Version}}')).toEqual({ exitCode: 0, stdout: 'v3.21.4', stderr: '' });
  });

  test.each(['install cilium cilium', 'list', 'version', 'version --short', `${upgrade('1.19.6')} --wait`])(
    '%s is not modelled',
    async (args) => {
      const { run, writes } = setUp();
      const result = await run(args, stringify(VALUES));
      expect(result.exitCode).toBe(64);
      expect(result.stderr).toContain('not modelled by the twin: helm');
      expect(writes).toEqual([]);
    },
  );

  test('installs the objects, then upgrades them: two revisions, the first superseded', async () => {
    const { world, run } = setUp();
    const first = await run(upgrade('1.19.6'), stringify(VALUES));
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^Release "cilium" does not exist\. Installing it now\.\nNAME: cilium\nLAST DEPLOYED: Sun Nov 22 23:40:0\d 2026\n/,
    );
    expect(first.stdout).toContain('STATUS: deployed\nREVISION: 1\n');
    expect(world.store.get<DaemonSet & KubeObject>('daemonsets.apps', 'cilium', 'kube-system')).toBeDefined();

    const second = await run(upgrade('1.19.6', 'values.yaml'));
    expect(second.stdout).toMatch(/^Release "cilium" has been upgraded\. Happy Helming!\n/);
    expect(second.stdout).toContain('REVISION: 2\n');
    const records = world.store.list<Secret & KubeObject>('secrets', { labels: { owner: 'helm' } });
    expect(records.map((secret) => [secret.metadata.name, secret.metadata.labels?.status])).toEqual([
      ['sh.helm.release.v1.cilium.v1', 'superseded'],
      ['sh.helm.release.v1.cilium.v2', 'deployed'],
    ]);
  });

  test('an upgrade with the same values leaves every object as it is, also what others changed in it', async () => {
    const { world, run, writes } = setUp();
    await run(upgrade('1.19.6'), stringify(VALUES));
    const restarted = '2026-11-22T23:50:00Z';
    world.store.update<DaemonSet & KubeObject>(
      'daemonsets.apps',
      { name: 'cilium', namespace: 'kube-system' },
      (draft) => {
        draft.spec!.template.metadata!.annotations!['kubectl.kubernetes.io/restartedAt'] = restarted;
      },
    );
    const before = writes.length;
    await run(upgrade('1.19.6'), stringify(VALUES));
    expect(writes.slice(before).filter((write) => !write.includes('secrets'))).toEqual([]);
    const annotations = world.store.get<DaemonSet & KubeObject>('daemonsets.apps', 'cilium', 'kube-system')!.spec!
      .template.metadata!.annotations;
    expect(annotations!['kubectl.kubernetes.io/restartedAt']).toBe(restarted);
  });

  test('an upgrade removes keys and objects that the new values do not render', async () => {
    const { world, run } = setUp();
    await run(upgrade('1.19.6'), stringify({ ...VALUES, l7Proxy: true, cni: { customConf: false } }));
    const data = (): Record<string, string> =>
      world.store.get<ConfigMap & KubeObject>('configmaps', 'cilium-config', 'kube-system')!.data!;
    expect(data()['write-cni-conf-when-ready']).toBe('/host/etc/cni/net.d/05-cilium.conflist');
    expect(world.store.get('daemonsets.apps', 'cilium-envoy', 'kube-system')).toBeDefined();
    await run(upgrade('1.19.6'), stringify(VALUES));
    expect(data()['write-cni-conf-when-ready']).toBeUndefined();
    expect(world.store.get('daemonsets.apps', 'cilium-envoy', 'kube-system')).toBeUndefined();
  });

  test.each([
    [
      'a version that does not exist',
      '1.19.99',
      VALUES,
      1,
      'Error: chart "cilium" version "1.19.99" not found in https://helm.cilium.io/ repository\n',
    ],
    ['a version without data', '1.19.5', VALUES, 64, 'not modelled by the twin: chart cilium 1.19.5'],
    [
      'a wrong type',
      '1.19.6',
      { tunnelPort: '8473' },
      1,
      "Error: values don't meet the specifications of the schema(s) in the following chart(s):\ncilium:\n- at '/tunnelPort': got string, want integer\n",
    ],
    ['a wrong type before 1.16', '1.15.19', { tunnelPort: '8473' }, 0, ''],
    [
      'a rule of the chart',
      '1.19.6',
      { kubeProxyReplacement: 'strict' },
      1,
      'kubeProxyReplacement must be explicitly set',
    ],
    ['values not modelled', '1.19.6', { encryption: { enabled: true } }, 64, 'Helm values encryption.enabled'],
    ['an unknown key', '1.19.6', { tunelPort: 1 }, 0, ''],
  ] as [string, string, JsonObject, number, string][])('%s', async (_, version, values, exitCode, stderr) => {
    const { run, writes } = setUp();
    const result = await run(upgrade(version), stringify(values));
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toContain(stderr);
    expect(writes.length > 0).toBe(exitCode === 0);
  });

  test('a failed upgrade says so and changes nothing', async () => {
    const { run, writes } = setUp();
    await run(upgrade('1.19.6'), stringify(VALUES));
    const before = writes.length;
    const result = await run(upgrade('1.19.6'), stringify({ tunnelPort: '8473' }));
    expect(result.stderr).toMatch(/^Error: UPGRADE FAILED: values don't meet/);
    expect(writes.length).toBe(before);
  });

  test('an API that is away, and a values file that is not there', async () => {
    const { world, run } = setUp();
    expect((await run(upgrade('1.19.6', 'nowhere.yaml'))).stderr).toBe(
      'Error: open nowhere.yaml: no such file or directory\n',
    );
    world.api = false;
    const result = await run(upgrade('1.19.6'), stringify(VALUES));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/kubernetes cluster unreachable/);
  });
});
