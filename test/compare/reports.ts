/** Reports and records for tests: those of the event fixtures, changed where a test says so. */
import { type RunRecord, recordOf } from '../../src/compare/record.ts';
import { storyOf } from '../../src/report/model.ts';
import type { Report } from '../../src/report/report-types.ts';
import { RUNS } from '../report/events-fixture.ts';

/** A whole report of a passed run, but for these keys. */
export const reportOf = (changed: Partial<Report> = {}): Report => ({ ...storyOf(RUNS.passed!()).report, ...changed });

const BASE = recordOf(reportOf());

/** A passed run of the lab on kind: 850 s of migration, 4 s of unexpected disruption, but for these keys. */
export const record = (changed: Partial<RunRecord> = {}): RunRecord => ({
  ...BASE,
  ...{ provider: 'kind', simulated: false, verdict: 'passed', reason: 'completed', failedCheckpoint: null, faults: [] },
  cluster: { controlPlanes: 1, workers: 4 },
  seconds: { ...BASE.seconds, rollout: 360, drain: 110, restart: 150, settle: 230 },
  checkpoints: ['baseline', 'prepared', 'switched/kind-worker', 'final'].map((id) => ({ id, outcome: 'passed' })),
  disruption: {
    unexpected: { longestSeconds: 4, failed: 3 },
    'install-dip': { longestSeconds: 20, failed: 90 },
    'node-restart': { longestSeconds: 8, failed: 40 },
  },
  pingSeconds: 2,
  ...changed,
});

/** The same on the twin. */
export const simulated = (changed: Partial<RunRecord> = {}): RunRecord =>
  record({ provider: 'twin', simulated: true, seed: 1, ...changed });

/** Red at this checkpoint: those before it passed, the others were not reached. */
export function failedAt(id: string, changed: Partial<RunRecord> = {}): RunRecord {
  const { checkpoints } = record();
  const at = checkpoints.findIndex((checkpoint) => checkpoint.id === id);
  return record({
    ...{ verdict: 'failed', reason: 'pairs-unhealthy', message: `red at ${id}`, failedCheckpoint: id },
    checkpoints: checkpoints.map((checkpoint, index) => ({
      ...checkpoint,
      outcome: index < at ? 'passed' : index === at ? 'failed' : 'not-reached',
    })),
    ...changed,
  });
}

/** The environment failed: nothing is said of the migration. */
export const errored = (changed: Partial<RunRecord> = {}): RunRecord =>
  failedAt('baseline', { verdict: 'error', reason: 'download-failed', message: 'a registry answered 429', ...changed });
