/**
 * Judges a night of rehearsals (docs/nightly.md): node scripts/nightly.ts REPORTS OUT
 *
 * REPORTS holds the plan.json of scripts/plan-matrix.ts and a directory for each job, named by its id, with a report.json for
 * each attempt. OUT gets the night's history as JSON and as a page, also when GitHub cannot be told.
 * Exit code: 0 whatever the night was like, for the issue tells it; 3 when it could not be judged or told.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectReports } from '../src/history/collect.ts';
import { historyPage } from '../src/history/page.ts';
import { timelines } from '../src/history/timeline.ts';
import { GitHub } from '../src/nightly/github.ts';
import { silentNights } from '../src/nightly/night.ts';
import { foundOf, jobNights, type NightResult, runNight } from '../src/nightly/nightly.ts';
import { plural } from '../src/report/words.ts';
import { WallClock } from '../src/time/wall-clock.ts';
import { EnvironmentProblem, script, stepSummary, wanted } from './lib/environment.ts';
import { readPlan } from './lib/plan.ts';

/** The page marks single runs; an issue wants more. */
const NOTES = ['Each run is marked by itself here; the issue speaks only of what docs/nightly.md calls regressed.'];

function keep(out: string, { history, markdown }: NightResult): void {
  mkdirSync(out, { recursive: true });
  const page = historyPage(timelines(foundOf(history)), { title: 'Nightly rehearsals', notes: NOTES });
  writeFileSync(join(out, 'index.html'), page);
  writeFileSync(join(out, 'nights.json'), `${JSON.stringify(history, null, 2)}\n`);
  stepSummary(process.env, markdown);
}

await script(async () => {
  const { env } = process;
  const [reports, out] = process.argv.slice(2);
  if (reports === undefined || out === undefined) throw new EnvironmentProblem('usage: nightly.ts REPORTS OUT');
  const { jobs } = readPlan(reports);
  const clock = new WallClock();
  const [repository, runId] = [wanted(env, 'GITHUB_REPOSITORY'), wanted(env, 'GITHUB_RUN_ID')];
  const pauseMs = env.RETRY_PAUSE_MS === undefined ? {} : { pauseMs: Number(env.RETRY_PAUSE_MS) };
  const github = new GitHub({
    ...{ apiUrl: wanted(env, 'GITHUB_API_URL'), repository, token: wanted(env, 'GITHUB_TOKEN'), clock },
    ...pauseMs,
  });
  const { found, troubles } = collectReports(reports);
  for (const trouble of troubles) process.stderr.write(`left out: ${trouble}\n`);
  const run = {
    ...{ runId, at: new Date(clock.now()).toISOString(), commit: wanted(env, 'GITHUB_SHA') },
    url: `${wanted(env, 'GITHUB_SERVER_URL')}/${repository}/actions/runs/${runId}`,
  };
  const { action, history } = await runNight(github, run, jobNights(jobs, found), (result) => keep(out, result));
  const silent = silentNights(history);
  // Machines that fail open no issue; that nothing is rehearsed any more must be seen all the same.
  if (silent > 0)
    process.stdout.write(`::warning::No job has said anything of the migration for ${plural(silent, 'night')}.\n`);
  process.stdout.write(`issue: ${action.do}\n`);
  return 0;
});
