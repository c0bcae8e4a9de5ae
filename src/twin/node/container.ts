/** One running container: its process and the timers that die with it. */
import type { Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { Cancel, ContainerContext, Machine, Process, World } from '../world.ts';
import { type ContainerSpec, declaredPorts } from './pod-spec.ts';

export interface ContainerStart {
  readonly world: World;
  readonly machine: Machine;
  readonly pod: Pod;
  readonly spec: ContainerSpec;
  readonly id: string;
  readonly address: string;
  readonly env: ReadonlyMap<string, string>;
  readonly args: readonly string[];
  readonly random: Random;
  /** The process ended by itself. */
  readonly onExit: (code: number, message: string | undefined) => void;
}

/** SIGTERM to exit of a program that says nothing else, milliseconds. */
const DEFAULT_TERMINATION_MS = 50;

export class RunningContainer {
  readonly id: string;
  readonly startedAt: number;
  /** The context that the container's program, or its init program, gets. */
  readonly context: ContainerContext;
  readonly #start: ContainerStart;
  readonly #timers = new Set<Cancel>();
  #process: Process | undefined;
  #over = false;

  constructor(start: ContainerStart) {
    this.#start = start;
    this.id = start.id;
    this.startedAt = start.world.time.now();
    const { world, machine, pod, spec } = start;
    const name = pod.metadata.name;
    const namespace = pod.metadata.namespace ?? 'default';
    const podUid = pod.metadata.uid ?? '';
    this.context = {
      world,
      machine,
      podUid,
      namespace,
      podName: name,
      containerName: spec.name,
      image: spec.image ?? '',
      pod: () => {
        const current = world.store.get<Pod>('pods', name, namespace);
        return current?.metadata.uid === podUid ? current : undefined;
      },
      env: start.env,
      args: start.args,
      address: start.address,
      random: start.random,
      after: (ms, action) => this.after(ms, action),
      exit: (code, message) => {
        // Never inside the program's own call: the kubelet's books would change under it.
        this.after(0, () => {
          this.end();
          start.onExit(code, message);
        });
      },
    };
  }

  get process(): Process | undefined {
    return this.#over ? undefined : this.#process;
  }

  /** Starts the image's program; an image that nobody models listens on its ports and does nothing else. */
  launch(): void {
    const { world, spec, machine } = this.#start;
    const program = world.programs.find(spec.image ?? '', spec.name, machine.name);
    const ports = declaredPorts(this.#start.spec);
    this.#process = program === undefined ? { ports } : program(this.context);
  }

  after(ms: number, action: () => void): Cancel {
    if (this.#over) return () => {};
    const cancel = this.#start.world.time.after(ms, () => {
      this.#timers.delete(cancel);
      if (!this.#over) action();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  /** SIGTERM: milliseconds until the process ends. */
  terminate(): number {
    return this.#over ? 0 : (this.#process?.terminate?.() ?? DEFAULT_TERMINATION_MS);
  }

  /** The process is over. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#process?.stopped?.();
  }
}
