/** One rehearsal from the first event to the verdict, which is always the last. */
import { type Emit, EVENTS_VERSION, type EventBody, type Phase } from '../events/events.ts';
import type { EvidenceDirectory } from '../evidence/bundle.ts';
import type { PlannedFault } from '../faults/parse.ts';
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { RuleResult } from '../preflight/rule.ts';
import { PayloadReader } from '../probe/payload.ts';
import { MADE_MS } from '../provider/machine.ts';
import type { Provider } from '../provider/provider.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { BlameRecord } from './blamed.ts';
import { Commands, deleteCluster } from './commands.ts';
import { diagnosed, lostContainer } from './diagnose.ts';
import { gatherAfter, tellLog, wantsEvidence } from './evidence.ts';
import { FaultRun } from './faults.ts';
import { nothingFound } from './found.ts';
import { guardedHost } from './guarded-host.ts';
import { handworkFor } from './handwork.ts';
import { Journal } from './journal.ts';
import { limitsOf } from './limits.ts';
import { Observer } from './observer.ts';
import { failureOf, type RehearsalFailure, StoppedAsAsked } from './outcome.ts';
import { Outages, patientApi } from './patient-api.ts';
import { baseline } from './phases/baseline.ts';
import { check } from './phases/check.ts';
import { complete } from './phases/complete.ts';
import { finalize } from './phases/finalize.ts';
import { migrate } from './phases/migrate.ts';
import { prepare } from './phases/prepare.ts';
import { provision } from './phases/provision.ts';
import { remove } from './phases/remove.ts';
import { restart } from './phases/restart.ts';
import { secondary } from './phases/secondary.ts';
import { verify } from './phases/verify.ts';
import { type Plan, planFor } from './plan.ts';
import type { PhaseRunner, Rehearsal } from './rehearsal.ts';
import { takeSnapshot } from './snapshot.ts';
import { pollUntil, waitForObjects } from './waiting.ts';

export type VerdictEvent = Extract<EventBody, { type: 'verdict' }>;

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly provider: Provider;
  readonly emit: Emit;
  /** Aborted with a {@link Cancelled} to end the run. */
  readonly signal: AbortSignal;
  /** What is broken on purpose; the scenario has what they change in it already. */
  readonly faults?: readonly PlannedFault[];
  /** Id of the checkpoint after which the run ends. */
  readonly until?: string | null;
  /** Where a key of the scenario stands (scenario/positions.ts); messages name bare keys without it. */
  readonly at?: (path: string) => string;
  /** Ends the run when the live rules have been judged. */
  readonly rulesOnly?: boolean;
  /** Told every rule's result so far: of the scenario first, then with what the cluster showed. */
  readonly onRules?: (results: readonly RuleResult[]) => void;
  /** Whether the cluster outlives the run. */
  readonly keep: 'never' | 'failed' | 'always';
  readonly tool: { readonly name: string; readonly version: string };
  /**
   * Asked after the verdict, where the cluster is to be deleted: true leaves that to somebody who comes later, because there
   * is no time for it now.
   */
  readonly deleteLater?: () => boolean;
  /**
   * Asked right before the verdict: what of the record could not be written down so far, for people; null: nothing is
   * missing. A run whose record is not whole does not pass (docs/decisions/0007-a-full-disk.md).
   */
  readonly missingRecord?: () => string | null;
  /** Where evidence of a run that did not end well goes; left out: none is gathered. */
  readonly evidence?: EvidenceDirectory;
  /** Told that the cluster could not be deleted, with what to type; the verdict is out by then and stays. */
  readonly warn?: (message: string) => void;
  /** Called when the last checkpoint has passed and before anything is closed; for `serve`. */
  readonly whenStopped?: (rehearsal: Rehearsal) => Promise<void>;
  /** Called right before the verdict with the faults' record of the run; for drills. */
  readonly whenTold?: (faults: FaultRun) => void;
}

const PHASE_RUNNERS: Readonly<Record<Phase, PhaseRunner>> = {
  check,
  provision,
  baseline,
  prepare,
  secondary,
  migrate,
  complete,
  finalize,
  remove,
  restart,
  verify,
};

/**
 * Runs a rehearsal and emits its events; the verdict is the last one, whatever happens. The cluster is deleted after it
 * as `keep` says.
 * @returns the verdict event's body
 */
export async function runRehearsal(options: RunOptions): Promise<VerdictEvent> {
  const plan = planFor(options.scenario, options.seed, options.provider.name);
  const run = new Run(options, plan);
  const verdict = await run.toVerdict();
  options.emit(verdict);
  if (run.hasCluster && run.keeps(verdict)) run.keepCluster();
  else if (run.hasCluster && options.deleteLater?.() !== true) await run.deleteCluster();
  return verdict;
}

