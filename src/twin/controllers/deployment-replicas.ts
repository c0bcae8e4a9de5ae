/** ReplicaSets of a Deployment: finding, making and sizing them (pkg/controller/deployment/util). */
import type { Deployment, ReplicaSet } from '../../kube/objects.ts';
import { recordRoutine, subjectOf } from '../events.ts';
import type { World } from '../world.ts';
import { canonical, canonicalOf, clone, controllerReference, ownedBy, scaled } from './common.ts';
import { templateHash } from './hash.ts';

export const REPLICA_SETS = 'replicasets.apps';
const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAXIMUM = 'deployment.kubernetes.io/max-replicas';
const NOT_COPIED = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, DESIRED, MAXIMUM]);

export const sizeOf = (set: ReplicaSet): number => set.spec?.replicas ?? 0;
export const total = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);
export const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[REVISION] ?? '0');

export interface Limits {
  readonly replicas: number;
  readonly surge: number;
  readonly unavailable: number;
}

/** Surge rounds up, unavailability down; both 0 would never move, so one may then be unavailable. */
export function limitsOf(deployment: Deployment): Limits {
  const replicas = deployment.spec?.replicas ?? 1;
  if (deployment.spec?.strategy?.type === 'Recreate') return { replicas, surge: 0, unavailable: 0 };
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const surge = scaled(rolling?.maxSurge ?? '25%', replicas, 'up');
  const unavailable = Math.min(replicas, scaled(rolling?.maxUnavailable ?? '25%', replicas, 'down'));
  return { replicas, surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** Oldest first. */
export function replicaSetsOf(world: World, deployment: Deployment): ReplicaSet[] {
  return world.store
    .list<ReplicaSet>(REPLICA_SETS, { namespace: deployment.metadata.namespace ?? '' })
    .filter((set) => ownedBy(set, deployment.metadata.uid))
    .sort((a, b) => {
      const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
      return left < right ? -1 : left > right ? 1 : revisionOf(a) - revisionOf(b);
    });
}

const TEMPLATES = new WeakMap<object, string>();

/** A set's template without the label that tells it apart, as text. */
function templateOf(set: ReplicaSet): string {
  const part = set.spec?.template;
  const known = part && TEMPLATES.get(part);
  if (known !== undefined) return known;
  const template = clone(set.spec?.template ?? {}) as { metadata?: { labels?: Record<string, string> } };
  delete template.metadata?.labels?.['pod-template-hash'];
  const text = canonical(template);
  if (part) TEMPLATES.set(part, text);
  return text;
}

export function currentSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = deployment.spec?.template;
  const wanted = template ? canonicalOf(template) : canonical({});
  return sets.find((set) => templateOf(set) === wanted);
}

function annotate(deployment: Deployment, draft: ReplicaSet, limits: Limits, revision: number | undefined): void {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name));
  draft.metadata.annotations = {
    ...draft.metadata.annotations,
    ...Object.fromEntries(copied),
    [DESIRED]: String(limits.replicas),
    [MAXIMUM]: String(limits.replicas + limits.surge),
    ...(revision !== undefined && { [REVISION]: String(revision) }),
  };
}

/** True when the Deployment's size changed since this set was last sized. */
export const wasResized = (set: ReplicaSet, replicas: number): boolean =>
  sizeOf(set) > 0 && set.metadata.annotations?.[DESIRED] !== String(replicas);

export const maximumOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[MAXIMUM] ?? '0');

/** Sets the size and the annotations that follow from it. */
export function resize(world: World, deployment: Deployment, set: ReplicaSet, replicas: number, limits: Limits): void {
  world.store.update<ReplicaSet>(
    REPLICA_SETS,
    { name: set.metadata.name, namespace: set.metadata.namespace, uid: set.metadata.uid },
    (draft) => {
      draft.spec!.replicas = replicas;
      annotate(deployment, draft, limits, undefined);
    },
  );
  told(world, deployment, set.metadata.name, sizeOf(set), replicas);
}

function told(world: World, deployment: Deployment, set: string, from: number, to: number): void {
  if (from === to) return;
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set} from ${from} to ${to}`;
  const subject = subjectOf({ ...deployment, apiVersion: 'apps/v1', kind: 'Deployment' });
  recordRoutine(world, subject, { component: 'deployment-controller', reason: 'ScalingReplicaSet', message });
}

/** The set of the present template, made when there is none; its revision is the highest. Also tells whether it is new. */
export function ensureSet(
  world: World,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  limits: Limits,
): { set: ReplicaSet; created: boolean } {
  const existing = currentSet(deployment, sets);
  const revision = Math.max(0, ...sets.filter((set) => set !== existing).map(revisionOf)) + 1;
  const number = existing === undefined ? revision : Math.max(revision, revisionOf(existing));
  let result: ReplicaSet;
  if (existing !== undefined) {
    result =
      world.store.update<ReplicaSet>(
        REPLICA_SETS,
        { name: existing.metadata.name, namespace: existing.metadata.namespace },
        (draft) => annotate(deployment, draft, limits, number),
      ) ?? existing;
  } else {
    result = createSet(world, deployment, sets, limits, number);
  }
  if (deployment.metadata.annotations?.[REVISION] !== String(number)) {
    world.store.update<Deployment>(
      'deployments.apps',
      { name: deployment.metadata.name, namespace: deployment.metadata.namespace, uid: deployment.metadata.uid },
      (draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, [REVISION]: String(number) };
      },
      // Through the status, which takes annotations along: no new generation (recorded: deploy-create).
      { subresource: 'status' },
    );
  }
  return { set: result, created: existing === undefined };
}

function createSet(
  world: World,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  limits: Limits,
  revision: number,
): ReplicaSet {
  const template = clone(deployment.spec!.template);
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash };
  template.metadata = { ...template.metadata, labels };
  const selector = clone(deployment.spec!.selector);
  selector.matchLabels = { ...selector.matchLabels, 'pod-template-hash': hash };
  const room = Math.max(0, limits.replicas + limits.surge - total(sets));
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  const draft: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      ownerReferences: [
        controllerReference({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: deployment.metadata.name,
          uid: deployment.metadata.uid!,
        }),
      ],
    },
    spec: {
      replicas: recreate ? limits.replicas : Math.min(room, limits.replicas),
      ...(deployment.spec?.minReadySeconds && { minReadySeconds: deployment.spec.minReadySeconds }),
      selector,
      template,
    },
    status: { replicas: 0 },
  };
  annotate(deployment, draft, limits, revision);
  const set = world.store.create<ReplicaSet>(REPLICA_SETS, draft);
  told(world, deployment, set.metadata.name, 0, sizeOf(set));
  return set;
}
