/**
 * One pod on one node, from the moment the kubelet sees it until it is gone: volumes, sandbox, init containers,
 * containers, restarts (kubelet, kuberuntime_manager SyncPod). Its end is in `pod-termination.ts`.
 */
import type { Pod } from '../../kube/objects.ts';
import type { Cancel, Process } from '../world.ts';
import { addToNetwork, firstConf, removeFromNetwork } from './cni.ts';
import { missingVolume } from './env.ts';
import { hexId } from './ids.ts';
import type { KubeletDoors } from './kubelet-doors.ts';
import { isSidecar, onHostNetwork } from './pod-spec.ts';
import { ContainerRecord } from './records.ts';
import { StartContainer } from './start-container.ts';
import { buildStatus, type Phase, type PodStatus, phaseOf } from './status.ts';

/** What the runtime has on disk about a pod when the node stops. */
export interface PodRemains {
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  /** A sandbox of before is still known to the runtime, without its network. */
  readonly hadSandbox: boolean;
  readonly startedAt: number;
  readonly initialized: boolean;
  readonly ranBefore: boolean;
}

export interface Sandbox {
  readonly id: string;
  readonly pid: number;
  readonly ip: string;
}

export class PodWorker {
  readonly doors: KubeletDoors;
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  readonly addedAt: number;
  pod: Pod;
  sandbox: Sandbox | undefined;
  /** The runtime still holds a sandbox that lost its network namespace. */
  staleSandbox: boolean;
  /** Set once termination has begun; nothing is started any more. */
  terminating = false;
  /** Reported by the status; fixed when the pod has ended. */
  finalPhase: Phase | undefined;
  #startedAt: number;
  #initialized: boolean;
  #ranBefore: boolean;
  #mountBackoffMs = 500;
  #step: Cancel | undefined;
  #working = false;
  #dead = false;
  #posted: PodStatus | undefined;
  readonly #starter: StartContainer;

  constructor(doors: KubeletDoors, pod: Pod, remains: PodRemains | undefined) {
    this.doors = doors;
    this.pod = pod;
    this.addedAt = doors.world.time.now() + (remains === undefined ? 0 : doors.random.integer(0, 2000));
    this.init = remains?.init ?? (pod.spec?.initContainers ?? []).map((spec) => new ContainerRecord(spec, true));
    this.main = remains?.main ?? (pod.spec?.containers ?? []).map((spec) => new ContainerRecord(spec, false));
    this.staleSandbox = remains?.hadSandbox ?? false;
    this.#startedAt = remains?.startedAt ?? doors.world.time.now();
    this.#initialized = remains?.initialized ?? this.init.length === 0;
    this.#ranBefore = remains?.ranBefore ?? false;
    this.#posted = pod.status;
    if (remains === undefined && this.init.length > 0) {
      for (const record of [...this.init, ...this.main]) record.wait('PodInitializing');
    }
    this.#starter = new StartContainer(this);
  }

  get records(): readonly ContainerRecord[] {
    return [...this.init, ...this.main];
  }

  process(container?: string): Process | undefined {
    const record =
      container === undefined
        ? this.main.find((one) => one.running !== undefined)
        : this.records.find((one) => one.name === container);
    return record?.running?.process;
  }

  /** Address as the containers see it. */
  address(): string {
    return this.sandbox?.ip ?? (onHostNetwork(this.pod) ? this.doors.machine.address : '');
  }

  /** Runs `action` unless the worker is dead by then. */
  after(ms: number, action: () => void): Cancel {
    return this.doors.world.time.after(ms, () => {
      if (!this.#dead) action();
    });
  }

  /** Looks at the pod again after `ms`; an earlier appointment stays. */
  wake(ms: number): void {
    if (this.#step !== undefined || this.#dead) return;
    this.#step = this.after(ms, () => {
      this.#step = undefined;
      this.sync();
    });
  }

  /** Looks again at the kubelet's next survey of its containers (PLEG, once a second). */
  wakeAtRelist(): void {
    this.wake(this.doors.untilRelist());
  }

  /** The node stops, or the pod is forgotten: timers and processes end; what stays on disk is returned. */
  die(): PodRemains {
    this.#dead = true;
    this.#step?.();
    for (const record of this.records) record.running?.end();
    return {
      init: this.init,
      main: this.main,
      hadSandbox: this.sandbox !== undefined || this.staleSandbox,
      startedAt: this.#startedAt,
      initialized: this.#initialized,
      ranBefore: this.#ranBefore,
    };
  }

