/**
 * What counts as a regression between two runs, and what as noise (docs/compare.md). A machine that is slower today is no
 * regression: only the time that the migration itself takes is judged, and only beyond what the same run varies by.
 */
import type { Account } from '../events/events.ts';
import { secondsText } from '../report/words.ts';
import type { RunRecord } from './record.ts';

/** `regression`: worse beyond noise. `same`: within noise. `not-judged`: told only. */
export type Judgement = 'regression' | 'improvement' | 'same' | 'not-judged';

export interface Finding {
  readonly about: 'verdict' | 'checkpoint' | 'duration' | 'disruption';
  readonly judgement: Judgement;
  /** One sentence. */
  readonly message: string;
}

/** Time that Cilium and Calico take. The rest is the machine's (making the cluster, pulls, commands) or ours (observing). */
export const JUDGED_ACCOUNTS = ['rollout', 'drain', 'restart', 'settle'] as const satisfies readonly Account[];

interface Band {
  /** Of the first run's value. */
  readonly share: number;
  readonly seconds: number;
}

/**
 * `exact`: two simulated runs of one seed draw the same and have no machine below them; another version of something shifts
 * them by pings and back-offs, a few seconds in twenty minutes. `noisy`: all others. On real machines neighbours, image layers
 * and compiling agents make half as much again; and wherever Typha happens to stand, the drain of its node takes a minute more,
 * with another seed on the twin too.
 */
export const DURATION_BAND: Readonly<Record<'exact' | 'noisy', Band>> = {
  exact: { share: 0.1, seconds: 15 },
  noisy: { share: 0.5, seconds: 60 },
};

const isExact = (a: RunRecord, b: RunRecord): boolean => a.simulated && b.simulated && a.seed === b.seed;

/** A stretch is measured from ping to ping, so it is right to about one interval at each end. */
export const DISRUPTION_PINGS = 3;
/** A starved pod loses pings for up to so long without any network being at fault. */
export const DISRUPTION_NOISY: Band = { share: 1, seconds: 10 };

/** Seconds of the migration itself. */
export const migrationSeconds = ({ seconds }: Pick<RunRecord, 'seconds'>): number =>
  JUDGED_ACCOUNTS.reduce((sum, account) => sum + seconds[account], 0);

/** How a run can be used as one side of a comparison. */
export function says(record: Pick<RunRecord, 'verdict'>): 'safe' | 'unsafe' | 'nothing' {
  if (record.verdict === 'passed') return 'safe';
  // A refusal where there was none is an answer about the migration too: a rule, or a chart that takes the values no more.
  return record.verdict === 'failed' || record.verdict === 'refused' ? 'unsafe' : 'nothing';
}

/** Why times cannot be held against each other; undefined: they can. */
export function whyOtherwise(a: RunRecord, b: RunRecord): string | undefined {
  if (a.provider !== b.provider) return `one ran on ${a.provider}, the other on ${b.provider}`;
  if (a.cluster.controlPlanes !== b.cluster.controlPlanes || a.cluster.workers !== b.cluster.workers) {
    return 'the clusters are of different sizes';
  }
  if (a.faults.join() !== b.faults.join()) return 'the faults are not the same';
  if (a.verdict !== 'passed' || b.verdict !== 'passed') return 'not both passed';
  if (a.reason !== b.reason) return 'they stopped at different checkpoints, as asked';
  if (a.checkpoints.map(({ id }) => id).join() !== b.checkpoints.map(({ id }) => id).join()) {
    return 'their checkpoints are not the same';
  }
  return undefined;
}

export function judgeDuration(a: RunRecord, b: RunRecord): Finding {
  const [before, after] = [migrationSeconds(a), migrationSeconds(b)];
  const { share, seconds } = DURATION_BAND[isExact(a, b) ? 'exact' : 'noisy'];
  return judgeNumber('duration', 'the migration itself', before, after, Math.max(before * share, seconds));
}

export function judgeDisruption(a: RunRecord, b: RunRecord): Finding {
  const [before, after] = [a.disruption.unexpected.longestSeconds, b.disruption.unexpected.longestSeconds];
  const pings = DISRUPTION_PINGS * Math.max(a.pingSeconds, b.pingSeconds);
  const band = isExact(a, b) ? pings : Math.max(pings, before * DISRUPTION_NOISY.share, DISRUPTION_NOISY.seconds);
  return judgeNumber('disruption', 'the longest unexpected disruption of a pair', before, after, band);
}

function judgeNumber(about: Finding['about'], what: string, a: number, b: number, band: number): Finding {
  const judgement = b > a + band ? 'regression' : b < a - band ? 'improvement' : 'same';
  const how = judgement === 'same' ? 'within' : 'beyond';
  return {
    about,
    judgement,
    message: `${what}: ${secondsText(a)} → ${secondsText(b)}, ${how} a noise of ${secondsText(band)}`,
  };
}
