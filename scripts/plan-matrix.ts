/**
 * The plan of a matrix in a workflow: node scripts/plan-matrix.ts
 *
 * Inputs come as variables, never as text in a script: SCENARIOS, PROVIDER, CILIUM, CALICO, KUBERNETES, MAX_JOBS, SEED; several
 * values are divided by blanks or commas, of INCLUDE, EXCLUDE, SET, ALLOW and FAULT each line is one. The output `matrix` is for
 * fromJSON, the summary tells what was left out. Exit code: that of `rehearse matrix`.
 */
import { commandLine } from '../src/cli/main.ts';
import type { Job } from '../src/matrix/job.ts';
import { script, stepOutput, stepSummary } from './lib/environment.ts';
import { matrixWords } from './lib/matrix-words.ts';

await script(async () => {
  const { env } = process;
  let printed = '';
  let told = '';
  const code = await commandLine(matrixWords(env), {
    result: (text) => {
      printed += text;
    },
    message: (text) => {
      told += text;
      process.stderr.write(text);
    },
    ...{ trouble: null, terminal: false, colour: false, columns: () => 80 },
  });
  const fenced = (text: string): string => text.replace(/^/gm, '    ');
  if (code !== 0) {
    stepSummary(env, `# No matrix\n\n${fenced(told)}`);
    return code;
  }
  const { include } = JSON.parse(printed) as { include: Job[] };
  stepOutput(env, 'matrix', JSON.stringify({ include }));
  stepOutput(env, 'jobs', String(include.length));
  stepSummary(
    env,
    `# ${include.length} jobs\n\n${fenced(include.map(({ name }) => name).join('\n'))}\n\n${fenced(told)}`,
  );
  process.stdout.write(`${include.length} jobs\n`);
  return 0;
});
