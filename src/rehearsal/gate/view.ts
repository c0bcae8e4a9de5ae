/** One look at everything that the instrument knows, as of the end of a sweep. */
import type { AccessCounts, Probe } from '../../events/events.ts';
import type { Instance } from '../../probe/instances.ts';
import type { MatrixJudgement } from '../../probe/matrix.ts';

export interface ProbeView {
  readonly name: Probe;
  readonly mesh: 'full' | 'sampled';
  readonly instances: readonly Instance[];
  readonly judgement: MatrixJudgement;
}

/** An expected, Ready instance that neither path could read. */
export interface BlindSource {
  readonly instance: Instance;
  /** How long already, milliseconds in which the API answered. */
  readonly ms: number;
  readonly error: string;
}

export interface NodeView {
  readonly name: string;
  /** goldpinger's pods may be placed here: not cordoned, no taint but the control plane's. */
  readonly schedulable: boolean;
}

export interface LongestDisruption {
  readonly ms: number;
  /** `goldpinger-x on kind-worker → goldpinger-y on kind-worker2`. */
  readonly pair: string;
  readonly step: string;
}

export interface View {
  /** End of the sweep, milliseconds since the epoch. */
  readonly now: number;
  /** The same moment on the clock that nobody can set, milliseconds: for what has passed between two views. */
  readonly monotonic: number;
  /** How long the API has not answered, milliseconds; null: it answers. */
  readonly apiDownMs: number | null;
  /** The longest time without an answer since the last green checkpoint, milliseconds; it may be over. */
  readonly longestOutageMs: number;
  readonly apiError: string;
  readonly nodes: readonly NodeView[];
  readonly probes: readonly ProbeView[];
  readonly blind: readonly BlindSource[];
  /** How many goldpinger pods the Deployment asks for. */
  readonly replicas: number;
  readonly access: AccessCounts;
  /** Distinct pings seen since the sampler started. */
  readonly pings: number;
  /** The longest unbroken failing time of one pair since the baseline, class `unexpected`; null: none. */
  readonly longestUnexpected: LongestDisruption | null;
}

/** What the gate needs of the sampler. */
export interface Instrument {
  /** Resolves at the end of a sweep that starts after this call; with the API away too. Rejects when the signal aborts. */
  sweep(signal?: AbortSignal): Promise<void>;
  /** What the last sweep left; pairs are judged by pings that started after `since`. */
  view(since: number): View;
  /** A checkpoint was green: disruptions count from the first one (`baseline`), restart windows of nodes end. */
  settled(): void;
}
