/**
 * The one stream of events that a rehearsal emits. Console, summary, JUnit and JSON reports are folds over it and over
 * nothing else. On the twin no event carries wall time, paths, ports or pids: same scenario, seed and version give the
 * same bytes. Schema: docs/events.schema.json.
 */
import type { Scenario } from '../scenario/scenario.ts';
import type { Reason, Verdict } from './verdict.ts';

export const EVENTS_VERSION = 1;

export const PHASES = [
  'check',
  'provision',
  'baseline',
  'prepare',
  'secondary',
  'migrate',
  'complete',
  'finalize',
  'remove',
  'restart',
  'verify',
] as const;
export type Phase = (typeof PHASES)[number];

/** Where the time of a step goes in the report's `seconds`; what no step accounts for is `overhead`. */
export const ACCOUNTS = [
  'provision',
  'pull',
  'command',
  'rollout',
  'drain',
  'restart',
  'settle',
  'observe',
  'evidence',
  'overhead',
] as const;
export type Account = (typeof ACCOUNTS)[number];

export type Cni = 'calico' | 'cilium' | 'host' | 'unknown';
export type Probe = 'nodepinger' | 'goldpinger';
/** State of an ordered pair at a checkpoint. */
export type PairState = 'healthy' | 'unhealthy' | 'unknown';

export interface ProbePod {
  readonly pod: string;
  readonly node: string;
  readonly ip: string;
  readonly cni: Cni;
}

export interface PlannedCheckpoint {
  readonly id: string;
  readonly phase: Phase;
  readonly node: string | null;
}

export interface FailingPair {
  readonly probe: Probe;
  readonly from: ProbePod;
  readonly to: ProbePod;
  readonly state: 'unhealthy' | 'unknown';
  /** goldpinger's error text, or why the pair is unknown. */
  readonly error: string;
}

/** `Calico pods on kind-worker3` → `all Cilium pods`: 12 of 12 failing. */
export interface FailingGroup {
  readonly from: string;
  readonly to: string;
  readonly failing: number;
  readonly of: number;
}

export interface Counts {
  readonly expected: number;
  readonly healthy: number;
  readonly unhealthy: number;
  readonly unknown: number;
}

export interface ProbeResult {
  readonly name: Probe;
  readonly mesh: 'full' | 'sampled';
  /** A pod is unhealthy when any expected source's last fresh ping to it failed. */
  readonly pods: Counts;
  readonly pairs: Counts;
}

/** How the probes' instances were read. */
export interface AccessCounts {
  readonly proxy: number;
  readonly fallback: number;
  readonly notAskable: number;
}

export const ASSERTIONS = [
  'agents-ready',
  'operator-ready',
  'node-addresses',
  'network-available',
  'cni-files-unchanged',
  'no-node-selected',
  'no-cilium-endpoints',
  'overlay-reachable',
  'pods-on-new-network',
  'workloads-available',
  'dns-and-api',
  'large-payload',
  'apiservice-available',
  'nothing-legacy-left',
] as const;
export type AssertionId = (typeof ASSERTIONS)[number];

export interface AssertionResult {
  readonly id: AssertionId;
  readonly outcome: 'passed' | 'failed' | 'unknown';
  /** What should be, for people. */
  readonly expected: string;
  /** What was seen, for people. */
  readonly seen: string;
  /** Nodes, pods or objects that are to blame. */
  readonly subjects: readonly string[];
}

export type DisruptionClass = 'node-restart' | 'install-dip' | 'unexpected';

export interface Leftover {
  /** null for objects of the API. */
  readonly node: string | null;
  readonly kind: string;
  readonly name: string;
  readonly harmless: boolean;
  readonly remedy: string;
}

