/** Starting one container: image, environment, process, probes. */

import { RunningContainer } from './container.ts';
import { resolveEnvironment } from './env.ts';
import { hexId } from './ids.ts';
import { isSidecar, pullsAlways } from './pod-spec.ts';
import type { PodWorker } from './pod-worker.ts';
import { Prober } from './prober.ts';
import type { ContainerRecord } from './records.ts';

/** An init container that nobody models. */
const UNKNOWN_INIT_MS = 200;

export class StartContainer {
  readonly #worker: PodWorker;

  constructor(worker: PodWorker) {
    this.#worker = worker;
  }

  /** Pulls and starts; `done(false)` when it could not, and another try has been scheduled. */
  start(record: ContainerRecord, done: (started: boolean) => void): void {
    const { doors, pod } = this.#worker;
    const image = record.spec.image ?? '';
    const pull = doors.world.pullImage(doors.machine, image);
    if ('error' in pull) {
      this.#pullFailed(record, image, pull.error);
      done(false);
      return;
    }
    const wait = pull.ms > 0 ? pull.ms : pullsAlways(record.spec) ? doors.random.integer(300, 600) : 0;
    if (wait > 0) doors.routine(pod, 'Pulling', `Pulling image "${image}"`, record);
    if (wait > 0 && !('terminated' in record.state)) record.wait(record.init ? 'PodInitializing' : 'ContainerCreating');
    this.#worker.after(wait + doors.random.integer(60, 220), () => {
      this.#told(record, image, wait);
      if (this.#worker.terminating) done(false);
      else done(this.#run(record));
    });
  }

  #told(record: ContainerRecord, image: string, wait: number): void {
    const { doors, pod } = this.#worker;
    const took = `${(wait / 1000).toFixed(3)}s`;
    const text =
      wait === 0
        ? `Container image "${image}" already present on machine`
        : `Successfully pulled image "${image}" in ${took} (${took} including waiting).`;
    doors.routine(pod, 'Pulled', text, record);
  }

  #pullFailed(record: ContainerRecord, image: string, error: string): void {
    const { doors, pod } = this.#worker;
    if ('terminated' in record.state) record.last = record.state.terminated;
    record.wait('ErrImagePull', error);
    this.#worker.publish();
    doors.event(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${error}`, record);
    doors.routine(pod, 'Failed', 'Error: ErrImagePull', record);
    const pause = record.nextPullIn();
    this.#worker.after(doors.untilRelist(), () => {
      if (this.#worker.terminating || !('waiting' in record.state)) return;
      record.wait('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error}`);
      this.#worker.publish();
      doors.event(pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`, record);
      this.#worker.wake(pause);
    });
  }

  #run(record: ContainerRecord): boolean {
    const worker = this.#worker;
    const { doors, pod } = worker;
    const { world, machine, random } = doors;
    const resolved = resolveEnvironment(world, machine, pod, record.spec, worker.address());
    if ('error' in resolved) {
      record.wait('CreateContainerConfigError', resolved.error);
      worker.publish();
      doors.event(pod, 'Warning', 'Failed', `Error: ${resolved.error}`, record);
      worker.wake(random.integer(10_000, 15_000));
      return false;
    }
    if (record.id !== undefined) record.lengthenBackoff();
    const container = new RunningContainer({
      world,
      machine,
      pod,
      spec: record.spec,
      id: hexId(random),
      address: worker.address(),
      env: resolved.env,
      args: resolved.args,
      random: world.random(`container/${pod.metadata.namespace}/${pod.metadata.name}/${record.name}`),
      onExit: (code, message) => worker.containerEnded(record, code, undefined, message),
    });
    record.begin(container);
    doors.routine(pod, 'Created', `Created container: ${record.name}`, record);
    doors.routine(pod, 'Started', `Started container ${record.name}`, record);
    if (record.init && !isSidecar(record.spec)) this.#runInit(record, container);
    else this.#launch(record, container);
    worker.wakeAtRelist();
    return true;
  }

  #runInit(record: ContainerRecord, container: RunningContainer): void {
    const program = this.#worker.doors.world.programs.findInit(record.spec.image ?? '', record.spec.name);
    const work = program?.(container.context);
    container.after(work?.ms ?? UNKNOWN_INIT_MS, () => {
      work?.run();
      // The program may have ended itself with an error of its own.
      if (record.running === container) this.#worker.containerEnded(record, 0, undefined, undefined);
    });
  }

  #launch(record: ContainerRecord, container: RunningContainer): void {
    const worker = this.#worker;
    const { doors } = worker;
    container.launch();
    new Prober({
      world: doors.world,
      machine: doors.machine,
      random: doors.random,
      pod: worker.pod,
      record,
      ip: () => worker.address(),
      addedAt: worker.addedAt,
      changed: () => worker.publish(),
      unhealthy: (kind, message) => {
        doors.event(
          worker.pod,
          'Normal',
          'Killing',
          `Container ${record.name} failed ${kind} probe, will be restarted`,
          record,
        );
        const grace = (worker.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
        const ms = container.terminate();
        container.after(Math.min(ms, grace), () =>
          worker.containerEnded(record, ms > grace ? 137 : 0, ms > grace ? 'Error' : 'Completed', message),
        );
      },
      report: (message) => doors.event(worker.pod, 'Warning', 'Unhealthy', message, record),
    });
  }
}
