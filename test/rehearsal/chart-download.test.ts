/** The chart is fetched at each upgrade, and sites have bad moments. */
import { expect, test } from 'vitest';
import type { Commands } from '../../src/rehearsal/commands.ts';
import { CommandFailed } from '../../src/rehearsal/outcome.ts';
import { upgradeRelease } from '../../src/rehearsal/phases/secondary.ts';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.ts';
import { scenario } from './scenario-fixture.ts';
import { SteppedClock } from './stepped-clock.ts';

const BAD_MOMENT =
  'Error: looks like "https://helm.cilium.io/" is not a valid chart repository or cannot be reached: failed to fetch https://helm.cilium.io/index.yaml : 502 Bad Gateway';
const BAD_VALUES = "Error: values don't meet the specifications of the schema(s) in the following chart(s)";

async function upgraded(answers: readonly string[]): Promise<{ tries: number; seconds: number; error: string }> {
  const clock = new SteppedClock(0);
  let tries = 0;
  const commands = {
    installCilium: async () => {
      const said = answers[Math.min(tries++, answers.length - 1)]!;
      if (said !== '') throw new CommandFailed('helm upgrade --install cilium', 1, said);
    },
  } as Partial<Commands> as Commands;
  const signal = new AbortController().signal;
  const limits = { cilium: 1_000 } as Rehearsal['limits'];
  const rehearsal = { scenario: scenario(), commands, limits, clock, signal } as Partial<Rehearsal> as Rehearsal;
  const error = await clock.run(
    upgradeRelease(rehearsal, {}).then(
      () => '',
      (thrown: Error) => thrown.message,
    ),
  );
  return { tries, seconds: clock.now() / 1_000, error };
}

test('a download that fails is tried again', async () => {
  expect(await upgraded([BAD_MOMENT, BAD_MOMENT, ''])).toMatchObject({ tries: 3, error: '' });
});

test('not for ever', async () => {
  const { tries, seconds, error } = await upgraded([BAD_MOMENT]);
  expect(error).toContain('502 Bad Gateway');
  expect(tries).toBe(5);
  expect(seconds).toBeLessThan(60);
});

test('what is no download is not tried again', async () => {
  expect(await upgraded([BAD_VALUES])).toMatchObject({ tries: 1, seconds: 0 });
});
