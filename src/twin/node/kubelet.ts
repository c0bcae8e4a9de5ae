/**
 * The kubelet of one machine: which pods are its, what of them it has told the API server, and what it still has to.
 * It acts on what the API server says only while one serves; containers go on without.
 */
import type { Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import { recordEvent, recordRoutine, subjectOf } from '../events.ts';
import type { Cancel, Machine, StoreEvent, World } from '../world.ts';
import { removeFromNetwork } from './cni.ts';
import type { KubeletDoors } from './kubelet-doors.ts';
import type { NodeEnvironment, TwinMachine } from './machine.ts';
import { NodeReporter } from './node-status.ts';
import { onHostNetwork } from './pod-spec.ts';
import { terminatePod } from './pod-termination.ts';
import { type PodRemains, PodWorker } from './pod-worker.ts';
import type { ContainerRecord } from './records.ts';
import { isMirror, MANIFESTS, mirrorOf, readManifests } from './static-pods.ts';
import type { PodStatus } from './status.ts';

/** Does the kubelet of this node run (and so renew its lease)? */
export function kubeletAlive(world: World, node: string): boolean {
  const machine = world.machines.get(node) as (Machine & { kubeletRunning?(): boolean }) | undefined;
  return machine?.kubeletRunning?.() ?? false;
}

/** What the runtime keeps of all pods of a stopped node, by the pods' uids. */
export type NodeRemains = Map<string, { readonly pod: Pod; readonly remains: PodRemains }>;

/** The kubelet repeats what the scheduler said, at the time at which that became so. */
const since = (before: { lastTransitionTime?: string } | undefined) =>
  before?.lastTransitionTime === undefined ? {} : { lastTransitionTime: before.lastTransitionTime };

export class Kubelet {
  readonly #env: NodeEnvironment;
  readonly #machine: TwinMachine;
  readonly #random: Random;
  readonly #workers = new Map<string, PodWorker>();
  readonly #statics = new Set<string>();
  readonly #remains: NodeRemains;
  readonly #unsent = new Map<string, { pod: Pod; status: PodStatus }>();
  readonly #toDelete = new Map<string, Pod>();
  readonly #reporter: NodeReporter;
  readonly #unwatch: Cancel;
  readonly #doors: KubeletDoors;
  readonly #relistPhase: number;
  #listed = false;
  #over = false;
  #pid = 900;

  constructor(env: NodeEnvironment, machine: TwinMachine, remains: NodeRemains) {
    this.#env = env;
    this.#machine = machine;
    this.#remains = remains;
    this.#random = env.world.random(`kubelet/${machine.name}`);
    this.#reporter = new NodeReporter(env, machine, this.#random);
    this.#relistPhase = this.#random.integer(0, 999);
    const told = { component: 'kubelet', host: machine.name };
    const about = (pod: Pod, record?: ContainerRecord) =>
      subjectOf(
        { ...pod, apiVersion: 'v1', kind: 'Pod' },
        record && `spec.${record.init ? 'initContainers' : 'containers'}{${record.name}}`,
      );
    this.#doors = {
      world: env.world,
      machine,
      random: this.#random,
      untilRelist: () => 1000 - ((env.world.time.now() + this.#relistPhase) % 1000),
      nextPid: () => (this.#pid += this.#random.integer(30, 90)),
      event: (pod, type, reason, message, container) => {
        recordEvent(env.world, about(pod, container), { ...told, type, reason, message });
      },
      routine: (pod, reason, message, container) => {
        recordRoutine(env.world, about(pod, container), { ...told, reason, message });
      },
      postStatus: (pod, status) => this.#postStatus(pod, status),
      removed: () => {},
    };
    this.#unwatch = machine.files.watch(MANIFESTS, () => this.#after(500, () => this.#readManifests()));
    // Static pods need no API server.
    this.#after(this.#random.integer(400, 800), () => this.#readManifests());
    if (machine.joined()) this.join();
  }

  /** The node has credentials: registers it and begins to take pods from the API server. */
  join(): void {
    this.#after(this.#random.integer(300, 700), () => this.#reporter.register());
    this.#after(this.#random.integer(1_000, 1_600), () => this.#list());
  }

  /** An API server serves again. */
  apiUp(): void {
    if (!this.#machine.joined()) return;
    this.#after(this.#random.integer(100, 900), () => {
      this.#reporter.register();
      this.#list();
    });
  }

  /** The store's hook: may only schedule. */
  podChanged(event: StoreEvent<Pod>): void {
    const { object, previous } = event;
    const uid = object.metadata.uid ?? '';
    const worker = this.#workers.get(uid);
    if (worker !== undefined && event.type === 'MODIFIED') worker.pod = object;
    const news =
      event.type !== 'MODIFIED' ||
      previous?.spec?.nodeName !== object.spec?.nodeName ||
      previous?.metadata.deletionTimestamp !== object.metadata.deletionTimestamp;
    if (news) this.#after(this.#random.integer(10, 60), () => this.#handle(object));
  }

  nodeChanged(): void {
    this.#reporter.changed();
  }

  /** The machine stops: everything ends at once; what is on disk is returned. */
  stop(): NodeRemains {
    this.#over = true;
    this.#unwatch();
    this.#reporter.stop();
    for (const [uid, worker] of this.#workers) {
      this.#env.pods.delete(worker);
      this.#remains.set(uid, { pod: worker.pod, remains: worker.die() });
    }
    return this.#remains;
  }

  #after(ms: number, action: () => void): void {
    this.#env.world.time.after(ms, () => {
      if (!this.#over) action();
    });
  }

  /** Takes the whole list of its pods, as at a start or after the API server was away. */
  #list(): void {
    const { world } = this.#env;
    if (!world.apiAvailable()) return;
    this.#listed = true;
    this.#flush();
    const pods = world.store.podsOnNode(this.#machine.name);
    const present = new Set(pods.map((pod) => pod.metadata.uid ?? ''));
    for (const [uid, worker] of [...this.#workers]) {
      if (!present.has(uid) && !this.#statics.has(uid)) this.#end(uid, worker);
    }
    for (const pod of pods) this.#handle(pod);
    for (const [uid, { pod, remains }] of [...this.#remains]) {
      if (present.has(uid) || uid.startsWith('static/')) continue;
      // Deleted while the node was away: its sandbox is still taken off the network.
      if (remains.hadSandbox && !onHostNetwork(pod)) removeFromNetwork(world, this.#machine, pod);
      this.#remains.delete(uid);
    }
    this.#postMirrors();
  }

  /** Brings one pod's worker in line with the object as it is now. */
  #handle(seen: Pod): void {
    const { world } = this.#env;
    if (!world.apiAvailable() || !this.#listed) return;
    const uid = seen.metadata.uid ?? '';
    const found = world.store.get<Pod>('pods', seen.metadata.name, seen.metadata.namespace);
    const pod = found?.metadata.uid === uid ? found : undefined;
    if (isMirror(seen)) {
      this.#handleMirror(pod);
      return;
    }
    const worker = this.#workers.get(uid);
    if (pod === undefined) {
      if (worker !== undefined) this.#end(uid, worker);
    } else if (worker !== undefined) {
      worker.pod = pod;
      if (pod.metadata.deletionTimestamp !== undefined) this.#end(uid, worker);
    } else if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') {
      const started = this.#take(uid, pod);
      if (pod.metadata.deletionTimestamp !== undefined) this.#end(uid, started);
    } else if (pod.metadata.deletionTimestamp !== undefined) {
      this.#deleteObject(uid, pod);
    }
  }

  #take(key: string, pod: Pod): PodWorker {
    const before = this.#remains.get(key);
    this.#remains.delete(key);
    const worker = new PodWorker(this.#doors, pod, before?.remains);
    this.#workers.set(key, worker);
    this.#env.pods.add(worker, pod.metadata.uid ?? key);
    worker.wake(this.#random.integer(0, before === undefined ? 80 : 900));
    return worker;
  }

  #end(uid: string, worker: PodWorker): void {
    terminatePod(worker, () => {
      worker.die();
      this.#workers.delete(uid);
      this.#env.pods.delete(worker);
      this.#deleteObject(uid, worker.pod);
    });
  }

  /** The last word on a pod: deletion without grace, of exactly this uid. */
  #deleteObject(uid: string, pod: Pod): void {
    const { world } = this.#env;
    if (!world.apiAvailable()) {
      this.#toDelete.set(uid, pod);
      return;
    }
    const { name, namespace } = pod.metadata;
    const current = world.store.get<Pod>('pods', name, namespace);
    if (current?.metadata.uid === uid) {
      world.store.remove('pods', { name, namespace, uid }, { gracePeriodSeconds: 0 });
    }
  }

  #postStatus(pod: Pod, status: PodStatus): void {
    const { world } = this.#env;
    const { name, namespace, uid } = pod.metadata;
    if (!world.apiAvailable()) {
      this.#unsent.set(`${namespace}/${name}`, { pod, status });
      return;
    }
    this.#unsent.delete(`${namespace}/${name}`);
    const mirror = uid?.startsWith('static/') === true;
    world.store.update<Pod>(
      'pods',
      { name, namespace, ...(!mirror && { uid }) },
      (draft) => {
        const kept = draft.status?.conditions ?? [];
        const mine = (status.conditions ?? []).map((condition) =>
          condition.type === 'PodScheduled'
            ? { ...condition, ...since(kept.find((one) => one.type === condition.type)) }
            : condition,
        );
        const foreign = kept.filter((one) => !mine.some((condition) => condition.type === one.type));
        draft.status = {
          ...status,
          qosClass: draft.status?.qosClass ?? status.qosClass,
          conditions: [...mine, ...foreign],
        } as PodStatus;
      },
      { subresource: 'status' },
    );
  }

  #flush(): void {
    for (const { pod, status } of [...this.#unsent.values()]) this.#postStatus(pod, status);
    for (const [uid, pod] of [...this.#toDelete]) {
      this.#toDelete.delete(uid);
      this.#deleteObject(uid, pod);
    }
  }

  #readManifests(): void {
    const manifests = readManifests(this.#machine);
    for (const pod of manifests) {
      const key = pod.metadata.uid ?? '';
      if (this.#workers.has(key)) continue;
      this.#statics.add(key);
      this.#take(key, pod);
    }
    this.#postMirrors();
  }

  /** Shows static pods in the API; each mirror belongs to the Node object. */
  #postMirrors(): void {
    const { world } = this.#env;
    const node = world.apiAvailable() ? world.store.get('nodes', this.#machine.name) : undefined;
    if (node === undefined) return;
    for (const key of this.#statics) {
      const worker = this.#workers.get(key);
      if (worker === undefined) continue;
      const { name, namespace } = worker.pod.metadata;
      const mirror =
        world.store.get<Pod>('pods', name, namespace) ??
        world.store.create<Pod>('pods', mirrorOf(worker.pod, node, world.time.now()));
      this.#env.pods.add(worker, mirror.metadata.uid ?? '');
      worker.publish();
    }
  }

  /** A mirror cannot be deleted for good. */
  #handleMirror(mirror: Pod | undefined): void {
    if (mirror !== undefined && mirror.metadata.deletionTimestamp === undefined) return;
    if (mirror !== undefined) this.#deleteObject(mirror.metadata.uid ?? '', mirror);
    this.#after(1_000, () => this.#postMirrors());
  }
}
