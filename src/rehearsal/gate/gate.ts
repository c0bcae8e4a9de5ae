/**
 * Judges a checkpoint: waits, sweep by sweep, until every pair and every assertion is good or a budget is over, holds the
 * state where it is to be observed, emits the events and says why it is red. The decision itself is in `decide.ts`.
 */
import type { AssertionId, Emit } from '../../events/events.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { durationMs, formatDuration } from '../../time/duration.ts';
import { isNotModelled } from '../outcome.ts';
import { type Blame, blameAssertions, blameFindings, blameSilence, blameStop } from './blame.ts';
import type { Gap } from './coverage.ts';
import { type Budgets, findingsOf, HoldStage, nothingFound, SettleStage } from './decide.ts';
import { checkpointEvent } from './result.ts';
import type { CheckpointOutcome, CheckpointRequest, GateFailure, JudgedAssertion, JudgedCheckpoint } from './types.ts';
import type { Instrument, View } from './view.ts';

/** Assertions cost API calls and commands on every node: milliseconds between two rounds of them. */
const SETTLING_PACE_MS = 5_000;
const HOLDING_PACE_MS = 30_000;
/** Assertions over what is written down somewhere: no machine that is too busy for a moment makes one of these fail. */
const WRITTEN_DOWN: ReadonlySet<string> = new Set<AssertionId>([
  'node-addresses',
  'cni-files-unchanged',
  'no-node-selected',
  'no-cilium-endpoints',
]);
/** More would hide what a finding is about. */
const MOST_SUBJECTS = 10;

export interface GateDeps {
  readonly instrument: Instrument;
  readonly emit: Emit;
  readonly gate: Scenario['gate'];
  readonly timeouts: Pick<Scenario['timeouts'], 'apiOutage' | 'unreadable'>;
  readonly signal?: AbortSignal;
  /** Called when everything was good, before an observation: the install dip ends here. */
  readonly onSettled?: () => void;
  /** Called when pairs fail again and the checkpoint has to settle anew: it did not end there. */
  readonly onRelapse?: () => void;
  /** Asked when the API stayed away: names what the environment did (a control plane's container gone), if anything. */
  readonly outageCause?: () => Promise<Blame | undefined>;
}

/** One round of assertions. */
interface Round {
  readonly at: number;
  /** By checkpoint id. */
  readonly results: ReadonlyMap<string, readonly JudgedAssertion[]>;
  /** Containers that do not run. */
  readonly gaps: readonly Gap[];
  /** What runners threw, by checkpoint id. */
  readonly errors: ReadonlyMap<string, readonly unknown[]>;
}

interface Judged {
  readonly view: View;
  readonly round: Round;
  /** undefined: green. */
  readonly blame: Blame | undefined;
  readonly settledAt: number | null;
  readonly observedMs: number;
}

/**
 * Judges the checkpoints of a request, emits `assertion` and `checkpoint` events, and returns the outcome of the first
 * that failed, or `passed`.
 * @throws the signal's reason when it aborts.
 */
export async function judgeCheckpoint(request: CheckpointRequest, deps: GateDeps): Promise<CheckpointOutcome> {
  const pingsBefore = deps.instrument.view(request.since).pings;
  const judged = await new Judging(request, deps).run();
  const managedPods = await managed(request);
  const results = request.checkpoints.flatMap(({ id }) => judged.round.results.get(id) ?? []);
  let failure: GateFailure | undefined;
  for (const checkpoint of request.checkpoints) {
    const own = judged.round.results.get(checkpoint.id) ?? [];
    const blame = judged.blame && blameOf(checkpoint, judged);
    const message = blame ? `${checkpoint.id}: ${blame.message}` : '';
    for (const { reason: _, ...result } of own) deps.emit({ type: 'assertion', checkpoint: checkpoint.id, ...result });
    deps.emit(
      checkpointEvent(checkpoint, judged.view, {
        outcome: blame ? 'failed' : 'passed',
        startedAt: request.since,
        settledAt: judged.settledAt,
        observedMs: judged.observedMs,
        samples: judged.view.pings - pingsBefore,
        managedPods,
        message,
      }),
    );
    if (blame && !failure) failure = { checkpoint: checkpoint.id, ...asBaseline(checkpoint, blame), message };
  }
  if (failure) return { outcome: 'failed', results, failure };
  deps.instrument.settled();
  return { outcome: 'passed', results };
}

/** What is wrong with the pairs is wrong with every checkpoint of a batch; an assertion only with its own. */
function blameOf(checkpoint: JudgedCheckpoint, { view, round, blame }: Judged): Blame | undefined {
  if (!blame?.byAssertion) return blame;
  return (
    blameFindings(findingsOf(checkpoint.id, view, round.gaps), view, round.results.get(checkpoint.id) ?? []) ??
    blameSilence(round.errors.get(checkpoint.id) ?? [])
  );
}

