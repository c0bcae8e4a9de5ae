/** What the container runtime remembers of a pod's containers; survives restarts of the node with /var. */
import type { SimulatedTime } from '../world.ts';
import type { RunningContainer } from './container.ts';
import { stamp } from './ids.ts';
import { type ContainerSpec, isSidecar } from './pod-spec.ts';

export interface Terminated {
  readonly containerID: string;
  readonly exitCode: number;
  readonly finishedAt: string;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: string;
}

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

/** First pause of a crash loop and its limit (kubelet, MaxContainerBackOff). */
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;

export class ContainerRecord {
  readonly spec: ContainerSpec;
  readonly init: boolean;
  id: string | undefined;
  state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  last: Terminated | undefined;
  restartCount = 0;
  started = false;
  ready = false;
  running: RunningContainer | undefined;
  /** Milliseconds; when the last run ended. */
  endedAt = 0;
  #backoffMs = 0;
  #pullBackoffMs = 0;
  /** Set while the runtime lost the sandbox: an init container has to run again. */
  again = false;

  constructor(spec: ContainerSpec, init: boolean) {
    this.spec = spec;
    this.init = init;
  }

  get name(): string {
    return this.spec.name;
  }

  /** An init container that has done its work (a sidecar: that has started). */
  get completed(): boolean {
    if (this.again) return false;
    if (isSidecar(this.spec)) return this.running !== undefined && this.started;
    return 'terminated' in this.state && this.state.terminated.exitCode === 0;
  }

  wait(reason: string, message?: string): void {
    this.state = { waiting: { reason, ...(message !== undefined && { message }) } };
  }

  /** A new container was started. */
  begin(container: RunningContainer): void {
    if ('terminated' in this.state) this.last = this.state.terminated;
    if (this.id !== undefined) this.restartCount += 1;
    this.id = `containerd://${container.id}`;
    this.running = container;
    this.state = { running: { startedAt: stamp(container.startedAt) } };
    this.started = this.init ? isSidecar(this.spec) : this.spec.startupProbe === undefined;
    this.ready = !this.init && this.started && this.spec.readinessProbe === undefined;
    this.again = false;
    this.#pullBackoffMs = 0;
  }

  /** The running container ended. */
  finish(
    time: SimulatedTime,
    exitCode: number,
    reason = exitCode === 0 ? 'Completed' : 'Error',
    message?: string,
  ): void {
    const container = this.running;
    if (container === undefined) return;
    container.end();
    this.running = undefined;
    this.endedAt = time.now();
    this.state = {
      terminated: {
        containerID: this.id ?? '',
        exitCode,
        finishedAt: stamp(this.endedAt),
        reason,
        ...(message !== undefined && { message }),
        startedAt: stamp(container.startedAt),
      },
    };
    this.started = false;
    this.ready = this.init && exitCode === 0;
    // A run of twice the longest pause clears the account.
    if (this.endedAt - container.startedAt > 2 * MAX_BACKOFF_MS) this.#backoffMs = 0;
  }

  /** Milliseconds until a crashed container may start again; the first restart is immediate. */
  restartIn(time: SimulatedTime): number {
    return this.#backoffMs === 0 ? 0 : Math.max(0, this.endedAt + this.#backoffMs - time.now());
  }

  get backoffMs(): number {
    return this.#backoffMs;
  }

  lengthenBackoff(): void {
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs === 0 ? FIRST_BACKOFF_MS : this.#backoffMs * 2);
  }

  /** Milliseconds until the next try of a failed pull. */
  nextPullIn(): number {
    this.#pullBackoffMs = Math.min(
      MAX_BACKOFF_MS,
      this.#pullBackoffMs === 0 ? FIRST_BACKOFF_MS : this.#pullBackoffMs * 2,
    );
    return this.#pullBackoffMs;
  }

  /**
   * The node was stopped under the container: containerd finds it dead at its own start and knows no exit code
   * (recorded: exitCode 255, reason Unknown, finishedAt = start of containerd).
   */
  lose(finishedAt: number): void {
    const container = this.running;
    if (container !== undefined) {
      container.end();
      this.running = undefined;
      this.endedAt = finishedAt;
      this.state = {
        terminated: {
          containerID: this.id ?? '',
          exitCode: 255,
          finishedAt: stamp(finishedAt),
          reason: 'Unknown',
          startedAt: stamp(container.startedAt),
        },
      };
    }
    this.started = false;
    this.ready = false;
    this.again = this.init;
    this.#backoffMs = 0;
  }
}
