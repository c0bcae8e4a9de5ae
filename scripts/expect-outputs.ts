/**
 * Were a step's outputs as they must be? node scripts/expect-outputs.ts NAME=VALUE..., each NAME a variable. Exit code: 0, or 1
 * when one has another value.
 */
import { EnvironmentProblem, script } from './lib/environment.ts';

await script(() => {
  const words = process.argv.slice(2);
  if (words.length === 0) throw new EnvironmentProblem('usage: expect-outputs.ts NAME=VALUE...');
  const off = words.flatMap((word) => {
    const [name = '', wanted = ''] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
    const seen = process.env[name] ?? '';
    return seen === wanted ? [] : [`${name}: ${JSON.stringify(wanted)} was expected, it is ${JSON.stringify(seen)}`];
  });
  for (const line of off) process.stderr.write(`${line}\n`);
  return off.length === 0 ? 0 : 1;
});
