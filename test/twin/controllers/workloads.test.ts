import { describe, expect, it } from 'vitest';
import type { DaemonSet, Deployment, Node, Pod, ReplicaSet, StatefulSet } from '../../../src/kube/objects.ts';
import { startControllers } from '../../../src/twin/controllers/index.ts';
import { addNode, type FakeWorld, fakeWorld, playKubelet } from './fake-world.ts';

const template = (app: string, image = 'example.com/app:1') => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image }], terminationGracePeriodSeconds: 5 },
});

function cluster(options: Parameters<typeof playKubelet>[1] = {}, kubernetes = '1.36.2'): FakeWorld {
  const world = fakeWorld({ kubernetes });
  startControllers(world);
  playKubelet(world, options);
  addNode(world, 'n-1', (node) => {
    node.spec = { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] };
  });
  for (const name of ['n-2', 'n-3', 'n-4']) addNode(world, name);
  world.time.run(1_000);
  return world;
}

const pods = (world: FakeWorld, app: string): Pod[] => world.store.list<Pod>('pods', { labels: { app } });
const alive = (world: FakeWorld, app: string): Pod[] =>
  pods(world, app).filter((pod) => pod.metadata.deletionTimestamp === undefined);

function daemonSet(world: FakeWorld, spec: Partial<NonNullable<DaemonSet['spec']>> = {}): void {
  world.store.create<DaemonSet>('daemonsets.apps', {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'np', namespace: 't' },
    spec: {
      selector: { matchLabels: { app: 'np' } },
      template: template('np'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...spec,
    },
  });
}
const ds = (world: FakeWorld): DaemonSet => world.store.get<DaemonSet>('daemonsets.apps', 'np', 't')!;
const setImage = (world: FakeWorld, resource: string, name: string, image: string): void =>
  void world.store.update<Deployment>(resource, { name, namespace: 't' }, (draft) => {
    draft.spec!.template.spec!.containers[0]!.image = image;
  });

function deployment(world: FakeWorld, replicas: number, spec: Partial<NonNullable<Deployment['spec']>> = {}): void {
  world.store.create<Deployment>('deployments.apps', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 't' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'd' } },
      template: template('d'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      ...spec,
    },
  });
}
const dep = (world: FakeWorld): Deployment => world.store.get<Deployment>('deployments.apps', 'd', 't')!;
const condition = (world: FakeWorld, type: string) => dep(world).status?.conditions?.find((one) => one.type === type);

