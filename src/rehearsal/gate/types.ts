/** What the gate is told and what it answers; shared by the phases, the assertions and the gate itself. */
import type { AssertionResult, PlannedCheckpoint } from '../../events/events.ts';
import type { Reason, Verdict } from '../../events/verdict.ts';

export interface AssertionContext {
  /** The moment after which the change under judgement was complete (t0), milliseconds since the epoch. */
  readonly since: number;
  readonly signal: AbortSignal | undefined;
}

import type { Gap } from './coverage.ts';

/** A result, with the cause to name when it is red where that is not just `assertion-failed`; told in no event. */
export type JudgedAssertion = AssertionResult & { readonly reason?: Reason };

/**
 * Looks once and says what it saw; never waits for a state. What could not be looked at is the outcome `unknown`.
 * A runner that throws has not judged: the gate asks again and counts it as unknown until it answers.
 */
export type AssertionRunner = (context: AssertionContext) => Promise<JudgedAssertion>;

/** One checkpoint of a request; several of one kind share a sweep when nodes are migrated or restarted in a batch. */
export interface JudgedCheckpoint extends PlannedCheckpoint {
  readonly assertions: readonly AssertionRunner[];
}

export interface CheckpointRequest {
  /** In migration order; all of one kind. */
  readonly checkpoints: readonly JudgedCheckpoint[];
  /** End of the last wait of the step (t0), milliseconds since the epoch: only pings that started later count. */
  readonly since: number;
  /** True for `prepared` and `secondary-installed`: the state must hold for `gate.observe`. */
  readonly observed: boolean;
  /**
   * What fails again while it is observed and before `settleTimeout` is over is settling still: after the install agents
   * compile by fits and starts (docs/decisions/0008). Assertions over what is written down have no such grace.
   */
  readonly mayRelapse?: boolean;
  /** Containers that do not run; looked at with the assertions. */
  readonly containers?: () => Promise<readonly Gap[]>;
  /** Pods of the pod network that Cilium manages; asked once, at the end. */
  readonly managedPods?: () => Promise<{ readonly managed: number; readonly total: number }>;
}

export interface GateFailure {
  readonly checkpoint: string;
  readonly verdict: Extract<Verdict, 'failed' | 'error'>;
  readonly reason: Reason;
  /** For people: what, where, what now. */
  readonly message: string;
}

export type CheckpointOutcome =
  | { readonly outcome: 'passed'; readonly results: readonly JudgedAssertion[] }
  | { readonly outcome: 'failed'; readonly results: readonly JudgedAssertion[]; readonly failure: GateFailure };
