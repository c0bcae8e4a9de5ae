/** How long a fuzz looks: `FUZZ=20 npx vitest run test/fuzz` makes twenty times as many attempts, from another seed each time. */
import type { Parameters } from 'fast-check';

const factor = Math.max(1, Number(process.env.FUZZ ?? 1) || 1);

/** Parameters of `fc.assert`. The same attempts every time, unless FUZZ asks for more. */
export function runs<T>(numRuns: number): Parameters<T> {
  return factor === 1 ? { numRuns, seed: 4 } : { numRuns: numRuns * factor };
}

/** A message that a terminal can show: one line, no control characters, no length without end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through.
export const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\ud800-\udfff]{1,1200}$/u;
