/** Containers that do not run, or start again and again, keep a checkpoint from being green; Calico's do not. */
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../src/kube/objects.ts';
import { containerGaps, countRestarts, lookAtContainers, restartCounts } from '../../src/rehearsal/containers.ts';
import { nothingFound } from '../../src/rehearsal/found.ts';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.ts';

interface Shape {
  readonly namespace?: string;
  readonly owner?: string | null;
  readonly ready?: boolean;
  readonly restarts?: number;
  readonly node?: string;
  readonly phase?: string;
  readonly deleted?: boolean;
  readonly app?: string;
}

function pod(shape: Shape = {}): Pod {
  const {
    namespace = 'shop',
    owner = 'ReplicaSet',
    ready = true,
    restarts = 0,
    node = 'n1',
    phase = 'Running',
  } = shape;
  return {
    metadata: {
      name: 'cart',
      namespace,
      uid: 'u',
      ...(shape.app ? { labels: { app: shape.app } } : {}),
      ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: owner, name: 'o', uid: 'o', controller: true }] } : {}),
      ...(shape.deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      containerStatuses: [
        {
          name: 'c',
          image: '',
          imageID: '',
          ready,
          restartCount: restarts,
          state: ready ? {} : { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: restarts > 0 ? { terminated: { exitCode: 2, reason: 'Error' } } : {},
        },
      ],
    },
  } as unknown as Pod;
}

const never = () => false;

describe('a container that does not run', () => {
  test.each([
    [137, 'Error', true],
    [137, 'OOMKilled', undefined],
    [2, 'Error', undefined],
  ])('ended with %i (%s): killed from outside? %j', (exitCode, reason, killed) => {
    const dead = pod({ ready: false });
    dead.status!.containerStatuses![0]!.state = { terminated: { exitCode, reason } };
    expect(containerGaps([dead], new Map(), never)[0]!.killed).toBe(killed);
  });

  test('is named with its pod, node, last end and starts', () => {
    const [gap] = containerGaps([pod({ ready: false, restarts: 4 })], new Map(), never);
    expect(gap).toEqual({
      kind: 'not-ready',
      message:
        'shop/cart on n1 is not Ready: c CrashLoopBackOff, ended last with exit code 2 (Error), restarted 4 times',
    });
  });

  test('is red also where its restarts are explained', () => {
    expect(containerGaps([pod({ ready: false })], new Map(), () => true)).toHaveLength(1);
  });

  test.each<[string, Shape]>([
    ["Calico's", { namespace: 'calico-system', owner: 'DaemonSet' }],
    ["a Job's", { owner: 'Job' }],
    ['of a bare pod', { owner: null }],
    ['of a pod that is going', { deleted: true }],
    ['of a pod that has ended', { phase: 'Succeeded' }],
    ['of a pod that waits for a place', { node: '' }],
    ["a probe's, which the gate judges itself", { app: 'goldpinger' }],
  ])('is not judged when it is %s', (_, shape) => {
    expect(containerGaps([pod({ ...shape, ready: false })], new Map(), never)).toEqual([]);
  });
});

describe('a container that runs, but was started again since the last checkpoint', () => {
  const before = restartCounts([pod({ restarts: 2 })]);
  test.each([
    ['never', 2, never, 0],
    ['twice', 4, never, 0],
    ['three times', 5, never, 1],
    ['three times, on a node that was restarted', 5, () => true, 0],
  ])('%s', (_, restarts, explained, gaps) => {
    expect(containerGaps([pod({ restarts })], before, explained)).toHaveLength(gaps);
  });

  test('is not judged by what it did before the first checkpoint', () => {
    expect(containerGaps([pod({ restarts: 9 })], null, never)).toEqual([]);
  });

  test('of a pod that is new since the checkpoint counts from nothing', () => {
    expect(containerGaps([pod({ restarts: 2 })], new Map(), never)).toEqual([]);
    expect(containerGaps([pod({ restarts: 3 })], new Map(), never)).toHaveLength(1);
  });
});

test("a node's restart explains what restarts up to the next checkpoint, and nothing after it", async () => {
  let restarts = 0;
  const api = { list: async () => ({ items: [pod({ restarts })] }) };
  const rehearsal = {
    api,
    rawApi: api,
    clock: { now: () => 1_000 },
    found: nothingFound(),
    outages: { lastEnded: 0 },
    // The migration evicted pods, and restarted this one's node.
    journal: { removedPods: new Set(['u']), restartedPods: new Set(['u']) },
  } as unknown as Rehearsal;
  await countRestarts(rehearsal);
  rehearsal.journal.restartedPods.add('u');
  restarts += 5;
  expect(await lookAtContainers(rehearsal)).toEqual([]);
  await countRestarts(rehearsal);
  restarts += 5;
  expect(await lookAtContainers(rehearsal)).toMatchObject([{ kind: 'not-ready' }]);
});
