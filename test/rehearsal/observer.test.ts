/** What the observer shows the gate is what the watches say now, or nothing. */
import { expect, test } from 'vitest';
import { type KubeApi, KubeError } from '../../src/kube/api.ts';
import { nothingFound } from '../../src/rehearsal/found.ts';
import { Observer } from '../../src/rehearsal/observer.ts';
import { scenario } from './scenario-fixture.ts';
import { SteppedClock } from './stepped-clock.ts';

test('nothing is judged by a watch that has ended for good', async () => {
  const clock = new SteppedClock(Date.UTC(2026, 0, 1));
  const api = {
    list: async () => ({ items: [], resourceVersion: '1' }),
    watch: async (resource: { plural: string }, { signal }: { signal: AbortSignal }) => {
      await clock.sleep(20_000, signal);
      if (resource.plural === 'nodes') throw new KubeError(403, 'Forbidden', 'nodes is forbidden', 'GET /api/v1/nodes');
    },
    raw: async () => ({ status: 200, body: 'ok' }),
  } as unknown as KubeApi;
  const judged = async (): Promise<unknown> => {
    const observer = await Observer.start({
      api,
      clock,
      host: { run: () => Promise.reject(new Error('nobody is asked')) },
      emit: () => undefined,
      signal: new AbortController().signal,
      // Nothing is expected, so that nothing but the watch can keep it from being green or red.
      scenario: scenario({ probes: { goldpinger: { replicas: 0 } }, gate: { observe: '60s' } }),
      found: nothingFound(),
      step: () => '',
      outageCause: async () => undefined,
    });
    try {
      return await observer.judge({
        checkpoints: [{ id: 'prepared', phase: 'prepare', node: null, assertions: [] }],
        since: clock.now(),
        observed: true,
      });
    } finally {
      await observer.close();
    }
  };
  await expect(clock.run(judged())).rejects.toThrow('nodes is forbidden');
});
