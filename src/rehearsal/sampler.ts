/**
 * One sampler for the whole run, from the baseline on: reads every instance of the probes once an interval, whatever the
 * phases do meanwhile, and keeps what the gate judges, what disruption is made of, and whether the API answers at all.
 */
import type { Cni, Emit, Probe } from '../events/events.ts';
import type { Host } from '../host/host.ts';
import { type KubeApi, KubeError } from '../kube/api.ts';
import type { Node, Pod } from '../kube/objects.ts';
import { type Instance, instanceOf } from '../probe/instances.ts';
import { PROBE_NAMES, type ProbeName, refreshIntervalMs, SAMPLED_PEERS } from '../probe/manifests.ts';
import { PairMatrix } from '../probe/matrix.ts';
import { InstanceReader, type Reading } from '../probe/read.ts';
import { ServiceBook, type ServiceState } from '../probe/service.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';
import { durationMs } from '../time/duration.ts';
import type { Instrument, NodeView, View } from './gate/view.ts';
import { DisruptionLog } from './sampler-disruption.ts';
import { SamplerEvents } from './sampler-events.ts';
import { Poll } from './sampler-poll.ts';

export interface SamplerDeps {
  readonly clock: Clock;
  readonly api: KubeApi;
  readonly host: Host;
  readonly emit: Emit;
  readonly scenario: Scenario;
  /** Pods in the probes' namespace as last seen (a watch's cache); others are left out here. */
  readonly pods: () => readonly Pod[];
  /** Nodes as last seen. */
  readonly nodes: () => readonly Node[];
  /** False while the watches behind these two have lost the API and may show what was. */
  readonly current?: () => boolean;
  /** Which CNI gave a pod's address. Asked anew for every look, the pools become known during the run. */
  readonly cniOf: (ip: string) => Cni;
  /** Id of the step that runs, or ran last. */
  readonly step: () => string;
}

const JUDGED: readonly Probe[] = ['nodepinger', 'goldpinger'];
const API_CHECK_MS = 3_000;

interface Seen {
  readonly ip: string;
  readonly since: number;
}

export class Sampler implements Instrument {
  readonly #deps: SamplerDeps;
  readonly #intervalMs: number;
  readonly #poll: Poll;
  readonly #matrices: Record<Probe, PairMatrix>;
  readonly #service: ServiceBook;
  readonly #disruption: DisruptionLog;
  readonly #events: SamplerEvents;
  /** Expected instances by probe, in the order of names. */
  readonly #instances: Record<ProbeName, Instance[]> = { nodepinger: [], goldpinger: [], servicepinger: [] };
  readonly #byName: Record<Probe, Map<string, Instance>> = { nodepinger: new Map(), goldpinger: new Map() };
  readonly #seen = new Map<string, Seen>();
  /** For how long Ready instances could not be read, by uid. */
  readonly #blind = new Map<string, { ms: number; error: string }>();
  #replicas: number;
  #apiDownSince: number | undefined;
  /** Since when the watches behind pods and nodes lag. */
  #behindSince: number | undefined;
  /** The longest time without an answer since the last green checkpoint, those that are over included. */
  #longestOutageMs = 0;
  #apiError = '';
  #sweptAt: number;
  #waiting: PromiseWithResolvers<void>[] = [];
  #loop: Promise<void> | undefined;
  #stop = new AbortController();

