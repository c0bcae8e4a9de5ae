/** Patches of every type, server-side apply and who owns what. */
import assert from 'node:assert/strict';
import { type Case, deployment, refused } from '../contract.ts';

const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const map = (name: string, data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const managers = (object: { metadata: { managedFields?: { manager: string }[] } }): string[] =>
  (object.metadata.managedFields ?? []).map((one) => one.manager).sort();

export const PATCHES: readonly Case[] = [
  {
    name: 'merge patch: null removes, the same again moves nothing',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a', { a: '1', b: '1' }));
      const first = await t.merge(t.path('configmaps/a'), { data: { a: null, c: '2' } });
      assert.deepEqual(first.body.data, { b: '1', c: '2' });
      const again = await t.merge(t.path('configmaps/a'), { data: { c: '2' } });
      assert.equal(again.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    },
  },
  {
    name: 'JSON patch: operations in order, a failing test changes nothing',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a', { a: '1' }));
      const good = [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/b', value: '2' },
        { op: 'remove', path: '/data/a' },
      ];
      assert.deepEqual((await t.target.call('PATCH', t.path('configmaps/a'), good, JSON_PATCH)).body.data, { b: '2' });
      const bad = [{ op: 'test', path: '/data/b', value: 'other' }];
      refused(
        await t.target.call('PATCH', t.path('configmaps/a'), bad, JSON_PATCH),
        422,
        'Invalid',
        /the server rejected our request/,
      );
    },
  },
  {
    name: 'strategic merge: lists by key, new elements first, directives, order',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('d', 0));
      const path = t.path('apps/deployments/d');
      const pod = (spec: object): object => ({ spec: { template: { spec } } });
      const names = (body: { spec: { template: { spec: { containers: { name: string }[] } } } }): string[] =>
        body.spec.template.spec.containers.map((one) => one.name);
      const added = await t.target.call('PATCH', path, pod({ containers: [{ name: 'b', image: 'b:1' }] }), STRATEGIC);
      assert.deepEqual(names(added.body), ['b', 'c']);
      const ordered = await t.target.call(
        'PATCH',
        path,
        pod({
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }],
          containers: [{ name: 'b', image: 'b:2' }],
        }),
        STRATEGIC,
      );
      assert.deepEqual(names(ordered.body), ['c', 'b']);
      const deleted = await t.target.call(
        'PATCH',
        path,
        pod({ containers: [{ name: 'b', $patch: 'delete' }] }),
        STRATEGIC,
      );
      assert.deepEqual(names(deleted.body), ['c']);
      const unknown = await t.target.call('PATCH', path, { metadata: { labels: { $patch: 'explode' } } }, STRATEGIC);
      // Where there is nothing to merge into, nobody looks at the directive.
      assert.equal(unknown.status, 200);
      await t.merge(path, { metadata: { labels: { l: '1' } } });
      const merged = { metadata: { labels: { $patch: 'explode' } } };
      assert.equal((await t.target.call('PATCH', path, merged, STRATEGIC)).status, 500);
    },
  },
  {
    name: 'a patch of a type that nobody knows is 415',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a', {}));
      refused(await t.target.call('PATCH', t.path('configmaps/a'), {}), 415, 'UnsupportedMediaType');
    },
  },
  {
    name: 'apply creates, is idempotent, and drops what is no longer applied',
    run: async (t) => {
      const path = t.path('configmaps/s');
      const made = await t.apply(path, 'm1', map('s', { a: '1', b: '1' }));
      assert.equal(made.status, 201);
      const again = await t.apply(path, 'm1', map('s', { a: '1', b: '1' }));
      assert.equal(again.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
      const less = await t.apply(path, 'm1', map('s', { a: '1' }));
      assert.deepEqual(less.body.data, { a: '1' });
    },
  },
  {
    name: 'apply: shared fields stay, conflicts are named, force takes over',
    run: async (t) => {
      const path = t.path('configmaps/s');
      await t.apply(path, 'm1', map('s', { a: '1' }));
      assert.equal((await t.apply(path, 'm2', map('s', { a: '1', c: '1' }))).status, 200);
      const clash = await t.apply(path, 'm3', map('s', { a: '2' }));
      refused(
        clash,
        409,
        'Conflict',
        'Apply failed with 2 conflicts: conflicts with "m1":\n- .data.a\nconflicts with "m2":\n- .data.a',
      );
      const forced = await t.apply(path, 'm3', map('s', { a: '2' }), '&force=true');
      assert.equal(forced.body.data.a, '2');
      assert.deepEqual(managers(forced.body), ['m2', 'm3']);
    },
  },
  {
    name: 'an update takes ownership, and an apply against it conflicts',
    run: async (t) => {
      const path = t.path('configmaps/s');
      await t.apply(path, 'm1', map('s', { a: '1' }));
      await t.target.call(
        'PATCH',
        `${path}?fieldManager=upd`,
        { data: { a: '2' } },
        { 'content-type': 'application/merge-patch+json' },
      );
      const clash = await t.apply(path, 'm1', map('s', { a: '1' }));
      refused(clash, 409, 'Conflict', 'Apply failed with 1 conflict: conflict with "upd" using v1: .data.a');
    },
  },
  {
    name: 'apply needs a manager, a kind and known fields',
    run: async (t) => {
      const path = t.path('configmaps/s');
      const bare = await t.target.call('PATCH', path, map('s', {}), { 'content-type': 'application/apply-patch+yaml' });
      refused(bare, 422, 'Invalid', /fieldManager: Required value: is required for apply patch/);
      const unknown = await t.apply(path, 'm1', { ...map('s', {}), datum: {} });
      assert.equal(unknown.status, 500);
      assert.match(unknown.body.message, /\.datum: field not declared in schema/);
    },
  },
  {
    name: 'generation moves with the spec, not with status or labels; scale is a way to the spec',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('d', 0));
      const path = t.path('apps/deployments/d');
      await t.eventually(path, (body) => assert.equal(body.status.observedGeneration, body.metadata.generation));
      const before = (await t.get(path)).body.metadata.generation as number;
      assert.equal((await t.merge(path, { metadata: { labels: { x: 'y' } } })).body.metadata.generation, before);
      const scaled = await t.merge(`${path}/scale`, { spec: { replicas: 1 } });
      assert.equal(scaled.body.spec.replicas, 1);
      assert.equal((await t.get(path)).body.metadata.generation, before + 1);
      await t.eventually(path, (body) => assert.equal(body.status.observedGeneration, before + 1));
      const ignored = await t.merge(path, { status: { replicas: 9 } });
      assert.notEqual(ignored.body.status.replicas, 9);
    },
  },
];
