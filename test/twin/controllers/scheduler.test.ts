import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../../src/kube/objects.ts';
import { startControllers } from '../../../src/twin/controllers/index.ts';
import { addNode, type FakeWorld, fakeWorld } from './fake-world.ts';

type Spec = NonNullable<Pod['spec']>;
const CONTROL_PLANE = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

function cluster(kubernetes = '1.36.2'): FakeWorld {
  const world = fakeWorld({ kubernetes });
  startControllers(world);
  addNode(world, 'n-1', (node) => {
    node.spec = { taints: [CONTROL_PLANE] };
  });
  for (const name of ['n-2', 'n-3', 'n-4']) addNode(world, name);
  world.time.run(1_000);
  return world;
}

let count = 0;
function pod(world: FakeWorld, spec: Partial<Spec> = {}, labels: Record<string, string> = { app: 'x' }): string {
  count += 1;
  const name = `p${count}`;
  world.store.create<Pod>('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 't', labels },
    spec: { containers: [{ name: 'c', image: 'example.com/app:1' }], ...spec },
  });
  return name;
}
const get = (world: FakeWorld, name: string): Pod => world.store.get<Pod>('pods', name, 't')!;
const scheduled = (world: FakeWorld, name: string) =>
  get(world, name).status?.conditions?.find((one) => one.type === 'PodScheduled');
const nodesOf = (world: FakeWorld): string[] =>
  world.store
    .list<Pod>('pods')
    .map((one) => one.spec?.nodeName ?? 'pending')
    .sort();
const change = (world: FakeWorld, name: string, edit: (draft: Node) => void): void =>
  void world.store.update<Node>('nodes', { name }, edit);

const spread = (extra: object) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'x' } },
      ...extra,
    },
  ],
});

describe('the message of an unschedulable pod', () => {
  it.each([
    [
      '1.36.2',
      { nodeSelector: { no: 'x' } },
      "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    ],
    [
      '1.34.4',
      { nodeSelector: { no: 'x' } },
      "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    ],
    [
      '1.33.0',
      { nodeSelector: { no: 'x' } },
      "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    ],
  ])('%s', (version, spec, message) => {
    const world = cluster(version);
    const name = pod(world, spec);
    world.time.run(500);
    expect(scheduled(world, name)).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
  });

  it('counts host port clashes as curable', () => {
    const world = cluster();
    const ports = { containers: [{ name: 'c', image: 'i:1', ports: [{ containerPort: 80, hostPort: 80 }] }] };
    const names = [1, 2, 3, 4].map(() => pod(world, ports));
    world.time.run(500);
    expect(nodesOf(world)).toEqual(['n-2', 'n-3', 'n-4', 'pending']);
    const late = names.find((name) => get(world, name).spec?.nodeName === undefined)!;
    expect(scheduled(world, late)?.message).toContain("3 node(s) didn't have free ports for the requested pod ports");
    expect(scheduled(world, late)?.message).toContain('3 No preemption victims found for incoming pod');
  });

  it('gates say so', () => {
    const world = cluster();
    const name = pod(world, { schedulingGates: [{ name: 'example.com/g' }] });
    world.time.run(500);
    expect(scheduled(world, name)).toMatchObject({ status: 'False', reason: 'SchedulingGated' });
  });
});

describe('topology spread with two of four nodes tainted (recorded)', () => {
  it.each([
    ['Honor', { nodeTaintsPolicy: 'Honor' }, ['n-3', 'n-3', 'n-4', 'n-4']],
    ['Ignore', { nodeTaintsPolicy: 'Ignore' }, ['n-3', 'n-4', 'pending', 'pending']],
    ['unset', {}, ['n-3', 'n-4', 'pending', 'pending']],
  ])('%s', (_, extra, expected) => {
    const world = cluster();
    change(world, 'n-2', (draft) => {
      draft.spec = { taints: [{ key: 'a', effect: 'NoSchedule' }] };
    });
    for (let i = 0; i < 4; i++) pod(world, spread(extra));
    world.time.run(1_000);
    expect(nodesOf(world)).toEqual(expected);
  });

  it('spreads by revision with matchLabelKeys', () => {
    const world = cluster();
    const constraint = spread({ matchLabelKeys: ['hash'], nodeTaintsPolicy: 'Honor' });
    for (const hash of ['a', 'a', 'a', 'b', 'b', 'b']) pod(world, constraint, { app: 'x', hash });
    world.time.run(1_000);
    for (const hash of ['a', 'b']) {
      const nodes = world.store.list<Pod>('pods', { labels: { hash } }).map((one) => one.spec?.nodeName);
      expect(nodes.sort()).toEqual(['n-2', 'n-3', 'n-4']);
    }
  });
});

describe('placement', () => {
  it('spreads replicas over hosts by default', () => {
    const world = cluster();
    world.store.create('services', {
      metadata: { name: 's', namespace: 't' },
      spec: { selector: { app: 'x' }, ports: [{ port: 80 }] },
    });
    for (let i = 0; i < 9; i++) pod(world);
    world.time.run(1_000);
    expect(nodesOf(world)).toEqual(['n-2', 'n-3', 'n-4'].flatMap((node) => [node, node, node]));
  });

  it('keeps required anti-affinity and tries preferred', () => {
    const world = cluster();
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } };
    const required = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
    for (let i = 0; i < 4; i++) pod(world, required);
    world.time.run(1_000);
    expect(nodesOf(world)).toEqual(['n-2', 'n-3', 'n-4', 'pending']);
    const other = cluster();
    const preferred = {
      affinity: {
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
      },
    };
    for (let i = 0; i < 3; i++) pod(other, preferred);
    other.time.run(1_000);
    expect(nodesOf(other)).toEqual(['n-2', 'n-3', 'n-4']);
  });

  it('leaves a cordoned node alone, returns after the uncordon with back-off, and tolerates when told to', () => {
    const world = cluster();
    for (const name of ['n-2', 'n-3', 'n-4']) {
      change(world, name, (draft) => {
        draft.spec = { unschedulable: true };
      });
    }
    const plain = pod(world);
    const typha = pod(world, { tolerations: [{ operator: 'Exists' }] });
    world.time.run(1_000);
    expect(get(world, plain).spec?.nodeName).toBeUndefined();
    expect(get(world, typha).spec?.nodeName).toBeDefined();
    change(world, 'n-3', (draft) => void delete draft.spec!.unschedulable);
    world.time.run(11_000);
    expect(get(world, plain).spec?.nodeName).toBe('n-3');
  });

  it('gives the same placement for the same seed', () => {
    const place = (): string[] => {
      const world = cluster();
      for (let i = 0; i < 7; i++) pod(world);
      world.time.run(1_000);
      return world.store.list<Pod>('pods').map((one) => one.spec?.nodeName ?? '');
    };
    expect(place()).toEqual(place());
  });

  it('stops at 110 pods a node', () => {
    const world = cluster();
    for (const name of ['n-3', 'n-4']) world.store.remove('nodes', { name });
    for (let i = 0; i < 112; i++) pod(world);
    world.time.run(1_000);
    expect(nodesOf(world).filter((node) => node === 'n-2')).toHaveLength(110);
  });
});
