/**
 * Properties draw the same cases in every run, so that a commit is judged by what it changes and not by its luck.
 * `FUZZ_SEED=N vitest run …` draws others; `FUZZ_SEED=random` as many as there are runs.
 */
import fc from 'fast-check';

const asked = process.env.FUZZ_SEED ?? '20260101';
if (asked !== 'random') {
  const seed = Number(asked);
  if (!Number.isSafeInteger(seed)) throw new Error(`FUZZ_SEED=${asked}: a whole number or "random" is wanted`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
}
