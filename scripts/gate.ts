/** The gate of a workflow: node scripts/gate.ts, NEEDS being toJSON(needs). Exit code: 0, or 1 when a job is not green. */
import { EnvironmentProblem, script, wanted } from './lib/environment.ts';
import { notGreen } from './lib/gate.ts';

await script(() => {
  const needs = JSON.parse(wanted(process.env, 'NEEDS')) as Parameters<typeof notGreen>[0];
  if (Object.keys(needs).length === 0) throw new EnvironmentProblem('NEEDS names no job');
  const red = notGreen(needs);
  for (const line of red) process.stderr.write(`${line}\n`);
  process.stdout.write(red.length === 0 ? 'all green\n' : 'not green\n');
  return red.length === 0 ? 0 : 1;
});
