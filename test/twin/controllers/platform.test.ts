import { describe, expect, it } from 'vitest';
import { aggregatedApiAvailable, startControllers } from '../../../src/twin/controllers/index.ts';
import { addNode, EPOCH, type FakeWorld, fakeWorld, playKubelet } from './fake-world.ts';
import type {
  ApiService,
  EndpointSlice,
  KubeObject,
  Lease,
  Machine,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  Service,
} from './types.ts';

function cluster(options: Parameters<typeof playKubelet>[1] = {}): FakeWorld {
  const world = fakeWorld();
  startControllers(world);
  playKubelet(world, options);
  for (const name of ['n-1', 'n-2', 'n-3']) addNode(world, name);
  world.store.create<Namespace>('namespaces', { metadata: { name: 't' } });
  world.time.run(1_000);
  return world;
}

function machine(world: FakeWorld, name: string, role: 'control-plane' | 'worker' = 'worker') {
  const state = { up: true, startedAt: EPOCH };
  const one = { name, role, address: '172.18.0.2', running: () => state.up, startedAt: () => state.startedAt };
  world.machines.set(name, one as unknown as Machine);
  return state;
}

const ready = (world: FakeWorld, name: string) =>
  world.store.get<Node>('nodes', name)!.status!.conditions!.find((one) => one.type === 'Ready')!;
const taints = (world: FakeWorld, name: string): string[] =>
  (world.store.get<Node>('nodes', name)!.spec?.taints ?? [])
    .map((one) => `${one.key.split('/')[1]}:${one.effect}`)
    .sort();

function workload(world: FakeWorld, replicas: number, spec: object = {}): void {
  world.store.create('deployments.apps', {
    metadata: { name: 'd', namespace: 't' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'd' } },
      template: {
        metadata: { labels: { app: 'd' } },
        spec: { containers: [{ name: 'c', image: 'i:1', ports: [{ name: 'http', containerPort: 8080 }] }], ...spec },
      },
    },
  });
}
const pods = (world: FakeWorld): Pod[] => world.store.list<Pod>('pods', { namespace: 't' });

describe('disruption', () => {
  const budget = (world: FakeWorld, spec: object): void =>
    void world.store.create<PodDisruptionBudget>('poddisruptionbudgets.policy', {
      metadata: { name: 'b', namespace: 't' },
      spec: { selector: { matchLabels: { app: 'd' } }, ...spec },
    });
  const status = (world: FakeWorld) =>
    world.store.get<PodDisruptionBudget>('poddisruptionbudgets.policy', 'b', 't')!.status!;

  it.each([
    ['minAvailable 2', { minAvailable: 2 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    ['minAvailable 50%', { minAvailable: '50%' }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    ['maxUnavailable 1', { maxUnavailable: 1 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    ['maxUnavailable 0', { maxUnavailable: 0 }, { expectedPods: 3, desiredHealthy: 3, disruptionsAllowed: 0 }],
  ])('%s', (_, spec, expected) => {
    const world = cluster();
    workload(world, 3);
    budget(world, spec);
    world.time.run(5_000);
    expect(status(world)).toMatchObject({ ...expected, currentHealthy: 3, observedGeneration: 1 });
    const reason = expected.disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
    expect(status(world).conditions).toMatchObject([{ type: 'DisruptionAllowed', reason }]);
  });

  it('follows a pod within milliseconds, and the replacement when it is Ready', () => {
    const world = cluster();
    workload(world, 3);
    budget(world, { maxUnavailable: 1 });
    world.time.run(5_000);
    world.store.remove('pods', { name: pods(world)[0]!.metadata.name, namespace: 't' });
    world.time.run(10);
    expect(status(world)).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0 });
    world.time.run(3_000);
    expect(status(world)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 });
  });

  it('allows nothing over pods without a controller (recorded)', () => {
    const world = cluster();
    world.store.create<Pod>('pods', {
      metadata: { name: 'bare', namespace: 't', labels: { app: 'd' } },
      spec: { containers: [{ name: 'c', image: 'i:1' }] },
    });
    budget(world, { maxUnavailable: 1 });
    world.time.run(5_000);
    expect(status(world)).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 });
  });
});

