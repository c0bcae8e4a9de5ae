/** The embedded API server answers as a real one did: every recorded exchange is replayed. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXCUSES, type Excuse } from './replay/differences.ts';
import { replaySessions } from './replay/kubectl.ts';
import { KUBECTL_SCRIPTS } from './replay/kubectl-scripts.ts';
import { PAGE, recordingsPage } from './replay/page.ts';
import { type Result, replayExchanges } from './replay/replay.ts';
import { SCRIPTS } from './replay/scripts.ts';

const unexcused = (result: Result, excuses: readonly Excuse[]) =>
  result.differences.filter(
    ({ path }) => !excuses.some((one) => one.entries.includes(result.name) && (one.at?.test(path) ?? true)),
  );

const REPLAYS: readonly (readonly [file: string, replay: () => Result[]])[] = [
  ...Object.entries(SCRIPTS).map(([file, script]) => [file, () => replayExchanges(file, script)] as const),
  ...Object.entries(KUBECTL_SCRIPTS).map(([file, script]) => [file, () => replaySessions(file, script)] as const),
];

describe.each(REPLAYS)('%s', (file, replay) => {
  const results = replay();
  const excuses = EXCUSES.filter((excuse) => excuse.file === file);

  test.each(results)('$name', (result) => {
    expect(unexcused(result, excuses)).toEqual([]);
  });

  test('every excuse is needed', () => {
    const idle = excuses.flatMap((excuse) =>
      excuse.entries
        .filter((name) => {
          const found = results.find((result) => result.name === name)?.differences ?? [];
          return !found.some(({ path }) => excuse.at?.test(path) ?? true);
        })
        .map((name) => `${name}: ${excuse.why}`),
    );
    expect(idle).toEqual([]);
  });
});

test('docs/api-recordings.md is written from the table of differences (node test/twin/api/replay/page.ts)', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(recordingsPage());
});
