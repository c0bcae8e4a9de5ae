import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DaemonSet, Deployment, KubeObject, Pod, ReplicaSet } from '../../../src/kube/objects.ts';
import { startControllers } from '../../../src/twin/controllers/index.ts';
import { addNode, type FakeWorld, fakeWorld, playKubelet } from './fake-world.ts';

interface Recorded {
  readonly watch: string;
  readonly type: string;
  readonly name: string;
  readonly deleting: boolean;
  readonly replicas: number | null;
  readonly status: Record<string, unknown>;
  readonly reasons: readonly string[];
}
const RECORDED = JSON.parse(
  readFileSync(new URL('../../fixtures/recorded-api-sequences/rollouts.json', import.meta.url), 'utf8'),
) as Record<string, Recorded[]>;

const canonical = (value: Record<string, unknown>): string => JSON.stringify(Object.entries(value).sort());
const distinct = (texts: readonly string[]): string[] => texts.filter((text, i) => text !== texts[i - 1]);

/** The first element of `wanted` that does not come in its turn. */
function missing(wanted: readonly string[], seen: readonly string[]): string | undefined {
  let at = 0;
  for (const text of wanted) {
    const found = seen.indexOf(text, at);
    if (found < 0) return text;
    at = found;
  }
  return undefined;
}

function cluster(): FakeWorld {
  const world = fakeWorld({ kubernetes: '1.36.2' });
  startControllers(world);
  playKubelet(world);
  addNode(world, 'n-1', (node) => {
    node.spec = { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] };
  });
  for (const name of ['n-2', 'n-3', 'n-4']) addNode(world, name);
  world.time.run(1_000);
  return world;
}

/** Collects the counters of a resource's status from now on. */
function collect(world: FakeWorld, resource: string): string[] {
  const seen: string[] = [];
  world.store.onChange<KubeObject>(resource, ({ type, object }) => {
    if (type === 'DELETED') return;
    const { conditions: _, collisionCount: __, ...counters } = (object.status ?? {}) as Record<string, unknown>;
    seen.push(canonical(counters));
  });
  return seen;
}
const statuses = (name: string, watch: string): string[] =>
  distinct(RECORDED[name]!.filter((event) => event.watch === watch).map((event) => canonical(event.status)));

const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'example.com/app:1' }], terminationGracePeriodSeconds: 5 },
});

describe('DaemonSet, as recorded', () => {
  const create = (world: FakeWorld): void =>
    void world.store.create<DaemonSet>('daemonsets.apps', {
      metadata: { name: 'np', namespace: 't8' },
      spec: { selector: { matchLabels: { app: 'np' } }, template: template('np') },
      status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
    });
  const change = (world: FakeWorld, edit: (draft: DaemonSet) => void): void =>
    void world.store.update<DaemonSet>('daemonsets.apps', { name: 'np', namespace: 't8' }, edit);

  it('ds-create', () => {
    const world = cluster();
    const seen = collect(world, 'daemonsets.apps');
    create(world);
    world.time.run(5_000);
    expect(missing(statuses('ds-create', 'daemonsets'), seen)).toBeUndefined();
  });

  it('ds-image-change: every recorded state comes in its turn', () => {
    const world = cluster();
    create(world);
    world.time.run(5_000);
    const seen = collect(world, 'daemonsets.apps');
    change(world, (draft) => {
      draft.spec!.template.spec!.containers[0]!.image = 'example.com/app:2';
    });
    world.time.run(20_000);
    expect(missing(statuses('ds-image-change', 'daemonsets'), seen)).toBeUndefined();
  });

  it('ds-image-change: one pod after the other, deleted, over, replaced', () => {
    const order = (events: readonly { name: string; what: string }[]): string[] => {
      const olds = new Map<string, string>();
      return events.map(({ name, what }) => {
        if (!olds.has(name)) olds.set(name, what === 'added' ? 'new' : 'old');
        return `${olds.get(name)} ${what}`;
      });
    };
    const first = new Set<string>();
    const reduce = (name: string, type: string, deleting: boolean, phase: unknown): string | undefined => {
      const what = type === 'ADDED' ? 'added' : deleting && phase === 'Succeeded' ? 'over' : deleting ? 'deleted' : '';
      if (what === '' || type === 'DELETED' || first.has(`${name} ${what}`)) return undefined;
      first.add(`${name} ${what}`);
      return what;
    };
    const recorded = RECORDED['ds-image-change']!.filter((event) => event.watch === 'pods').flatMap(
      ({ name, type, deleting, status }) => {
        const what = reduce(name, type, deleting, status.phase);
        return what === undefined ? [] : [{ name, what }];
      },
    );
    const world = cluster();
    create(world);
    world.time.run(5_000);
    const seen: { name: string; what: string }[] = [];
    world.store.onChange<Pod>('pods', ({ type, object }) => {
      const { name, deletionTimestamp } = object.metadata;
      const what = reduce(name, type, deletionTimestamp !== undefined, object.status?.phase);
      if (what !== undefined) seen.push({ name, what });
    });
    change(world, (draft) => {
      draft.spec!.template.spec!.containers[0]!.image = 'example.com/app:2';
    });
    world.time.run(20_000);
    expect(order(seen)).toEqual(order(recorded));
  });
});

