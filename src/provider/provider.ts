/** What stands behind the doors. One code path: the rehearsal gets a provider and knows no more. */
import type { Levers } from '../faults/fault.ts';
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';
import type { Machine } from './machine.ts';

/** What a provider says of a scenario before anything is touched; texts name the keys. */
export interface ProviderReview {
  /** What this provider cannot rehearse at all. */
  readonly notModelled: readonly string[];
  /** Helm values without a model: `preflight.allow: [not-modelled]` lets the rehearsal go on without them. */
  readonly notModelledValues: readonly string[];
  /** Helm values that change nothing that is rehearsed. */
  readonly irrelevantValues: readonly string[];
  /** Paths that the chart's values do not know, with the nearest name. */
  readonly unknownValues: readonly string[];
}

export interface Provider {
  readonly name: 'twin' | 'kind';
  /** True when nothing outside this process exists; verdicts then read `PASSED (simulated)`. */
  readonly simulated: boolean;
  readonly clock: Clock;
  readonly host: Host;
  /** Opens the API of the cluster whose kubeconfig `kind create cluster` wrote to this path. */
  connect(kubeconfig: string): Promise<KubeApi>;
  /** Where this provider keeps kubeconfigs of clusters that it makes; never part of an event. */
  readonly kubeconfig: string;
  /** Looks at the scenario; pure. */
  review(scenario: Scenario): ProviderReview;
  /** Does a registry have the image? `unknown` where that shows only when it is pulled. */
  imageExists(image: string): 'yes' | 'no' | 'unknown';
  /** Drives the provider's clock until `main` has settled. */
  run<T>(main: () => Promise<T>): Promise<T>;
  /** Lets something from outside (a signal) in at the next moment at which the provider's world is consistent. */
  interrupt(action: () => void): void;
  close(): Promise<void>;
  /** What a real machine needs around a cluster; left out where nothing exists outside this process. */
  readonly machine?: Machine;
  /** The command that deletes what a run that ends at once leaves behind; null: nothing. */
  leftBehind?(): string | null;
  /** What only an embedded cluster can do; left out on real nodes. */
  readonly levers?: Levers;
}