describe('node lifecycle', () => {
  it('renews a lease every 10 s and at once after a restart', () => {
    const world = cluster();
    world.store.create<Namespace>('namespaces', { metadata: { name: 'kube-node-lease' } });
    const state = machine(world, 'n-1', 'control-plane');
    const renewals: number[] = [];
    world.store.onChange<Lease>('leases.coordination.k8s.io', ({ object }) => {
      renewals.push(Date.parse(object.spec!.renewTime!));
    });
    world.time.run(35_000);
    const gaps = renewals.slice(1).map((at, i) => at - renewals[i]!);
    expect(new Set(gaps)).toEqual(new Set([10_000]));
    const before = renewals.length;
    state.startedAt = world.time.now();
    world.time.run(1_100);
    expect(renewals.length).toBe(before + 1);
  });

  it('a lease that stops: Unknown after the grace period, pods unready, taints, eviction after the toleration', () => {
    const world = cluster();
    world.store.create<Namespace>('namespaces', { metadata: { name: 'kube-node-lease' } });
    machine(world, 'cp', 'control-plane');
    const states = ['n-1', 'n-2', 'n-3'].map((name) => machine(world, name));
    workload(world, 3, {
      tolerations: ['not-ready', 'unreachable'].map((key) => ({
        key: `node.kubernetes.io/${key}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 4,
      })),
    });
    world.time.run(60_000);
    const victim = pods(world)[0]!;
    const node = victim.spec!.nodeName!;
    states[['n-1', 'n-2', 'n-3'].indexOf(node)]!.up = false;
    world.time.run(45_000);
    expect(ready(world, node).status).toBe('True');
    let unknownAt = 0;
    let executeAt = 0;
    let deletedAt = 0;
    for (let i = 0; i < 400; i++) {
      world.time.run(100);
      if (unknownAt === 0 && ready(world, node).status === 'Unknown') unknownAt = i;
      if (executeAt === 0 && taints(world, node).includes('unreachable:NoExecute')) executeAt = i;
      const pod = world.store.get<Pod>('pods', victim.metadata.name, 't');
      if (deletedAt === 0 && pod?.metadata.deletionTimestamp !== undefined) deletedAt = i;
    }
    expect(unknownAt).toBeGreaterThan(0);
    expect(executeAt - unknownAt).toBeLessThanOrEqual(3);
    expect(deletedAt - executeAt).toBeGreaterThanOrEqual(39);
    expect(deletedAt - executeAt).toBeLessThanOrEqual(42);
    expect(ready(world, node)).toMatchObject({ reason: 'NodeStatusUnknown' });
    expect(taints(world, node)).toContain('unreachable:NoSchedule');
  });

  it('taints by conditions and cordon, with timeAdded, and takes them back', () => {
    const world = cluster();
    const set = (type: string, status: string): void =>
      void world.store.update<Node>(
        'nodes',
        { name: 'n-1' },
        (draft) => {
          const conditions = draft.status!.conditions!.filter((one) => one.type !== type);
          draft.status!.conditions = [...conditions, { type, status }];
        },
        { subresource: 'status' },
      );
    expect(taints(world, 'n-1')).toEqual([]);
    set('NetworkUnavailable', 'True');
    world.store.update<Node>('nodes', { name: 'n-1' }, (draft) => {
      draft.spec = { ...draft.spec, unschedulable: true };
    });
    world.time.run(100);
    expect(taints(world, 'n-1')).toEqual(['network-unavailable:NoSchedule', 'unschedulable:NoSchedule']);
    expect(world.store.get<Node>('nodes', 'n-1')!.spec!.taints!.every((one) => one.timeAdded !== undefined)).toBe(true);
    set('NetworkUnavailable', 'False');
    set('Ready', 'False');
    world.time.run(6_000);
    expect(taints(world, 'n-1')).toEqual(['not-ready:NoExecute', 'not-ready:NoSchedule', 'unschedulable:NoSchedule']);
    set('Ready', 'True');
    world.time.run(6_000);
    expect(taints(world, 'n-1')).toEqual(['unschedulable:NoSchedule']);
  });

  it('evicts nothing when no node at all is Ready', () => {
    const world = cluster();
    for (const name of ['n-1', 'n-2', 'n-3']) {
      world.store.update<Node>(
        'nodes',
        { name },
        (draft) => {
          draft.status!.conditions = [{ type: 'Ready', status: 'False' }];
        },
        { subresource: 'status' },
      );
    }
    world.time.run(10_000);
    expect(taints(world, 'n-1')).toEqual(['not-ready:NoSchedule']);
  });
});

describe('endpoint slices and aggregated APIs', () => {
  const service = (world: FakeWorld): void =>
    void world.store.create<Service>('services', {
      metadata: { name: 's', namespace: 't' },
      spec: { selector: { app: 'd' }, ports: [{ name: 'web', port: 80, targetPort: 'http' }] },
    });
  const slices = (world: FakeWorld): EndpointSlice[] =>
    world.store.list<EndpointSlice>('endpointslices.discovery.k8s.io', { namespace: 't' });

  it('has the ready pods with the resolved port; a terminating one is not ready but serving', () => {
    const world = cluster();
    workload(world, 2);
    service(world);
    world.time.run(5_000);
    expect(slices(world)).toHaveLength(1);
    expect(slices(world)[0]).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
      metadata: { labels: { 'kubernetes.io/service-name': 's' } },
    });
    world.store.remove('pods', { name: pods(world)[0]!.metadata.name, namespace: 't' });
    world.time.run(15);
    const conditions = slices(world)[0]!.endpoints!.map((one) => one.conditions);
    expect(conditions).toContainEqual({ ready: false, serving: true, terminating: true });
    expect(conditions).toContainEqual({ ready: true, serving: true, terminating: false });
  });

  it('an APIService follows its Service: missing, without endpoints, not answering, passed', () => {
    const world = cluster();
    machine(world, 'cp', 'control-plane');
    // A new leader is elected on the new machine.
    world.time.run(20_000);
    world.store.create<ApiService>('apiservices.apiregistration.k8s.io', {
      metadata: { name: 'v3.projectcalico.org' },
      spec: {
        group: 'projectcalico.org',
        version: 'v3',
        groupPriorityMinimum: 1500,
        versionPriority: 200,
        service: { name: 's', namespace: 't', port: 80 },
      },
    });
    const reason = (): string =>
      world.store.get<ApiService>('apiservices.apiregistration.k8s.io', 'v3.projectcalico.org')!.status!.conditions![0]!
        .reason!;
    world.time.run(200);
    expect(reason()).toBe('ServiceNotFound');
    service(world);
    world.time.run(200);
    expect(reason()).toBe('MissingEndpoints');
    workload(world, 1);
    world.time.run(5_000);
    expect(reason()).toBe('FailedDiscoveryCheck');
    expect(aggregatedApiAvailable(world.store, 'projectcalico.org', 'v3')).toBe(false);
    world.fakeNetwork.decide = () => ({
      ok: true,
      milliseconds: 1,
      at: { node: 'cp', port: 1 },
      sourceSeen: '',
      pathMtu: 1500,
    });
    world.time.run(31_000);
    expect(reason()).toBe('Passed');
    expect(aggregatedApiAvailable(world.store, 'projectcalico.org', 'v3')).toBe(true);
    expect(aggregatedApiAvailable(world.store, 'apps', 'v1')).toBeUndefined();
  });
});

describe('namespaces', () => {
  const condition = (world: FakeWorld, type: string) =>
    (world.store.get<Namespace>('namespaces', 't')!.status?.conditions ?? []).find((one) => one.type === type);

  it('get their account and certificate at once', () => {
    const world = cluster();
    expect(world.store.get('serviceaccounts', 'default', 't')).toBeDefined();
    expect(world.store.get('configmaps', 'kube-root-ca.crt', 't')).toBeDefined();
  });

  it('go 5 s late, pods first, then the rest, in 10 s in all (recorded)', () => {
    const world = cluster();
    world.store.create<Pod>('pods', {
      metadata: { name: 'x', namespace: 't' },
      spec: { containers: [{ name: 'c', image: 'i:1' }] },
    });
    world.store.create('configmaps', { metadata: { name: 'x', namespace: 't' } });
    world.time.run(3_000);
    const log: string[] = [];
    const start = world.time.now();
    world.store.onChange('*', ({ type, resource, object, previous }) => {
      const at = Math.round((world.time.now() - start) / 1000);
      if (type === 'DELETED') log.push(`${at} ${resource} gone`);
      else if (object.metadata.deletionTimestamp && !previous?.metadata.deletionTimestamp)
        log.push(`${at} ${resource} deleted`);
    });
    world.store.remove('namespaces', { name: 't' });
    world.time.run(20_000);
    expect(log).toEqual([
      '0 namespaces deleted',
      '5 pods deleted',
      '6 pods gone',
      '10 configmaps gone',
      '10 configmaps gone',
      '10 serviceaccounts gone',
      '10 namespaces gone',
    ]);
  });

  it('name what a finalizer holds, and go when it is lifted', () => {
    const world = cluster();
    world.store.create('configmaps', { metadata: { name: 'x', namespace: 't', finalizers: ['example.com/stuck'] } });
    world.store.remove('namespaces', { name: 't' });
    world.time.run(12_000);
    expect(condition(world, 'NamespaceContentRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: configmaps. has 1 resource instances',
    });
    expect(condition(world, 'NamespaceFinalizersRemaining')?.message).toBe(
      'Some content in the namespace has finalizers remaining: example.com/stuck in 1 resource instances',
    );
    world.store.update('configmaps', { name: 'x', namespace: 't' }, (draft) => {
      draft.metadata.finalizers = [];
    });
    world.time.run(10_000);
    expect(world.store.get('namespaces', 't')).toBeUndefined();
  });

  it('stay while an aggregated API is unavailable (recorded text)', () => {
    const world = cluster();
    const api = {
      metadata: { name: 'v3.projectcalico.org' },
      spec: { group: 'projectcalico.org', version: 'v3', service: { name: 'no', namespace: 'no' } },
    };
    world.store.create('apiservices.apiregistration.k8s.io', api);
    world.time.run(100);
    world.store.remove('namespaces', { name: 't' });
    world.time.run(30_000);
    expect(condition(world, 'NamespaceDeletionDiscoveryFailure')).toMatchObject({
      status: 'True',
      reason: 'DiscoveryFailed',
      message:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: projectcalico.org/v3: stale GroupVersion discovery: projectcalico.org/v3',
    });
    world.store.remove('apiservices.apiregistration.k8s.io', { name: 'v3.projectcalico.org' });
    world.time.run(60_000);
    expect(world.store.get('namespaces', 't')).toBeUndefined();
  });
});

describe('garbage collection', () => {
  const chain = (world: FakeWorld): string[] =>
    ['deployments.apps', 'replicasets.apps', 'pods'].flatMap((resource) =>
      world.store.list(resource, { namespace: 't' }).map(() => resource),
    );

  it.each(['Background', 'Foreground', 'Orphan'] as const)('%s', (propagation) => {
    const world = cluster();
    workload(world, 2);
    world.time.run(4_000);
    const gone: string[] = [];
    world.store.onChange('*', ({ type, resource }) => {
      if (type === 'DELETED') gone.push(resource);
    });
    world.store.remove('deployments.apps', { name: 'd', namespace: 't' }, { propagation });
    world.time.run(10_000);
    if (propagation === 'Orphan') {
      expect(gone).toEqual(['deployments.apps']);
      expect(chain(world)).toEqual(['replicasets.apps', 'pods', 'pods']);
    } else {
      expect(chain(world)).toEqual([]);
      const order = gone.filter((resource) => chainOf.includes(resource));
      expect(order[0]).toBe(propagation === 'Background' ? 'deployments.apps' : 'pods');
      expect(order.at(-1)).toBe(propagation === 'Background' ? 'pods' : 'deployments.apps');
    }
  });
  const chainOf = ['deployments.apps', 'replicasets.apps', 'pods'];

  it('collects what names an owner that never existed, by uid and not by name', () => {
    const world = cluster();
    world.store.create('configmaps', { metadata: { name: 'owner', namespace: 't' } });
    world.store.create('configmaps', {
      metadata: {
        name: 'x',
        namespace: 't',
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'another' }],
      },
    } as KubeObject);
    world.time.run(100);
    expect(world.store.get('configmaps', 'x', 't')).toBeUndefined();
  });
});

describe('the control plane', () => {
  it('does nothing while the API is away, and a new leader starts only a lease later', () => {
    const world = cluster();
    const state = machine(world, 'cp', 'control-plane');
    world.time.run(20_000);
    workload(world, 2);
    world.time.run(3_000);
    expect(pods(world)).toHaveLength(2);
    world.up = false;
    state.up = false;
    world.time.run(20_000);
    world.store.update<Pod>('pods', { name: pods(world)[0]!.metadata.name, namespace: 't' }, (draft) => {
      draft.status = { ...draft.status, phase: 'Failed' };
    });
    world.time.run(5_000);
    expect(pods(world)).toHaveLength(2);
    state.up = true;
    state.startedAt = world.time.now();
    world.up = true;
    world.time.run(14_000);
    expect(pods(world)).toHaveLength(2);
    world.time.run(5_000);
    expect(pods(world)).toHaveLength(3);
  });
});
