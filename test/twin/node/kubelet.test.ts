import { describe, expect, it } from 'vitest';
import type { KubeObject, Node, Pod } from '../../../src/kube/objects.ts';
import type { ContainerContext, Process } from '../../../src/twin/world.ts';
import { boundPod, createCluster, type Rig } from './rig.ts';

const NODE = 'kind-worker';

async function withNetwork(): Promise<Rig> {
  const rig = await createCluster(1, 1);
  rig.installCni();
  rig.time.until(() => ready(rig.world.store.get<Node>('nodes', NODE)) === 'True', 30_000);
  return rig;
}

const ready = (object: { status?: { conditions?: { type: string; status: string }[] } } | undefined) =>
  object?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
const container = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
const reasons = (rig: Rig): string[] => rig.world.store.list<KubeObject>('events').map((event) => String(event.reason));

/** Registers a program for example.org/app and returns what the test may change. */
function program(rig: Rig, make: (context: ContainerContext) => Partial<Process> = () => ({})): void {
  rig.world.programs.register('app', (context) => ({ ports: [80], ...make(context) }));
}

describe('a pod on a node', () => {
  it('is attached by the plugin whose file sorts first, and runs', async () => {
    const rig = await withNetwork();
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(10_000);
    const pod = rig.pod('a');
    expect(pod?.status?.phase).toBe('Running');
    expect(pod?.status?.podIP).toMatch(/^192\.168\.9\./);
    expect(container(pod)).toMatchObject({ ready: true, restartCount: 0, started: true });
    expect(pod?.status?.conditions?.map(({ type }) => type)).toEqual([
      'PodReadyToStartContainers',
      'Initialized',
      'Ready',
      'ContainersReady',
      'PodScheduled',
    ]);
  });

  it('stays in ContainerCreating while the plugin has no binary, and is tried again every 10 to 15 s', async () => {
    const rig = await withNetwork();
    const { files } = rig.world.machines.get(NODE)!;
    files.write('/etc/cni/net.d/05-other.conflist', JSON.stringify({ plugins: [{ type: 'other' }] }));
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(40_000);
    expect(container(rig.pod('a'))?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    const events = rig.world.store
      .list<KubeObject>('events')
      .filter(({ reason, metadata }) => reason === 'FailedCreatePodSandBox' && metadata.name.startsWith('a.'));
    expect(events.length).toBeGreaterThanOrEqual(3);
    expect(events.length).toBeLessThanOrEqual(4);
    files.remove('/etc/cni/net.d/05-other.conflist');
    rig.time.advance(20_000);
    expect(rig.pod('a')?.status?.phase).toBe('Running');
  });

  it('waits for its ConfigMap volume', async () => {
    const rig = await withNetwork();
    const volumes = [{ name: 'v', configMap: { name: 'late' } }];
    const { containers } = boundPod('a', NODE).spec!;
    rig.world.store.create('pods', boundPod('a', NODE, { containers, volumes }));
    rig.time.advance(5_000);
    expect(rig.pod('a')?.status?.podIP).toBeUndefined();
    rig.world.store.create('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'late', namespace: 'default' },
    });
    rig.time.advance(20_000);
    expect(rig.pod('a')?.status?.phase).toBe('Running');
  });

  it('resolves its environment', async () => {
    const rig = await withNetwork();
    const seen: (readonly [string | undefined, string | undefined, string | undefined])[] = [];
    program(rig, ({ env, args }) => {
      seen.push([env.get('IP'), env.get('WHO'), args[0]]);
      return {};
    });
    const env = [
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'WHO', value: 'pod-$(IP)' },
    ];
    const containers = [{ name: 'main', image: 'example.org/app:1', env, args: ['--ip=$(IP)'] }];
    rig.world.store.create('pods', boundPod('a', NODE, { containers }));
    rig.time.advance(10_000);
    const ip = rig.pod('a')?.status?.podIP;
    expect(seen).toEqual([[ip, `pod-${ip}`, `--ip=${ip}`]]);
  });

  it('runs init containers one after another before the others', async () => {
    const rig = await withNetwork();
    const order: string[] = [];
    rig.world.programs.registerInit('app#first', () => ({ ms: 3_000, run: () => order.push('first') }));
    rig.world.programs.registerInit('app#second', () => ({ ms: 1_000, run: () => order.push('second') }));
    program(rig, () => {
      order.push('main');
      return {};
    });
    const image = 'example.org/app:1';
    const spec = {
      initContainers: [
        { name: 'first', image },
        { name: 'second', image },
      ],
      containers: [{ name: 'main', image }],
    };
    rig.world.store.create('pods', boundPod('a', NODE, spec));
    rig.time.until(() => order.length === 1, 20_000);
    expect(container(rig.pod('a'))?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
    rig.time.advance(10_000);
    expect(order).toEqual(['first', 'second', 'main']);
    expect(rig.pod('a')?.status?.initContainerStatuses?.map((one) => one.state?.terminated?.exitCode)).toEqual([0, 0]);
  });

  it('ends with its processes, a terminal phase, and is then deleted', async () => {
    const rig = await withNetwork();
    program(rig, () => ({ terminate: () => 4_000 }));
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(8_000);
    const phases: (string | undefined)[] = [];
    rig.world.store.onChange<Pod>('pods', ({ type, object }) => {
      if (object.metadata.name === 'a') phases.push(type === 'DELETED' ? 'DELETED' : object.status?.phase);
    });
    const from = rig.time.now();
    rig.world.store.remove('pods', { name: 'a', namespace: 'default' });
    rig.time.until(() => rig.pod('a') === undefined, 30_000);
    expect(rig.time.now() - from).toBeGreaterThan(4_000);
    expect(rig.time.now() - from).toBeLessThan(7_000);
    expect(phases.at(-1)).toBe('DELETED');
    expect(phases).toContain('Succeeded');
    expect(
      rig.world.network
        .node(NODE)
        ?.pods()
        .some((pod) => pod.name === 'a'),
    ).toBe(false);
  });

  it('is gone also when a container ends by itself before the end that it was told', async () => {
    const rig = await withNetwork();
    program(rig, (context) => ({
      terminate: () => {
        context.after(1_000, () => context.exit(0));
        return 5_000;
      },
    }));
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(10_000);
    rig.world.store.remove('pods', { name: 'a', namespace: 'default' });
    rig.time.advance(10_000);
    expect(rig.pod('a')).toBeUndefined();
  });

  it('is killed when its grace is over', async () => {
    const rig = await withNetwork();
    program(rig, () => ({ terminate: () => 60_000 }));
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(8_000);
    const from = rig.time.now();
    rig.world.store.remove('pods', { name: 'a', namespace: 'default' }, { gracePeriodSeconds: 5 });
    rig.time.until(() => rig.pod('a') === undefined, 30_000);
    expect(rig.time.now() - from).toBeLessThan(8_000);
  });

  it('restarts at once after its first crash, then with doubling pauses', async () => {
    const rig = await withNetwork();
    const starts: number[] = [];
    program(rig, (context) => {
      starts.push(rig.time.now());
      context.after(1_000, () => context.exit(1));
      return {};
    });
    rig.world.store.create('pods', boundPod('a', NODE));
    rig.time.advance(100_000);
    const gaps = starts.slice(1).map((at, index) => Math.round((at - starts[index]!) / 1000));
    expect(gaps[0]).toBeLessThan(4);
    expect(gaps[1]).toBeGreaterThanOrEqual(10);
    expect(gaps[2]).toBeGreaterThanOrEqual(20);
    expect(gaps[3]).toBeGreaterThanOrEqual(40);
    expect(container(rig.pod('a'))?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    expect(container(rig.pod('a'))?.restartCount).toBe(starts.length - 1);
  });

  it('says ErrImagePull and ImagePullBackOff for a tag that does not exist', async () => {
    const rig = await withNetwork();
    const containers = [{ name: 'main', image: 'quay.io/calico/node:v0.0.1' }];
    const seen = new Set<string>();
    rig.world.store.onChange<Pod>('pods', ({ object }) => seen.add(container(object)?.state?.waiting?.reason ?? ''));
    rig.world.store.create('pods', boundPod('a', NODE, { containers }));
    rig.time.advance(8_000);
    expect([...seen]).toEqual(expect.arrayContaining(['ErrImagePull', 'ImagePullBackOff']));
    expect(reasons(rig)).toContain('Failed');
  });

  it('turns ready by its probe, unready again, and is restarted by a failing liveness probe', async () => {
    const rig = await withNetwork();
    const state = { good: false, alive: true, starts: 0 };
    program(rig, () => {
      state.starts += 1;
      return { probe: (kind) => (kind === 'liveness' ? state.alive : state.good) };
    });
    const probe = { httpGet: { path: '/', port: 80 }, periodSeconds: 5, failureThreshold: 2 };
    const containers = [{ name: 'main', image: 'example.org/app:1', readinessProbe: probe, livenessProbe: probe }];
    rig.world.store.create('pods', boundPod('a', NODE, { containers }));
    rig.time.advance(20_000);
    expect(ready(rig.pod('a'))).toBe('False');
    state.good = true;
    rig.time.advance(6_000);
    expect(ready(rig.pod('a'))).toBe('True');
    state.good = false;
    rig.time.advance(4_000);
    expect(ready(rig.pod('a'))).toBe('True');
    rig.time.advance(8_000);
    expect(ready(rig.pod('a'))).toBe('False');
    state.alive = false;
    rig.time.advance(12_000);
    state.alive = true;
    expect(state.starts).toBe(2);
    expect(container(rig.pod('a'))?.restartCount).toBe(1);
  });

  it('cannot be probed when its address leads elsewhere', async () => {
    const rig = await withNetwork();
    program(rig);
    const readinessProbe = { tcpSocket: { port: 80 }, periodSeconds: 2, failureThreshold: 1 };
    const containers = [{ name: 'main', image: 'example.org/app:1', readinessProbe }];
    rig.world.store.create('pods', boundPod('a', NODE, { containers }));
    rig.time.advance(10_000);
    expect(ready(rig.pod('a'))).toBe('True');
    rig.world.network.node(NODE)!.addRoute(`blackhole ${rig.pod('a')!.status!.podIP}`);
    rig.time.advance(3_000);
    expect(ready(rig.pod('a'))).toBe('False');
  });
});

describe('the network of a node', () => {
  it('is not ready until a configuration is there, and again when it goes', async () => {
    const rig = await createCluster(1, 1);
    rig.time.advance(5_000);
    const node = (): Node | undefined => rig.world.store.get<Node>('nodes', NODE);
    expect(ready(node())).toBe('False');
    expect(node()?.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(
      'cni plugin not initialized',
    );
    rig.installCni();
    rig.time.advance(10_000);
    expect(ready(node())).toBe('True');
    rig.world.machines.get(NODE)!.files.remove('/etc/cni/net.d/10-plain.conflist');
    rig.time.advance(10_000);
    expect(ready(node())).toBe('False');
  });
});

describe('static pods', () => {
  it('come back when their mirror is deleted', async () => {
    const rig = await createCluster(1, 1);
    rig.time.advance(30_000);
    const name = 'etcd-kind-control-plane';
    const before = rig.pod(name, 'kube-system');
    expect(before?.status?.phase).toBe('Running');
    expect(before?.metadata.ownerReferences?.[0]?.kind).toBe('Node');
    rig.world.store.remove('pods', { name, namespace: 'kube-system' });
    rig.time.advance(5_000);
    expect(rig.pod(name, 'kube-system')?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(rig.world.apiAvailable()).toBe(true);
  });
});
