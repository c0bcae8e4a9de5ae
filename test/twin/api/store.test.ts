import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject, Pod } from '../../../src/kube/objects.ts';
import { randomStream } from '../../../src/time/random.ts';
import { createObjectStore, type Store } from '../../../src/twin/api/store.ts';
import type { StoreEvent } from '../../../src/twin/world.ts';
import { fakeTime } from './fake-time.ts';

function storeWithEvents() {
  const time = fakeTime();
  const store = createObjectStore({ time, random: randomStream(1, 'store') });
  const events: StoreEvent[] = [];
  store.onChange('*', (event) => void events.push(event));
  return { time, store, events };
}

const configMap = (name: string, data: Record<string, string> = {}): KubeObject => ({
  metadata: { name, namespace: 'a' },
  data,
});

const pod = (name: string, spec: object = {}): KubeObject => ({
  metadata: { name, namespace: 'a' },
  spec: { containers: [{ name: 'c', image: 'app:1' }], ...spec },
});

const versionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion);

/** A random history of one kind of object. */
const action = fc.record({
  what: fc.constantFrom('create', 'update', 'remove', 'noop'),
  name: fc.constantFrom('x', 'y', 'z'),
  value: fc.constantFrom('1', '2', '3'),
});

function play(store: Store, history: readonly { what: string; name: string; value: string }[]): void {
  for (const { what, name, value } of history) {
    const ref = { name, namespace: 'a' };
    if (what === 'create' && store.get('configmaps', name, 'a') === undefined) {
      store.create('configmaps', configMap(name, { value }));
    } else if (what === 'update') {
      store.update<KubeObject>('configmaps', ref, (draft) => {
        draft.data = { value };
      });
    } else if (what === 'remove') store.remove('configmaps', ref);
    else store.update('configmaps', ref, () => undefined);
  }
}

describe('every history', () => {
  test('moves the resourceVersion up with every event, and never without one', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (history) => {
        const { store, events } = storeWithEvents();
        const before = store.resourceVersion();
        play(store, history);
        const versions = events.map((event) => versionOf(event.object));
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
        expect(new Set(versions).size).toBe(versions.length);
        expect(store.resourceVersion() - before).toBe(events.length);
      }),
    );
  });

  test('replayed from any version on top of the list of that moment, gives the present list', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.array(action, { maxLength: 40 }), (first, second) => {
        const { store } = storeWithEvents();
        play(store, first);
        const replica = new Map(store.list('configmaps').map((object) => [object.metadata.name, object]));
        const version = store.resourceVersion();
        play(store, second);
        for (const { event } of store.eventsSince('configmaps', version) ?? []) {
          if (event.type === 'DELETED') replica.delete(event.object.metadata.name);
          else replica.set(event.object.metadata.name, event.object);
        }
        const names = [...replica.keys()].sort();
        expect(names.map((name) => replica.get(name))).toEqual(store.list('configmaps'));
      }),
    );
  });

  test('leaves objects that were handed out as they were', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 40 }), (history) => {
        const { store, events } = storeWithEvents();
        const texts: string[] = [];
        store.onChange('*', (event) => void texts.push(JSON.stringify(event.object)));
        play(store, history);
        expect(events.map((event) => JSON.stringify(event.object))).toEqual(texts);
      }),
    );
  });
});

describe('update', () => {
  test('of nothing returns the very same object and tells nobody', () => {
    const { store, events } = storeWithEvents();
    const object = store.create('configmaps', configMap('x', { k: '1' }));
    const same = store.update<KubeObject>('configmaps', { name: 'x', namespace: 'a' }, (draft) => {
      draft.data = { k: '1' };
      draft.nothing = undefined;
    });
    expect(same).toBe(object);
    expect(events).toHaveLength(1);
  });

  test('cannot change what only the server writes', () => {
    const { store } = storeWithEvents();
    const { metadata } = store.create('configmaps', configMap('x'));
    const after = store.update<KubeObject>('configmaps', { name: 'x', namespace: 'a' }, (draft) => {
      Object.assign(draft.metadata, { name: 'y', uid: 'u', creationTimestamp: 'c', deletionTimestamp: 'd' });
      draft.data = { k: '1' };
    });
    expect(after?.metadata).toEqual({ ...metadata, resourceVersion: String(store.resourceVersion()) });
  });

  test('of an object of another uid or of none returns undefined', () => {
    const { store } = storeWithEvents();
    store.create('configmaps', configMap('x'));
    expect(store.update('configmaps', { name: 'x', namespace: 'a', uid: 'other' }, () => undefined)).toBeUndefined();
    expect(store.update('configmaps', { name: 'y', namespace: 'a' }, () => undefined)).toBeUndefined();
  });

  test('from within a hook is refused', () => {
    const { store } = storeWithEvents();
    store.onChange('configmaps', () => void store.create('configmaps', configMap('other')));
    expect(() => store.create('configmaps', configMap('x'))).toThrow('a store hook may only schedule timers');
  });
});

