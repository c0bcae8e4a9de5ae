/** What of a report is compared, and kept in a history: a few kilobytes of what may be megabytes. */
import type { Account, DisruptionClass } from '../events/events.ts';
import type { Reason, Verdict } from '../events/verdict.ts';
import type { Report } from '../report/report-types.ts';
import { faultText } from '../report/words.ts';
import { durationMs } from '../time/duration.ts';

export interface DisruptionRecord {
  /** The longest unbroken failing time of one pair, in seconds. */
  readonly longestSeconds: number;
  /** Failed pings. */
  readonly failed: number;
}

export interface RunRecord {
  readonly recordVersion: 1;
  readonly scenario: string;
  readonly provider: 'twin' | 'kind';
  readonly simulated: boolean;
  readonly seed: number;
  readonly cluster: { readonly controlPlanes: number; readonly workers: number };
  readonly versions: { readonly kubernetes: string; readonly calico: string; readonly cilium: string };
  /** Version of this tool. */
  readonly tool: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly message: string;
  readonly failedCheckpoint: string | null;
  /** RFC 3339, in provider time: on the twin every run starts at the same moment. */
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly seconds: Readonly<Record<Account, number>>;
  readonly checkpoints: readonly { readonly id: string; readonly outcome: 'passed' | 'failed' | 'not-reached' }[];
  readonly disruption: Readonly<Record<DisruptionClass, DisruptionRecord>>;
  /** Time between two pings of a pair, in seconds: nothing shorter can be seen. */
  readonly pingSeconds: number;
  /** As `--fault` takes them. */
  readonly faults: readonly string[];
}

/** Pods a probe up to which the interval is 2 s where the scenario leaves it open (docs/scenario.md, probes.interval). */
const SMALL_PROBE = 15;

export function recordOf(report: Report): RunRecord {
  const { scenario, versions } = report;
  const { controlPlanes, workers } = scenario.cluster;
  return {
    recordVersion: 1,
    scenario: scenario.name,
    provider: report.provider,
    simulated: report.simulated,
    seed: report.seed,
    cluster: { controlPlanes, workers },
    versions: {
      kubernetes: versions.kubernetes ?? scenario.kubernetes.version,
      calico: versions.calico ?? scenario.calico.version,
      cilium: versions.cilium ?? scenario.cilium.version,
    },
    tool: report.tool.version,
    verdict: report.verdict,
    reason: report.reason,
    message: report.message,
    failedCheckpoint: report.failedCheckpoint,
    startedAt: report.startedAt,
    durationSeconds: report.durationSeconds,
    seconds: report.seconds,
    checkpoints: report.checkpoints.map(({ id, outcome }) => ({ id, outcome })),
    disruption: {
      unexpected: disruptionOf(report, 'unexpected'),
      'install-dip': disruptionOf(report, 'install-dip'),
      'node-restart': disruptionOf(report, 'node-restart'),
    },
    pingSeconds: pingSeconds(report),
    faults: report.faults.map(faultText),
  };
}

function disruptionOf({ disruption }: Report, name: DisruptionClass): DisruptionRecord {
  const entries = disruption.filter((entry) => entry.class === name);
  const lasting = entries.map(
    ({ firstFailedAt, lastFailedAt }) => Date.parse(lastFailedAt) - Date.parse(firstFailedAt),
  );
  return {
    longestSeconds: Math.max(0, ...lasting) / 1_000,
    failed: entries.reduce((sum, { failed }) => sum + failed, 0),
  };
}

function pingSeconds({ scenario: { probes, cluster } }: Report): number {
  if (probes.interval !== null) return durationMs(probes.interval) / 1_000;
  const { replicas, replicasAfterFirstNode } = probes.goldpinger;
  const largest = Math.max(cluster.controlPlanes + cluster.workers, replicas, replicasAfterFirstNode);
  return largest <= SMALL_PROBE ? 2 : 5;
}
