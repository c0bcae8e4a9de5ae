/** All pods that kubelets look after now: who listens where, and which process answers. */
import type { Listener } from '../network/network.ts';
import type { HttpAnswer, Process } from '../world.ts';
import { onHostNetwork } from './pod-spec.ts';
import type { PodWorker } from './pod-worker.ts';

export class PodRegistry {
  readonly #byUid = new Map<string, PodWorker>();
  /** Pods on the host network, by node. */
  readonly #onHost = new Map<string, Set<PodWorker>>();

  /** `uids`: of the object and, for a static pod, of its mirror. */
  add(worker: PodWorker, ...uids: string[]): void {
    for (const uid of uids) this.#byUid.set(uid, worker);
    if (!onHostNetwork(worker.pod)) return;
    const node = worker.doors.machine.name;
    const workers = this.#onHost.get(node) ?? new Set();
    workers.add(worker);
    this.#onHost.set(node, workers);
  }

  delete(worker: PodWorker): void {
    for (const uid of [...this.#byUid].filter(([, one]) => one === worker).map(([uid]) => uid)) this.#byUid.delete(uid);
    this.#onHost.get(worker.doors.machine.name)?.delete(worker);
  }

  worker(podUid: string): PodWorker | undefined {
    return this.#byUid.get(podUid);
  }

  /** Workers on a node, by name of their pod. */
  on(node: string): PodWorker[] {
    return [...new Set(this.#byUid.values())]
      .filter((worker) => worker.doors.machine.name === node)
      .sort((a, b) => (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
  }

  process(podUid: string, container?: string): Process | undefined {
    return this.#byUid.get(podUid)?.process(container);
  }

  /** The process that listens on a pod's or a node's port. */
  listener(where: Listener): Process | undefined {
    const candidates = 'podUid' in where ? [this.#byUid.get(where.podUid)] : (this.#onHost.get(where.node) ?? []);
    for (const worker of candidates) {
      for (const record of worker?.records ?? []) {
        const process = record.running?.process;
        if (process?.ports.includes(where.port)) return process;
      }
    }
    return undefined;
  }

  /** What a GET is answered; undefined when nobody listens, 200 without text by a process that has no answers. */
  answer(where: Listener, path: string): HttpAnswer | undefined {
    const process = this.listener(where);
    return process && (process.http?.(where.port, path) ?? { status: 200, body: '' });
  }
}
