import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterNodes } from '../../src/cni/kind-config.ts';
import { batchesOf, byNodeName, migrationOrder } from '../../src/rehearsal/order.ts';
import { planFor } from '../../src/rehearsal/plan.ts';
import { scenario } from './scenario-fixture.ts';

function ids(change: Parameters<typeof scenario>[0] = {}): string[] {
  return planFor(scenario(change), 1).checkpoints.map(({ id }) => id);
}

const perNode = (kinds: string[], nodes: string[]): string[] =>
  nodes.flatMap((node) => kinds.map((k) => `${k}/${node}`));

describe('checkpoints', () => {
  test('of the lab come in the order of the contract', () => {
    const nodes = ['kind-worker', 'kind-worker2', 'kind-worker3', 'kind-worker4', 'kind-control-plane'];
    expect(ids()).toEqual([
      ...['baseline', 'prepared', 'secondary-installed'],
      ...perNode(['drained', 'switched', 'migrated'], nodes),
      ...['all-migrated', 'finalized', 'legacy-removed'],
      ...perNode(['restarted'], nodes),
      'final',
    ]);
  });

  test('of a batch come kind by kind, those of control planes node by node', () => {
    const change = {
      cluster: { controlPlanes: 3, workers: 2 },
      migration: { batchSize: 2 },
      finish: { restartBatch: 2 },
    } as const;
    expect(ids(change).slice(3, 12)).toEqual([
      ...['drained/kind-worker', 'drained/kind-worker2', 'switched/kind-worker', 'switched/kind-worker2'],
      ...['migrated/kind-worker', 'migrated/kind-worker2'],
      ...perNode(['drained', 'switched', 'migrated'], ['kind-control-plane']),
    ]);
    const plan = planFor(scenario(change), 1);
    expect(plan.restartBatches.map((batch) => batch.map(({ name }) => name))).toEqual([
      ['kind-worker', 'kind-worker2'],
      ['kind-control-plane'],
      ['kind-control-plane2'],
      ['kind-control-plane3'],
    ]);
  });

  test.each([
    [{ removeCalico: false }, ['legacy-removed']],
    [{ restartNodes: false }, ['restarted/kind-worker', 'restarted/kind-control-plane']],
    [{ removeCalico: false, restartNodes: false }, ['legacy-removed', 'restarted/kind-worker']],
  ])('a phase that %j switches off has none', (finish, missing) => {
    const left = ids({ finish });
    for (const id of missing) expect(left).not.toContain(id);
    expect(left.at(-1)).toBe('final');
  });
});

describe('steps', () => {
  const steps = (change: Parameters<typeof scenario>[0] = {}): string[] =>
    planFor(scenario({ cluster: { workers: 1 }, ...change }), 1).steps.map(({ id }) => id);

  test('of two nodes hold every id of the contract in the order of the story', () => {
    expect(steps()).toEqual([
      ...[
        'check',
        'provision',
        'calico',
        'probes',
        'live-rules',
        'read-cluster',
        'autodetection',
        'cilium-install',
        'node-config',
      ],
      ...[
        'drain/kind-worker',
        'agent/kind-worker',
        'recycle/kind-worker',
        'uncordon/kind-worker',
        'spread/kind-worker',
      ],
      ...perNode(['drain', 'agent', 'recycle', 'uncordon', 'spread'], ['kind-control-plane']),
      ...['recycle-rest', 'final-values', 'remove', 'node-files', 'restart/kind-worker', 'restart/kind-control-plane'],
      'last-readings',
    ]);
  });

  test.each([
    [{ migration: { setAutodetection: 'keep' } }, 'autodetection', false],
    [{ workloads: [{ file: 'a.yaml', manifest: '' }] }, 'workloads', true],
    [{ finish: { connectivityTest: { tests: [], timeout: '10m' } } }, 'connectivity-test', true],
    [{ finish: { removeCalico: false } }, 'node-files', false],
    [{ finish: { restartNodes: false } }, 'restart/kind-worker', false],
  ] as const)('with %j there is %s: %j', (change, id, there) => expect(steps(change).includes(id)).toBe(there));

  test('every step lies between the checkpoints of its phase, and ids are unique', () => {
    const plan = planFor(scenario({ cluster: { controlPlanes: 3, workers: 5 }, migration: { batchSize: 2 } }), 7);
    const all = plan.phases.flatMap(({ items }) => items);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { phase, items } of plan.phases) expect(items.every((item) => item.phase === phase)).toBe(true);
  });

  test('recycling by a restart of the node says so', () => {
    const plan = planFor(scenario({ migration: { recycle: 'node' } }), 1);
    expect(plan.steps.find(({ id }) => id === 'recycle/kind-worker')).toMatchObject({ account: 'restart' });
  });
});

describe('order of nodes', () => {
  test('by name counts numbers as numbers', () => {
    const names = ['kind-worker10', 'kind-worker2', 'kind-worker', 'kind-control-plane'];
    expect(names.sort(byNodeName)).toEqual(['kind-control-plane', 'kind-worker', 'kind-worker2', 'kind-worker10']);
  });

  const cluster = scenario({ cluster: { controlPlanes: 3, workers: 12 } }).cluster;
  const nodes = clusterNodes(cluster);

  test('whatever the order: every node once, workers before control planes', () => {
    const order = fc.oneof(
      fc.constant('name' as const),
      fc.constant('random' as const),
      fc.subarray(nodes.map(({ name }) => name)),
    );
    fc.assert(
      fc.property(order, fc.integer(), (wanted, seed) => {
        const ordered = migrationOrder(nodes, wanted, seed);
        expect(ordered.map(({ name }) => name).sort()).toEqual(nodes.map(({ name }) => name).sort());
        expect(ordered.findIndex(({ role }) => role === 'control-plane')).toBe(12);
        expect(migrationOrder(nodes, wanted, seed)).toEqual(ordered);
      }),
    );
  });

  test('an explicit order is kept, the rest follows by name', () => {
    const ordered = migrationOrder(nodes, ['kind-control-plane2', 'kind-worker11', 'kind-worker3'], 1);
    const names = ordered.map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(['kind-worker11', 'kind-worker3', 'kind-worker', 'kind-worker2']);
    expect(names.slice(12)).toEqual(['kind-control-plane2', 'kind-control-plane', 'kind-control-plane3']);
  });

  test('seeds draw different orders', () => {
    const drawn = new Set([1, 2, 3, 4, 5].map((seed) => migrationOrder(nodes, 'random', seed)[0]!.name));
    expect(drawn.size).toBeGreaterThan(1);
  });

  test('batches keep the order, are full but the last, and leave control planes alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), (size) => {
        const ordered = migrationOrder(nodes, 'name', 1);
        const batches = batchesOf(ordered, size);
        expect(batches.flat()).toEqual(ordered);
        const workers = batches.filter((batch) => batch[0]!.role === 'worker');
        expect(workers.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
        expect(batches.filter((batch) => batch.some(({ role }) => role === 'control-plane'))).toHaveLength(3);
      }),
    );
  });
});