describe('generation', () => {
  const template = (image: string) => ({
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image }] },
  });
  const workload = (image: string): KubeObject => ({
    metadata: { name: 'w', namespace: 'a' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: template(image) },
  });
  const cases: [resource: string, change: (draft: KubeObject) => void, moves: number, subresource?: 'status'][] = [
    ['deployments.apps', (draft) => Object.assign(draft.spec as object, { replicas: 3 }), 1],
    ['deployments.apps', (draft) => Object.assign(draft.metadata, { annotations: { a: '1' } }), 1],
    ['deployments.apps', (draft) => Object.assign(draft.metadata, { labels: { a: '1' } }), 0],
    ['deployments.apps', (draft) => Object.assign(draft, { status: { replicas: 1 } }), 0, 'status'],
    ['deployments.apps', (draft) => Object.assign(draft.spec as object, { replicas: 3 }), 0, 'status'],
    ['daemonsets.apps', (draft) => Object.assign(draft.metadata, { annotations: { a: '1' } }), 0],
    ['daemonsets.apps', (draft) => Object.assign(draft.spec as object, { template: template('app:2') }), 1],
  ];
  test.each(cases)('%s %s moves it by %i', (resource, change, moves, subresource) => {
    const { store } = storeWithEvents();
    store.create(resource, workload('app:1'));
    const options = subresource === undefined ? {} : { subresource };
    const after = store.update(resource, { name: 'w', namespace: 'a' }, change, options);
    expect(after?.metadata.generation).toBe(1 + moves);
  });

  test('of a DaemonSet template is counted in its annotation', () => {
    const { store } = storeWithEvents();
    const name = 'deprecated.daemonset.template.generation';
    expect(store.create('daemonsets.apps', workload('app:1')).metadata.annotations?.[name]).toBe('1');
    const change = (image: string) => (draft: KubeObject) => {
      Object.assign(draft.spec as object, { template: template(image) });
    };
    const ref = { name: 'w', namespace: 'a' };
    expect(store.update('daemonsets.apps', ref, change('app:2'))?.metadata.annotations?.[name]).toBe('2');
  });
});

describe('deletion of a pod', () => {
  const bound = { nodeName: 'n1' };
  const cases: [title: string, spec: object, status: object, grace: number | undefined, lingers: number | undefined][] =
    [
      ['that runs gets its own grace period', bound, { phase: 'Running' }, undefined, 30],
      ['can be told a shorter one', bound, { phase: 'Running' }, 5, 5],
      ['negative acts as 1', bound, { phase: 'Running' }, -1, 1],
      ['that is not bound goes at once', {}, { phase: 'Pending' }, undefined, undefined],
      ['that is over goes at once', bound, { phase: 'Succeeded' }, undefined, undefined],
      ['with grace 0 goes at once', bound, { phase: 'Running' }, 0, undefined],
    ];
  test.each(cases)('%s', (_title, spec, status, grace, lingers) => {
    const { store, events, time } = storeWithEvents();
    store.create('pods', { ...pod('p', spec), status });
    store.remove('pods', { name: 'p', namespace: 'a' }, grace === undefined ? {} : { gracePeriodSeconds: grace });
    const marked = events[1]!;
    expect(marked.type).toBe('MODIFIED');
    expect(marked.object.metadata.generation).toBe(2);
    expect(marked.object.metadata.deletionGracePeriodSeconds).toBe(lingers ?? 0);
    expect(Date.parse(marked.object.metadata.deletionTimestamp ?? '')).toBe(time.now() + (lingers ?? 0) * 1000);
    expect(events.map((event) => event.type)).toEqual(
      lingers === undefined ? ['ADDED', 'MODIFIED', 'DELETED'] : ['ADDED', 'MODIFIED'],
    );
  });

  test('asked again can only be shortened, and ends when the kubelet says so', () => {
    const { store, events } = storeWithEvents();
    const { metadata } = store.create('pods', { ...pod('p', bound), status: { phase: 'Running' } });
    const ref = { name: 'p', namespace: 'a', uid: metadata.uid };
    store.remove('pods', ref, { gracePeriodSeconds: 60 });
    store.remove('pods', ref, { gracePeriodSeconds: 100 });
    store.remove('pods', ref);
    expect(events).toHaveLength(2);
    store.remove('pods', ref, { gracePeriodSeconds: 10 });
    expect(events.at(-1)?.object.metadata.deletionGracePeriodSeconds).toBe(10);
    expect(store.remove('pods', { ...ref, uid: 'other' }, { gracePeriodSeconds: 0 })).toBe(false);
    store.remove('pods', ref, { gracePeriodSeconds: 0 });
    expect(events.at(-1)?.type).toBe('DELETED');
    expect(events.at(-1)?.object.metadata.generation).toBe(2);
    expect(store.get('pods', 'p', 'a')).toBeUndefined();
  });
});

