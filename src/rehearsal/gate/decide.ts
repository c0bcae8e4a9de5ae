/**
 * The gate's decision, pure: fed with one view after the other it says whether a checkpoint may settle, must wait, or is
 * red. Two stages: settling (everything good once, before `settleTimeout`) and, where asked for, holding (good for
 * `gate.observe`).
 */
import type { JudgedPair } from '../../probe/matrix.ts';
import { type Gap, gapsAt } from './coverage.ts';
import type { BlindSource, View } from './view.ts';

export interface Budgets {
  /** All milliseconds. */
  readonly settle: number;
  readonly observe: number;
  readonly apiOutage: number;
  readonly unreadable: number;
}

/** What of a view keeps a checkpoint from being green. */
export interface Findings {
  readonly unhealthy: readonly JudgedPair[];
  readonly unknown: readonly JudgedPair[];
  readonly gaps: readonly Gap[];
  /** Sources of failing pairs whose pings to themselves fail too. */
  readonly overloaded: ReadonlySet<string>;
  /** Instances whose container was killed from outside (137) and is not back. */
  readonly killed: ReadonlySet<string>;
}

/** `more`: gaps that were found beside the view. */
export function findingsOf(checkpoint: string, view: View, more: readonly Gap[] = []): Findings {
  const unhealthy: JudgedPair[] = [];
  const unknown: JudgedPair[] = [];
  const overloaded = new Set<string>();
  const killed = new Set<string>();
  for (const { judgement, instances } of view.probes) {
    for (const instance of instances) if (instance.killed) killed.add(instance.uid);
    for (const pair of judgement.pairs) {
      if (pair.state === 'unhealthy') unhealthy.push(pair);
      else if (pair.state === 'unknown') unknown.push(pair);
    }
    for (const uid of judgement.selfFailing) overloaded.add(uid);
  }
  return { unhealthy, unknown, gaps: [...gapsAt(checkpoint, view), ...more], overloaded, killed };
}

export function nothingFound(findings: Findings): boolean {
  return findings.unhealthy.length + findings.unknown.length + findings.gaps.length === 0;
}

export type Stop =
  | { readonly kind: 'api-lost'; readonly ms: number }
  | { readonly kind: 'blind'; readonly sources: readonly BlindSource[] };

/** Budgets that end any stage: the API away for too long, a source that cannot be read for too long. */
function stopOf(view: View, budgets: Budgets): Stop | undefined {
  // One that ended while a step ran on commands alone counts as well.
  const outage = Math.max(view.apiDownMs ?? 0, view.longestOutageMs);
  if (outage > budgets.apiOutage) return { kind: 'api-lost', ms: outage };
  if (view.apiDownMs !== null) return undefined;
  const sources = view.blind.filter((source) => source.ms > budgets.unreadable);
  return sources.length > 0 ? { kind: 'blind', sources } : undefined;
}

export type Settling = { readonly kind: 'wait' } | { readonly kind: 'good' } | { readonly kind: 'deadline' } | Stop;

/**
 * Counts the settle time of one checkpoint. It stands still while the API does not answer. Pairs of a source that could
 * not be read get the time back in which it could not (at most `unreadable`). Nothing is red before the end.
 */
export class SettleStage {
  readonly #checkpoint: string;
  readonly #budgets: Budgets;
  readonly #start: number;
  #before: number | undefined;
  #apiWasUp = true;
  #used = 0;
  /** Milliseconds in which a source was blind, by uid. */
  readonly #blind = new Map<string, number>();

  /** @param start end of the step's last wait, milliseconds since the epoch. */
  constructor(checkpoint: string, budgets: Budgets, start: number) {
    this.#checkpoint = checkpoint;
    this.#budgets = budgets;
    this.#start = start;
  }

  step(view: View): Settling {
    const passed = this.#before === undefined ? view.now - this.#start : view.monotonic - this.#before;
    this.#before = view.monotonic;
    const apiUp = view.apiDownMs === null;
    // A stretch counts when the API answered at both of its ends.
    if (apiUp && this.#apiWasUp) {
      this.#used += passed;
      for (const { instance } of view.blind) {
        this.#blind.set(instance.uid, (this.#blind.get(instance.uid) ?? 0) + passed);
      }
    }
    this.#apiWasUp = apiUp;
    const stop = stopOf(view, this.#budgets);
    if (stop) return stop;
    if (!apiUp) return { kind: 'wait' };
    const findings = findingsOf(this.#checkpoint, view);
    if (this.#used >= this.#budgets.settle && !this.#onlyExcused(findings)) return { kind: 'deadline' };
    return nothingFound(findings) ? { kind: 'good' } : { kind: 'wait' };
  }

  /** Is all that is wrong the matter of sources whose own time is not over? Nothing wrong is no excuse. */
  #onlyExcused({ unhealthy, unknown, gaps }: Findings): boolean {
    const pairs = [...unhealthy, ...unknown];
    return gaps.length === 0 && pairs.length > 0 && pairs.every((pair) => this.#excused(pair.from.uid));
  }

  #excused(uid: string): boolean {
    const blind = Math.min(this.#blind.get(uid) ?? 0, this.#budgets.unreadable);
    return this.#used < this.#budgets.settle + blind;
  }
}

export type Holding =
  | { readonly kind: 'wait' }
  | { readonly kind: 'done' }
  | { readonly kind: 'broken' }
  /** What could not be measured took longer than the settle time in all. */
  | { readonly kind: 'unmeasured' }
  | Stop;

/**
 * Counts an observation window from the first green. A pair with `failuresToFail` fresh failures in a row breaks it, a
 * single failed ping does not; what is unknown pauses it; so does an API that does not answer.
 */
export class HoldStage {
  readonly #checkpoint: string;
  readonly #budgets: Budgets;
  #before: number;
  #apiWasUp = true;
  #held = 0;
  #paused = 0;

  /** @param start moment of the first green, milliseconds, monotonic. */
  constructor(checkpoint: string, budgets: Budgets, start: number) {
    this.#checkpoint = checkpoint;
    this.#budgets = budgets;
    this.#before = start;
  }

  /** Milliseconds for which the state has held. */
  get held(): number {
    return this.#held;
  }

  /** `unjudged`: the last look at the assertions left some open, which pauses as unknown pairs do. */
  step(view: View, unjudged = false): Holding {
    const passed = view.monotonic - this.#before;
    this.#before = view.monotonic;
    const apiUp = view.apiDownMs === null;
    const counts = apiUp && this.#apiWasUp;
    this.#apiWasUp = apiUp;
    const stop = stopOf(view, this.#budgets);
    if (stop) return stop;
    if (!apiUp) return { kind: 'wait' };
    const { unhealthy, unknown, gaps } = findingsOf(this.#checkpoint, view);
    if (unhealthy.length > 0) return { kind: 'broken' };
    const complete = this.#held >= this.#budgets.observe;
    // A pair that is settling was measured: a single failed ping neither breaks nor pauses, but cannot be the end.
    const unmeasured = unjudged || gaps.length > 0 || unknown.some((pair) => pair.cause !== 'settling' || complete);
    if (counts && unmeasured) this.#paused += passed;
    else if (counts) this.#held += passed;
    if (this.#paused > this.#budgets.settle) return { kind: 'unmeasured' };
    return this.#held >= this.#budgets.observe && unknown.length === 0 && gaps.length === 0
      ? { kind: 'done' }
      : { kind: 'wait' };
  }
}
