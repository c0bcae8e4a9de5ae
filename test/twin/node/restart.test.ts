/** Restarts of nodes as observed on a real cluster (two runs; times in seconds after `docker restart`). */
import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../../src/kube/objects.ts';
import { boundPod, createCluster, type Rig } from './rig.ts';

const conditionOf = (pod: Pod | undefined, type: string) =>
  pod?.status?.conditions?.find((condition) => condition.type === type);
const main = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
const nodeReady = (rig: Rig, name: string) =>
  rig.world.store.get<Node>('nodes', name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;

async function running(controlPlanes: number, workers: number, seed = 1): Promise<Rig> {
  const rig = await createCluster(controlPlanes, workers, seed);
  rig.installCni();
  rig.time.advance(30_000);
  for (const machine of rig.world.machines.values())
    rig.world.store.create('pods', boundPod(`p-${machine.name}`, machine.name));
  rig.time.advance(30_000);
  return rig;
}

/** Seconds after the restart at which the condition first held, looking every 100 ms. */
function after(rig: Rig, from: number, condition: () => boolean, limit = 120): number {
  while (!condition()) {
    if (rig.time.now() - from > limit * 1000) return Number.POSITIVE_INFINITY;
    rig.time.advance(100);
  }
  return (rig.time.now() - from) / 1000;
}

describe.each([1, 2, 3])('restart of a worker, seed %i', (seed) => {
  it('keeps pods stale for about 10 s, then without address, then new under the same uid', async () => {
    const rig = await running(1, 1, seed);
    const before = rig.pod('p-kind-worker')!;
    const pod = (): Pod | undefined => rig.pod('p-kind-worker');
    const address = rig.world.machines.get('kind-worker')!.address;
    const from = rig.time.now();
    await rig.run('docker', ['restart', '-t', '30', 'kind-worker']);
    const returned = (rig.time.now() - from) / 1000;
    expect(returned).toBeGreaterThan(0.5);
    expect(returned).toBeLessThan(2);
    expect(rig.world.machines.get('kind-worker')!.running()).toBe(false);
    expect(pod()?.status?.podIP).toBe(before.status?.podIP);

    const empty = after(rig, from, () => pod()?.status?.podIP === undefined);
    expect(empty).toBeGreaterThan(7);
    expect(empty).toBeLessThan(12);
    expect(pod()?.status?.phase).toBe('Running');
    expect(conditionOf(pod(), 'Ready')?.status).toBe('False');
    expect(conditionOf(pod(), 'PodReadyToStartContainers')?.status).toBe('False');
    expect(main(pod())?.state?.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    expect(main(pod())?.restartCount).toBe(0);

    after(rig, from, () => main(pod())?.restartCount === 1);
    rig.time.advance(2_000);
    expect(pod()?.metadata.uid).toBe(before.metadata.uid);
    expect(pod()?.status?.podIP).toMatch(/^192\.168\.9\./);
    expect(pod()?.status?.podIP).not.toBe(before.status?.podIP);
    expect(main(pod())?.containerID).not.toBe(main(before)?.containerID);
    expect(main(pod())?.lastState?.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    expect(conditionOf(pod(), 'Initialized')?.lastTransitionTime).toBe(
      conditionOf(before, 'Initialized')?.lastTransitionTime,
    );
    expect(rig.world.machines.get('kind-worker')!.address).toBe(address);
  });

  it('never shows the node not Ready', async () => {
    const rig = await running(1, 1, seed);
    const seen = new Set<string | undefined>();
    rig.world.store.onChange<Node>('nodes', () => seen.add(nodeReady(rig, 'kind-worker')));
    await rig.run('docker', ['restart', '-t', '30', 'kind-worker']);
    rig.time.advance(60_000);
    expect([...seen].filter((status) => status !== 'True')).toEqual([]);
  });

  it('clears what a new network namespace and tmpfs clear, and keeps the rest', async () => {
    const rig = await running(1, 1, seed);
    const { files } = rig.world.machines.get('kind-worker')!;
    files.write('/run/calico/state', 'x');
    files.write('/var/lib/cni/state', 'x');
    const network = rig.world.network.node('kind-worker')!;
    network.addRoute('blackhole 192.168.44.64/26 proto 80');
    const [eth0] = network.links().filter((link) => link.name === 'eth0');
    await rig.run('docker', ['restart', '-t', '30', 'kind-worker']);
    const fresh = rig.world.network.node('kind-worker')!;
    expect(fresh.routes().join('\n')).not.toContain('blackhole');
    expect(fresh.links().map((link) => link.name)).toEqual(['lo', 'eth0']);
    expect(fresh.link('eth0')!.index).toBeGreaterThan(eth0!.index);
    expect(files.list('/etc/cni/net.d')).toEqual(['10-plain.conflist']);
    expect(files.read('/var/lib/cni/state')).toBeDefined();
    expect(files.read('/run/calico/state')).toBeUndefined();
  });
});

describe.each([1, 2, 3])('restart of the only control plane, seed %i', (seed) => {
  it('takes the API away for 17 to 34 s and posts what happened meanwhile afterwards', async () => {
    const rig = await running(1, 1, seed);
    const from = rig.time.now();
    const restarted = rig.run('docker', ['restart', '-t', '30', 'kind-control-plane']);
    await restarted;
    expect(rig.world.apiAvailable()).toBe(false);
    expect((rig.time.now() - from) / 1000).toBeGreaterThan(10);
    const away = after(rig, from, () => rig.world.apiAvailable());
    expect(away).toBeGreaterThan(17);
    expect(away).toBeLessThan(34);
    after(rig, from, () => main(rig.pod('p-kind-control-plane'))?.restartCount === 1);
    rig.time.advance(25_000);
    const etcd = rig.pod('etcd-kind-control-plane', 'kube-system');
    expect(main(etcd)).toMatchObject({ restartCount: 1, ready: true });
    // The worker's pods went on all the time.
    expect(main(rig.pod('p-kind-worker'))?.restartCount).toBe(0);
  });
});

describe('several control planes', () => {
  it('serve on while one is away, and not while two of three are', async () => {
    const rig = await running(3, 1);
    await rig.run('docker', ['restart', '-t', '30', 'kind-control-plane2']);
    expect(rig.world.apiAvailable()).toBe(true);
    rig.time.advance(60_000);
    rig.world.machines.get('kind-control-plane')!.restart();
    rig.world.machines.get('kind-control-plane3')!.restart();
    expect(rig.world.apiAvailable()).toBe(false);
    rig.time.advance(60_000);
    expect(rig.world.apiAvailable()).toBe(true);
  });

  it('lose a member whose address changed', async () => {
    const rig = await running(3, 1);
    const [a, b] = ['kind-control-plane', 'kind-control-plane2'].map((name) => rig.cluster.machines.get(name)!);
    const addresses = [a!.address, b!.address];
    a!.stop();
    b!.stop();
    // The one that starts first takes the lowest free address.
    const [low, high] = addresses[0]! < addresses[1]! ? [b!, a!] : [a!, b!];
    low.start();
    high.start();
    rig.time.advance(60_000);
    expect([a!.address, b!.address]).toEqual([...addresses].reverse());
    expect(rig.world.apiAvailable()).toBe(false);
  });
});
