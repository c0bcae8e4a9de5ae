/** Evictions against every state of a budget; the answers are those of a real API server where one was recorded. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { type Bench, bench, entries, normalise } from './bench.ts';

const recorded = (name: string) => entries('06-eviction').find((entry) => entry.name === name)!.response;

interface Case {
  readonly title: string;
  readonly pod?: { phase?: string; ready?: boolean; deleting?: boolean };
  readonly budgets?: readonly { allowed: number; healthy: number; desired: number; policy?: string; stale?: boolean }[];
  readonly status: number;
  /** Cause in the answer's details. */
  readonly cause?: string;
  /** disruptionsAllowed of the budget afterwards. */
  readonly left?: number;
}

const PROCESSING = 'The disruption budget b0 is still being processed by the server.';
const needs = (desired: number, healthy: number) =>
  `The disruption budget b0 needs ${desired} healthy pods and has ${healthy} currently`;

const CASES: Case[] = [
  { title: 'no budget', status: 201 },
  { title: 'room left', budgets: [{ allowed: 1, healthy: 3, desired: 2 }], status: 201, left: 0 },
  {
    title: 'used up',
    budgets: [{ allowed: 0, healthy: 2, desired: 2 }],
    status: 429,
    cause: needs(2, 2),
    left: 0,
  },
  {
    title: 'used up though more are healthy than wanted',
    budgets: [{ allowed: 0, healthy: 2, desired: 0 }],
    status: 429,
    cause: 'The disruption budget b0 does not allow evicting pods currently',
  },
  {
    title: 'change of the budget not yet observed',
    budgets: [{ allowed: 1, healthy: 3, desired: 2, stale: true }],
    status: 429,
    cause: PROCESSING,
    left: 1,
  },
  {
    title: 'two budgets',
    budgets: [
      { allowed: 1, healthy: 3, desired: 2 },
      { allowed: 1, healthy: 3, desired: 2 },
    ],
    status: 500,
    left: 1,
  },
  ...['Pending', 'Failed', 'Succeeded'].map((phase) => ({
    title: `${phase} pod under a used up budget`,
    pod: { phase },
    budgets: [{ allowed: 0, healthy: 2, desired: 2 }],
    status: 201,
    left: 0,
  })),
  {
    title: 'pod that is going already, under a used up budget',
    pod: { deleting: true },
    budgets: [{ allowed: 0, healthy: 2, desired: 2 }],
    status: 201,
  },
  ...[undefined, 'IfHealthyBudget', 'AlwaysAllow'].flatMap((policy): Case[] => [
    {
      title: `unready pod, enough healthy ones, policy ${policy}: costs nothing`,
      pod: { ready: false },
      budgets: [{ allowed: 1, healthy: 2, desired: 2, ...(policy !== undefined && { policy }) }],
      status: 201,
      left: 1,
    },
    {
      title: `unready pod, too few healthy ones, policy ${policy}`,
      pod: { ready: false },
      budgets: [{ allowed: 0, healthy: 1, desired: 2, ...(policy !== undefined && { policy }) }],
      ...(policy === 'AlwaysAllow' ? { status: 201 } : { status: 429, cause: needs(2, 1) }),
      left: 0,
    },
  ]),
];

