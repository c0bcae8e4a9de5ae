/** A world without machines or a real network, for tests of controllers and of goldpinger: the real store on virtual time. */
import type { Node, Pod } from '../../../src/kube/objects.ts';
import { randomStream } from '../../../src/time/random.ts';
import { createObjectStore, type Store } from '../../../src/twin/api/store.ts';
import type { ConnectOutcome, Network, Source } from '../../../src/twin/network/network.ts';
import type { Machine, Process, Program, ProgramCatalogue, SimulatedTime, World } from '../../../src/twin/world.ts';

export const EPOCH = Date.UTC(2026, 0, 1);

export class FakeTime implements SimulatedTime {
  #now = EPOCH;
  #count = 0;
  #timers: { at: number; order: number; action: () => void }[] = [];
  fired = 0;
  now(): number {
    return this.#now;
  }
  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#count++, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }
  /** Runs everything that is due within the next `ms`. */
  run(ms: number): void {
    const end = this.#now + ms;
    while (true) {
      let next: { at: number; order: number; action: () => void } | undefined;
      for (const timer of this.#timers) {
        if (timer.at > end) continue;
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
          next = timer;
      }
      if (next === undefined) break;
      const due = next;
      this.#timers = this.#timers.filter((one) => one !== due);
      this.#now = due.at;
      this.fired += 1;
      due.action();
    }
    this.#now = end;
  }
}

export type Connect = (from: Source, to: { ip: string; port: number }) => ConnectOutcome;

/** A network of which only `connect`, `version` and `onBeforeChange` exist. */
export class FakeNetwork {
  connects = 0;
  #version = 1;
  #hooks: (() => void)[] = [];
  decide: Connect = () => ({ ok: false, failure: 'refused', errno: 'connection refused', lostAt: 'nowhere' });
  connect: Connect = (from, to) => {
    this.connects += 1;
    return this.decide(from, to);
  };
  version = (): number => this.#version;
  onBeforeChange = (hook: () => void): (() => void) => {
    this.#hooks.push(hook);
    return () => {};
  };
  /** Announces a change, then makes it. */
  change(action: () => void): void {
    for (const hook of this.#hooks) hook();
    this.#version += 1;
    action();
  }
}

export interface FakeWorld extends World {
  readonly time: FakeTime;
  readonly store: Store;
  readonly fakeNetwork: FakeNetwork;
  readonly processes: Map<string, Process>;
  up: boolean;
}

export function fakeWorld(options: { kubernetes?: string; seed?: number; forOnlookers?: boolean } = {}): FakeWorld {
  const time = new FakeTime();
  const network = new FakeNetwork();
  const seed = options.seed ?? 1;
  const programs = new Map<string, Program>();
  const processes = new Map<string, Process>();
  const catalogue: ProgramCatalogue = {
    registerOn: () => () => {},
    register: (key, program) => void programs.set(key, program),
    registerInit: () => {},
    find: (image) => programs.get(image),
    findInit: () => undefined,
  };
  const world: FakeWorld = {
    time,
    random: (consumer) => randomStream(seed, consumer),
    store: createObjectStore({ time, random: randomStream(seed, 'store') }),
    fakeNetwork: network,
    network: network as unknown as Network,
    programs: catalogue,
    cniPlugins: new Map(),
    machines: new Map<string, Machine>(),
    processes,
    up: true,
    apiAvailable: () => world.up,
    process: (uid) => processes.get(uid),
    pullImage: () => ({ ms: 0 }),
    config: {
      seed,
      nodeSubnet: '172.18.0.0/16',
      podSubnet: '192.168.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      kubernetesVersion: options.kubernetes ?? '1.36.2',
      ...(options.forOnlookers !== undefined && { forOnlookers: options.forOnlookers }),
    },
  };
  return world;
}

export function addNode(world: World, name: string, change?: (draft: Node) => void): Node {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }], allocatable: { pods: '110' } },
  };
  change?.(node);
  return world.store.create<Node>('nodes', node);
}

/** Plays all kubelets: Running and Ready `startMs` after the binding, gone `endMs` after a deletion, as the recorder's did. */
export function playKubelet(
  world: World,
  options: { startMs?: number; endMs?: number; ready?: (pod: Pod) => boolean } = {},
): void {
  const { time, store } = world;
  let address = 0;
  let started = 0;
  const handled = new Set<string>();
  store.onChange<Pod>('pods', ({ type, object }) => {
    if (type === 'DELETED' || object.spec?.nodeName === undefined) return;
    const ref = { name: object.metadata.name, namespace: object.metadata.namespace, uid: object.metadata.uid };
    const once = (step: string, ms: number, action: () => void): void => {
      const key = `${object.metadata.uid}/${step}`;
      if (handled.has(key)) return;
      handled.add(key);
      if (step === 'start') started += 1;
      time.after(ms, action);
    };
    if (object.metadata.deletionTimestamp === undefined) {
      // Never two at the same instant: kubelets are not in step.
      const delay = (options.startMs ?? 1_000) + 50 * (started % 4);
      once('start', delay, () => {
        store.update<Pod>(
          'pods',
          ref,
          (draft) => {
            if (draft.metadata.deletionTimestamp !== undefined) return;
            address += 1;
            const ready = options.ready?.(draft) ?? true;
            const kept = (draft.status?.conditions ?? []).filter((one) => one.type !== 'Ready');
            const at = new Date(time.now()).toISOString();
            draft.status = {
              ...draft.status,
              phase: 'Running',
              podIP: `192.168.0.${address}`,
              conditions: [...kept, { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at }],
            };
          },
          { subresource: 'status' },
        );
      });
    } else {
      once('end', options.endMs ?? 1_000, () => {
        store.update<Pod>(
          'pods',
          ref,
          (draft) => {
            draft.status = { ...draft.status, phase: 'Succeeded' };
          },
          { subresource: 'status' },
        );
        time.after(10, () => void store.remove('pods', ref, { gracePeriodSeconds: 0 }));
      });
    }
  });
}
