/** A world without machines or a real network, for tests of controllers and of goldpinger: a small store on virtual time. */
import type { KubeObject, Node, Pod } from '../../../src/kube/objects.ts';
import { randomStream } from '../../../src/time/random.ts';
import type {
  Machine,
  ObjectStore,
  Process,
  ProgramCatalogue,
  Program,
  ResourceName,
  SimulatedTime,
  StoreEvent,
  World,
} from '../../../src/twin/world.ts';
import type { ConnectOutcome, Network, Source } from '../../../src/twin/network/network.ts';

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
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
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

export class FakeError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Ref = { name: string; namespace?: string | undefined; uid?: string | undefined };

/** As much of the API's behaviour as controllers need. */
export class FakeStore implements ObjectStore {
  readonly #time: SimulatedTime;
  readonly #objects = new Map<ResourceName, Map<string, KubeObject>>();
  readonly #hooks: { resource: string; hook: (event: StoreEvent) => void }[] = [];
  #revision = 0;
  constructor(time: SimulatedTime) {
    this.#time = time;
  }
  #key(name: string, namespace: string | undefined): string {
    return `${namespace ?? ''}/${name}`;
  }
  #all(resource: ResourceName): Map<string, KubeObject> {
    const known = this.#objects.get(resource);
    if (known !== undefined) return known;
    const fresh = new Map<string, KubeObject>();
    this.#objects.set(resource, fresh);
    return fresh;
  }
  #stamp(ms = this.#time.now()): string {
    return `${new Date(ms).toISOString().slice(0, 19)}Z`;
  }
  #emit(event: StoreEvent): void {
    for (const { resource, hook } of this.#hooks) if (resource === '*' || resource === event.resource) hook(event);
  }
  get<T extends KubeObject>(resource: ResourceName, name: string, namespace?: string): T | undefined {
    return this.#all(resource).get(this.#key(name, namespace)) as T | undefined;
  }
  list<T extends KubeObject>(
    resource: ResourceName,
    filter: { namespace?: string; labels?: Record<string, string> } = {},
  ): T[] {
    return [...this.#all(resource)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
      .filter((object) => filter.namespace === undefined || object.metadata.namespace === filter.namespace)
      .filter((object) =>
        Object.entries(filter.labels ?? {}).every(([key, value]) => object.metadata.labels?.[key] === value),
      ) as T[];
  }
  podsOnNode(node: string): Pod[] {
    return this.list<Pod>('pods').filter((pod) => pod.spec?.nodeName === node);
  }
  create<T extends KubeObject>(resource: ResourceName, object: T): T {
    const copy = structuredClone(object) as KubeObject & { metadata: { generateName?: string } };
    this.#revision += 1;
    if (copy.metadata.name === undefined) {
      copy.metadata.name = `${copy.metadata.generateName ?? ''}${String(this.#revision).padStart(5, '0')}`;
    }
    const key = this.#key(copy.metadata.name, copy.metadata.namespace);
    if (this.#all(resource).has(key)) throw new FakeError(409, `${resource} "${copy.metadata.name}" already exists`);
    copy.metadata.uid = `uid-${this.#revision}`;
    copy.metadata.resourceVersion = String(this.#revision);
    copy.metadata.creationTimestamp = this.#stamp();
    copy.metadata.generation = 1;
    if (resource === 'namespaces') (copy as { spec?: unknown }).spec = { finalizers: ['kubernetes'] };
    this.#all(resource).set(key, copy);
    this.#emit({ type: 'ADDED', resource, object: copy, previous: undefined });
    return copy as unknown as T;
  }
  update<T extends KubeObject>(
    resource: ResourceName,
    ref: Ref,
    change: (draft: T) => void,
    options: { subresource?: 'status' } = {},
  ): T | undefined {
    const key = this.#key(ref.name, ref.namespace);
    const previous = this.#all(resource).get(key);
    if (previous === undefined || (ref.uid !== undefined && ref.uid !== previous.metadata.uid)) return undefined;
    const draft = structuredClone(previous);
    change(draft as T);
    if (JSON.stringify(draft) === JSON.stringify(previous)) return previous as T;
    this.#revision += 1;
    draft.metadata.resourceVersion = String(this.#revision);
    const specChanged = JSON.stringify(draft['spec']) !== JSON.stringify(previous['spec']);
    if (options.subresource === undefined && specChanged) draft.metadata.generation = (previous.metadata.generation ?? 1) + 1;
    const spec = draft['spec'] as { finalizers?: string[] } | undefined;
    const leaving =
      previous.metadata.deletionTimestamp !== undefined &&
      (draft.metadata.finalizers?.length ?? 0) === 0 &&
      (resource === 'namespaces' ? (spec?.finalizers?.length ?? 0) === 0 : (previous.metadata.finalizers?.length ?? 0) > 0);
    if (leaving) {
      this.#all(resource).delete(key);
      this.#emit({ type: 'DELETED', resource, object: draft, previous });
    } else {
      this.#all(resource).set(key, draft);
      this.#emit({ type: 'MODIFIED', resource, object: draft, previous });
    }
    return draft as T;
  }
  remove(
    resource: ResourceName,
    ref: Ref,
    options: { gracePeriodSeconds?: number; propagation?: 'Background' | 'Foreground' | 'Orphan' } = {},
  ): boolean {
    const key = this.#key(ref.name, ref.namespace);
    const previous = this.#all(resource).get(key);
    if (previous === undefined || (ref.uid !== undefined && ref.uid !== previous.metadata.uid)) return false;
    const finalizers = [...(previous.metadata.finalizers ?? [])];
    if (options.propagation === 'Foreground') finalizers.push('foregroundDeletion');
    if (options.propagation === 'Orphan') finalizers.push('orphan');
    if (resource === 'customresourcedefinitions.apiextensions.k8s.io' && finalizers.length === 0) {
      finalizers.push('customresourcecleanup.apiextensions.k8s.io');
    }
    const pod = previous as unknown as Pod;
    const terminal = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    const graceful = resource === 'pods' && pod.spec?.nodeName !== undefined && !terminal;
    const grace = graceful ? (options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30) : 0;
    const gone = this.#all(resource).get(key);
    if (grace > 0 || finalizers.length > 0 || (resource === 'namespaces' && gone !== undefined)) {
      if (previous.metadata.deletionTimestamp !== undefined && grace > 0) return true;
      this.#revision += 1;
      const draft = structuredClone(previous);
      draft.metadata.deletionTimestamp ??= this.#stamp(this.#time.now() + grace * 1000);
      draft.metadata.deletionGracePeriodSeconds ??= grace;
      draft.metadata.resourceVersion = String(this.#revision);
      if (finalizers.length > 0) draft.metadata.finalizers = [...new Set(finalizers)];
      if (resource === 'namespaces') (draft as { status?: unknown }).status = { phase: 'Terminating' };
      this.#all(resource).set(key, draft);
      this.#emit({ type: 'MODIFIED', resource, object: draft, previous });
      return true;
    }
    this.#revision += 1;
    this.#all(resource).delete(key);
    this.#emit({ type: 'DELETED', resource, object: previous, previous });
    return true;
  }
  onChange<T extends KubeObject>(resource: ResourceName | '*', hook: (event: StoreEvent<T>) => void): () => void {
    const entry = { resource, hook: hook as unknown as (event: StoreEvent) => void };
    this.#hooks.push(entry);
    return () => void this.#hooks.splice(this.#hooks.indexOf(entry), 1);
  }
  has(): boolean {
    return true;
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
  readonly store: FakeStore;
  readonly fakeNetwork: FakeNetwork;
  readonly processes: Map<string, Process>;
  up: boolean;
}

export function fakeWorld(options: { kubernetes?: string; seed?: number } = {}): FakeWorld {
  const time = new FakeTime();
  const network = new FakeNetwork();
  const seed = options.seed ?? 1;
  const programs = new Map<string, Program>();
  const processes = new Map<string, Process>();
  const catalogue: ProgramCatalogue = {
    register: (key, program) => void programs.set(key, program),
    registerInit: () => {},
    find: (image) => programs.get(image),
    findInit: () => undefined,
  };
  const world: FakeWorld = {
    time,
    random: (consumer) => randomStream(seed, consumer),
    store: new FakeStore(time),
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
  const handled = new Set<string>();
  store.onChange<Pod>('pods', ({ type, object }) => {
    if (type === 'DELETED' || object.spec?.nodeName === undefined) return;
    const ref = { name: object.metadata.name, namespace: object.metadata.namespace, uid: object.metadata.uid };
    const once = (step: string, ms: number, action: () => void): void => {
      const key = `${object.metadata.uid}/${step}`;
      if (handled.has(key)) return;
      handled.add(key);
      time.after(ms, action);
    };
    if (object.metadata.deletionTimestamp === undefined) {
      once('start', options.startMs ?? 1_000, () => {
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
