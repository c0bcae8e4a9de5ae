/** report.json, schemaVersion 1: every key is always there. Schema: docs/report.schema.json; guide: docs/guide.md. */
import type {
  AccessCounts,
  Account,
  AssertionResult,
  Cni,
  DisruptionClass,
  FailingGroup,
  FailingPair,
  Leftover,
  Phase,
  Probe,
  ProbePod,
  ProbeResult,
  ValueChange,
} from '../events/events.ts';
import type { Reason, Verdict } from '../events/verdict.ts';
import type { Scenario } from '../scenario/scenario.ts';

export const REPORT_SCHEMA_VERSION = 1;

export interface CheckpointReport {
  readonly id: string;
  readonly phase: Phase;
  readonly node: string | null;
  /** `failed` also when the step before it failed, which is charged to it: then nothing was measured. */
  readonly outcome: 'passed' | 'failed' | 'not-reached';
  readonly startedAt: string | null;
  readonly settledAt: string | null;
  readonly observedSeconds: number;
  readonly samples: number;
  readonly managedPods: { readonly managed: number; readonly total: number };
  readonly access: AccessCounts;
  readonly probes: readonly ProbeResult[];
  readonly failing: readonly FailingPair[];
  readonly groups: readonly FailingGroup[];
  readonly assertions: readonly AssertionResult[];
}

export interface NodeReport {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly order: number;
  readonly before: { readonly cni: Cni; readonly podCIDRs: readonly string[] };
  readonly after: { readonly cni: Cni; readonly podCIDRs: readonly string[] };
  readonly cniFiles: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** `total` is all time in which something was done to or measured for the node, each second once. */
  readonly seconds: {
    readonly drain: number;
    readonly switch: number;
    readonly settle: number;
    readonly restart: number;
    readonly total: number;
  };
}

export interface DisruptionReport {
  readonly probe: Probe;
  readonly from: ProbePod;
  readonly to: ProbePod;
  readonly class: DisruptionClass;
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
  readonly failed: number;
  readonly sent: number;
  readonly step: string;
}

export interface FaultReport {
  readonly name: string;
  readonly args: Readonly<Record<string, string>>;
  readonly injectedAt: string | null;
  readonly healedAt: string | null;
  readonly expected: string;
  /** What the run came to, in the form of `expected`; null when it was interrupted. */
  readonly observed: string | null;
}

export interface FindingReport {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly message: string;
  readonly subjects: readonly string[];
  /** A refusal that was allowed. */
  readonly allowed: boolean;
}

export interface NodePortReport {
  readonly probe: Probe;
  readonly moment: 'baseline' | 'final';
  readonly port: number;
  readonly healthy: number | null;
  readonly unhealthy: number | null;
  readonly error: string;
}

export interface Report {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION;
  readonly tool: { readonly name: string; readonly version: string };
  readonly scenario: Scenario;
  readonly provider: 'twin' | 'kind';
  readonly seed: number;
  readonly simulated: boolean;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly message: string;
  /** null: interrupted. */
  readonly exitCode: number | null;
  readonly failedCheckpoint: string | null;
  readonly beforePointOfNoReturn: boolean;
  readonly startedAt: string;
  /** Moment of the verdict, or of the last event of an interrupted run. */
  readonly finishedAt: string;
  readonly durationSeconds: number;
  /** To the millisecond; they add up to `durationSeconds`. */
  readonly seconds: Readonly<Record<Account, number>>;
  /** null: not known when the run ended. More tools may be named. */
  readonly versions: Readonly<Record<string, string | null>>;
  readonly checkpoints: readonly CheckpointReport[];
  readonly nodes: readonly NodeReport[];
  readonly disruption: readonly DisruptionReport[];
  /** null: not made before the run ended. */
  readonly values: {
    readonly initial: Readonly<Record<string, unknown>> | null;
    readonly final: Readonly<Record<string, unknown>> | null;
    readonly changed: readonly ValueChange[];
  };
  readonly faults: readonly FaultReport[];
  readonly findings: readonly FindingReport[];
  readonly leftovers: readonly Leftover[];
  readonly nodePorts: readonly NodePortReport[];
  readonly handwork: readonly string[];
}