describe('DaemonSet', () => {
  it('puts one pod on every node it tolerates, through the scheduler, with the added tolerations', () => {
    const world = cluster();
    daemonSet(world);
    world.time.run(3_000);
    expect(
      pods(world, 'np')
        .map((pod) => pod.spec?.nodeName)
        .sort(),
    ).toEqual(['n-2', 'n-3', 'n-4']);
    const [pod] = pods(world, 'np');
    expect(pod!.metadata.labels).toMatchObject({ 'pod-template-generation': '1' });
    expect(pod!.spec?.tolerations?.map((one) => `${one.key}:${one.effect}:${one.tolerationSeconds ?? 'ever'}`)).toEqual(
      [
        'node.kubernetes.io/not-ready:NoExecute:ever',
        'node.kubernetes.io/unreachable:NoExecute:ever',
        'node.kubernetes.io/disk-pressure:NoSchedule:ever',
        'node.kubernetes.io/memory-pressure:NoSchedule:ever',
        'node.kubernetes.io/pid-pressure:NoSchedule:ever',
        'node.kubernetes.io/unschedulable:NoSchedule:ever',
      ],
    );
    expect(ds(world).status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
      observedGeneration: 1,
    });
  });

  it('replaces maxUnavailable at a time, and the new pod comes before the old object has gone', () => {
    const world = cluster();
    daemonSet(world);
    world.time.run(3_000);
    const log: string[] = [];
    let most = 0;
    const left = new Set(pods(world, 'np').map((pod) => pod.metadata.name));
    world.store.onChange<Pod>('pods', ({ type, object, previous }) => {
      const old = left.has(object.metadata.name) ? 'old' : 'new';
      if (type === 'ADDED') log.push(`${old} added`);
      if (type === 'DELETED') log.push(`${old} gone`);
      if (object.metadata.deletionTimestamp && !previous?.metadata.deletionTimestamp) log.push(`${old} deleted`);
      if (object.status?.phase === 'Succeeded' && previous?.status?.phase !== 'Succeeded') log.push(`${old} over`);
      const lacking = 3 - alive(world, 'np').filter((pod) => pod.status?.phase === 'Running').length;
      most = Math.max(most, lacking);
    });
    setImage(world, 'daemonsets.apps', 'np', 'example.com/app:2');
    world.time.run(15_000);
    expect(most).toBe(1);
    expect(log.filter((entry) => entry === 'new added')).toHaveLength(3);
    expect(log.slice(0, 2)).toEqual(['old deleted', 'old over']);
    expect(ds(world).status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3, observedGeneration: 2 });
  });

  it('never shows the new generation with the old count of updated pods', () => {
    const world = cluster();
    daemonSet(world);
    world.time.run(3_000);
    const lies: unknown[] = [];
    world.store.onChange<DaemonSet>('daemonsets.apps', ({ object }) => {
      const { status } = object;
      if (
        status?.observedGeneration === 2 &&
        status.updatedNumberScheduled === 3 &&
        alive(world, 'np').some((pod) => pod.spec?.containers[0]?.image?.endsWith(':1'))
      )
        lies.push(status);
    });
    setImage(world, 'daemonsets.apps', 'np', 'example.com/app:2');
    world.time.run(15_000);
    expect(lies).toEqual([]);
    expect(ds(world).status?.observedGeneration).toBe(2);
  });

  it('stops at one pod when the new template never gets ready, and replaces just that one when it is put back', () => {
    const world = cluster({ ready: (pod) => !pod.spec!.containers[0]!.image!.endsWith(':bad') });
    daemonSet(world);
    world.time.run(3_000);
    const before = new Set(pods(world, 'np').map((pod) => pod.metadata.uid));
    setImage(world, 'daemonsets.apps', 'np', 'example.com/app:bad');
    world.time.run(20_000);
    expect(pods(world, 'np').filter((pod) => before.has(pod.metadata.uid))).toHaveLength(2);
    setImage(world, 'daemonsets.apps', 'np', 'example.com/app:1');
    world.time.run(20_000);
    expect(pods(world, 'np').filter((pod) => before.has(pod.metadata.uid))).toHaveLength(2);
    const revisions = world.store.list<{ metadata: { name: string }; revision: number }>('controllerrevisions.apps');
    expect(revisions.map((one) => one.revision).sort()).toEqual([2, 3]);
    expect(ds(world).status).toMatchObject({ numberAvailable: 3, updatedNumberScheduled: 3 });
  });

  it('with OnDelete replaces only what somebody deletes', () => {
    const world = cluster();
    daemonSet(world, { updateStrategy: { type: 'OnDelete' } });
    world.time.run(3_000);
    setImage(world, 'daemonsets.apps', 'np', 'example.com/app:2');
    world.time.run(10_000);
    expect(ds(world).status?.updatedNumberScheduled).toBeUndefined();
    const [victim] = pods(world, 'np');
    world.store.remove('pods', { name: victim!.metadata.name, namespace: 't' });
    world.time.run(5_000);
    expect(ds(world).status?.updatedNumberScheduled).toBe(1);
  });

  it('leaves the cordoned node its pod, and gives it back after a deletion', () => {
    const world = cluster();
    daemonSet(world);
    world.time.run(3_000);
    world.store.update<Node>('nodes', { name: 'n-2' }, (draft) => {
      draft.spec!.unschedulable = true;
    });
    world.time.run(1_000);
    expect(world.store.get<Node>('nodes', 'n-2')!.spec!.taints).toMatchObject([
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
    ]);
    const victim = pods(world, 'np').find((pod) => pod.spec?.nodeName === 'n-2')!;
    world.store.remove('pods', { name: victim.metadata.name, namespace: 't' });
    world.time.run(5_000);
    expect(alive(world, 'np').some((pod) => pod.spec?.nodeName === 'n-2')).toBe(true);
  });

  it('deletes its pod when the node no longer matches, and follows a new node', () => {
    const world = cluster();
    daemonSet(world, {
      template: { ...template('np'), spec: { ...template('np').spec, nodeSelector: { role: 'x' } } },
    });
    world.time.run(2_000);
    expect(pods(world, 'np')).toEqual([]);
    const label = (value: string | undefined): void =>
      void world.store.update<Node>('nodes', { name: 'n-3' }, (draft) => {
        if (value === undefined) delete draft.metadata.labels!.role;
        else draft.metadata.labels!.role = value;
      });
    label('x');
    world.time.run(3_000);
    expect(pods(world, 'np').map((pod) => pod.spec?.nodeName)).toEqual(['n-3']);
    label(undefined);
    world.time.run(500);
    expect(ds(world).status).toMatchObject({ numberMisscheduled: 1, desiredNumberScheduled: 0 });
    world.time.run(3_000);
    expect(pods(world, 'np')).toEqual([]);
    addNode(world, 'n-9', (node) => {
      node.metadata.labels!.role = 'x';
    });
    world.time.run(2_000);
    expect(pods(world, 'np').map((pod) => pod.spec?.nodeName)).toEqual(['n-9']);
  });
});

