/** What those who look around see: Events, Endpoints, columns, the service proxy's refusals, updates that are refused. */
import assert from 'node:assert/strict';
import { type Case, type Contract, deployment, refused, template } from '../contract.ts';

const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

type Event = { reason: string; message: string; type: string; reportingComponent: string };

const eventsOf = async (t: Contract, kind: string): Promise<Event[]> =>
  (await t.get(`${t.path('events')}?fieldSelector=involvedObject.kind%3D${kind}`)).body.items as Event[];

const columns = async (t: Contract, path: string): Promise<string[]> => {
  const { body } = await t.target.call('GET', path, undefined, TABLE);
  return (body.columnDefinitions as { name: string }[]).map((one) => one.name);
};

const rbac = (t: Contract, plural: string): string =>
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${t.namespace}/${plural}`;

export const ONLOOKERS: readonly Case[] = [
  {
    name: 'controllers and the scheduler tell what they do in Events',
    needs: 'kubelets',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('d', 1));
      await t.eventually(t.path('apps/deployments/d'), (body) => assert.equal(body.status.readyReplicas, 1));
      await t.eventually(t.path('events'), (body) =>
        assert.ok(body.items.some((one: Event) => one.reason === 'Scheduled')),
      );
      const told = async (kind: string) =>
        (await eventsOf(t, kind)).map(({ reason, type, reportingComponent: by }) => `${by} ${type} ${reason}`);
      assert.deepEqual(await told('Deployment'), ['deployment-controller Normal ScalingReplicaSet']);
      assert.deepEqual(await told('ReplicaSet'), ['replicaset-controller Normal SuccessfulCreate']);
      assert.ok((await told('Pod')).includes('default-scheduler Normal Scheduled'));
      const [scaled] = await eventsOf(t, 'Deployment');
      assert.match(scaled!.message, /^Scaled up replica set d-[a-z0-9]+ from 0 to 1$/);
    },
  },
  {
    name: 'Endpoints stand beside the slices of a Service, and go with it',
    needs: 'kubelets',
    run: async (t) => {
      await t.create(t.path('services'), {
        metadata: { name: 'd' },
        spec: { selector: { app: 'd' }, ports: [{ port: 80 }] },
      });
      await t.eventually(t.path('endpoints/d'), (body) => assert.equal(body.subsets, undefined));
      await t.create(t.path('apps/deployments'), deployment('d', 2));
      const endpoints = await t.eventually(t.path('endpoints/d'), (body) =>
        assert.equal(body.subsets?.[0].addresses?.length, 2),
      );
      assert.equal(endpoints.metadata.labels['endpoints.kubernetes.io/managed-by'], 'endpoint-controller');
      assert.deepEqual(endpoints.subsets[0].ports, [{ port: 80, protocol: 'TCP' }]);
      await t.target.call('DELETE', t.path('services/d'));
      await t.eventually(t.path('endpoints/d'), (body) => assert.equal(body.code, 404));
    },
  },
  {
    name: 'Tables: the columns of bindings, roles and Endpoints',
    run: async (t) => {
      const subjects = [
        { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
        { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
      ];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
      await t.create(rbac(t, 'rolebindings'), { metadata: { name: 'b' }, roleRef, subjects });
      const { body } = await t.target.call('GET', rbac(t, 'rolebindings'), undefined, TABLE);
      const [name, role, , ...who] = body.rows[0].cells;
      assert.deepEqual([name, role, ...who], ['b', 'Role/r', 'u', '', 'n/a']);
      assert.deepEqual(await columns(t, rbac(t, 'roles')), ['Name', 'Created At']);
      assert.deepEqual(await columns(t, t.path('endpoints')), ['Name', 'Endpoints', 'Age']);
      assert.deepEqual(await columns(t, t.path('limitranges')), ['Name', 'Created At']);
    },
  },
  {
    name: 'the service proxy: no such Service, no such port, nobody behind it',
    run: async (t) => {
      await t.create(t.path('services'), {
        metadata: { name: 's' },
        spec: { selector: { a: 'b' }, ports: [{ port: 80 }] },
      });
      refused(await t.get(t.path('services/zz:80/proxy/')), 404, 'NotFound', 'services "zz" not found');
      refused(
        await t.get(t.path('services/s:81/proxy/')),
        503,
        'ServiceUnavailable',
        'no service port 81 found for service "s"',
      );
      await t.eventually(t.path('services/s:80/proxy/'), (body) =>
        assert.equal(body.message, 'no endpoints available for service "s"'),
      );
    },
  },
  {
    name: 'pods: an update adds tolerations, and nothing but images, deadlines and tolerations',
    run: async (t) => {
      const path = t.path('pods/p');
      await t.create(t.path('pods'), {
        metadata: { name: 'p' },
        spec: { nodeSelector: { 'example.com/no': 'x' }, containers: [{ name: 'c', image: 'a:1' }] },
      });
      const tolerations = (await t.merge(path, { spec: { tolerations: [{ key: 'z', operator: 'Exists' }] } })).body.spec
        .tolerations as { key: string }[];
      assert.deepEqual(tolerations.map((one) => one.key).sort(), [
        'node.kubernetes.io/not-ready',
        'node.kubernetes.io/unreachable',
        'z',
      ]);
      assert.equal((await t.merge(path, { spec: { activeDeadlineSeconds: 10 } })).status, 200);
      const later = await t.merge(path, { spec: { activeDeadlineSeconds: 20 } });
      refused(later, 422, 'Invalid', /activeDeadlineSeconds: .* must be less than or equal to previous value/);
      const more = await t.merge(path, {
        spec: {
          containers: [
            { name: 'c', image: 'a:1' },
            { name: 'd', image: 'a:1' },
          ],
        },
      });
      refused(more, 422, 'Invalid', /spec.containers: Forbidden: pod updates may not add or remove containers/);
    },
  },
  {
    name: 'what is immutable stays: ConfigMap and Secret, StatefulSet, address of a Service',
    run: async (t) => {
      await t.create(t.path('configmaps'), { metadata: { name: 'i' }, immutable: true, data: { a: 'b' } });
      const data = await t.merge(t.path('configmaps/i'), { data: { a: 'c' } });
      refused(
        data,
        422,
        'Invalid',
        'ConfigMap "i" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      );
      await t.create(t.path('secrets'), { metadata: { name: 's' }, type: 'a' });
      const type = await t.merge(t.path('secrets/s'), { type: 'b' });
      refused(type, 422, 'Invalid', 'Secret "s" is invalid: type: Invalid value: "b": field is immutable');
      const spec = { serviceName: 'a', replicas: 0, selector: { matchLabels: { app: 'x' } }, template: template('x') };
      await t.create(t.path('apps/statefulsets'), { metadata: { name: 'set' }, spec });
      const name = await t.merge(t.path('apps/statefulsets/set'), { spec: { serviceName: 'b' } });
      refused(
        name,
        422,
        'Invalid',
        /^StatefulSet\.apps "set" is invalid: spec: Forbidden: updates to statefulset spec for/,
      );
      await t.create(t.path('services'), { metadata: { name: 'v' }, spec: { ports: [{ port: 80 }] } });
      const moved = await t.merge(t.path('services/v'), { spec: { clusterIP: 'None', clusterIPs: ['None'] } });
      refused(moved, 422, 'Invalid', /may not change once set/);
    },
  },
];
