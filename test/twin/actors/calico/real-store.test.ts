/** The same actors on the real store, controllers, kubelets and network: a cluster made as kind makes it. */
import { describe, expect, test } from 'vitest';
import type { Condition, DaemonSet, KubeObject, Node, Pod } from '../../../../src/kube/objects.ts';
import { calicoCrds } from '../../../../src/twin/actors/calico/data.ts';
import { type Installation, RESOURCES } from '../../../../src/twin/actors/calico/types.ts';
import { createCluster } from '../../../../src/twin/commands/kind-create.ts';
import { createWorld, type TwinWorld } from '../../../../src/twin/twin.ts';
import { ManualTime } from '../../node/manual-time.ts';
import { customResources, operatorImage } from './calico-objects.ts';

interface Real extends TwinWorld {
  readonly time: ManualTime;
}

async function made(workers: number): Promise<Real> {
  const time = new ManualTime();
  const config = {
    seed: 1,
    nodeSubnet: '172.18.0.0/16',
    podSubnet: '192.168.0.0/16',
    serviceSubnet: '10.96.0.0/16',
    kubernetesVersion: '1.34.11',
  };
  const twin = createWorld(time, config);
  const image = 'kindest/node:v1.34.11';
  const nodes = ['control-plane' as const, ...Array.from({ length: workers }, () => 'worker' as const)].map((role) => ({
    role,
    image,
    kubernetesVersion: '1.34.11',
  }));
  let result: { exitCode: number; stderr: string } | undefined;
  const creating = createCluster(
    twin.cluster,
    { name: 'kind', nodes, podSubnet: config.podSubnet, serviceSubnet: config.serviceSubnet },
    '/tmp/kubeconfig',
    time.sleep,
    new AbortController().signal,
  ).then((answer) => {
    result = answer;
  });
  for (let i = 0; i < 2_000 && !result; i++) {
    time.advance(200);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await creating;
  expect(result!.exitCode, result!.stderr).toBe(0);
  return { ...twin, time };
}

function install({ store, time }: Real, version: string): void {
  for (const crd of calicoCrds(version).values()) store.create(RESOURCES.crds, structuredClone(crd));
  time.advance(1_000);
  const name = 'tigera-operator';
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  time.advance(1_000);
  store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: name } });
  store.create<KubeObject>('deployments.apps', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { name } },
      template: {
        metadata: { labels: { name } },
        spec: {
          serviceAccountName: name,
          terminationGracePeriodSeconds: 60,
          hostNetwork: true,
          tolerations: [
            { effect: 'NoExecute', operator: 'Exists' },
            { effect: 'NoSchedule', operator: 'Exists' },
          ],
          containers: [
            {
              name,
              image: operatorImage(version),
              args: Number(version.split('.')[1]) >= 30 ? ['-manage-crds=true'] : [],
            },
          ],
        },
      },
    },
  });
  // Goldmane and Whisker before Installation.
  const objects = customResources(version);
  const plural: Record<string, string> = {
    Installation: 'installations',
    APIServer: 'apiservers',
    Goldmane: 'goldmanes',
    Whisker: 'whiskers',
  };
  for (const object of [...objects.slice(2), ...objects.slice(0, 2)])
    store.create(`${plural[object.kind!]}.operator.tigera.io`, object);
}

const status = ({ store }: Real, name: string): string =>
  ((store.get(RESOURCES.tigeraStatuses, name)?.status as { conditions?: Condition[] })?.conditions ?? [])
    .map((one) => `${one.type}=${one.status}${one.status === 'True' ? ` ${one.message}` : ''}`)
    .join('; ');

describe.each(['v3.25.1', 'v3.28.5', 'v3.30.7', 'v3.31.7', 'v3.32.1'])('a whole cluster with Calico %s', (version) => {
  test('comes up, rolls node by node, and goes in the right order', async () => {
    const real = await made(2);
    const { store, time, world } = real;
    install(real, version);
    const minor = Number(version.split('.')[1]);
    const names = [
      'calico',
      'apiserver',
      ...(minor >= 28 ? ['ippools'] : []),
      ...(minor >= 30 ? ['goldmane', 'whisker'] : []),
    ];
    const available = (name: string) => status(real, name).startsWith('Available=True');
    const begun = time.now();
    while (!names.every(available) && time.now() - begun < 600_000) time.advance(1_000);
    expect(
      names.map((name) => `${name}: ${status(real, name)}`).filter((line) => !line.includes('Available=True')),
    ).toEqual([]);
    const seconds = (time.now() - begun) / 1_000;
    // Readiness periods of 30 and 60 s leave nothing faster.
    expect(seconds).toBeGreaterThan(60);
    expect(seconds).toBeLessThan(240);
    expect(store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation).toBe(1);
    const nodes = store.list<Node>('nodes');
    for (const node of nodes) {
      const of = (type: string) => node.status!.conditions!.find((one) => one.type === type)?.status;
      expect([node.metadata.name, of('Ready'), of('NetworkUnavailable')]).toEqual([
        node.metadata.name,
        'True',
        'False',
      ]);
      expect(node.spec?.taints?.filter((taint) => taint.key !== 'node-role.kubernetes.io/control-plane') ?? []).toEqual(
        [],
      );
    }
    const pods = store.list<Pod>('pods');
    expect(pods.filter((pod) => pod.status?.phase !== 'Running').map((pod) => pod.metadata.name)).toEqual([]);
    for (const pod of pods.filter((one) => !one.spec!.hostNetwork))
      expect(pod.status!.podIP, pod.metadata.name).toMatch(/^192\.168\./);
    const api = store.get(RESOURCES.apiServices, 'v3.projectcalico.org')!.status as { conditions: Condition[] };
    expect(api.conditions.find((one) => one.type === 'Available')).toMatchObject({ status: 'True' });

    // Autodetection: rolls node by node, about 40 s each.
    const generation = store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!.metadata.generation!;
    store.update<Installation>(RESOURCES.installations, { name: 'default' }, (draft) => {
      draft.spec.calicoNetwork!.nodeAddressAutodetectionV4 = { kubernetes: 'NodeInternalIP', firstFound: false };
    });
    const patched = time.now();
    time.advance(5_000);
    const node = () => store.get<DaemonSet>('daemonsets.apps', 'calico-node', 'calico-system')!;
    expect(node().metadata.generation).toBe(generation + 1);
    while (
      (node().status?.updatedNumberScheduled !== 3 || node().status?.numberAvailable !== 3) &&
      time.now() - patched < 600_000
    )
      time.advance(1_000);
    expect((time.now() - patched) / 1_000).toBeGreaterThan(80);
    expect((time.now() - patched) / 1_000).toBeLessThan(180);

    // Removal.
    for (const resource of [RESOURCES.whiskers, RESOURCES.goldmanes, RESOURCES.apiServers, RESOURCES.installations])
      store.remove(resource, { name: 'default' });
    const removed = time.now();
    while (store.get(RESOURCES.installations, 'default') && time.now() - removed < 600_000) time.advance(1_000);
    expect(store.get(RESOURCES.installations, 'default')?.metadata.finalizers).toBeUndefined();
    time.advance(120_000);
    expect(store.list('namespaces').map((one) => one.metadata.name)).not.toContain('calico-system');
    expect(store.list<Pod>('pods').filter((pod) => pod.metadata.namespace === 'calico-system')).toEqual([]);
    expect(world.network.node('kind-worker')!.link('vxlan.calico')?.up).toBe(true);
  });
});
