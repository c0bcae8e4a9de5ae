/** A healthy migration is green whatever the seed; hundreds of seeds: scripts/soak.ts. */
import { expect, it } from 'vitest';
import { rehearse } from './rehearse.ts';

it.each([
  ['minimal', 101],
  ['minimal', 102],
  ['ha', 103],
  ['reboot', 104],
  ['lab', 105],
])('%s with seed %i passes every checkpoint', async (scenario, seed) => {
  const { verdict } = await rehearse({ scenario, seed });
  expect(verdict).toMatchObject({ verdict: 'passed', reason: 'completed', failedCheckpoint: null, handwork: [] });
});
