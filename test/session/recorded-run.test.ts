/** The provider of a run is closed however the run ends, also before it has begun. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createTwinProvider } from '../../src/provider/twin.ts';
import { recordedRun } from '../../src/session/recorded-run.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

test('a record that cannot be opened closes the provider', async () => {
  const base = mkdtempSync(path.join(tmpdir(), 'record-'));
  const scenario = bundledScenario('minimal');
  const twin = createTwinProvider({ scenario, seed: 1 });
  let closed = 0;
  const provider = {
    ...twin,
    close: async (): Promise<void> => {
      closed++;
      await twin.close();
    },
  };
  const run = recordedRun({
    ...{ scenario, at: (key) => key, seed: 1, faults: [], provider, until: null, keep: 'never' },
    directory: path.join(base, 'gone'),
    signal: new AbortController().signal,
    sinks: [],
    note: () => undefined,
  });
  await expect(run).rejects.toThrow(/cannot be written/);
  expect(closed).toBe(1);
  rmSync(base, { recursive: true });
});