class Run {
  readonly #options: RunOptions;
  readonly #plan: Plan;
  readonly #journal: Journal;
  readonly #outages: Outages;
  readonly #faults: FaultRun;
  readonly #blame = new BlameRecord();
  #rehearsed: Rehearsal | undefined;
  readonly #host: Host;
  #api: KubeApi | undefined;
  #observer: Observer | undefined;
  #clusterMade = false;

  constructor(options: RunOptions, plan: Plan) {
    this.#options = options;
    this.#plan = plan;
    this.#faults = this.#faultRun();
    const beforeStep = this.#faults.any ? (step: string) => this.#faults.beforeStep(step) : undefined;
    const { signal } = options;
    this.#journal = new Journal({ emit: this.#emit, plan, signal, ...(beforeStep && { beforeStep }) });
    this.#outages = new Outages(options.provider.clock);
    this.#host = guardedHost(options.provider.host, options.provider.clock);
  }

  get hasCluster(): boolean {
    const { leftBehind } = this.#options.provider;
    return this.#clusterMade && (leftBehind === undefined || leftBehind() !== null);
  }

  /** Does the cluster outlive a run that ends so? */
  keeps({ verdict }: Pick<VerdictEvent, 'verdict'>): boolean {
    const { keep } = this.#options;
    return keep === 'always' || (keep === 'failed' && verdict !== 'passed');
  }

