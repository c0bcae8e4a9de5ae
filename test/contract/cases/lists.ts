/** Lists and watches. */
import assert from 'node:assert/strict';
import { type Case, type Contract, refused } from '../contract.ts';

async function five(t: Contract): Promise<void> {
  for (const i of [0, 1, 2, 3, 4]) {
    await t.create(t.path('configmaps'), {
      metadata: { name: `c${i}`, labels: { set: 'x', i: String(i) } },
      data: { k: String(i) },
    });
  }
}

const names = (body: { items: { metadata: { name: string } }[] }): string[] =>
  body.items.map((one) => one.metadata.name);
const SET = 'labelSelector=set%3Dx';

export const LISTS: readonly Case[] = [
  {
    name: 'label and field selectors; what they cannot mean is 400',
    run: async (t) => {
      await five(t);
      assert.deepEqual(names((await t.get(`${t.path('configmaps')}?labelSelector=i+in+(1,3),set`)).body), ['c1', 'c3']);
      assert.deepEqual(names((await t.get(`${t.path('configmaps')}?labelSelector=set%3Dx,i!%3D0`)).body), [
        'c1',
        'c2',
        'c3',
        'c4',
      ]);
      assert.deepEqual(names((await t.get(`${t.path('configmaps')}?fieldSelector=metadata.name%3Dc2`)).body), ['c2']);
      refused(
        await t.get(`${t.path('configmaps')}?labelSelector=a%3D%3D%3Db`),
        400,
        'BadRequest',
        /unable to parse requirement/,
      );
      refused(
        await t.get(`${t.path('pods')}?fieldSelector=spec.foo%3Dx`),
        400,
        'BadRequest',
        'field label not supported: spec.foo',
      );
    },
  },
  {
    name: 'pages: a token goes on with the list as it was',
    run: async (t) => {
      await five(t);
      const first = (await t.get(`${t.path('configmaps')}?limit=2&${SET}`)).body;
      assert.deepEqual(names(first), ['c0', 'c1']);
      await t.create(t.path('configmaps'), { metadata: { name: 'c9', labels: { set: 'x' } } });
      const second = (await t.get(`${t.path('configmaps')}?limit=9&${SET}&continue=${first.metadata.continue}`)).body;
      assert.deepEqual(names(second), ['c2', 'c3', 'c4']);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      assert.equal(second.metadata.continue, undefined);
      refused(await t.get(`${t.path('configmaps')}?limit=2&continue=zzz`), 400, 'BadRequest', /invalid continue token/);
    },
  },
  {
    name: 'limit with resourceVersion=0 gives everything',
    run: async (t) => {
      await five(t);
      assert.equal((await t.get(`${t.path('configmaps')}?limit=2&resourceVersion=0&${SET}`)).body.items.length, 5);
    },
  },
  {
    name: 'an exact version is the list of that moment; rules of resourceVersionMatch',
    run: async (t) => {
      await five(t);
      const { resourceVersion } = (await t.get(t.path('configmaps'))).body.metadata;
      await t.target.call('DELETE', t.path('configmaps/c0'));
      const then = await t.get(
        `${t.path('configmaps')}?${SET}&resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`,
      );
      assert.deepEqual(names(then.body), ['c0', 'c1', 'c2', 'c3', 'c4']);
      refused(
        await t.get(`${t.path('configmaps')}?resourceVersionMatch=Exact`),
        422,
        'Invalid',
        /resourceVersionMatch is forbidden unless resourceVersion is provided/,
      );
      refused(
        await t.get(`${t.path('configmaps')}?resourceVersion=abc`),
        400,
        'BadRequest',
        /invalid resource version/,
      );
    },
  },
  {
    name: 'Tables and metadata only',
    run: async (t) => {
      await five(t);
      const accept = (as: string) => ({ accept: `application/json;as=${as};v=v1;g=meta.k8s.io,application/json` });
      const table = (await t.target.call('GET', `${t.path('configmaps')}?${SET}&limit=1`, undefined, accept('Table')))
        .body;
      assert.equal(table.kind, 'Table');
      assert.deepEqual(
        table.columnDefinitions.map((one: { name: string }) => one.name),
        ['Name', 'Data', 'Age'],
      );
      assert.deepEqual(table.rows[0].cells.slice(0, 2), ['c0', 1]);
      const partial = (
        await t.target.call('GET', `${t.path('configmaps')}?${SET}`, undefined, accept('PartialObjectMetadataList'))
      ).body;
      assert.equal(partial.items[0].kind, 'PartialObjectMetadata');
      assert.equal(partial.items[0].data, undefined);
    },
  },
  {
    name: 'watch: from a version, through a selector, to the end',
    run: async (t) => {
      const path = t.path('configmaps');
      const { resourceVersion } = (await t.get(path)).body.metadata;
      const events = await t.watch(
        `${path}?watch=1&labelSelector=x%3D1&resourceVersion=${resourceVersion}`,
        (all) => all.length >= 4,
        async () => {
          await t.create(path, { metadata: { name: 'a', labels: { x: '1' } } });
          await t.merge(`${path}/a`, { data: { k: '1' } });
          await t.merge(`${path}/a`, { data: { k: '1' } });
          await t.merge(`${path}/a`, { metadata: { labels: { x: '2' } } });
          await t.merge(`${path}/a`, { metadata: { labels: { x: '1' } } });
        },
      );
      assert.deepEqual(
        events.map((event) => event.type),
        ['ADDED', 'MODIFIED', 'DELETED', 'ADDED'],
      );
      // What leaves the selector is shown as it was, with the version of the change.
      assert.equal(events[2]!.object.metadata.labels.x, '1');
    },
  },
  {
    name: 'watch-list: initial events, their end mark, then live ones',
    run: async (t) => {
      const path = t.path('configmaps');
      await t.create(path, { metadata: { name: 'old', labels: { w: '1' } } });
      const query =
        'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=w';
      const marked = (event: { object: { metadata: { annotations?: Record<string, string> } } }): boolean =>
        event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
      const events = await t.watch(
        `${path}?${query}`,
        (all) => all.some((event) => event.type === 'ADDED' && event.object.metadata.name === 'new'),
        async () => void (await t.create(path, { metadata: { name: 'new', labels: { w: '1' } } })),
      );
      const mark = events.findIndex((event) => event.type === 'BOOKMARK' && marked(event));
      assert.deepEqual(
        events.slice(0, mark).map((event) => event.object.metadata.name),
        ['old'],
      );
      const without = await t.watch(`${path}?watch=1&sendInitialEvents=true`, (all) => all.length > 0);
      assert.match(without[0]!.object.message, /sendInitialEvents requires setting resourceVersionMatch/);
    },
  },
  {
    name: 'a watch ends cleanly after timeoutSeconds',
    run: async (t) => {
      const { resourceVersion } = (await t.get(t.path('configmaps'))).body.metadata;
      const events = await t.watch(
        `${t.path('configmaps')}?watch=1&timeoutSeconds=1&resourceVersion=${resourceVersion}`,
        () => false,
      );
      assert.deepEqual(events, []);
    },
  },
];