describe('finalizers', () => {
  test('hold an object until the last one is gone, and none may come after', () => {
    const { store, events } = storeWithEvents();
    const object = configMap('x');
    store.create('configmaps', { ...object, metadata: { ...object.metadata, finalizers: ['a/b'] } });
    const ref = { name: 'x', namespace: 'a' };
    store.remove('configmaps', ref);
    expect(events.at(-1)?.type).toBe('MODIFIED');
    const add = (draft: KubeObject): void => void draft.metadata.finalizers?.push('c/d');
    expect(() => store.update('configmaps', ref, add)).toThrow('no new finalizers can be added');
    store.update<KubeObject>('configmaps', ref, (draft) => {
      draft.metadata.finalizers = [];
    });
    expect(events.at(-1)?.type).toBe('DELETED');
    // Recorded: the object of the event still lists them.
    expect(events.at(-1)?.object.metadata.finalizers).toEqual(['a/b']);
  });

  test.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const)('%s deletion adds one of its own', (propagation, finalizer) => {
    const { store } = storeWithEvents();
    store.create('configmaps', configMap('x'));
    store.remove('configmaps', { name: 'x', namespace: 'a' }, { propagation });
    expect(store.get('configmaps', 'x', 'a')?.metadata.finalizers).toEqual([finalizer]);
  });

  test('of a Namespace stand in its spec', () => {
    const { store } = storeWithEvents();
    store.create('namespaces', { metadata: { name: 'a' } });
    store.remove('namespaces', { name: 'a' });
    expect(store.get('namespaces', 'a')?.status).toEqual({ phase: 'Terminating' });
    expect(() => store.create('pods', pod('p'))).toThrow('because it is being terminated');
    store.update<KubeObject>('namespaces', { name: 'a' }, (draft) => {
      draft.spec = { finalizers: [] };
    });
    expect(store.get('namespaces', 'a')).toBeUndefined();
  });
});

describe('custom resources', () => {
  const definition: KubeObject = {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { kind: 'Thing', plural: 'things' },
      scope: 'Cluster',
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: {} } },
      ],
    },
  };
  const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

  test('are served a moment after their definition, until its last instance is gone', () => {
    const { store, time } = storeWithEvents();
    store.create(DEFINITIONS, definition);
    expect(() => store.create('things.example.com', { metadata: { name: 't' } })).toThrow('could not find');
    time.advance(100);
    const { status } = store.get<KubeObject>(DEFINITIONS, 'things.example.com')!;
    expect(status).toMatchObject({ conditions: [{ type: 'NamesAccepted' }, { type: 'Established' }] });
    const held = store.create('things.example.com', { metadata: { name: 't', finalizers: ['a/b'] }, spec: { n: 1 } });
    store.create('things.example.com', { metadata: { name: 'u' } });
    expect(held).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { generation: 1 } });

    store.remove(DEFINITIONS, { name: 'things.example.com' });
    time.advance(10_000);
    expect(store.list('things.example.com').map((one) => one.metadata.name)).toEqual(['t']);
    expect(store.has('things.example.com')).toBe(true);
    store.update<KubeObject>('things.example.com', { name: 't' }, (draft) => {
      draft.metadata.finalizers = [];
    });
    time.advance(10_000);
    expect(store.get(DEFINITIONS, 'things.example.com')).toBeUndefined();
    expect(store.has('things.example.com')).toBe(false);
  });

  test('move their generation with anything but metadata and status', () => {
    const { store, time } = storeWithEvents();
    store.create(DEFINITIONS, definition);
    time.advance(100);
    store.create('things.example.com', { metadata: { name: 't' }, spec: { n: 1 } });
    const change = (fields: object, options = {}) =>
      store.update<KubeObject>('things.example.com', { name: 't' }, (draft) => Object.assign(draft, fields), options);
    expect(change({ status: { ok: true } }, { subresource: 'status' })?.metadata.generation).toBe(1);
    expect(change({ spec: { n: 2 } })?.metadata.generation).toBe(2);
    expect(change({ other: true })?.metadata.generation).toBe(3);
  });
});

describe('pods by node', () => {
  test('follow binding and deletion', () => {
    const { store } = storeWithEvents();
    store.create('pods', pod('p'));
    expect(store.podsOnNode('n1')).toEqual([]);
    store.update<KubeObject>('pods', { name: 'p', namespace: 'a' }, (draft) => {
      (draft as unknown as Pod).spec!.nodeName = 'n1';
    });
    expect(store.podsOnNode('n1').map((one) => one.metadata.name)).toEqual(['p']);
    store.remove('pods', { name: 'p', namespace: 'a' }, { gracePeriodSeconds: 0 });
    expect(store.podsOnNode('n1')).toEqual([]);
  });
});

test('names and addresses are drawn from the seed and do not clash', () => {
  const names = (seed: number) => {
    const store = createObjectStore({ time: fakeTime(), random: randomStream(seed, 'store') });
    return Array.from({ length: 50 }, () => {
      const metadata = { generateName: 'x-', namespace: 'a', name: '' };
      const service = { metadata, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
      const { spec, metadata: made } = store.create<KubeObject>('services', service);
      const { clusterIP, ports } = spec as { clusterIP: string; ports: { nodePort: number }[] };
      return [made.name, clusterIP, String(ports[0]?.nodePort)];
    });
  };
  expect(names(1)).toEqual(names(1));
  expect(names(1)).not.toEqual(names(2));
  for (const column of [0, 1, 2]) expect(new Set(names(1).map((row) => row[column])).size).toBe(50);
});
