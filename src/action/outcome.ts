/** How the step ends: green or red, and what its outputs say. Pure. */
import { join } from 'node:path';
import { keyFigures, type Story } from '../report/story.ts';
import { comparedWith, type Expectation } from '../session/expectation.ts';
import type { OutputName } from './input-table.ts';

export type Outputs = Readonly<Partial<Record<OutputName, string>>>;

/** @param directory absolute path of the report directory */
export function outputsOf(story: Story, directory: string): Outputs {
  const { report } = story;
  const { unhealthyPairs, disruptionSeconds } = keyFigures(story);
  return {
    verdict: report.verdict,
    reason: report.reason,
    'failed-checkpoint': report.failedCheckpoint ?? '',
    simulated: String(report.simulated),
    'report-directory': directory,
    'report-json': join(directory, 'report.json'),
    'unhealthy-pairs': String(unhealthyPairs),
    'disruption-seconds': String(disruptionSeconds),
    'duration-seconds': String(report.durationSeconds),
  };
}

export interface Judgement {
  readonly green: boolean;
  /** What decided it beside the verdict, one sentence each. */
  readonly sentences: readonly string[];
}

/**
 * @param missing what of the record is not on disk: a run that passed without its evidence is not green (decision 7)
 */
export function judged(story: Story, expect: Expectation | undefined, missing: readonly string[]): Judgement {
  const { verdict, failedCheckpoint } = story.report;
  if (missing.length > 0) return { green: false, sentences: [...missing, 'the evidence of this run is not complete'] };
  if (expect === undefined) return { green: verdict === 'passed', sentences: [] };
  const { met, sentence } = comparedWith(expect, { verdict, failedCheckpoint });
  return { green: met, sentences: [sentence] };
}