  constructor(deps: SamplerDeps) {
    const { scenario, clock } = deps;
    this.#deps = deps;
    this.#intervalMs = refreshIntervalMs(scenario);
    this.#poll = new Poll(new InstanceReader(deps.api, deps.host), clock, this.#intervalMs);
    this.#replicas = scenario.probes.goldpinger.replicas;
    this.#sweptAt = clock.monotonic();
    this.#events = new SamplerEvents(deps.emit);
    this.#disruption = new DisruptionLog({
      emit: deps.emit,
      step: deps.step,
      intervalMs: this.#intervalMs,
      addressSince: (uid) => this.#seen.get(uid)?.since,
    });
    const { freshSamples, failuresToFail } = scenario.gate;
    // Two intervals with goldpinger's jitter of 5 %, a ping that times out and a slow sweep.
    const staleAfterMs = 3 * this.#intervalMs + durationMs(scenario.probes.pingTimeout) + 2_000;
    const sampledPeers = scenario.probes.mesh === 'sampled' ? SAMPLED_PEERS : null;
    const rules = { freshSamples, failuresToFail, staleAfterMs, sampledPeers };
    const matrix = (probe: Probe) => new PairMatrix(rules, (ping) => this.#disruption.ping(probe, ping));
    this.#matrices = { nodepinger: matrix('nodepinger'), goldpinger: matrix('goldpinger') };
    this.#service = new ServiceBook({ freshSamples, failuresToFail, staleAfterMs, targets: 2 });
  }

  /** Starts reading; ends with {@link stop}. */
  start(): void {
    this.#loop ??= this.#run().catch((error: unknown) => {
      for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
      if (!this.#stop.signal.aborted) this.#stop.abort(error);
    });
  }

  /** Ends reading and tells the disruptions that still last. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the sampler was stopped'));
    await this.#loop;
    await this.#poll.close();
    this.#disruption.end();
  }

  /** How many goldpinger pods there must be from now on. */
  expectReplicas(replicas: number): void {
    this.#replicas = replicas;
  }

  /** Right before a node's container is restarted. */
  nodeRestarting(node: string): void {
    this.#disruption.restarting(node, this.#deps.clock.now());
  }

  /** The restart command of a node has returned. */
  nodeRestarted(node: string): void {
    this.#disruption.restarted(node, this.#deps.clock.now());
  }

  /** From the first agent's start … */
  installDipStarts(): void {
    this.#disruption.dipStarts(this.#deps.clock.now());
  }

  /** … to the settling of `secondary-installed` … */
  installDipEnds(): void {
    this.#disruption.dipEnds(this.#deps.clock.now());
  }

  /** … which was a lull, when pairs fail again. */
  installDipResumes(): void {
    this.#disruption.dipResumes();
  }

  settled(): void {
    this.#longestOutageMs = 0;
    this.#disruption.settled();
  }

  /** What servicepinger says of DNS and the API's Service, per node, by answers newer than `since`. */
  services(since: number): ServiceState[] {
    return this.#service.judge(this.#deps.clock.now(), since);
  }

  /** Expected instances of a probe as of the last sweep, in the order of names. */
  instances(probe: ProbeName): readonly Instance[] {
    return this.#instances[probe];
  }

  sweep(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#stop.signal.throwIfAborted();
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    if (!signal) return waiting.promise;
    const abort = (): void => waiting.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return waiting.promise.finally(() => signal.removeEventListener('abort', abort));
  }

  view(since: number): View {
    const now = this.#deps.clock.now();
    const nodes = this.#deps.nodes().map(nodeView);
    return {
      now,
      monotonic: this.#deps.clock.monotonic(),
      apiDownMs: this.#apiDownMs(),
      longestOutageMs: this.#longestOutageMs,
      apiError: this.#apiError,
      nodes,
      probes: JUDGED.map((name) => ({
        name,
        mesh: this.#meshOf(name, nodes),
        instances: this.#instances[name],
        judgement: this.#matrices[name].judge(now, since),
      })),
      blind: this.#judged().flatMap((instance) => {
        const blind = this.#blind.get(instance.uid);
        return blind ? [{ instance, ...blind }] : [];
      }),
      replicas: this.#replicas,
      access: this.#access(),
      pings: JUDGED.reduce((sum, probe) => sum + this.#matrices[probe].pings, 0),
      longestUnexpected: this.#disruption.longestUnexpected(),
    };
  }

  /** Fewer pods than nodes say something of some nodes only. */
  #meshOf(probe: Probe, nodes: readonly NodeView[]): View['probes'][number]['mesh'] {
    const schedulable = nodes.filter((node) => node.schedulable).length;
    return probe === 'goldpinger' && this.#replicas < schedulable ? 'sampled' : this.#deps.scenario.probes.mesh;
  }

  /** An API that answers again is not back for the gate before the watches have caught up. */
  #apiDownMs(): number | null {
    const now = this.#deps.clock.monotonic();
    const since = Math.min(this.#apiDownSince ?? now, this.#behindSince ?? now);
    return this.#apiDownSince === undefined && this.#isCurrent() ? null : now - since;
  }

  #isCurrent(): boolean {
    return this.#deps.current?.() ?? true;
  }

  /** Watches that never catch up are an outage as well: what the gate waits for must end. */
  #noteLag(): void {
    const now = this.#deps.clock.monotonic();
    if (this.#isCurrent()) {
      this.#behindSince = undefined;
      return;
    }
    this.#behindSince ??= this.#apiDownSince ?? now;
    this.#longestOutageMs = Math.max(this.#longestOutageMs, now - this.#behindSince);
    if (this.#apiDownSince === undefined) this.#apiError = 'it answers, but pods and nodes cannot be watched';
  }

  #judged(): Instance[] {
    return JUDGED.flatMap((probe) => this.#instances[probe]);
  }

  #access(): View['access'] {
    const counts = { proxy: 0, fallback: 0, notAskable: 0 };
    for (const { uid, node } of this.#judged()) {
      if (node !== '') counts[this.#poll.path(uid) ?? 'notAskable']++;
    }
    return counts;
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const start = clock.monotonic();
      const served = this.#waiting.splice(0);
      try {
        await this.#sweepOnce(signal);
      } catch (error) {
        for (const waiting of served) waiting.reject(error);
        throw error;
      }
      for (const waiting of served) waiting.resolve();
      await clock.sleep(Math.max(0, start + this.#intervalMs - clock.monotonic()), signal);
    }
  }

  async #sweepOnce(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const start = clock.monotonic();
    const wasDown = this.#apiDownSince !== undefined;
    // While the API is away there is nothing to ask through it, and no list of pods to trust.
    if (wasDown && !(await this.#apiAnswers(start, signal))) {
      this.#sweptAt = clock.monotonic();
      this.#noteLag();
      return;
    }
    this.#refresh();
    const asked = PROBE_NAMES.flatMap((probe) => this.#instances[probe]).filter((instance) => instance.ip !== '');
    const arrived = await this.#poll.sweep(asked, signal);
    // No answer to a proxied call may be the pod or the API; an API that answers by itself settles it.
    const doubt = arrived.length === 0 || arrived.some((answer) => answer.silent);
    const apiUp = !doubt || (await this.#apiAnswers(start, signal));
    this.#noteLag();
    this.#refresh();
    const passed = wasDown ? 0 : clock.monotonic() - this.#sweptAt;
    this.#sweptAt = clock.monotonic();
    if (apiUp) for (const blind of this.#blind.values()) blind.ms += passed;
    for (const { instance, reading, askedAt, at } of arrived) {
      if (reading.kind === 'read') this.#take(instance, reading, askedAt, at);
      else if (apiUp) this.#miss(instance, reading, at);
    }
  }

  async #apiAnswers(since: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#deps.api.raw('/readyz', { signal, timeoutMs: API_CHECK_MS });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubeError)) {
        this.#apiDownSince ??= since;
        this.#longestOutageMs = Math.max(this.#longestOutageMs, this.#deps.clock.monotonic() - this.#apiDownSince);
        this.#apiError = error instanceof Error ? error.message : String(error);
        return false;
      }
    }
    this.#apiDownSince = undefined;
    return true;
  }

  #take(instance: Instance, reading: Extract<Reading, { kind: 'read' }>, askedAt: number, at: number): void {
    const { probe, uid } = instance;
    this.#blind.delete(uid);
    if (probe === 'servicepinger') {
      // Its probes run while it is asked; one that was asked before a change says nothing of the state after it.
      this.#service.read(uid, reading.body.targets, askedAt);
      return;
    }
    this.#matrices[probe].read(uid, reading.body.pings, at);
    this.#events.read(probe, instance, reading.body.pings, this.#byName[probe]);
  }

  #miss(instance: Instance, reading: Extract<Reading, { kind: 'unreadable' }>, at: number): void {
    const { probe, uid } = instance;
    if (probe === 'servicepinger') {
      this.#service.unreadable(uid, reading.error);
      return;
    }
    this.#matrices[probe].unreadable(uid, reading.error, at);
    // What is going or not Ready has another clock: the settle time, or none.
    const current = this.#byName[probe].get(instance.pod);
    if (current?.uid !== uid || !current.ready || reading.gone) {
      this.#blind.delete(uid);
      return;
    }
    this.#blind.set(uid, { ms: this.#blind.get(uid)?.ms ?? 0, error: reading.error });
    this.#events.unreadable(probe, instance, reading.error);
  }

  /** Takes over the present pods; what is terminating or replaced is forgotten. */
  #refresh(): void {
    const now = this.#deps.clock.now();
    const found: Record<ProbeName, Instance[]> = { nodepinger: [], goldpinger: [], servicepinger: [] };
    const uids = new Set<string>();
    for (const pod of this.#deps.pods()) {
      const instance = instanceOf(pod, this.#deps.cniOf);
      if (!instance) continue;
      found[instance.probe].push(instance);
      uids.add(instance.uid);
      if (instance.ip === '') this.#seen.delete(instance.uid);
      else if (this.#seen.get(instance.uid)?.ip !== instance.ip) {
        this.#seen.set(instance.uid, { ip: instance.ip, since: now });
      }
    }
    this.#poll.keep(uids);
    for (const book of [this.#seen, this.#blind]) {
      for (const uid of [...book.keys()]) if (!uids.has(uid)) book.delete(uid);
    }
    for (const probe of PROBE_NAMES) {
      found[probe].sort((a, b) => (a.pod < b.pod ? -1 : 1));
      this.#instances[probe] = found[probe];
    }
    for (const probe of JUDGED) {
      this.#byName[probe] = new Map(found[probe].map((instance) => [instance.pod, instance]));
      this.#matrices[probe].expect(found[probe].filter((instance) => instance.node !== ''));
      this.#events.pods(probe, found[probe]);
    }
    this.#service.expect(found.servicepinger);
    this.#disruption.expect(uids);
  }
}

/** Taints that goldpinger's pods tolerate, and the cordon's own, which `unschedulable` says already. */
const HARMLESS_TAINTS = new Set(['node-role.kubernetes.io/control-plane', 'node.kubernetes.io/unschedulable']);

function nodeView(node: Node): NodeView {
  const repelled = node.spec?.taints?.some((t) => t.effect !== 'PreferNoSchedule' && !HARMLESS_TAINTS.has(t.key));
  return { name: node.metadata.name, schedulable: !node.spec?.unschedulable && !repelled };
}
