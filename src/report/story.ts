/** What the events tell: the report, and what people want to read beside it. */
import type { DisruptionClass, Phase } from '../events/events.ts';
import type { Report } from './report-types.ts';

export interface TextFile {
  readonly name: string;
  readonly content: string;
}

export interface PhaseStory {
  readonly phase: Phase;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** `stopped`: the run ended in it without a failure of its own. */
  readonly outcome: 'passed' | 'failed' | 'stopped';
}

/** All stretches of failed pings of one class. */
export interface DisruptionSummary {
  readonly class: DisruptionClass;
  readonly stretches: number;
  readonly pairs: number;
  readonly failed: number;
  /** Longest unbroken failing time of one pair, first failure to recovery (last failure where it did not recover). */
  readonly longestSeconds: number;
  /** The pair of the longest, for people. */
  readonly longestPair: string;
  readonly longestStep: string;
}

export interface CheckpointStory {
  readonly message: string;
  /** Milliseconds from its first look to its verdict. */
  readonly tookMs: number;
}

export interface Story {
  readonly report: Report;
  readonly phases: readonly PhaseStory[];
  /** By id, of those that were judged. */
  readonly checkpoints: ReadonlyMap<string, CheckpointStory>;
  readonly disruption: readonly DisruptionSummary[];
  /** The step that ran when the events ended, or the last one that failed; null: none. */
  readonly lastStep: string | null;
  /** Generated files (`kind.yaml`, …). */
  readonly files: readonly TextFile[];
  /** Names relative to `evidence/`. */
  readonly evidence: readonly TextFile[];
}

/** The two figures of the action's outputs that the report has no key for. */
export function keyFigures(story: Story): { readonly unhealthyPairs: number; readonly disruptionSeconds: number } {
  const judged = story.report.checkpoints.filter(({ probes }) => probes.length > 0);
  const last = judged.find(({ id }) => id === story.report.failedCheckpoint) ?? judged.at(-1);
  return {
    unhealthyPairs: (last?.probes ?? []).reduce((sum, { pairs }) => sum + pairs.unhealthy, 0),
    disruptionSeconds: story.disruption.find((summary) => summary.class === 'unexpected')?.longestSeconds ?? 0,
  };
}