  /** One pass: reports the state and takes the next step. */
  sync(): void {
    if (this.terminating || this.#dead) return;
    this.publish();
    if (this.finalPhase !== undefined) {
      this.releaseSandbox();
      this.publish();
      return;
    }
    if (this.#working) return;
    const missing = missingVolume(this.doors.world, this.pod);
    if (missing !== undefined && this.sandbox === undefined) {
      this.doors.event(this.pod, 'Warning', 'FailedMount', missing);
      this.#mountBackoffMs = Math.min(122_000, this.#mountBackoffMs * 2);
      this.wake(this.#mountBackoffMs);
      return;
    }
    if (this.sandbox === undefined) this.#createSandbox();
    else this.#advance();
  }

  /** Detaches the pod from the network and forgets the sandbox. */
  releaseSandbox(): void {
    if (this.sandbox === undefined && !this.staleSandbox) return;
    if (!onHostNetwork(this.pod)) removeFromNetwork(this.doors.world, this.doors.machine, this.pod);
    this.sandbox = undefined;
    this.staleSandbox = false;
  }

  /** Sends the status, or leaves it for the time when an API server serves again. */
  publish(): void {
    this.#initialized ||= this.init.every((record) => record.completed);
    this.#ranBefore ||= this.#initialized && this.main.some((record) => record.running !== undefined);
    const phase = this.finalPhase ?? phaseOf(this.pod, this.main, this.#initialized, this.#ranBefore);
    if (phase === 'Succeeded' || phase === 'Failed') this.finalPhase = phase;
    const state = {
      pod: this.pod,
      machine: this.doors.machine,
      init: this.init,
      main: this.main,
      ip: this.sandbox?.ip,
      hasSandbox: this.sandbox !== undefined,
      initialized: this.#initialized,
      phase,
      startedAt: this.#startedAt,
      observedGeneration: this.#observedGeneration(),
    };
    const status = buildStatus(state, this.#posted, this.doors.world.time.now());
    this.#posted = status;
    this.doors.postStatus(this.pod, status);
  }

  #observedGeneration(): number | undefined {
    const minor = Number(this.doors.world.config.kubernetesVersion.split('.')[1]);
    return minor >= 34 ? (this.pod.metadata.generation ?? 1) : undefined;
  }

  /** A container ended; whether and when it starts again is decided at the next survey. */
  containerEnded(
    record: ContainerRecord,
    exitCode: number,
    reason: string | undefined,
    message: string | undefined,
  ): void {
    record.finish(this.doors.world.time, exitCode, reason, message);
    this.wakeAtRelist();
  }

  #createSandbox(): void {
    const { world, machine, random } = this.doors;
    const hostNetwork = onHostNetwork(this.pod);
    if (!hostNetwork && firstConf(machine.files) === undefined) {
      // The kubelet admits no pod to a node whose network is not ready (kubelet.go, NetworkNotReady).
      this.doors.event(this.pod, 'Warning', 'NetworkNotReady', `network is not ready: ${NOT_INITIALIZED}`);
      this.wake(random.integer(2_000, 5_000));
      return;
    }
    this.#working = true;
    const fresh = random.integer(hostNetwork ? 80 : 150, hostNetwork ? 250 : 600);
    // After a boot all old sandboxes are taken apart at the same time (observed: 2 s and more without an address).
    const ms = fresh + (this.staleSandbox ? random.integer(200, hostNetwork ? 900 : 3_500) : 0);
    this.after(ms, () => {
      this.#working = false;
      if (this.terminating) return;
      if (this.staleSandbox) {
        this.doors.event(
          this.pod,
          'Normal',
          'SandboxChanged',
          'Pod sandbox changed, it will be killed and re-created.',
        );
        this.releaseSandbox();
      }
      const attached = hostNetwork ? { ip: machine.address } : addToNetwork(world, machine, this.pod);
      if ('error' in attached) {
        const text = `rpc error: code = Unknown desc = failed to setup network for sandbox "${hexId(random)}": ${attached.error}`;
        this.doors.event(this.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${text}`);
        this.wake(random.integer(10_000, 15_000));
        return;
      }
      this.sandbox = { id: hexId(random), pid: this.doors.nextPid(), ip: attached.ip };
      this.#advance();
      this.wakeAtRelist();
    });
  }

  /** Starts what may start now: init containers one after another, then the others. */
  #advance(): void {
    if (this.#working || this.terminating) return;
    const record = this.#nextToStart();
    if (record === undefined) return;
    const wait = record.restartIn(this.doors.world.time);
    if (wait > 0) {
      const text = `back-off ${record.backoffMs / 1000}s restarting failed container=${record.name} pod=${this.pod.metadata.name}_${this.pod.metadata.namespace}(${this.pod.metadata.uid})`;
      if ('terminated' in record.state) {
        record.last = record.state.terminated;
        record.wait('CrashLoopBackOff', text);
        this.publish();
        this.doors.event(this.pod, 'Warning', 'BackOff', text, record);
      }
      this.wake(wait);
      return;
    }
    this.#working = true;
    this.#starter.start(record, (started) => {
      this.#working = false;
      if (started) this.#advance();
    });
  }

  /** The next container that has to be started; undefined while one is being waited for, or nothing is left to do. */
  #nextToStart(): ContainerRecord | undefined {
    for (const record of this.init) {
      if (record.completed) continue;
      return record.running === undefined ? record : undefined;
    }
    const candidates = [...this.init.filter((record) => isSidecar(record.spec)), ...this.main];
    const wanted = candidates.filter((record) => record.running === undefined && this.#mayStart(record));
    // Containers in back-off do not hold up the others.
    const time = this.doors.world.time;
    return wanted.find((record) => record.restartIn(time) === 0) ?? wanted[0];
  }

  #mayStart(record: ContainerRecord): boolean {
    if (!('terminated' in record.state)) return true;
    const policy = isSidecar(record.spec) ? 'Always' : (this.pod.spec?.restartPolicy ?? 'Always');
    return policy === 'Always' || (policy === 'OnFailure' && record.state.terminated.exitCode !== 0);
  }
}

export const NOT_INITIALIZED =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';
