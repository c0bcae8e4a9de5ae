/** The sampler at work beside the phases, with the watches it lives on, and the gate that judges what it has seen. */
import type { Emit } from '../events/events.ts';
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { Node, Pod } from '../kube/objects.ts';
import { nodes, pods } from '../kube/resources.ts';
import { WatchCache } from '../kube/watch-cache.ts';
import { cniByAddress } from '../probe/addresses.ts';
import type { Instance } from '../probe/instances.ts';
import { PROBE_NAMESPACE, type ProbeName } from '../probe/manifests.ts';
import type { ServiceState } from '../probe/service.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';
import type { Found } from './found.ts';
import type { Blame } from './gate/blame.ts';
import { judgeCheckpoint } from './gate/gate.ts';
import type { CheckpointOutcome, CheckpointRequest } from './gate/types.ts';
import { Sampler } from './sampler.ts';

export interface ObserverOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly host: Host;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly scenario: Scenario;
  readonly found: Found;
  /** Id of the step that runs, or ran last. */
  readonly step: () => string;
  readonly outageCause: () => Promise<Blame | undefined>;
}

/** What a watch that has ended for good shows is the past: nothing may be judged by it. */
function living<T extends object>(cache: WatchCache<T>): readonly T[] {
  const failure = cache.failure();
  if (failure) throw failure;
  return cache.items();
}

export class Observer {
  readonly #options: ObserverOptions;
  readonly #sampler: Sampler;
  readonly #stop = new AbortController();
  readonly #watching: Promise<unknown>;

  private constructor(options: ObserverOptions, podCache: WatchCache<Pod>, nodeCache: WatchCache<Node>) {
    this.#options = options;
    const { found, scenario } = options;
    let key = '';
    let cniOf = cniByAddress([], []);
    this.#sampler = new Sampler({
      clock: options.clock,
      api: options.api,
      host: options.host,
      emit: options.emit,
      scenario,
      step: options.step,
      pods: () => living(podCache),
      nodes: () => living(nodeCache),
      current: () => podCache.available() && nodeCache.available(),
      cniOf: (ip) => {
        const calico = found.calico?.pools ?? [scenario.calico.cidr];
        const cilium = found.cilium?.podCidrs ?? scenario.cilium.podCIDR ?? [];
        const now = `${calico.join()}/${cilium.join()}`;
        if (now !== key) {
          key = now;
          cniOf = cniByAddress(calico, cilium);
        }
        return cniOf(ip);
      },
    });
    this.#watching = Promise.all([podCache.run(this.#stop.signal), nodeCache.run(this.#stop.signal)]);
    // Handled where the first list is waited for, and when the observer is closed.
    this.#watching.catch(() => undefined);
  }

  /** Resolves when both watches have their first list and the sampler runs. */
  static async start(options: ObserverOptions): Promise<Observer> {
    const podCache = new WatchCache(options.api, options.clock, pods, { namespace: PROBE_NAMESPACE });
    const nodeCache = new WatchCache(options.api, options.clock, nodes);
    const both = Promise.withResolvers<void>();
    const look = (): void => {
      if (podCache.synced() && nodeCache.synced()) both.resolve();
    };
    podCache.onChange(look);
    nodeCache.onChange(look);
    const observer = new Observer(options, podCache, nodeCache);
    observer.#watching.catch((error: unknown) => both.reject(error));
    const abort = (): void => both.reject(options.signal.reason);
    options.signal.addEventListener('abort', abort, { once: true });
    look();
    try {
      await both.promise;
    } catch (error) {
      await observer.close();
      throw error;
    } finally {
      options.signal.removeEventListener('abort', abort);
    }
    observer.#sampler.start();
    return observer;
  }

  async judge(request: CheckpointRequest): Promise<CheckpointOutcome> {
    const { emit, scenario, signal, outageCause } = this.#options;
    let settled = false;
    const endsDip = request.checkpoints.some(({ id }) => id === 'secondary-installed');
    const outcome = await judgeCheckpoint(request, {
      instrument: this.#sampler,
      emit,
      gate: scenario.gate,
      timeouts: scenario.timeouts,
      signal,
      outageCause,
      // The dip ends when everything has settled, not when the observation that follows is over.
      onSettled: () => {
        if (endsDip) this.#sampler.installDipEnds();
        settled = true;
      },
      onRelapse: () => {
        if (endsDip) this.#sampler.installDipResumes();
        settled = false;
      },
    });
    if (endsDip && !settled) this.#sampler.installDipEnds();
    return outcome;
  }

  /** From now on there must be this many goldpinger pods. */
  expectReplicas(replicas: number): void {
    this.#sampler.expectReplicas(replicas);
  }

  /** Cilium's agents are about to start for the first time. */
  agentsStarting(): void {
    this.#sampler.installDipStarts();
  }

  nodeRestarting(node: string): void {
    this.#sampler.nodeRestarting(node);
  }

  nodeRestarted(node: string): void {
    this.#sampler.nodeRestarted(node);
  }

  /** What servicepinger says of DNS and the API's Service since a moment. */
  services(since: number): readonly ServiceState[] {
    return this.#sampler.services(since);
  }

  instances(probe: ProbeName): readonly Instance[] {
    return this.#sampler.instances(probe);
  }

  async close(): Promise<void> {
    await this.#sampler.stop();
    this.#stop.abort(new Error('the observer was closed'));
    await this.#watching.catch(() => undefined);
  }
}