export interface ValueChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Everything that happens, without `seq` and `at`. */
export type EventBody =
  | {
      readonly type: 'run-started';
      readonly eventsVersion: typeof EVENTS_VERSION;
      readonly tool: { readonly name: string; readonly version: string };
      readonly scenario: Scenario;
      readonly provider: 'twin' | 'kind';
      readonly simulated: boolean;
      readonly seed: number;
      /** Ids of all checkpoints, in order. */
      readonly checkpoints: readonly PlannedCheckpoint[];
      readonly nodes: readonly {
        readonly name: string;
        readonly role: 'control-plane' | 'worker';
        /** Place in the order of migration, from 1. */
        readonly order: number;
      }[];
    }
  /** Versions as they become known: kubernetes, calico, cilium, goldpinger, kind, helm, docker. */
  | {
      readonly type: 'finding';
      readonly id: string;
      readonly severity: 'info' | 'warning' | 'error';
      readonly message: string;
      readonly subjects: readonly string[];
      readonly allowed: boolean;
      readonly versions?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'preflight';
      readonly rule: string;
      readonly outcome: 'passed' | 'refused' | 'allowed' | 'finding' | 'skipped';
      readonly message: string;
      readonly subjects: readonly string[];
    }
  | { readonly type: 'phase-started'; readonly phase: Phase }
  | { readonly type: 'phase-ended'; readonly phase: Phase; readonly outcome: 'passed' | 'failed' | 'stopped' }
  | {
      readonly type: 'step-started';
      /** `drain/kind-worker`, `cilium-install`, …: ids of CONTRACT section 5, and finer ones of ours. Steps do not overlap except within a batch. */
      readonly step: string;
      readonly phase: Phase;
      readonly node: string | null;
      /** For people, present tense: `drain kind-worker`. */
      readonly title: string;
      readonly account: Account;
    }
  | {
      readonly type: 'step-ended';
      readonly step: string;
      readonly outcome: 'passed' | 'failed' | 'stopped';
      readonly message: string;
    }
  | {
      readonly type: 'object';
      readonly action: 'created' | 'applied' | 'patched' | 'deleted' | 'evicted' | 'command';
      /** `Deployment default/goldpinger`, or a command line for `command`. */
      readonly object: string;
      readonly detail: string;
    }
  /** What a node was or is on, for the report's `nodes`. */
  | {
      readonly type: 'node';
      readonly node: string;
      readonly moment: 'before' | 'after';
      readonly cni: Cni;
      readonly podCIDRs: readonly string[];
      readonly cniFiles: readonly string[];
    }
  | {
      readonly type: 'values';
      readonly moment: 'initial' | 'final';
      readonly values: Readonly<Record<string, unknown>>;
      readonly changed: readonly ValueChange[];
    }
  /** A generated file for the report directory (`kind.yaml`, `ciliumnodeconfig.yaml`); secrets are masked. */
  | { readonly type: 'file'; readonly name: string; readonly content: string }
  | { readonly type: 'pods'; readonly probe: Probe; readonly pods: readonly ProbePod[] }
  /** A reading that differs from the one before of the same instance: its bad peers now (empty: all good again). */
  | {
      readonly type: 'sample';
      readonly probe: Probe;
      readonly from: string;
      readonly good: number;
      readonly bad: readonly { readonly to: string; readonly error: string; readonly pingTime: string }[];
      /** Why it could not be read at all. */
      readonly unreadable?: string;
    }
  | ({ readonly type: 'assertion'; readonly checkpoint: string } & AssertionResult)
  | {
      readonly type: 'checkpoint';
      readonly id: string;
      readonly phase: Phase;
      readonly node: string | null;
      readonly outcome: 'passed' | 'failed';
      /** RFC 3339. */
      readonly startedAt: string;
      /** When everything was good for the first time; null when it never was. */
      readonly settledAt: string | null;
      readonly observedSeconds: number;
      /** Distinct pings that the verdict rests on. */
      readonly samples: number;
      readonly managedPods: { readonly managed: number; readonly total: number };
      readonly access: AccessCounts;
      readonly probes: readonly ProbeResult[];
      readonly failing: readonly FailingPair[];
      readonly groups: readonly FailingGroup[];
      readonly message: string;
    }
  | {
      readonly type: 'fault';
      readonly name: string;
      readonly args: Readonly<Record<string, string>>;
      /** `ended`: the run is over, and `expected` is by all that it has shown. */
      readonly moment: 'injected' | 'healed' | 'ended';
      readonly expected: string;
    }
  /** One unbroken stretch of failed pings of one pair, emitted when it has ended (or at the end of the run). */
  | {
      readonly type: 'disruption';
      readonly probe: Probe;
      readonly from: ProbePod;
      readonly to: ProbePod;
      readonly class: DisruptionClass;
      readonly firstFailedAt: string;
      readonly lastFailedAt: string;
      /** Start of the first good ping after it; left out when a pod of the pair went away first, or the run ended. */
      readonly recoveredAt?: string;
      readonly failed: number;
      readonly sent: number;
      readonly step: string;
    }
  | { readonly type: 'evidence'; readonly file: string; readonly content: string }
  | { readonly type: 'leftover'; readonly leftover: Leftover }
  | {
      readonly type: 'node-port';
      readonly probe: Probe;
      readonly moment: 'baseline' | 'final';
      readonly port: number;
      readonly healthy: number | null;
      readonly unhealthy: number | null;
      readonly error: string;
    }
  | {
      readonly type: 'verdict';
      readonly verdict: Exclude<Verdict, 'interrupted'>;
      readonly reason: Reason;
      readonly message: string;
      readonly failedCheckpoint: string | null;
      readonly beforePointOfNoReturn: boolean;
      readonly handwork: readonly string[];
    };

/** `seq` counts from 1; `at` is provider time, RFC 3339 with milliseconds. */
export type Event = { readonly seq: number; readonly at: string } & EventBody;

/** Takes the next event; the stream adds `seq` and `at`. */
export type Emit = (event: EventBody) => void;
