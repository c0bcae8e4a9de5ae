import { expect, test } from 'vitest';
import { ApiUnreachable, type KubeApi, KubeError, type WatchEvent } from '../../src/kube/api.ts';
import type { ConfigMap } from '../../src/kube/objects.ts';
import { configMaps } from '../../src/kube/resources.ts';
import { WaitTimeout, waitFor } from '../../src/kube/wait.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

type Step = { after: number } & ({ event: WatchEvent<ConfigMap> } | { end: Error | undefined });

const map = (name: string, resourceVersion: string): ConfigMap => ({
  metadata: { name, namespace: 'a', resourceVersion },
});

/** An API of one resource whose watches follow a script; remembers what it was asked. */
function scripted(clock: VirtualClock, lists: (readonly ConfigMap[] | Error)[], watches: Step[][]) {
  const asked: string[] = [];
  const api = {
    list: () => {
      const next = lists.shift();
      asked.push('list');
      if (next === undefined || next instanceof Error) return Promise.reject(next ?? new Error('no more lists'));
      return Promise.resolve({ items: [...next], resourceVersion: '10' });
    },
    raw: () => Promise.resolve({ status: 200, body: 'ok' }),
    watch: async (_resource, { resourceVersion, signal }, onEvent) => {
      asked.push(`watch ${resourceVersion}`);
      for (const step of watches.shift() ?? []) {
        await clock.sleep(step.after, signal).catch(() => undefined);
        if (signal?.aborted === true) return;
        if ('event' in step) onEvent(step.event as WatchEvent<never>);
        else if (step.end === undefined) return;
        else throw step.end;
      }
      await clock.sleep(1e9, signal).catch(() => undefined);
    },
  } as Partial<KubeApi> as KubeApi;
  return { api, asked };
}

const atLeast = (count: number) => (items: readonly ConfigMap[]) =>
  items.length >= count || `${items.map((item) => item.metadata.name).join(', ') || 'none'} there`;

function waiting(clock: VirtualClock, api: KubeApi, count: number, signal: AbortSignal, log: string[] = []) {
  return waitFor({
    api,
    clock,
    resource: configMaps,
    options: { namespace: 'a' },
    what: `${count} ConfigMaps`,
    signal,
    until: atLeast(count),
    onAvailability: (up) => void log.push(`${clock.now()} ${up}`),
  });
}

const forever = new AbortController().signal;
const added = (name: string, version: string): WatchEvent<ConfigMap> => ({ type: 'ADDED', object: map(name, version) });

test('ends with the list when that is enough, without a watch that goes on', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const { api, asked } = scripted(clock, [[map('x', '1')]], []);
  const items = await clock.run(() => waiting(clock, api, 1, forever));
  expect(items.map((item) => item.metadata.name)).toEqual(['x']);
  expect(asked.filter((one) => one === 'list')).toHaveLength(1);
  expect(clock.now()).toBe(0);
});

test('watches from the version of the list, and ends at the very event', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const { api, asked } = scripted(clock, [[]], [[{ after: 500, event: added('x', '11') }]]);
  await clock.run(() => waiting(clock, api, 1, forever));
  expect(asked).toEqual(['list', 'watch 10']);
  expect(clock.now()).toBe(500);
});

test('resumes an ended watch after its last event or bookmark', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const script: Step[][] = [
    [
      { after: 1, event: added('x', '11') },
      { after: 1, event: { type: 'BOOKMARK', resourceVersion: '15' } },
      { after: 1, end: undefined },
    ],
    [{ after: 1, event: added('y', '16') }],
  ];
  const { api, asked } = scripted(clock, [[]], script);
  await clock.run(() => waiting(clock, api, 2, forever));
  expect(asked).toEqual(['list', 'watch 10', 'watch 15']);
});

test('lists anew when the version has expired, and forgets what is gone', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const expired = new KubeError(410, 'Expired', 'too old', 'GET');
  const lists = [[map('x', '1')], [map('y', '2')], [map('y', '2'), map('z', '3')]];
  const { api, asked } = scripted(clock, lists, [[{ after: 5, end: expired }], [{ after: 5, end: expired }]]);
  const items = await clock.run(() => waiting(clock, api, 2, forever));
  expect(asked.filter((one) => one === 'list')).toHaveLength(3);
  expect(items.map((item) => item.metadata.name)).toEqual(['y', 'z']);
});

test('outlasts an API that is away, tells when, and goes on where it was', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const away = new ApiUnreachable('refused', 'GET');
  const { api, asked } = scripted(
    clock,
    [away, away, []],
    [[{ after: 100, end: away }], [{ after: 1, event: added('x', '11') }]],
  );
  const log: string[] = [];
  await clock.run(() => waiting(clock, api, 1, forever, log));
  expect(asked).toEqual(['list', 'list', 'list', 'watch 10', 'watch 10']);
  expect(log.map((line) => line.split(' ')[1])).toEqual(['false', 'true', 'false', 'true']);
});

test('gives up at once when the API says no', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const { api } = scripted(clock, [new KubeError(403, 'Forbidden', 'not yours', 'GET')], []);
  await expect(clock.run(() => waiting(clock, api, 1, forever))).rejects.toThrow('not yours');
});

test('a limit says what was waited for and what was seen last; a pause of it counts', async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const { api } = scripted(clock, [[]], [[{ after: 100, event: added('x', '11') }]]);
  const limit = clock.deadline(1_000);
  clock.after(200, () => limit.pause());
  const outcome = clock.run(async () => {
    clock.after(5_000, () => limit.resume());
    return waiting(clock, api, 2, limit.signal);
  });
  const error = await outcome.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WaitTimeout);
  expect((error as Error).message).toBe('timed out waiting for 2 ConfigMaps; last seen: x there');
  expect(clock.now()).toBe(5_800);
});

test("another abort ends with the caller's reason, an error of the condition with that", async () => {
  const clock = new VirtualClock({ epoch: 0 });
  const stop = new AbortController();
  const first = scripted(clock, [[]], []);
  clock.after(10, () => stop.abort(new Error('cancelled by hand')));
  await expect(clock.run(() => waiting(clock, first.api, 1, stop.signal))).rejects.toThrow('cancelled by hand');

  const second = scripted(clock, [[]], []);
  const broken = () => {
    throw new Error('a pod crashes');
  };
  const base = { api: second.api, clock, resource: configMaps, what: 'it', signal: forever };
  await expect(clock.run(() => waitFor({ ...base, until: broken }))).rejects.toThrow('a pod crashes');
});

test('a server that denies everything right after its start is asked again, one that goes on is believed', async () => {
  // What kubeadm's administrator reads before the authorizer has its roles (kubernetes issue 121635).
  const message = 'configmaps is forbidden: User "kubernetes-admin" cannot list resource "configmaps" in API group ""';
  const denied = new KubeError(403, 'Forbidden', message, 'GET /api/v1/configmaps');
  const clock = new VirtualClock({ epoch: 0 });
  const { api } = scripted(clock, [denied, denied, [map('one', '1')]], []);
  await expect(clock.run(() => waiting(clock, api, 1, forever))).resolves.toHaveLength(1);

  const later = new VirtualClock({ epoch: 0 });
  const denying = scripted(later, Array<Error>(100).fill(denied), []);
  await expect(later.run(() => waiting(later, denying.api, 1, forever))).rejects.toBe(denied);
  expect(later.now()).toBeGreaterThan(60_000);
  expect(later.now()).toBeLessThan(70_000);
});
