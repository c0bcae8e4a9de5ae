/** Goldpinger pods on a fake network: who reaches whom is a matrix that a test changes. */
import type { Pod, Service } from '../../../../src/kube/objects.ts';
import { type GoldpingerOptions, registerGoldpinger } from '../../../../src/twin/actors/goldpinger/goldpinger.ts';
import type { ContainerContext, HttpAnswer, Machine, Process } from '../../../../src/twin/world.ts';
import { type FakeWorld, fakeWorld } from '../../controllers/fake-world.ts';

export interface Scene {
  readonly world: FakeWorld;
  /** Ordered pairs `uid>ip` that time out. */
  readonly cut: Set<string>;
  /** Pods that cannot reach the API server, by uid. */
  readonly blind: Set<string>;
  startPod(name: string, options?: { node?: string; env?: Record<string, string>; ip?: string }): string;
  stopPod(uid: string): void;
  patchPod(name: string, change: (draft: Pod) => void): void;
  ask(uid: string, path: string): HttpAnswer;
  check(
    uid: string,
  ): Record<string, { OK: boolean; PingTime: string; error?: string; 'status-code': number; PodIP?: string }>;
}

export const API = '10.96.0.1';

export function scene(options: GoldpingerOptions = {}, seed = 1): Scene {
  const world = fakeWorld({ seed });
  const cut = new Set<string>();
  const blind = new Set<string>();
  const timers = new Map<string, Set<() => void>>();
  const machine = (name: string) => ({ name, role: 'worker', address: '172.18.0.9' }) as unknown as Machine;
  world.store.create<Service>('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { clusterIP: API, ports: [{ port: 443 }] },
  });
  world.fakeNetwork.decide = (from, { ip, port }) => {
    const source = 'podUid' in from ? from.podUid : from.node;
    if (ip === API) {
      return blind.has(source)
        ? { ok: false, failure: 'refused', errno: 'connection refused', lostAt: 'test' }
        : { ok: true, milliseconds: 1, at: { node: 'cp', port: 6443 }, sourceSeen: '', pathMtu: 1500 };
    }
    if (cut.has(`${source}>${ip}`)) return { ok: false, failure: 'timeout', errno: '', lostAt: 'test' };
    const target = world.store.list<Pod>('pods').find((pod) => pod.status?.podIP === ip);
    const process = target && world.processes.get(target.metadata.uid!);
    if (target === undefined || !process?.ports.includes(port)) {
      return { ok: false, failure: 'refused', errno: 'connection refused', lostAt: 'test' };
    }
    return { ok: true, milliseconds: 0.4, at: { podUid: target.metadata.uid!, port }, sourceSeen: '', pathMtu: 1500 };
  };
  registerGoldpinger(world, options);
  let count = 0;
  return {
    world,
    cut,
    blind,
    startPod: (name, { node = 'w', env = {}, ip } = {}) => {
      count += 1;
      const address = ip ?? `192.168.0.${count}`;
      const pod = world.store.create<Pod>('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', labels: { app: 'goldpinger' } },
        spec: { nodeName: node, containers: [{ name: 'c' }] },
        status: { phase: 'Running', podIP: address, hostIP: '172.18.0.9' },
      });
      const uid = pod.metadata.uid!;
      const own = new Set<() => void>();
      timers.set(uid, own);
      const context = {
        world,
        machine: machine(node),
        podUid: uid,
        namespace: 'default',
        podName: name,
        containerName: 'c',
        args: ['--keep-alive=0s'],
        address,
        env: new Map(
          Object.entries({
            HOST: '0.0.0.0',
            PORT: '8080',
            REFRESH_INTERVAL: '2',
            PING_TIMEOUT: '1s',
            HOSTNAME: name,
            ...env,
          }),
        ),
        after: (ms: number, action: () => void) => {
          const cancel = world.time.after(ms, action);
          own.add(cancel);
          return cancel;
        },
        exit: () => {},
      } as unknown as ContainerContext;
      world.processes.set(uid, world.programs.find('bloomberg/goldpinger', 'c')!(context) as Process);
      return uid;
    },
    stopPod: (uid) => {
      // As a machine does it: the process is gone from the books before it hears of it.
      const process = world.processes.get(uid);
      world.processes.delete(uid);
      for (const cancel of timers.get(uid) ?? []) cancel();
      process?.stopped?.();
    },
    patchPod: (name, change) =>
      void world.store.update<Pod>('pods', { name, namespace: 'default' }, change, { subresource: 'status' }),
    ask: (uid, path) => world.processes.get(uid)!.http!(8080, path),
    check: (uid) => JSON.parse(world.processes.get(uid)!.http!(8080, '/check').body).podResults ?? {},
  };
}
