/** Pods, their controllers, budgets and nodes: what decides a migration. */
import assert from 'node:assert/strict';
import { type Case, type Contract, deployment, refused, template } from '../contract.ts';

type Named = {
  metadata: { name: string; deletionTimestamp?: string; uid: string };
  status: { phase?: string };
  spec: { nodeName?: string };
};

const podsOf = async (t: Contract, app: string): Promise<Named[]> =>
  (await t.get(`${t.path('pods')}?labelSelector=app%3D${app}`)).body.items as Named[];

async function rolledOut(t: Contract, name: string, replicas: number): Promise<void> {
  await t.eventually(
    t.path(`apps/deployments/${name}`),
    (body) => {
      assert.equal(body.status.observedGeneration, body.metadata.generation);
      assert.equal(body.status.availableReplicas ?? 0, replicas);
      assert.equal(body.status.updatedReplicas ?? 0, replicas);
      assert.equal(body.status.replicas ?? 0, replicas);
    },
    120_000,
  );
}

const evict = (t: Contract, name: string, more: object = {}) =>
  t.target.call('POST', t.path(`pods/${name}/eviction`), {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name },
    ...more,
  });

export const WORKLOADS: readonly Case[] = [
  {
    name: 'a pod that fits nowhere says why, counted by reason',
    needs: 'kubelets',
    run: async (t) => {
      await t.create(t.path('pods'), {
        metadata: { name: 'p' },
        spec: { nodeSelector: { 'example.com/no': 'x' }, containers: [{ name: 'c', image: 'a:1' }] },
      });
      const pod = await t.eventually(t.path('pods/p'), (body) =>
        assert.equal(body.status.conditions?.[0]?.reason, 'Unschedulable'),
      );
      assert.match(
        pod.status.conditions[0].message,
        /^0\/\d+ nodes are available: .*didn't match Pod's node affinity\/selector/,
      );
      assert.equal(pod.status.phase, 'Pending');
    },
  },
  {
    name: 'a pod that asks for more than any node has stays pending',
    needs: 'kubelets',
    run: async (t) => {
      const resources = { requests: { cpu: '100000' } };
      await t.create(t.path('pods'), {
        metadata: { name: 'p' },
        spec: { containers: [{ name: 'c', image: 'a:1', resources }] },
      });
      const pod = await t.eventually(t.path('pods/p'), (body) =>
        assert.equal(body.status.conditions?.[0]?.reason, 'Unschedulable'),
      );
      assert.match(pod.status.conditions[0].message, /Insufficient cpu/);
    },
  },
  {
    name: 'scheduling gates hold a pod before any scheduling',
    run: async (t) => {
      const spec = { schedulingGates: [{ name: 'example.com/g' }], containers: [{ name: 'c', image: 'a:1' }] };
      const pod = await t.create(t.path('pods'), { metadata: { name: 'p' }, spec });
      assert.equal(pod.status.conditions[0].reason, 'SchedulingGated');
    },
  },
  {
    name: 'a pod without a node goes at once, with two events',
    run: async (t) => {
      const path = t.path('pods');
      await t.create(path, {
        metadata: { name: 'p' },
        spec: { nodeSelector: { 'example.com/no': 'x' }, containers: [{ name: 'c', image: 'a:1' }] },
      });
      await t.eventually(`${path}/p`, (body) => assert.equal(body.status.conditions?.[0]?.reason, 'Unschedulable'));
      const { resourceVersion } = (await t.get(path)).body.metadata;
      const events = await t.watch(
        `${path}?watch=1&resourceVersion=${resourceVersion}`,
        (all) => all.some((one) => one.type === 'DELETED'),
        async () => {
          await t.target.call('DELETE', `${path}/p`);
        },
      );
      assert.deepEqual(
        events.map((event) => event.type),
        ['MODIFIED', 'DELETED'],
      );
      assert.equal(events[0]!.object.metadata.deletionGracePeriodSeconds, 0);
      assert.equal(events[0]!.object.metadata.generation, 2);
    },
  },
  {
    name: 'a Deployment rolls out, scales, rolls to a new template and keeps its history',
    needs: 'kubelets',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('d', 2));
      await rolledOut(t, 'd', 2);
      const path = t.path('apps/deployments/d');
      await t.merge(`${path}/scale`, { spec: { replicas: 3 } });
      await rolledOut(t, 'd', 3);
      await t.merge(path, { spec: { template: { metadata: { annotations: { v: '2' } } } } });
      await rolledOut(t, 'd', 3);
      const sets = (await t.get(t.path('apps/replicasets'))).body.items as {
        metadata: { annotations: Record<string, string> };
      }[];
      assert.deepEqual(sets.map((set) => set.metadata.annotations['deployment.kubernetes.io/revision']).sort(), [
        '1',
        '2',
      ]);
      const { body } = await t.get(path);
      assert.equal(body.metadata.annotations['deployment.kubernetes.io/revision'], '2');
      assert.equal(
        body.status.conditions.find((one: { type: string }) => one.type === 'Progressing').reason,
        'NewReplicaSetAvailable',
      );
    },
  },
  {
    name: 'a DaemonSet has a pod on every node that it tolerates, and replaces them one by one',
    needs: 'kubelets',
    run: async (t) => {
      const path = t.path('apps/daemonsets/ds');
      await t.create(t.path('apps/daemonsets'), {
        metadata: { name: 'ds' },
        spec: { selector: { matchLabels: { app: 'ds' } }, template: template('ds') },
      });
      const ready = (body: { metadata: { generation: number }; status: Record<string, number> }): void => {
        assert.equal(body.status.observedGeneration, body.metadata.generation);
        assert.ok((body.status.desiredNumberScheduled ?? 0) > 0);
        assert.equal(body.status.numberAvailable, body.status.desiredNumberScheduled);
        assert.equal(body.status.updatedNumberScheduled, body.status.desiredNumberScheduled);
      };
      await t.eventually(path, ready, 120_000);
      const before = (await podsOf(t, 'ds')).map((pod) => pod.metadata.uid);
      const changed = await t.merge(path, { spec: { template: { metadata: { annotations: { v: '2' } } } } });
      assert.equal(changed.body.metadata.generation, 2);
      await t.eventually(path, ready, 120_000);
      const after = (await podsOf(t, 'ds')).filter((pod) => pod.metadata.deletionTimestamp === undefined);
      assert.deepEqual(
        after.filter((pod) => before.includes(pod.metadata.uid)),
        [],
      );
      const revisions = (await t.get(t.path('apps/controllerrevisions'))).body.items as { revision: number }[];
      assert.deepEqual(revisions.map((one) => one.revision).sort(), [1, 2]);
    },
  },
  {
    name: 'evictions: budgets allow as many as they can spare, then 429 with the cause',
    needs: 'kubelets',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('d', 2));
      await rolledOut(t, 'd', 2);
      await t.create(t.path('policy/poddisruptionbudgets'), {
        metadata: { name: 'b' },
        spec: { minAvailable: 2, selector: { matchLabels: { app: 'd' } } },
      });
      await t.eventually(t.path('policy/poddisruptionbudgets/b'), (body) =>
        assert.equal(body.status.currentHealthy, 2),
      );
      const [pod] = await podsOf(t, 'd');
      const denied = await evict(t, pod!.metadata.name);
      refused(denied, 429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.");
      assert.equal(
        denied.body.details.causes[0].message,
        'The disruption budget b needs 2 healthy pods and has 2 currently',
      );
      await t.merge(t.path('policy/poddisruptionbudgets/b'), { spec: { minAvailable: 1 } });
      await t.eventually(t.path('policy/poddisruptionbudgets/b'), (body) =>
        assert.equal(body.status.disruptionsAllowed, 1),
      );
      const dry = await t.target.call('POST', `${t.path(`pods/${pod!.metadata.name}/eviction`)}?dryRun=All`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod!.metadata.name },
      });
      assert.equal(dry.status, 201);
      assert.equal((await evict(t, pod!.metadata.name)).status, 201);
      await rolledOut(t, 'd', 2);
    },
  },
  {
    name: 'evictions: wrong name, wrong uid, absent pod',
    run: async (t) => {
      await t.create(t.path('pods'), {
        metadata: { name: 'p' },
        spec: { nodeSelector: { 'example.com/no': 'x' }, containers: [{ name: 'c', image: 'a:1' }] },
      });
      refused(await evict(t, 'zz'), 404, 'NotFound', 'pods "zz" not found');
      const other = await t.target.call('POST', t.path('pods/p/eviction'), {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'q' },
      });
      refused(other, 400, 'BadRequest', 'name in URL does not match name in Eviction object');
      const uid = '11111111-2222-3333-4444-555555555555';
      refused(
        await evict(t, 'p', { deleteOptions: { preconditions: { uid } } }),
        409,
        'Conflict',
        /the UID in the precondition/,
      );
      refused(await t.get(t.path('pods/p/eviction')), 405, 'MethodNotAllowed');
    },
  },
  {
    name: 'propagation: background lets dependents follow, orphan lets them stay',
    run: async (t) => {
      for (const name of ['bg', 'or']) {
        await t.create(t.path('apps/deployments'), deployment(name, 0));
        await t.eventually(t.path('apps/replicasets'), (body) =>
          assert.ok(
            body.items.some((one: { metadata: { labels: { app: string } } }) => one.metadata.labels.app === name),
          ),
        );
      }
      await t.target.call('DELETE', t.path('apps/deployments/bg'), { propagationPolicy: 'Background' });
      await t.target.call('DELETE', t.path('apps/deployments/or'), { propagationPolicy: 'Orphan' });
      await t.eventually(t.path('apps/deployments'), (body) => assert.equal(body.items.length, 0));
      const left = await t.eventually(t.path('apps/replicasets'), (body) => assert.equal(body.items.length, 1));
      assert.equal(left.items[0].metadata.labels.app, 'or');
      assert.equal(left.items[0].metadata.ownerReferences, undefined);
    },
  },
  {
    name: 'a foreground deletion waits for its dependents',
    run: async (t) => {
      await t.create(t.path('apps/deployments'), deployment('fg', 0));
      await t.eventually(t.path('apps/replicasets'), (body) => assert.equal(body.items.length, 1));
      const going = await t.target.call('DELETE', t.path('apps/deployments/fg'), { propagationPolicy: 'Foreground' });
      assert.deepEqual(going.body.metadata.finalizers, ['foregroundDeletion']);
      await t.eventually(t.path('apps/deployments'), (body) => assert.equal(body.items.length, 0));
      await t.eventually(t.path('apps/replicasets'), (body) => assert.equal(body.items.length, 0));
    },
  },
  {
    name: 'a namespace that goes takes no new content, and takes its own along',
    run: async (t) => {
      await t.create(t.path('configmaps'), { metadata: { name: 'held', finalizers: ['example.com/f'] } });
      const going = await t.target.call('DELETE', `/api/v1/namespaces/${t.namespace}`);
      assert.equal(going.body.status.phase, 'Terminating');
      refused(
        await t.target.call('POST', t.path('configmaps'), { metadata: { name: 'late' } }),
        403,
        'Forbidden',
        /because it is being terminated/,
      );
      const again = await t.target.call('POST', '/api/v1/namespaces', { metadata: { name: t.namespace } });
      refused(again, 409, 'AlreadyExists', `object is being deleted: namespaces "${t.namespace}" already exists`);
      await t.eventually(`/api/v1/namespaces/${t.namespace}`, (body) => {
        const condition = body.status.conditions?.find(
          (one: { type: string }) => one.type === 'NamespaceFinalizersRemaining',
        );
        assert.equal(condition?.status, 'True');
        assert.match(condition.message, /example.com\/f in 1 resource instances/);
      });
      await t.merge(t.path('configmaps/held'), { metadata: { finalizers: null } });
      await t.eventually(`/api/v1/namespaces/${t.namespace}`, (body) => assert.equal(body.code, 404), 120_000);
    },
  },
];
