/** Deadlines of waits, and outages that somebody else has seen. */
import { expect, test } from 'vitest';
import type { KubeApi } from '../../src/kube/api.ts';
import { pods } from '../../src/kube/resources.ts';
import { WaitTimeout } from '../../src/kube/wait.ts';
import { Outages } from '../../src/rehearsal/patient-api.ts';
import { waitForObjects } from '../../src/rehearsal/waiting.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

test('a wait ends in time though a look past the API found it away, and nobody has asked the API since', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const outages = new Outages(clock);
  const api = {
    list: () => Promise.resolve({ items: [], resourceVersion: '1' }),
    watch: (_resource, { signal }) => clock.sleep(1e9, signal).catch(() => undefined),
  } as Partial<KubeApi> as KubeApi;
  const { signal } = new AbortController();
  const wait = clock.run(async () => {
    // As the wait for the only control plane does while its own server boots.
    outages.away();
    await clock.sleep(20_000);
    return waitForObjects(
      { api, clock, outages, signal, apiOutageMs: 300_000 },
      { what: 'a pod', resource: pods, timeoutMs: 60_000, pending: () => 'there is none' },
    );
  });
  await expect(wait).rejects.toBeInstanceOf(WaitTimeout);
  expect(clock.now()).toBe(80_000);
});
