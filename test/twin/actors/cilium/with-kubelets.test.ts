import { beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { DaemonSet, KubeObject, Node, Pod } from '../../../../src/kube/objects.ts';
import type { CiliumEndpoint, CiliumNode } from '../../../../src/twin/actors/cilium/objects.ts';
import { helmCommand } from '../../../../src/twin/commands/helm.ts';
import { kindCommand } from '../../../../src/twin/commands/kind.ts';
import { createWorld } from '../../../../src/twin/twin.ts';
import type { World } from '../../../../src/twin/world.ts';
import { FakeTime } from './fake-world.ts';

const NODE = 'kind-worker';
const FILE = '/etc/cni/net.d/05-cilium.conflist';
const time = new FakeTime();
let world: World;

const signal = new AbortController().signal;
const sleep = async (ms: number): Promise<void> => time.run(ms);
const agentOn = (node: string): Pod =>
  world.store
    .list<Pod & KubeObject>('pods', { labelSelector: 'k8s-app=cilium' })
    .find((pod) => pod.spec?.nodeName === node)!;
const isReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;

/** Milliseconds until it holds. */
function until(holds: () => boolean, limitMs: number): number {
  const start = time.now();
  while (!holds()) {
    if (time.now() - start > limitMs) throw new Error(`not within ${limitMs} ms: ${holds}`);
    time.run(100);
  }
  return time.now() - start;
}

/** A kind cluster without another CNI, on which Cilium takes the directories at once; seconds are those of observed runs. */
describe('Cilium under real kubelets and controllers', () => {
  beforeAll(async () => {
    const twin = createWorld(time, {
      seed: 5,
      nodeSubnet: '172.18.0.0/16',
      podSubnet: '192.168.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      kubernetesVersion: '1.34.11',
    });
    world = twin.world;
    const kind = kindCommand({ cluster: twin.cluster, sleep, kubeconfig: () => {} });
    const config = {
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      networking: { disableDefaultCNI: true, podSubnet: '192.168.0.0/16' },
      nodes: [{ role: 'control-plane' }, { role: 'worker' }],
    };
    const created = await kind('create cluster --name kind --config - --kubeconfig k --retain'.split(' '), {
      stdin: stringify(config),
      signal,
    });
    expect(created.exitCode).toBe(0);
    const values = {
      cluster: { name: 'kind-kind' },
      operator: { replicas: 1, unmanagedPodWatcher: { restart: false } },
      ipam: { operator: { clusterPoolIPv4PodCIDRList: ['10.244.0.0/16'] } },
    };
    const installed = await helmCommand(world, { sleep })(
      'upgrade --install cilium cilium --repo https://helm.cilium.io/ --version 1.19.6 --namespace kube-system --kubeconfig k --values -'.split(
        ' ',
      ),
      { stdin: stringify(values), signal },
    );
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('agents, envoys and operator roll out; nodes turn Ready; CoreDNS gets endpoints of Cilium', () => {
    const rolledOut = (name: string): boolean =>
      world.store.get<DaemonSet & KubeObject>('daemonsets.apps', name, 'kube-system')?.status?.numberReady === 2;
    until(() => rolledOut('cilium'), 60_000);
    until(() => rolledOut('cilium-envoy'), 60_000);
    until(() => world.store.list('ciliumendpoints.cilium.io').length === 3, 60_000);
    until(() => world.store.list<Pod & KubeObject>('pods').every(isReady), 60_000);
    for (const endpoint of world.store.list<CiliumEndpoint>('ciliumendpoints.cilium.io')) {
      const pod = world.store.get<Pod & KubeObject>('pods', endpoint.metadata.name, endpoint.metadata.namespace);
      expect(pod?.status?.podIP).toBe(endpoint.status.networking.addressing[0]!.ipv4);
    }
    for (const node of world.store.list<Node & KubeObject>('nodes')) {
      const taints = (node.spec?.taints ?? []).map((taint) => taint.key);
      expect(taints.filter((key) => key !== 'node-role.kubernetes.io/control-plane')).toEqual([]);
      const network = node.status?.conditions?.find((condition) => condition.type === 'NetworkUnavailable');
      expect(network).toMatchObject({ status: 'False', reason: 'CiliumIsUp' });
    }
  });

  test('a deleted agent pod: taint, 05 file after 5 to 10 s, Ready 3 to 7 s later', () => {
    const before = agentOn(NODE);
    world.store.remove('pods', { name: before.metadata.name, namespace: 'kube-system' });
    const start = time.now();
    until(() => world.store.get('pods', before.metadata.name, 'kube-system') === undefined, 5000);
    const { files } = world.machines.get(NODE)!;
    files.remove(FILE);
    until(
      () =>
        world.store.get<Node & KubeObject>('nodes', NODE)!.spec?.taints?.[0]?.key === 'node.cilium.io/agent-not-ready',
      5000,
    );
    until(() => files.read(FILE) !== undefined, 20_000);
    const written = time.now() - start;
    const ready = until(() => isReady(agentOn(NODE)), 20_000);
    expect(agentOn(NODE).metadata.uid).not.toBe(before.metadata.uid);
    expect([written >= 5000, written <= 10_000, ready >= 3000, ready <= 7000]).toEqual([true, true, true, true]);
    until(() => world.store.get<Node & KubeObject>('nodes', NODE)!.spec?.taints === undefined, 5000);
  });

  test('a restarted node: its pods come back with new sandboxes and addresses of the same block', () => {
    const cidrs = (): unknown => world.store.get<CiliumNode>('ciliumnodes.cilium.io', NODE)!.spec;
    const own = (): (Pod & KubeObject)[] =>
      (world.store.podsOnNode(NODE) as (Pod & KubeObject)[]).filter((pod) => pod.spec?.hostNetwork !== true);
    const before = { spec: cidrs(), ips: own().map((pod) => pod.status?.podIP) };
    expect(before.ips.length).toBeGreaterThan(0);
    world.machines.get(NODE)!.restart();
    until(() => !own().every(isReady), 20_000);
    until(() => own().every(isReady), 60_000);
    expect(cidrs()).toEqual(before.spec);
    expect(own().some((pod) => before.ips.includes(pod.status?.podIP))).toBe(false);
    time.run(2000);
    for (const pod of own()) {
      const endpoint = world.store.get<CiliumEndpoint>(
        'ciliumendpoints.cilium.io',
        pod.metadata.name,
        pod.metadata.namespace,
      )!;
      expect(endpoint.status.networking.addressing).toEqual([{ ipv4: pod.status?.podIP }]);
    }
  });

  test('a restarted control plane: the operator elsewhere may restart, everything is Ready again', () => {
    world.machines.get('kind-control-plane')!.restart();
    time.run(20_000);
    expect(world.apiAvailable()).toBe(false);
    time.run(100_000);
    const pods = world.store.list<Pod & KubeObject>('pods');
    expect(pods.filter((pod) => !isReady(pod)).map((pod) => pod.metadata.name)).toEqual([]);
    const health = world.store.get<CiliumNode>('ciliumnodes.cilium.io', 'kind-control-plane')!.spec.health!.ipv4!;
    expect(world.network.connect({ node: NODE }, { ip: health, port: 4240 })).toMatchObject({ ok: true });
  });
});