describe('Deployment', () => {
  it('is created, available, and complete with the recorded reasons', () => {
    const world = cluster();
    deployment(world, 4);
    world.time.run(5_000);
    expect(alive(world, 'd')).toHaveLength(4);
    expect(dep(world).status).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      terminatingReplicas: 0,
    });
    expect(dep(world).status).not.toHaveProperty('unavailableReplicas');
    expect(condition(world, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(condition(world, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(world.store.list<ReplicaSet>('replicasets.apps')[0]!.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '4',
      'deployment.kubernetes.io/max-replicas': '5',
    });
  });

  it('counts terminating replicas only where the release does', () => {
    const world = cluster({}, '1.34.11');
    deployment(world, 2);
    world.time.run(5_000);
    expect(dep(world).status).not.toHaveProperty('terminatingReplicas');
  });

  it('rolls 4 replicas at 25 %/25 % as recorded: new 1, old 3, new 2, and never below 3 available', () => {
    const world = cluster();
    deployment(world, 4);
    world.time.run(5_000);
    const sizes: string[] = [];
    let fewest = 4;
    let most = 0;
    const old = world.store.list<ReplicaSet>('replicasets.apps')[0]!.metadata.name;
    world.store.onChange<ReplicaSet>('replicasets.apps', ({ object, previous }) => {
      if (object.spec?.replicas === previous?.spec?.replicas) return;
      const sets = world.store.list<ReplicaSet>('replicasets.apps');
      most = Math.max(
        most,
        sets.reduce((sum, set) => sum + (set.spec?.replicas ?? 0), 0),
      );
      sizes.push(`${object.metadata.name === old ? 'old' : 'new'} ${object.spec?.replicas}`);
    });
    world.store.onChange<Pod>('pods', () => {
      const ready = alive(world, 'd').filter((pod) => pod.status?.phase === 'Running').length;
      fewest = Math.min(fewest, ready);
    });
    setImage(world, 'deployments.apps', 'd', 'example.com/app:2');
    world.time.run(20_000);
    expect(sizes.slice(0, 3)).toEqual(['new 1', 'old 3', 'new 2']);
    expect(sizes.at(-1)).toBe('old 0');
    expect(fewest).toBe(3);
    expect(most).toBeLessThanOrEqual(5);
    expect(dep(world).status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 });
  });

  it('scales its only set', () => {
    const world = cluster();
    deployment(world, 4);
    world.time.run(5_000);
    for (const replicas of [6, 2]) {
      world.store.update<Deployment>('deployments.apps', { name: 'd', namespace: 't' }, (draft) => {
        draft.spec!.replicas = replicas;
      });
      world.time.run(5_000);
      expect(alive(world, 'd')).toHaveLength(replicas);
      expect(dep(world).status).toMatchObject({ replicas, availableReplicas: replicas });
    }
    expect(world.store.list<ReplicaSet>('replicasets.apps')).toHaveLength(1);
  });

  it('reports a missed progress deadline', () => {
    const world = cluster({ ready: (pod) => !pod.spec!.containers[0]!.image!.endsWith(':bad') });
    deployment(world, 2, { progressDeadlineSeconds: 5 });
    world.time.run(5_000);
    setImage(world, 'deployments.apps', 'd', 'example.com/app:bad');
    world.time.run(15_000);
    expect(condition(world, 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(alive(world, 'd').filter((pod) => pod.spec!.containers[0]!.image!.endsWith(':1'))).toHaveLength(2);
  });

  it('recreates only after the last old pod has gone', () => {
    const world = cluster();
    deployment(world, 3, { strategy: { type: 'Recreate' } });
    world.time.run(5_000);
    let mixed = false;
    world.store.onChange<Pod>('pods', () => {
      const images = new Set(pods(world, 'd').map((pod) => pod.spec!.containers[0]!.image));
      if (images.size > 1 && alive(world, 'd').length !== pods(world, 'd').length) mixed = true;
    });
    setImage(world, 'deployments.apps', 'd', 'example.com/app:2');
    world.time.run(10_000);
    expect(mixed).toBe(false);
    expect(alive(world, 'd').every((pod) => pod.spec!.containers[0]!.image === 'example.com/app:2')).toBe(true);
    expect(alive(world, 'd')).toHaveLength(3);
  });

  it('replaces a pod within 20 ms or so of its deletion, not when it has gone', () => {
    const world = cluster();
    deployment(world, 4);
    world.time.run(5_000);
    world.store.remove('pods', { name: alive(world, 'd')[0]!.metadata.name, namespace: 't' });
    world.time.run(50);
    expect(alive(world, 'd')).toHaveLength(4);
    expect(pods(world, 'd')).toHaveLength(5);
    expect(dep(world).status?.terminatingReplicas ?? 0).toBeGreaterThanOrEqual(0);
  });
});

describe('StatefulSet', () => {
  it('goes up in order, down in reverse', () => {
    const world = cluster();
    const names: string[] = [];
    world.store.onChange<Pod>('pods', ({ type, object }) => {
      if (type !== 'MODIFIED') names.push(`${type === 'ADDED' ? '+' : '-'}${object.metadata.name}`);
    });
    world.store.create<StatefulSet>('statefulsets.apps', {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 's', namespace: 't' },
      spec: { replicas: 2, serviceName: 's', selector: { matchLabels: { app: 's' } }, template: template('s') },
    });
    world.time.run(10_000);
    world.store.update<StatefulSet>('statefulsets.apps', { name: 's', namespace: 't' }, (draft) => {
      draft.spec!.replicas = 0;
    });
    world.time.run(10_000);
    expect(names).toEqual(['+s-0', '+s-1', '-s-1', '-s-0']);
  });
});
