/** Deletions of definitions that the API server has lost sight of. */
import { expect, test } from 'vitest';
import type { KubeApi } from '../../src/kube/api.ts';
import type { CustomResourceDefinition } from '../../src/kube/objects.ts';
import { askAgain } from '../../src/rehearsal/remove-definitions.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

/** As read from a kube-apiserver 1.34.4 in which it stayed so for minutes. */
function terminating(name: string, reason: string, resourceVersion = '553'): CustomResourceDefinition {
  const group = name.slice(name.indexOf('.') + 1);
  const message = 'could not list instances: storage is (re)initializing';
  return {
    metadata: {
      name,
      resourceVersion,
      deletionTimestamp: '2026-11-27T17:55:57Z',
      finalizers: ['customresourcecleanup.apiextensions.k8s.io'],
    },
    spec: { group },
    status: { conditions: [{ type: 'Terminating', status: 'True', reason, message }] },
  } as unknown as CustomResourceDefinition;
}

/** Which definitions are touched within a minute, with the second in which they are. */
async function touched(look: (second: number) => readonly CustomResourceDefinition[]): Promise<string[]> {
  const clock = new VirtualClock({ epoch: 0 });
  const done = new AbortController();
  const log: string[] = [];
  const api = {
    list: () => Promise.resolve({ items: [...look(clock.now() / 1_000)], resourceVersion: '1' }),
    patch: (_, { name }) => Promise.resolve(void log.push(`${clock.now() / 1_000} ${name}`) as never),
  } as Partial<KubeApi> as KubeApi;
  await clock.run(async () => {
    const asking = askAgain({ api, clock }, done.signal).catch((error: unknown) => error);
    await clock.sleep(65_000);
    done.abort(new Error('done'));
    await asking;
  });
  return log;
}

const NAME = 'networkpolicies.crd.projectcalico.org';

test('one that stands still after a failure is touched, once at a time, until it moves', async () => {
  const stuck = terminating(NAME, 'InstanceDeletionFailed');
  // The touch moves it, so that the next look sees another version.
  const moved = terminating(NAME, 'InstanceDeletionFailed', '589');
  const log = await touched((second) => (second > 12 ? [] : second > 6 ? [moved] : [stuck]));
  expect(log).toEqual([`6 ${NAME}`, `12 ${NAME}`]);
});

test.each([
  ['one whose instances are being deleted', () => [terminating(NAME, 'InstanceDeletionInProgress')]],
  ["somebody else's", () => [terminating('walls.example.com', 'InstanceDeletionFailed')]],
  ['one that is tried again by itself', (second: number) => [terminating(NAME, 'InstanceDeletionFailed', `${second}`)]],
])('%s is let alone', async (_, look) => {
  expect(await touched(look)).toEqual([]);
});
