/** Create, read, replace, delete; what the server writes; errors. */
import assert from 'node:assert/strict';
import { type Case, refused } from '../contract.ts';

const map = (name: string, data: Record<string, string> = { k: '1' }) => ({ metadata: { name }, data });

export const OBJECTS: readonly Case[] = [
  {
    name: 'create fills in identity, and a second create is 409',
    run: async (t) => {
      const made = await t.create(t.path('configmaps'), map('a'));
      assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/);
      assert.match(made.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(made.kind, 'ConfigMap');
      const again = await t.target.call('POST', t.path('configmaps'), map('a'));
      refused(again, 409, 'AlreadyExists', 'configmaps "a" already exists');
      assert.deepEqual(again.body.details, { name: 'a', kind: 'configmaps' });
    },
  },
  {
    name: 'generateName draws five characters',
    run: async (t) => {
      const made = await t.create(t.path('configmaps'), { metadata: { generateName: 'g-' } });
      assert.match(made.metadata.name, /^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    },
  },
  {
    name: 'absent object, absent namespace, absent resource and absent group are 404 in their own ways',
    run: async (t) => {
      refused(await t.get(t.path('configmaps/zz')), 404, 'NotFound', 'configmaps "zz" not found');
      const elsewhere = await t.target.call('POST', '/api/v1/namespaces/no-such-namespace/configmaps', map('a'));
      refused(elsewhere, 404, 'NotFound', 'namespaces "no-such-namespace" not found');
      refused(await t.get('/api/v1/nopes'), 404, 'NotFound', 'the server could not find the requested resource');
      assert.equal((await t.get('/apis/nope.example.com/v1')).body, '404 page not found\n');
    },
  },
  {
    name: 'replace: stale versions conflict, the same object moves nothing',
    run: async (t) => {
      const first = await t.create(t.path('configmaps'), map('a'));
      const second = await t.merge(t.path('configmaps/a'), { data: { k: '2' } });
      const stale = await t.target.call('PUT', t.path('configmaps/a'), { ...first, data: { k: '3' } });
      refused(stale, 409, 'Conflict', /the object has been modified/);
      const same = await t.target.call('PUT', t.path('configmaps/a'), second.body);
      assert.equal(same.body.metadata.resourceVersion, second.body.metadata.resourceVersion);
    },
  },
  {
    name: 'replace: name and uid must be those of the object',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a'));
      const named = await t.target.call('PUT', t.path('configmaps/a'), map('b'));
      refused(named, 400, 'BadRequest', 'the name of the object (b) does not match the name on the URL (a)');
      const uid = '11111111-2222-3333-4444-555555555555';
      const other = await t.target.call('PUT', t.path('configmaps/a'), { metadata: { name: 'a', uid } });
      refused(other, 409, 'Conflict', /UID in precondition/);
    },
  },
  {
    name: 'dry run judges and stores nothing',
    run: async (t) => {
      const dry = await t.target.call('POST', `${t.path('configmaps')}?dryRun=All`, map('dry'));
      assert.equal(dry.status, 201);
      refused(await t.get(t.path('configmaps/dry')), 404, 'NotFound');
      refused(
        await t.target.call('POST', `${t.path('configmaps')}?dryRun=Some`, map('dry')),
        422,
        'Invalid',
        /dryRun: Unsupported value/,
      );
    },
  },
  {
    name: 'unknown fields: strict refuses, otherwise they are dropped; wrong types are refused',
    run: async (t) => {
      const odd = { ...map('a'), datum: {} };
      const strict = await t.target.call('POST', `${t.path('configmaps')}?fieldValidation=Strict`, odd);
      refused(
        strict,
        400,
        'BadRequest',
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "datum"',
      );
      const made = await t.create(t.path('configmaps'), odd);
      assert.equal(made.datum, undefined);
      const wrong = await t.target.call('POST', t.path('configmaps'), { metadata: { name: 'b' }, data: { k: 1 } });
      refused(wrong, 400, 'BadRequest', /cannot unmarshal number/);
    },
  },
  {
    name: 'invalid objects are 422 with a cause a field',
    run: async (t) => {
      const bad = await t.target.call('POST', t.path('configmaps'), map('Bad_Name'));
      refused(bad, 422, 'Invalid', /metadata.name: Invalid value: "Bad_Name"/);
      assert.equal(bad.body.details.causes[0].field, 'metadata.name');
      const pod = await t.target.call('POST', t.path('pods'), {
        metadata: { name: 'p' },
        spec: { containers: [{ name: 'c' }] },
      });
      refused(pod, 422, 'Invalid', 'Pod "p" is invalid: spec.containers[0].image: Required value');
    },
  },
  {
    name: 'pods: defaults, token volume, tolerations, and a spec that stays',
    run: async (t) => {
      const spec = { nodeSelector: { no: 'x' }, containers: [{ name: 'c', image: 'a:1' }] };
      const pod = await t.create(t.path('pods'), { metadata: { name: 'p' }, spec });
      assert.equal(pod.spec.restartPolicy, 'Always');
      assert.equal(pod.spec.containers[0].imagePullPolicy, 'IfNotPresent');
      assert.deepEqual(
        pod.spec.tolerations.map((one: { key: string }) => one.key),
        ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
      );
      assert.match(pod.spec.volumes[0].name, /^kube-api-access-/);
      assert.equal(pod.metadata.generation, 1);
      refused(
        await t.merge(t.path('pods/p'), { spec: { hostNetwork: true } }),
        422,
        'Invalid',
        /pod updates may not change fields/,
      );
      const image = await t.merge(t.path('pods/p'), {
        spec: { containers: [{ ...pod.spec.containers[0], image: 'a:2' }] },
      });
      assert.equal(image.status, 200, JSON.stringify(image.body).slice(0, 300));
      assert.equal(image.body.metadata.generation, 2);
    },
  },
  {
    name: 'a pod without its service account is forbidden',
    run: async (t) => {
      const spec = { serviceAccountName: 'nobody', containers: [{ name: 'c', image: 'a:1' }] };
      const pod = await t.target.call('POST', t.path('pods'), { metadata: { name: 'p' }, spec });
      refused(pod, 403, 'Forbidden', new RegExp(`error looking up service account ${t.namespace}/nobody`));
    },
  },
  {
    name: 'Services get addresses; a node port is given once',
    run: async (t) => {
      const one = await t.create(t.path('services'), {
        metadata: { name: 's' },
        spec: { type: 'NodePort', selector: { a: 'b' }, ports: [{ port: 80 }] },
      });
      assert.match(one.spec.clusterIP, /^\d+\.\d+\.\d+\.\d+$/);
      const { nodePort } = one.spec.ports[0];
      const again = await t.target.call('POST', t.path('services'), {
        metadata: { name: 's2' },
        spec: { type: 'NodePort', ports: [{ port: 80, nodePort }] },
      });
      refused(again, 422, 'Invalid', /provided port is already allocated/);
    },
  },
  {
    name: 'methods that a path does not know are 405',
    run: async (t) => {
      refused(await t.target.call('PUT', t.path('configmaps'), map('a')), 405, 'MethodNotAllowed');
      refused(await t.target.call('POST', t.path('configmaps/a'), map('a')), 405, 'MethodNotAllowed');
    },
  },
  {
    name: 'DELETE answers a Status, of pods and Services the object; a collection its list',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a'));
      const gone = await t.target.call('DELETE', t.path('configmaps/a'));
      assert.equal(gone.body.status, 'Success');
      assert.equal(gone.body.details.kind, 'configmaps');
      await t.create(t.path('services'), { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
      assert.equal((await t.target.call('DELETE', t.path('services/s'))).body.kind, 'Service');
      await t.create(t.path('configmaps'), { metadata: { name: 'b', labels: { x: 'y' } } });
      const list = await t.target.call('DELETE', `${t.path('configmaps')}?labelSelector=x%3Dy`);
      assert.equal(list.body.kind, 'ConfigMapList');
      assert.deepEqual(
        list.body.items.map((one: { metadata: { name: string } }) => one.metadata.name),
        ['b'],
      );
    },
  },
  {
    name: 'delete preconditions and options are judged',
    run: async (t) => {
      await t.create(t.path('configmaps'), map('a'));
      const uid = '11111111-2222-3333-4444-555555555555';
      refused(
        await t.target.call('DELETE', t.path('configmaps/a'), { preconditions: { uid } }),
        409,
        'Conflict',
        /the UID in the precondition/,
      );
      refused(
        await t.target.call('DELETE', t.path('configmaps/a'), { propagationPolicy: 'Nonsense' }),
        422,
        'Invalid',
        /propagationPolicy: Unsupported value/,
      );
    },
  },
  {
    name: 'finalizers hold an object; none can be added while it goes',
    run: async (t) => {
      await t.create(t.path('configmaps'), { metadata: { name: 'f', finalizers: ['example.com/x'] } });
      const held = await t.target.call('DELETE', t.path('configmaps/f'));
      assert.notEqual(held.body.metadata.deletionTimestamp, undefined);
      const more = { metadata: { finalizers: ['example.com/x', 'example.com/y'] } };
      refused(await t.merge(t.path('configmaps/f'), more), 422, 'Invalid', /no new finalizers can be added/);
      await t.merge(t.path('configmaps/f'), { metadata: { finalizers: null } });
      refused(await t.get(t.path('configmaps/f')), 404, 'NotFound');
    },
  },
  {
    name: 'an object whose owner never existed is collected; orphans stay',
    run: async (t) => {
      const ghost = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: '11111111-2222-3333-4444-555555555555' };
      await t.create(t.path('configmaps'), { metadata: { name: 'lost', ownerReferences: [ghost] } });
      await t.eventually(t.path('configmaps/lost'), (body) => assert.equal(body.code, 404));
    },
  },
];