function prepare(on: Bench, { pod = {}, budgets = [] }: Case): void {
  on.store.create<KubeObject>('namespaces', { metadata: { name: 'a' } });
  on.store.create<KubeObject>('pods', {
    metadata: { name: 'p', namespace: 'a', labels: { app: 'x' } },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'app:1' }] },
    status: {
      phase: pod.phase ?? 'Running',
      conditions: [{ type: 'Ready', status: pod.ready === false ? 'False' : 'True' }],
    },
  });
  if (pod.deleting === true) on.store.remove('pods', { name: 'p', namespace: 'a' });
  for (const [index, { allowed, healthy, desired, policy, stale }] of budgets.entries()) {
    on.store.create<KubeObject>('poddisruptionbudgets.policy', {
      metadata: { name: `b${index}`, namespace: 'a' },
      spec: {
        selector: { matchLabels: { app: 'x' } },
        ...(policy !== undefined && { unhealthyPodEvictionPolicy: policy }),
      },
      status: {
        observedGeneration: stale === true ? 0 : 1,
        disruptionsAllowed: allowed,
        currentHealthy: healthy,
        desiredHealthy: desired,
        expectedPods: 3,
      },
    });
  }
  // A budget of other pods never counts.
  on.store.create<KubeObject>('poddisruptionbudgets.policy', {
    metadata: { name: 'other', namespace: 'a' },
    spec: { selector: { matchLabels: { app: 'y' } } },
    status: { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1, expectedPods: 1 },
  });
}

const evict = (on: Bench, query = '', body: object = {}) =>
  on.call('POST', `/api/v1/namespaces/a/pods/p/eviction${query}`, { metadata: { name: 'p', namespace: 'a' }, ...body });

describe('eviction', () => {
  test.each(CASES)('$title: $status', (one) => {
    const on = bench();
    prepare(on, one);
    const answer = evict(on);
    expect(answer.status).toBe(one.status);
    if (one.status === 201) expect(answer.body).toEqual(recorded('pdb-allowed-201').body);
    if (one.status === 500) expect(answer.body).toEqual(recorded('two-pdbs-500').body);
    if (one.cause !== undefined) expect(answer.body).toMatchObject({ details: { causes: [{ message: one.cause }] } });
    const status = on.store.get<KubeObject>('poddisruptionbudgets.policy', 'b0', 'a')?.status;
    if (one.left !== undefined) expect(status).toMatchObject({ disruptionsAllowed: one.left });
    const pod = on.store.get<KubeObject>('pods', 'p', 'a');
    const goes = pod === undefined || pod.metadata.deletionTimestamp !== undefined;
    expect(goes).toBe(one.status === 201);
  });

  test.each(CASES)('$title: a dry run answers the same and changes nothing', (one) => {
    const on = bench();
    prepare(on, one);
    const before = on.store.resourceVersion();
    expect(evict(on, '?dryRun=All').status).toBe(one.status);
    expect(on.store.resourceVersion()).toBe(before);
  });

  test('denied reads as recorded, without Retry-After', () => {
    const on = bench();
    prepare(on, { title: '', status: 429, budgets: [{ allowed: 0, healthy: 2, desired: 2 }] });
    const text = JSON.stringify(evict(on).body).replace('budget b0 needs', 'budget pdb needs');
    expect(JSON.parse(text)).toEqual(recorded('pdb-denied-429').body);
  });

  test('a watcher sees the condition, then the deletion', () => {
    const on = bench();
    prepare(on, { title: '', status: 201 });
    const seen: KubeObject[] = [];
    on.store.onChange<KubeObject>('pods', ({ object }) => void seen.push(object));
    evict(on);
    expect(seen.map(({ metadata }) => [metadata.generation, metadata.deletionTimestamp !== undefined])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(seen[0]?.status).toMatchObject({
      conditions: [{}, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }],
    });
  });

  test('of another uid or name, or of nothing', () => {
    const on = bench();
    prepare(on, { title: '', status: 201 });
    expect(evict(on, '', { deleteOptions: { preconditions: { uid: 'other' } } }).status).toBe(409);
    expect(evict(on, '', { metadata: {} }).body).toEqual(recorded('empty-object').body);
    expect(evict(on, '', { metadata: { name: 'p', namespace: 'b' } }).body).toEqual(
      recorded('namespace-mismatch').body,
    );
    const gone = on.call('POST', '/api/v1/namespaces/a/pods/zz/eviction', { metadata: { name: 'zz' } });
    expect(normalise(gone.body)).toEqual(normalise(recorded('missing-pod-404').body));
  });
});
