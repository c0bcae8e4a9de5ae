import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ConfigMap, DaemonSet, KubeObject } from '../../../../src/kube/objects.ts';
import { randomStream } from '../../../../src/time/random.ts';
import type { CiliumEndpoint } from '../../../../src/twin/actors/cilium/objects.ts';
import { createObjectStore } from '../../../../src/twin/api/store.ts';
import { helmCommand } from '../../../../src/twin/commands/helm.ts';
import type { Network } from '../../../../src/twin/network/network.ts';
import { type FakeTime, fakeWorld } from './fake-world.ts';
import { CNI, Lab, NODES } from './lab.ts';

const store = (time: FakeTime) => createObjectStore({ time, random: randomStream(1, 'store') });

describe("on the API's own store", () => {
  test('operator and agents come up, a node is switched, pods get endpoints and lose them', () => {
    const lab = new Lab({}, { store });
    lab.install();
    expect(NODES.map((node) => lab.ciliumNode(node).spec.ipam.podCIDRs?.length)).toEqual([1, 1, 1]);
    // Created, block allocated, addresses written (recorded: generation 3).
    expect(lab.ciliumNode('kind-worker').metadata.generation).toBe(3);
    lab.switchNode('kind-worker');
    expect(lab.machine('kind-worker').files.list(CNI)).toContain('05-cilium.conflist');
    expect(lab.addPod('kind-worker', 'p')).toHaveProperty('ip');
    expect(lab.world.store.list<CiliumEndpoint>('ciliumendpoints.cilium.io')).toHaveLength(1);
    lab.world.cniPlugins
      .get('cilium-cni')!
      .del(lab.machine('kind-worker'), { uid: lab.uidOf('p'), name: 'p', namespace: 'default' });
    expect(lab.world.store.list('ciliumendpoints.cilium.io')).toEqual([]);
    lab.operator!.stop();
    lab.startOperator();
    lab.world.time.run(20_000);
    expect(lab.operator!.exits).toEqual([]);
  });

  test('a Helm upgrade moves the generation only of what it changes', async () => {
    const world = fakeWorld({} as Network, 1, store);
    world.store.create('namespaces', { metadata: { name: 'kube-system' } });
    const helm = helmCommand(world, { sleep: async (ms) => world.time.run(ms) });
    const upgrade = (values: object): Promise<{ exitCode: number; stderr: string }> =>
      helm(
        'upgrade --install cilium cilium --repo https://helm.cilium.io/ --version 1.19.6 --namespace kube-system --kubeconfig k --values -'.split(
          ' ',
        ),
        { stdin: stringify(values), signal: new AbortController().signal },
      );
    const values = { cluster: { name: 'kind-kind' }, cni: { customConf: true }, operator: { replicas: 1 } };
    expect(await upgrade(values)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await upgrade({ ...values, cni: { customConf: false } })).toMatchObject({ exitCode: 0, stderr: '' });
    const agents = world.store.get<DaemonSet & KubeObject>('daemonsets.apps', 'cilium', 'kube-system')!;
    const config = world.store.get<ConfigMap & KubeObject>('configmaps', 'cilium-config', 'kube-system')!;
    expect(agents.metadata.generation).toBe(1);
    expect(config.data?.['custom-cni-conf']).toBe('false');
    await upgrade({ ...values, image: { useDigest: false } });
    expect(
      world.store.get<DaemonSet & KubeObject>('daemonsets.apps', 'cilium', 'kube-system')!.metadata.generation,
    ).toBe(2);
  });
});
