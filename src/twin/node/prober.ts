/**
 * Startup, readiness and liveness probes of one container (kubelet, prober/worker.go): every probe ticks with its own
 * period from the moment the pod was added, and readiness is also tried once as soon as the container has started.
 */
import type { Pod } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { Machine, World } from '../world.ts';
import { onHostNetwork, type ProbeKind, type ProbeSpec, portNumber, probeOf } from './pod-spec.ts';
import type { ContainerRecord } from './records.ts';

export interface ProberDoors {
  readonly world: World;
  readonly machine: Machine;
  readonly random: Random;
  readonly pod: Pod;
  readonly record: ContainerRecord;
  /** Address of the pod. */
  readonly ip: () => string;
  /** When the kubelet began to look after the pod. */
  readonly addedAt: number;
  /** Started or ready changed. */
  readonly changed: () => void;
  /** A startup or liveness probe failed for good. */
  readonly unhealthy: (kind: ProbeKind, message: string) => void;
  readonly report: (message: string) => void;
}

export class Prober {
  readonly #doors: ProberDoors;
  readonly #successes = new Map<ProbeKind, number>();
  readonly #failures = new Map<ProbeKind, number>();

  /** Starts the probes of a container that has just begun to run. */
  constructor(doors: ProberDoors) {
    this.#doors = doors;
    for (const kind of ['startup', 'readiness', 'liveness'] as const) {
      const probe = probeOf(doors.record.spec, kind);
      if (probe !== undefined) this.#tick(kind, probe);
    }
    if (doors.record.started) this.#triggerReadiness(doors.random.between(100, 1000));
  }

  #triggerReadiness(ms: number): void {
    const probe = this.#doors.record.spec.readinessProbe;
    if (probe !== undefined) this.#doors.record.running?.after(ms, () => this.#probe('readiness', probe));
  }

  #tick(kind: ProbeKind, probe: ProbeSpec): void {
    const { world, addedAt, record } = this.#doors;
    const period = (probe.periodSeconds ?? 10) * 1000;
    const now = world.time.now();
    const next = addedAt + Math.max(0, Math.floor((now - addedAt) / period) + 1) * period;
    record.running?.after(next - now, () => {
      this.#probe(kind, probe);
      if (kind !== 'startup' || !record.started) this.#tick(kind, probe);
    });
  }

  #probe(kind: ProbeKind, probe: ProbeSpec): void {
    const { record, world } = this.#doors;
    const container = record.running;
    if (container === undefined) return;
    if (world.time.now() - container.startedAt < (probe.initialDelaySeconds ?? 0) * 1000) return;
    if (kind === 'startup' ? record.started : !record.started) return;
    const error = this.#ask(kind, probe);
    if (error === undefined) {
      this.#failures.set(kind, 0);
      const count = (this.#successes.get(kind) ?? 0) + 1;
      this.#successes.set(kind, count);
      if (count >= (probe.successThreshold ?? 1)) this.#passed(kind);
      return;
    }
    this.#doors.report(`${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed: ${error}`);
    this.#successes.set(kind, 0);
    const count = (this.#failures.get(kind) ?? 0) + 1;
    this.#failures.set(kind, count);
    if (count >= (probe.failureThreshold ?? 3)) this.#failed(kind, error);
  }

  #passed(kind: ProbeKind): void {
    const { record } = this.#doors;
    if (kind === 'startup') {
      record.started = true;
      record.ready = record.spec.readinessProbe === undefined && !record.init;
      this.#triggerReadiness(0);
      this.#doors.changed();
    } else if (kind === 'readiness' && !record.ready) {
      record.ready = true;
      this.#doors.changed();
    }
  }

  #failed(kind: ProbeKind, error: string): void {
    const { record } = this.#doors;
    if (kind !== 'readiness') {
      this.#doors.unhealthy(kind, error);
    } else if (record.ready) {
      record.ready = false;
      this.#doors.changed();
    }
  }

  /** Error text of a failed probe, undefined when it passed. */
  #ask(kind: ProbeKind, probe: ProbeSpec): string | undefined {
    const { record, world, machine, pod } = this.#doors;
    const process = record.running?.process;
    if (process === undefined) return 'container is not running';
    const port = portNumber(record.spec, probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port);
    if (port === undefined) {
      return (process.probe?.(kind) ?? true) ? undefined : 'command exited with 1';
    }
    const host = probe.httpGet?.host ?? probe.tcpSocket?.host;
    const ip = host === undefined || host === 'localhost' ? this.#doors.ip() : host;
    const local = onHostNetwork(pod) || ip.startsWith('127.');
    const outcome = local
      ? process.ports.includes(port)
        ? onHostNetwork(pod)
          ? throughOwnRules(world, machine.name, port)
          : 'ok'
        : 'refused'
      : connectOutcome(world, machine.name, ip, port);
    // Whether the packet arrives is the network's word; on a port that it does not list, a process that has no answers of
    // its own passes because it runs, and one with a probe answers for itself.
    const silent = process.probe === undefined && process.http === undefined;
    if (outcome !== 'ok' && (outcome !== 'refused' || (process.probe === undefined && !silent))) {
      const target = `${ip}:${port}`;
      const url = probe.httpGet === undefined ? '' : `Get "http://${target}${probe.httpGet.path ?? '/'}": `;
      return outcome === 'timeout'
        ? `${url}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`
        : `${url}dial tcp ${target}: connect: ${outcome === 'refused' ? 'connection refused' : outcome}`;
    }
    if (process.probe !== undefined) return process.probe(kind) ? undefined : 'HTTP probe failed with statuscode: 503';
    if (probe.httpGet === undefined || process.http === undefined) return undefined;
    const { status } = process.http(port, probe.httpGet.path ?? '/');
    return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
  }
}

/** The kubelet asks a process on the node's own network: the rules of the node are in between, nothing else. */
function throughOwnRules(world: World, node: string, port: number): string {
  const outcome = world.network.admission(node, '127.0.0.1', port);
  return outcome === 'refused' ? 'connection refused' : outcome;
}

/** `ok`, `timeout`, `refused`, or the errno text. */
function connectOutcome(world: World, node: string, ip: string, port: number): string {
  const outcome = world.network.connect({ node }, { ip, port });
  if (outcome.ok) return 'ok';
  return outcome.failure === 'unreachable' ? outcome.errno : outcome.failure;
}