/** Before the baseline was green nothing can be held against the migration. */
function asBaseline(checkpoint: JudgedCheckpoint, blame: Blame): Pick<Blame, 'verdict' | 'reason'> {
  return checkpoint.id === 'baseline'
    ? { verdict: 'error', reason: blame.verdict === 'error' ? blame.reason : 'baseline-unhealthy' }
    : { verdict: blame.verdict, reason: blame.reason };
}

async function managed(request: CheckpointRequest): Promise<{ managed: number; total: number }> {
  try {
    return (await request.managedPods?.()) ?? { managed: 0, total: 0 };
  } catch {
    // Reported, never judged; the API may be away at a red checkpoint.
    return { managed: 0, total: 0 };
  }
}

class Judging {
  readonly #request: CheckpointRequest;
  readonly #deps: GateDeps;
  readonly #budgets: Budgets;
  readonly #maxDisruptionMs: number;
  #round: Round = { at: Number.NEGATIVE_INFINITY, results: new Map(), gaps: [], errors: new Map() };

  constructor(request: CheckpointRequest, deps: GateDeps) {
    this.#request = request;
    this.#deps = deps;
    this.#budgets = {
      settle: durationMs(deps.gate.settleTimeout),
      observe: durationMs(deps.gate.observe),
      apiOutage: durationMs(deps.timeouts.apiOutage),
      unreadable: durationMs(deps.timeouts.unreadable),
    };
    const { maxDisruption } = deps.gate;
    this.#maxDisruptionMs = maxDisruption === 'unlimited' ? Number.POSITIVE_INFINITY : durationMs(maxDisruption);
  }

  get #id(): string {
    return this.#request.checkpoints[0]?.id ?? '';
  }

  async run(): Promise<Judged> {
    const stage = new SettleStage(this.#id, this.#budgets, this.#request.since);
    for (;;) {
      const settled = await this.#settle(stage);
      if (settled.settledAt !== null) this.#deps.onSettled?.();
      if (settled.blame || !this.#request.observed) return settled;
      const held = await this.#hold(settled, stage);
      if (held !== 'relapsed') return held;
      this.#deps.onRelapse?.();
    }
  }

  async #settle(stage: SettleStage): Promise<Judged> {
    for (;;) {
      let view = await this.#sweep();
      const step = stage.step(view);
      if (step.kind === 'wait') continue;
      if (step.kind === 'api-lost' || step.kind === 'blind') return this.#judged(view, await this.#stopped(step, view));
      if (step.kind === 'good' && view.monotonic - this.#round.at < SETTLING_PACE_MS) continue;
      await this.#assert();
      // Assertions take their time; the pairs must be good after them too.
      view = this.#view();
      if (view.apiDownMs !== null) continue;
      const blame = this.#wrong(view);
      if (!blame) return { ...this.#judged(view, this.#disrupted(view)), settledAt: view.now };
      if (step.kind === 'deadline') return this.#judged(view, blame);
    }
  }

  /** `relapsed`: it failed again in a dip that had a lull, and there is time to settle anew. */
  async #hold(settled: Judged, settling: SettleStage): Promise<Judged | 'relapsed'> {
    const start = settled.view.monotonic;
    const stage = new HoldStage(this.#id, this.#budgets, start);
    let unjudgedSince: number | undefined;
    for (;;) {
      let view = await this.#sweep();
      const open = this.#isOpen();
      const step = stage.step(view, open);
      const end = (blame: Blame | undefined): Judged => {
        return { ...this.#judged(view, blame), settledAt: settled.settledAt, observedMs: stage.held };
      };
      if (step.kind === 'api-lost' || step.kind === 'blind') return end(await this.#stopped(step, view));
      const pace = step.kind === 'done' || open ? SETTLING_PACE_MS : HOLDING_PACE_MS;
      if (step.kind === 'wait' && (view.apiDownMs !== null || view.monotonic - this.#round.at < pace)) continue;
      if (step.kind === 'done' && unjudgedSince !== undefined && view.monotonic - this.#round.at < pace) continue;
      await this.#assert();
      const failed = this.#results().filter((result) => result.outcome === 'failed');
      if ((step.kind === 'broken' || failed.length > 0) && this.#isStillSettling(view, settling)) {
        const forGood = failed.filter(({ id }) => WRITTEN_DOWN.has(id));
        if (forGood.length === 0) return this.#relapsed(view, stage.held, failed);
        // Pairs that fail beside them are the dip's, and no blame.
        const { verdict, reason, message } = blameAssertions(forGood);
        return end({ verdict, reason, message });
      }
      if (step.kind === 'broken' || step.kind === 'unmeasured') {
        return end(this.#wrong(view) ?? lostHold(stage.held));
      }
      if (failed.length > 0) return end(this.#wrong(view));
      if (step.kind !== 'done') continue;
      view = this.#view();
      if (view.apiDownMs !== null) continue;
      const blame = this.#wrong(view);
      if (!blame) return end(this.#disrupted(view));
      unjudgedSince ??= view.monotonic;
      if (view.monotonic - unjudgedSince > this.#budgets.settle) return end(blame);
    }
  }

  /** Is what fails now the matter of a dip that had a lull, with time left to settle anew? */
  #isStillSettling(view: View, settling: SettleStage): boolean {
    if (this.#request.mayRelapse !== true) return false;
    const { kind } = settling.step(view);
    return kind === 'wait' || kind === 'good';
  }

  #relapsed(view: View, heldMs: number, failed: readonly JudgedAssertion[]): 'relapsed' {
    const { unhealthy } = findingsOf(this.#id, view);
    const what = [...(unhealthy.length > 0 ? [`${unhealthy.length} pairs`] : []), ...failed.map(({ id }) => id)];
    this.#deps.emit({
      type: 'finding',
      id: 'settled-again',
      severity: 'info',
      message: `${this.#id}: everything was good for ${formatDuration(heldMs)}, then failed again: ${what.join(', ')}; it has to settle and to be observed anew`,
      subjects: unhealthy.slice(0, MOST_SUBJECTS).map(({ from, to }) => `${from.pod} → ${to.pod}`),
      allowed: false,
    });
    return 'relapsed';
  }

  async #sweep(): Promise<View> {
    await this.#deps.instrument.sweep(this.#deps.signal);
    return this.#view();
  }

  #view(): View {
    return this.#deps.instrument.view(this.#request.since);
  }

  #judged(view: View, blame: Blame | undefined): Judged {
    return { view, round: this.#round, blame, settledAt: null, observedMs: 0 };
  }

  async #stopped(stop: Parameters<typeof blameStop>[0], view: View): Promise<Blame> {
    const environment = stop.kind === 'api-lost' ? await this.#deps.outageCause?.() : undefined;
    return environment ?? blameStop(stop, view);
  }

  /** Everything that is wrong now, by the last round of assertions; undefined: green. */
  #wrong(view: View): Blame | undefined {
    const findings = findingsOf(this.#id, view, this.#round.gaps);
    const errors = [...this.#round.errors.values()].flat();
    return (
      blameFindings(findings, view, this.#results()) ?? (nothingFound(findings) ? blameSilence(errors) : undefined)
    );
  }

  #disrupted({ longestUnexpected: longest }: View): Blame | undefined {
    if (!longest || longest.ms <= this.#maxDisruptionMs) return undefined;
    const limit = formatDuration(this.#maxDisruptionMs);
    return {
      verdict: 'failed',
      reason: 'disruption-exceeded',
      message: `${longest.pair} failed for ${formatDuration(longest.ms)} without a break during ${longest.step}, gate.maxDisruption is ${limit}`,
    };
  }

  /** Could the last round not judge everything? */
  #isOpen(): boolean {
    const silent = [...this.#round.errors.values()].some((errors) => errors.length > 0);
    return silent || this.#results().some((result) => result.outcome === 'unknown');
  }

  #results(): JudgedAssertion[] {
    return [...this.#round.results.values()].flat();
  }

  /** With `errors` it is as with an assertion: what could not be looked at is not green. */
  async #containers(errors: Map<string, unknown[]>): Promise<readonly Gap[]> {
    try {
      return (await this.#request.containers?.()) ?? [];
    } catch (error) {
      this.#deps.signal?.throwIfAborted();
      if (isNotModelled(error)) throw error;
      errors.get(this.#id)?.push(error);
      return [];
    }
  }

  async #assert(): Promise<void> {
    const { signal } = this.#deps;
    const context = { since: this.#request.since, signal };
    const results = new Map<string, JudgedAssertion[]>();
    const errors = new Map<string, unknown[]>();
    for (const { id, assertions } of this.#request.checkpoints) {
      const answers = await Promise.allSettled(assertions.map((assertion) => assertion(context)));
      signal?.throwIfAborted();
      results.set(id, []);
      errors.set(id, []);
      for (const answer of answers) {
        if (answer.status === 'fulfilled') results.get(id)?.push(answer.value);
        // Asking again changes nothing, and it is no fault of what is judged.
        else if (isNotModelled(answer.reason)) throw answer.reason;
        else errors.get(id)?.push(answer.reason);
      }
    }
    this.#round = { at: this.#view().monotonic, results, gaps: await this.#containers(errors), errors };
  }
}

function lostHold(heldMs: number): Blame {
  return {
    verdict: 'failed',
    reason: 'pairs-unmeasured',
    message: `could not be observed without a break: it held for ${formatDuration(heldMs)} only`,
  };
}
