/** What every phase gets: the scenario, the two doors, the run's record, and ways to wait. */
import type { Emit } from '../events/events.ts';
import type { KubeApi, Resource } from '../kube/api.ts';
import type { RuleResult } from '../preflight/rule.ts';
import type { PayloadReader } from '../probe/payload.ts';
import type { Provider } from '../provider/provider.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';
import type { Commands } from './commands.ts';
import type { FaultRun } from './faults.ts';
import type { Found } from './found.ts';
import type { Journal } from './journal.ts';
import type { Limits } from './limits.ts';
import type { Observer } from './observer.ts';
import type { Outages } from './patient-api.ts';
import type { Plan } from './plan.ts';

/** A wait for objects of the API, by watching. */
export interface Wait<T extends object> {
  /** What is waited for, for people: `calico-node to be rolled out`. */
  readonly what: string;
  readonly resource: Resource<T>;
  readonly namespace?: string;
  /** One object only. */
  readonly name?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly timeoutMs: number;
  /** Ends the wait besides the run's own signal. */
  readonly signal?: AbortSignal;
  /** What is still missing, for people; null when the wait is over. */
  readonly pending: (items: readonly T[]) => string | null;
}

/** A wait for something that cannot be watched: a container, a file, an endpoint on a node. */
export interface Poll {
  readonly what: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** What is still missing, for people; null when the wait is over. */
  readonly look: () => Promise<string | null>;
}

export interface Rehearsal {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly provider: Provider;
  readonly plan: Plan;
  /** Id of the checkpoint after which the run ends; null: the last one. */
  readonly until: string | null;
  /** True: the run ends when the live rules have been judged. */
  readonly rulesOnly: boolean;
  /** Where a key of the scenario stands. */
  readonly at: (path: string) => string;
  /** Told every rule's result so far, before a refusal ends the run. */
  readonly onRules: (results: readonly RuleResult[]) => void;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly journal: Journal;
  readonly commands: Commands;
  readonly outages: Outages;
  /** What is broken on purpose. */
  readonly faults: FaultRun;
  readonly found: Found;
  /** The cluster's API, patient with outages. @throws Error before the cluster was created */
  readonly api: KubeApi;
  /** The same API for looks that must not wait: no answer is an error at once. */
  readonly rawApi: KubeApi;
  readonly payload: PayloadReader;
  /** Gate and sampler. @throws Error before phase `baseline` */
  readonly observer: Observer;
  /** Called by phase `provision` when `kind create cluster` has written the kubeconfig. */
  connect(): Promise<void>;
  /** Called by phase `baseline` when the probes are there. */
  observe(): Promise<void>;
  /** @throws WaitTimeout with what was last seen */
  wait<T extends object>(wait: Wait<T>): Promise<readonly T[]>;
  /** @throws WaitTimeout with what was last seen */
  poll(poll: Poll): Promise<void>;
}

export type PhaseRunner = (rehearsal: Rehearsal) => Promise<void>;

/** Names of all nodes in the order of migration. */
export function nodeNames(rehearsal: Rehearsal): string[] {
  return rehearsal.plan.nodes.map((node) => node.name);
}

/**
 * Works on the nodes of a batch at the same time. All of them are let finish before the first error is thrown, so that
 * nothing of a batch goes on behind a failed run's back.
 */
export async function together<N>(batch: readonly N[], work: (node: N) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(batch.map(work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