describe('Deployment, as recorded', () => {
  const create = (world: FakeWorld): void =>
    void world.store.create<Deployment>('deployments.apps', {
      metadata: { name: 'gp', namespace: 't8' },
      spec: { replicas: 4, selector: { matchLabels: { app: 'gp' } }, template: template('gp') },
    });
  const change = (world: FakeWorld, edit: (draft: Deployment) => void): void =>
    void world.store.update<Deployment>('deployments.apps', { name: 'gp', namespace: 't8' }, edit);
  const reasons = (object: { status?: Deployment['status'] | undefined }): string =>
    (object.status?.conditions ?? [])
      .map((one) => `${one.type}=${one.status} ${one.reason}`)
      .sort()
      .join(', ');

  /** Sizes that the sets are given, oldest set first. */
  const sizes = (events: readonly { name: string; replicas: number | null | undefined }[]): string[] => {
    const names: string[] = [];
    const last = new Map<string, unknown>();
    return events.flatMap(({ name, replicas }) => {
      if (!names.includes(name)) names.push(name);
      if (last.get(name) === replicas) return [];
      last.set(name, replicas);
      return [`${names.indexOf(name)}:${replicas}`];
    });
  };

  it.each([
    ['deploy-create', undefined],
    [
      'deploy-image-change',
      (draft: Deployment) =>
        void Object.assign(draft.spec!.template.spec!.containers[0]!, { image: 'example.com/app:2' }),
    ],
    ['deploy-scale-up-6', (draft: Deployment) => void Object.assign(draft.spec!, { replicas: 6 })],
    ['deploy-scale-down-4', (draft: Deployment) => void Object.assign(draft.spec!, { replicas: 4 })],
  ] as [string, ((draft: Deployment) => void) | undefined][])('%s', (name, edit) => {
    const world: FakeWorld = cluster();
    if (edit !== undefined) {
      create(world);
      world.time.run(5_000);
      if (name === 'deploy-scale-down-4') {
        change(world, (draft) => {
          draft.spec!.replicas = 6;
        });
        world.time.run(5_000);
      }
    }
    const seen: { name: string; replicas: number | undefined }[] = [];
    const seenReasons: string[] = [];
    world.store.onChange<ReplicaSet>('replicasets.apps', ({ object }) => {
      seen.push({ name: object.metadata.name, replicas: object.spec?.replicas });
    });
    world.store.onChange<Deployment>('deployments.apps', ({ object }) => void seenReasons.push(reasons(object)));
    if (edit === undefined) create(world);
    else change(world, edit);
    world.time.run(20_000);

    const events = RECORDED[name]!;
    const recorded = sizes(events.filter((event) => event.watch === 'replicasets'));
    const own = sizes(seen);
    // Where several steps are possible at once the batches differ; the first moves and the end do not.
    expect(own.slice(0, 3).sort()).toEqual(recorded.slice(0, 3).sort());
    const ends = (steps: readonly string[]): string[] =>
      [...new Map(steps.map((step) => step.split(':') as [string, string]))].map((entry) => entry.join(':')).sort();
    expect(ends(own)).toEqual(ends(recorded));

    const deployment = world.store.get<Deployment>('deployments.apps', 'gp', 't8')!;
    const last = events.filter((event) => event.watch === 'deployments').at(-1)!;
    const { conditions: _, observedGeneration: __, ...counters } = deployment.status as Record<string, unknown>;
    const { observedGeneration: ___, ...expected } = last.status;
    expect(counters).toEqual(expected);
    expect(reasons(deployment)).toBe([...last.reasons].sort().join(', '));
    const wanted = distinct(
      events.filter((event) => event.watch === 'deployments').map((event) => [...event.reasons].sort().join(', ')),
    ).filter((text) => text.includes('Progressing') && text.includes('Available='));
    expect(missing(wanted, seenReasons)).toBeUndefined();
  });
});