  readonly #emit: Emit = (event) => {
    this.#faults.note(event);
    this.#blame.note(event);
    this.#options.emit(event);
  };

  #faultRun(): FaultRun {
    const { faults = [], scenario, provider, signal } = this.#options;
    return new FaultRun({
      faults,
      clock: provider.clock,
      signal,
      emit: (event) => this.#emit(event),
      world: () => {
        const { api, clock, commands, found } = this.#rehearsed!;
        const levers = provider.levers ?? null;
        const onNode = (node: string, words: readonly string[]): Promise<string> => commands.onNode(node, words);
        return { scenario, nodes: this.#plan.nodes, api, clock, signal, cilium: found.cilium, onNode, levers };
      },
      healing: (limit) => {
        const { kubeconfig, simulated } = provider;
        const commands = new Commands({ host: this.#host, signal: limit, kubeconfig, simulated });
        const { api, rawApi } = this.#rehearsed!;
        // At the end of a run nothing is waited for.
        return {
          api: limit === signal ? api : rawApi,
          signal: limit,
          onNode: (node, words) => commands.onNode(node, words),
        };
      },
      look: async (after) => (this.#api ? takeSnapshot(this.#api, after) : undefined),
      record: { scenario, nodes: this.#plan.nodes, checkpoints: this.#plan.checkpoints.map(({ id }) => id) },
    });
  }

  async deleteCluster(): Promise<void> {
    const { provider, scenario, warn } = this.#options;
    const { name } = scenario.cluster;
    const { machine, clock } = provider;
    try {
      for (const since = clock.monotonic(); ; await clock.sleep(1_000)) {
        await deleteCluster(this.#host, name, provider.kubeconfig);
        if (machine === undefined || (await machine.isGone())) break;
        if (clock.monotonic() - since >= MADE_MS) throw new Error('there are still containers of it');
      }
      machine?.deleted();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warn?.(`the cluster could not be deleted (${why}); do it yourself: kind delete cluster --name ${name}`);
    }
  }

  /** Tells how to use it, and how to be rid of it. */
  keepCluster(): void {
    const note = this.#options.provider.machine?.kept();
    if (note !== undefined) this.#options.warn?.(note);
  }

  async toVerdict(): Promise<VerdictEvent> {
    const { scenario, seed, provider, tool } = this.#options;
    this.#emit({
      type: 'run-started',
      eventsVersion: EVENTS_VERSION,
      tool,
      scenario,
      provider: provider.name,
      simulated: provider.simulated,
      seed,
      checkpoints: this.#plan.checkpoints,
      nodes: this.#plan.nodes,
    });
    const rehearsal = this.#rehearsal();
    this.#rehearsed = rehearsal;
    this.#faults.started();
    let failure: RehearsalFailure | undefined;
    let stopped = false;
    try {
      await this.#phases(rehearsal);
      await this.#options.whenStopped?.(rehearsal);
    } catch (error) {
      if (error instanceof StoppedAsAsked) {
        stopped = true;
        await this.#options.whenStopped?.(rehearsal);
      } else {
        failure = await this.#failure(rehearsal, error);
      }
    }
    await this.#close();
    if (failure) await this.#evidence(failure);
    const verdict = this.#verdict(failure, stopped);
    await this.#faults.told({ passed: verdict.verdict === 'passed', kept: this.#clusterMade && this.keeps(verdict) });
    this.#options.whenTold?.(this.#faults);
    return verdict;
  }

  async #phases(rehearsal: Rehearsal): Promise<void> {
    for (const { phase } of this.#plan.phases) {
      rehearsal.signal.throwIfAborted();
      if (phase === 'provision') this.#clusterMade = true;
      await this.#journal.inPhase(phase, () => PHASE_RUNNERS[phase](rehearsal));
    }
  }

  async #failure(rehearsal: Rehearsal, error: unknown): Promise<RehearsalFailure> {
    const { signal, provider } = this.#options;
    const step = this.#journal.failedStep ?? this.#journal.phase;
    const moment = { afterBaseline: this.#journal.afterBaseline, simulated: provider.simulated, signal };
    const failure = failureOf(error, moment, step);
    return this.#api ? diagnosed(rehearsal, failure) : failure;
  }

  async #close(): Promise<void> {
    await this.#faults.close();
    try {
      await this.#observer?.close();
    } catch {
      // The verdict is known; a watch that ends badly changes nothing any more.
    }
  }

  /** While the cluster is still there. One that is not ours is nobody's evidence. */
  async #evidence(failure: RehearsalFailure): Promise<void> {
    const { evidence: directory, provider, scenario, signal } = this.#options;
    if (!directory || !wantsEvidence(failure)) return;
    if (!this.hasCluster) return tellLog(failure, this.#emit);
    await gatherAfter(failure, {
      ...{ directory, signal, host: this.#host, api: this.#api ?? null, clock: provider.clock },
      ...{ cluster: scenario.cluster.name, plan: this.#plan, journal: this.#journal, blame: this.#blame },
      emit: this.#emit,
    });
  }

  #verdict(failure: RehearsalFailure | undefined, stopped: boolean): VerdictEvent {
    const journal = this.#journal;
    const before = !journal.pastPointOfNoReturn;
    const missing = this.#options.missingRecord?.() ?? null;
    if (!failure && missing !== null) {
      return {
        type: 'verdict',
        verdict: 'error',
        reason: 'disk-full',
        message: `Every checkpoint that was asked for passed, but the evidence is not on disk: ${missing}`,
        failedCheckpoint: null,
        beforePointOfNoReturn: before,
        handwork: [],
      };
    }
    if (!failure) {
      return {
        type: 'verdict',
        verdict: 'passed',
        reason: stopped ? 'stopped-as-asked' : 'completed',
        message: stopped
          ? this.#options.rulesOnly
            ? 'No preflight rule refuses the scenario or its cluster.'
            : `All checkpoints up to ${this.#options.until} passed.`
          : 'Every checkpoint passed: all pods are on Cilium.',
        failedCheckpoint: null,
        beforePointOfNoReturn: before,
        handwork: [],
      };
    }
    const charged = failure.verdict === 'failed' || failure.verdict === 'error';
    return {
      type: 'verdict',
      verdict: failure.verdict,
      reason: failure.reason,
      message: failure.message,
      failedCheckpoint: failure.checkpoint ?? (charged ? journal.nextCheckpoint() : null),
      beforePointOfNoReturn: before,
      handwork: handworkFor({
        inHand: journal.inHand,
        pastPointOfNoReturn: journal.pastPointOfNoReturn,
        removalBlocked: failure.reason === 'removal-blocked',
      }),
    };
  }

  #rehearsal(): Rehearsal {
    const { scenario, seed, provider, signal, until } = this.#options;
    const emit = this.#emit;
    const { clock, simulated, kubeconfig } = provider;
    const host = this.#host;
    const limits = limitsOf(scenario);
    const outages = this.#outages;
    const found = nothingFound();
    const raw = (): KubeApi => {
      if (!this.#api) throw new Error('there is no cluster yet');
      return this.#api;
    };
    let patient: KubeApi | undefined;
    const waiting = { clock, outages, signal, apiOutageMs: limits.apiOutage };
    const observer = (): Observer => {
      if (!this.#observer) throw new Error('the probes are not observed yet');
      return this.#observer;
    };
    const rehearsal: Rehearsal = {
      scenario,
      seed,
      provider,
      plan: this.#plan,
      until: until ?? null,
      rulesOnly: this.#options.rulesOnly ?? false,
      at: this.#options.at ?? ((path) => path),
      onRules: (results) => this.#options.onRules?.(results),
      limits,
      clock,
      signal,
      emit,
      journal: this.#journal,
      commands: new Commands({ host, signal, kubeconfig, simulated }),
      outages,
      faults: this.#faults,
      found,
      payload: new PayloadReader(host),
      get api() {
        patient ??= patientApi(raw(), waiting);
        return patient;
      },
      get rawApi() {
        return raw();
      },
      get observer() {
        return observer();
      },
      connect: async () => {
        this.#api = await provider.connect(kubeconfig);
      },
      observe: async () => {
        this.#observer = await Observer.start({
          api: raw(),
          clock,
          host,
          emit,
          signal,
          scenario,
          found,
          step: () => this.#journal.latestStep,
          outageCause: () => lostContainer(rehearsal),
        });
      },
      wait: (wait) => waitForObjects({ ...waiting, api: raw() }, wait),
      poll: (poll) => pollUntil(waiting, poll),
    };
    return rehearsal;
  }
}
