/**
 * The plan of a matrix in a workflow: node scripts/plan-matrix.ts
 *
 * Inputs come as variables, never as text in a script: SCENARIOS, PROVIDER, CILIUM, CALICO, KUBERNETES, MAX_JOBS, SEED; several
 * values are divided by blanks or commas, of INCLUDE, EXCLUDE, SET, ALLOW and FAULT each line is one. NAME is what the names of
 * artifacts begin with, checked here. The output `matrix` is for fromJSON, the summary tells what was left out, and the file
 * PLAN, where it is set, gets all of it for the job that merges. Exit code: that of `rehearse matrix`.
 */
import { planOf } from '../src/cli/matrix.ts';
import { UsageError } from '../src/cli/usage.ts';
import { EXIT_CODES } from '../src/events/verdict.ts';
import type { Matrix } from '../src/matrix/job.ts';
import { excludedText, githubMatrix } from '../src/matrix/text.ts';
import { ScenarioError } from '../src/scenario/problem.ts';
import { script, stepOutput, stepSummary } from './lib/environment.ts';
import { checkName, matrixWords } from './lib/matrix-words.ts';
import { writePlan } from './lib/plan.ts';

const fenced = (text: string): string => text.replace(/^/gm, '    ');

await script(async () => {
  const { env } = process;
  let told = '';
  const message = (text: string): void => {
    told += text;
    process.stderr.write(text);
  };
  let planned: Matrix;
  try {
    checkName(env);
    ({ planned } = await planOf(matrixWords(env), { message }));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ScenarioError)) throw error;
    message(`${error.message}\n`);
    stepSummary(env, `# No matrix\n\n${fenced(told)}`);
    return error instanceof ScenarioError ? EXIT_CODES[error.kind] : EXIT_CODES.refused;
  }
  const { jobs } = planned;
  message(excludedText(planned));
  if (env.PLAN) writePlan(env.PLAN, planned);
  stepOutput(env, 'matrix', JSON.stringify(githubMatrix(planned)));
  stepOutput(env, 'jobs', String(jobs.length));
  stepSummary(env, `# ${jobs.length} jobs\n\n${fenced(jobs.map(({ name }) => name).join('\n'))}\n\n${fenced(told)}`);
  process.stdout.write(`${jobs.length} jobs\n`);
  return 0;
});
