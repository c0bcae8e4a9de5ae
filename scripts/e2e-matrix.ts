/** The cases of the end-to-end workflow as the output `matrix`, for fromJSON: node scripts/e2e-matrix.ts */
import { E2E_CASES } from './lib/e2e-cases.ts';
import { script, stepOutput } from './lib/environment.ts';

await script(() => {
  const include = E2E_CASES.map((one, index) => ({ ...one, id: `case-${index + 1}` }));
  stepOutput(process.env, 'matrix', JSON.stringify({ include }));
  process.stdout.write(`${include.map(({ name }) => name).join('\n')}\n`);
  return 0;
});
