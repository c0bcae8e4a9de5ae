/** A world just large enough for Cilium's actors: a store of plain objects, a timer queue, real node files. */
import type { KubeObject, Pod } from '../../../../src/kube/objects.ts';
import { type Random, randomStream } from '../../../../src/time/random.ts';
import type { Network } from '../../../../src/twin/network/network.ts';
import { MachineFiles } from '../../../../src/twin/node/files.ts';
import { createProgramCatalogue } from '../../../../src/twin/node/programs.ts';
import type {
  Cancel,
  CniPlugin,
  ContainerContext,
  Machine,
  ObjectStore,
  Process,
  StoreEvent,
  World,
} from '../../../../src/twin/world.ts';

export const EPOCH = Date.UTC(2026, 10, 22, 23, 40);

export class FakeTime {
  #now = EPOCH;
  #timers: { at: number; order: number; action: () => void }[] = [];
  #order = 0;
  now(): number {
    return this.#now;
  }
  after(ms: number, action: () => void): Cancel {
    const timer = { at: this.#now + ms, order: this.#order++, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  /** Lets `ms` pass. */
  run(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }
}

type Hook = (event: StoreEvent) => void;

export class FakeStore implements ObjectStore {
  readonly served = new Set<string>();
  readonly writes: string[] = [];
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #hooks: { resource: string; hook: Hook }[] = [];
  readonly #time: FakeTime;
  #version = 0;

  constructor(time: FakeTime) {
    this.#time = time;
  }
  #of(resource: string): Map<string, KubeObject> {
    const objects = this.#objects.get(resource) ?? new Map<string, KubeObject>();
    this.#objects.set(resource, objects);
    return objects;
  }
  #tell(event: StoreEvent): void {
    this.writes.push(`${event.type} ${event.resource} ${event.object.metadata.name}`);
    for (const { resource, hook } of [...this.#hooks]) if (resource === '*' || resource === event.resource) hook(event);
  }
  get<T extends KubeObject>(resource: string, name: string, namespace?: string): T | undefined {
    return this.#of(resource).get(`${namespace ?? ''}/${name}`) as T | undefined;
  }
  list<T extends KubeObject>(
    resource: string,
    filter: { namespace?: string; labels?: Record<string, string>; labelSelector?: string } = {},
  ): T[] {
    const labels = { ...filter.labels };
    for (const term of (filter.labelSelector ?? '').split(',').filter((text) => text !== '')) {
      const [key, value] = term.split('=');
      labels[key!] = value!;
    }
    return [...this.#of(resource).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object as T)
      .filter((object) => filter.namespace === undefined || object.metadata.namespace === filter.namespace)
      .filter((object) => Object.keys(labels).every((key) => object.metadata.labels?.[key] === labels[key]));
  }
  podsOnNode(node: string): Pod[] {
    return this.list<KubeObject>('pods').filter((pod) => (pod as Pod).spec?.nodeName === node) as Pod[];
  }
  create<T extends KubeObject>(resource: string, object: T): T {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (this.#of(resource).has(key)) throw new Error(`${resource} "${object.metadata.name}" already exists`);
    const created = structuredClone(object);
    created.metadata = {
      uid: `uid-${++this.#version}`,
      generation: 1,
      creationTimestamp: new Date(this.#time.now()).toISOString(),
      ...created.metadata,
    };
    this.#of(resource).set(key, created);
    if (resource === 'customresourcedefinitions.apiextensions.k8s.io')
      this.#time.after(100, () => this.served.add(object.metadata.name));
    this.#tell({ type: 'ADDED', resource, object: created, previous: undefined });
    return created;
  }
  update<T extends KubeObject>(
    resource: string,
    ref: { name: string; namespace?: string | undefined },
    change: (draft: T) => void,
  ): T | undefined {
    const previous = this.get<T>(resource, ref.name, ref.namespace);
    if (previous === undefined) return undefined;
    const draft = structuredClone(previous);
    change(draft);
    if (JSON.stringify(draft) === JSON.stringify(previous)) return previous;
    this.#of(resource).set(`${ref.namespace ?? ''}/${ref.name}`, draft);
    this.#tell({ type: 'MODIFIED', resource, object: draft, previous });
    return draft;
  }
  remove(resource: string, ref: { name: string; namespace?: string | undefined }): boolean {
    const object = this.get(resource, ref.name, ref.namespace);
    if (object === undefined) return false;
    this.#of(resource).delete(`${ref.namespace ?? ''}/${ref.name}`);
    this.#tell({ type: 'DELETED', resource, object, previous: object });
    return true;
  }
  onChange<T extends KubeObject>(resource: string, hook: (event: StoreEvent<T>) => void): Cancel {
    const entry = { resource, hook: hook as unknown as Hook };
    this.#hooks.push(entry);
    return () => void this.#hooks.splice(this.#hooks.indexOf(entry), 1);
  }
  has(resource: string): boolean {
    return this.served.has(resource);
  }
}

export interface FakeWorld extends World {
  readonly time: FakeTime;
  readonly machines: Map<string, Machine>;
  api: boolean;
}

export function fakeWorld(
  network: Network,
  seed = 1,
  makeStore: (time: FakeTime) => ObjectStore = (time) => new FakeStore(time),
): FakeWorld {
  const time = new FakeTime();
  const streams = new Map<string, Random>();
  return {
    time,
    random: (consumer) => {
      const stream = streams.get(consumer) ?? randomStream(seed, consumer);
      streams.set(consumer, stream);
      return stream;
    },
    store: makeStore(time),
    network,
    programs: createProgramCatalogue(),
    cniPlugins: new Map<string, CniPlugin>(),
    machines: new Map(),
    api: true,
    apiAvailable(): boolean {
      return this.api;
    },
    process: () => undefined,
    pullImage: () => ({ ms: 0 }),
    config: {
      seed,
      nodeSubnet: '172.30.0.0/16',
      podSubnet: '192.168.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      kubernetesVersion: '1.34.11',
    },
  };
}

export function addMachine(world: FakeWorld, name: string, address: string): Machine {
  const machine: Machine = {
    name,
    role: name.includes('control-plane') ? 'control-plane' : 'worker',
    address,
    files: new MachineFiles(world.time),
    running: () => true,
    startedAt: () => EPOCH,
    restart: () => {},
  };
  world.machines.set(name, machine);
  world.network.addNode(name, address, world.config.nodeSubnet);
  world.store.create('nodes', {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    spec: {},
    status: { conditions: [] },
  });
  return machine;
}

export interface FakeContainer {
  readonly process: Process;
  readonly exits: { code: number; message: string | undefined }[];
  stop(): void;
}

/** Runs what stands behind an image's container, without a kubelet. */
export function runContainer(
  world: FakeWorld,
  machine: Machine,
  pod: { uid: string; name: string; image: string; container: string; namespace?: string },
): FakeContainer {
  const program = world.programs.find(pod.image, pod.container)!;
  const exits: FakeContainer['exits'] = [];
  const timers: Cancel[] = [];
  let running = true;
  const process: Process = program(contextOf(world, machine, pod, timers, exits));
  return {
    process,
    exits,
    stop: () => {
      if (!running) return;
      running = false;
      process.terminate?.();
      for (const cancel of timers) cancel();
      process.stopped?.();
    },
  };
}

export function runInit(
  world: FakeWorld,
  machine: Machine,
  pod: { uid: string; name: string; image: string; container: string },
): void {
  world.programs
    .findInit(
      pod.image,
      pod.container,
    )?.(contextOf(world, machine, pod, [], []))
    .run();
}

function contextOf(
  world: FakeWorld,
  machine: Machine,
  pod: { uid: string; name: string; image: string; container: string; namespace?: string },
  timers: Cancel[],
  exits: FakeContainer['exits'],
): ContainerContext {
  return {
    world,
    machine,
    podUid: pod.uid,
    namespace: pod.namespace ?? 'kube-system',
    podName: pod.name,
    containerName: pod.container,
    image: pod.image,
    pod: () => world.store.get('pods', pod.name, pod.namespace ?? 'kube-system') as Pod | undefined,
    env: new Map(),
    args: [],
    address: machine.address,
    random: world.random(`container/${pod.uid}/${pod.container}`),
    after: (ms, action) => {
      const cancel = world.time.after(ms, action);
      timers.push(cancel);
      return cancel;
    },
    exit: (code, message) => void exits.push({ code, message }),
  };
}
