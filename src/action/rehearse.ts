/** The step itself: inputs, a rehearsal, and what the runner is told of its end. */
import { resolve } from 'node:path';
import { Cancelled } from '../rehearsal/outcome.ts';
import { failureLines } from '../report/failure.ts';
import type { Story } from '../report/story.ts';
import { summaryMarkdown } from '../report/summary.ts';
import { ScenarioError } from '../scenario/problem.ts';
import { RunProblem } from '../session/problem.ts';
import { prepareDirectory } from '../session/record.ts';
import { annotationOf, annotationOfProblems, NamedPlaces } from './annotation.ts';
import { type Environment, InputError, inputSource, type Request, readRequest, workspaceOf } from './inputs.ts';
import { harmless, JobLog } from './job-log.ts';
import { judged, outputsOf } from './outcome.ts';
import type { Runner } from './runner.ts';
import { secretsOf } from './secrets.ts';
import type { Cancellation } from './signals.ts';
import { providerOptions } from './tools.ts';

/** @returns the process's exit code: 0 green, 1 red */
export async function rehearse(env: Environment, runner: Runner, cancellation: Cancellation): Promise<0 | 1> {
  try {
    const request = readRequest(env);
    for (const secret of secretsOf(request.chosen.scenario)) runner.mask(secret);
    prepareDirectory(request.directory, [], inputSource.option('report'));
    runner.saveState('directory', request.directory);
    runner.saveState('keep', request.keep);
    return await run(request, env, runner, cancellation);
  } catch (error) {
    await refused(error, env, runner);
    return 1;
  }
}

async function run(request: Request, env: Environment, runner: Runner, cancellation: Cancellation): Promise<0 | 1> {
  const { chosen, directory, until, keep, mode } = request;
  const { scenario, seed, faults, provider: name } = chosen;
  // Worlds take long to load; whoever made a mistake in the inputs hears of it before.
  const [{ openProvider }, { recordedRun }] = await Promise.all([
    import('../session/provider.ts'),
    import('../session/recorded-run.ts'),
  ]);
  const log = new JobLog({ write: runner.write, mode });
  const kind = name === 'kind' ? providerOptions(request, env, runner) : {};
  const provider = await openProvider(name, { scenario, seed, kind });
  const controller = new AbortController();
  cancellation.onSignal((signal) => {
    log.note(`${signal}: ending the run; reports will be written, the rest is done after the job's last step`);
    provider.interrupt(() => controller.abort(new Cancelled(signal)));
  });
  const places = new NamedPlaces(chosen);
  const { story, missing } = await recordedRun({
    ...{ scenario, at: places.at, seed, faults, provider, directory, until, keep },
    signal: controller.signal,
    // A cancelled job has ten seconds, a cluster needs more.
    deleteLater: () => cancellation.received !== undefined,
    sinks: [(event) => log.take(event)],
    note: (message) => log.note(message),
  });
  log.end();
  return conclude(story, missing, places, request, runner);
}

/** Log, annotation, outputs and summary of a run that has ended. */
async function conclude(
  story: Story,
  missing: readonly string[],
  places: NamedPlaces,
  { expect, directory, workspace }: Request,
  runner: Runner,
): Promise<0 | 1> {
  const { report } = story;
  const { green, sentences } = judged(story, expect, missing);
  const say = (line: string): void => runner.write(harmless(`${line}\n`));
  const failed = report.checkpoints.find(({ id }) => id === report.failedCheckpoint);
  // The group that has them is folded.
  for (const line of failed ? failureLines(failed) : []) say(`  ${line}`);
  for (const sentence of sentences) say(`  ${sentence}`);
  say(`  reports: ${directory}`);
  if (!green) {
    const place = places.explaining(report.message, report.reason);
    const { message, title, ...where } = annotationOf(report, place, workspace);
    const red = report.verdict === 'passed' ? `Red, though ${title}` : title;
    runner.annotate({ ...where, title: red, message: [...sentences, message].join('\n') });
  }
  const troubles = await runner.tell(outputsOf(story, directory), summaryMarkdown(story));
  for (const trouble of troubles) runner.warn(trouble);
  // Post looks again where something is not there.
  if (troubles.length === 0 && missing.length === 0) runner.saveState('told', 'true');
  return green ? 0 : 1;
}

/** Nothing was rehearsed: the inputs, the scenario or the machine. */
async function refused(error: unknown, env: Environment, runner: Runner): Promise<void> {
  const workspace = workspaceOf(env);
  const { verdict, reason, title } = kindOf(error);
  const told = error instanceof Error ? error : new Error(String(error));
  // A bug of ours: the stack is what a report of it needs.
  if (title === 'Internal error') runner.write(harmless(`${told.stack ?? told.message}\n`));
  const fileOf = (where: string): string => resolve(workspace, where);
  runner.annotate(annotationOfProblems(title, told, fileOf, workspace));
  for (const trouble of await runner.tell({ verdict, reason }, '')) runner.warn(trouble);
}

function kindOf(error: unknown): { verdict: string; reason: string; title: string } {
  if (error instanceof ScenarioError) {
    return error.kind === 'refused'
      ? { verdict: 'refused', reason: 'scenario-invalid', title: 'The scenario cannot be used' }
      : { verdict: 'not-modelled', reason: 'not-modelled', title: 'The twin does not model this' };
  }
  if (error instanceof InputError) return { verdict: 'refused', reason: '', title: 'An input is wrong' };
  if (error instanceof RunProblem) {
    const title = error.verdict === 'refused' ? 'An input cannot be used' : 'The rehearsal could not begin';
    return { verdict: error.verdict, reason: '', title };
  }
  return { verdict: 'error', reason: 'internal', title: 'Internal error' };
}
