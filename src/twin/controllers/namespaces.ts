/** The namespace controller: empties a namespace that is being deleted, pods first (pkg/controller/namespace). */
import type { Namespace, Pod } from '../../kube/objects.ts';
import { unavailableGroups } from './api-services.ts';
import { clone, equal, setCondition } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Entry, ObjectIndex } from './object-index.ts';
import { isTerminal } from './pods.ts';
import { workQueue } from './work-queue.ts';

/** Recorded: the first pass comes 5 s after the deletion, and again 5 s after each change of the namespace. */
const LATE_MS = 5_000;
/** While finalizers remain: 15 s are estimated, half of that and one second more are waited. */
const FINALIZERS_MS = 8_000;
const FIRST_RETRY_MS = 5;
const MAX_RETRY_MS = 60_000;
const RESOURCE = 'namespaces';

interface Verdict {
  readonly type: string;
  readonly failing: boolean;
  readonly good: readonly [reason: string, message: string];
  readonly bad: readonly [reason: string, message: string];
}

/** `configmaps. has 1 resource instances, pods. has 2 resource instances` */
function tally(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { resource } of entries) {
    const name = resource.includes('.') ? resource : `${resource}.`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} has ${count} resource instances`).join(', ');
}

function finalizerTally(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { object } of entries) {
    for (const finalizer of object.metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
    .join(', ');
}

export function startNamespaces(plane: ControlPlane, index: ObjectIndex): void {
  const { world } = plane;
  const { store, time } = world;
  const failures = new Map<string, number>();

  const contentOf = (name: string): Entry[] =>
    index.inNamespace(name).filter(({ resource }) => resource !== 'events' && resource !== 'events.events.k8s.io');

  const reconcile = (name: string): void => {
    const namespace = store.get<Namespace>(RESOURCE, name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return;
    const pods = contentOf(name).filter(({ resource }) => resource === 'pods');
    // Ordered deletion: everything else stays until the last pod has gone.
    const doomed = pods.length > 0 ? pods : contentOf(name);
    for (const { resource, object } of doomed) {
      if (object.metadata.deletionTimestamp !== undefined) continue;
      store.remove(resource, { name: object.metadata.name, namespace: name, uid: object.metadata.uid });
    }
    const left = contentOf(name);
    // The aggregated groups that do not answer may hold content; nobody can know.
    const broken = unavailableGroups(store);
    const changed = publish(namespace, pods.length > 0 ? [] : left, broken);
    if (broken.length > 0) {
      const count = failures.get(name) ?? 0;
      failures.set(name, count + 1);
      queue.add(name, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** count));
      return;
    }
    failures.delete(name);
    if (left.length === 0) {
      finish(name);
      return;
    }
    queue.add(name, changed ? LATE_MS : pods.length > 0 ? podWait(left) : FINALIZERS_MS);
  };

  const podWait = (left: readonly Entry[]): number => {
    const graces = left
      .filter(({ resource, object }) => resource === 'pods' && !isTerminal(object as unknown as Pod))
      .map(({ object }) => object.metadata.deletionGracePeriodSeconds ?? 0);
    return (Math.floor(Math.max(0, ...graces) / 2) + 1) * 1000;
  };

  const publish = (namespace: Namespace, left: readonly Entry[], broken: readonly string[]): boolean => {
    const held = left.filter(({ object }) => object.metadata.finalizers?.length);
    const groups = broken.map((group) => `${group}: stale GroupVersion discovery: ${group}`).join(', ');
    const verdicts: Verdict[] = [
      {
        type: 'NamespaceDeletionDiscoveryFailure',
        failing: broken.length > 0,
        good: ['ResourcesDiscovered', 'All resources successfully discovered'],
        bad: [
          'DiscoveryFailed',
          `Discovery failed for some groups, ${broken.length} failing: unable to retrieve the complete list of server APIs: ${groups}`,
        ],
      },
      {
        type: 'NamespaceDeletionGroupVersionParsingFailure',
        failing: false,
        good: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
        bad: ['', ''],
      },
      {
        type: 'NamespaceDeletionContentFailure',
        failing: false,
        good: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
        bad: ['', ''],
      },
      {
        type: 'NamespaceContentRemaining',
        failing: left.length > 0,
        good: ['ContentRemoved', 'All content successfully removed'],
        bad: ['SomeResourcesRemain', `Some resources are remaining: ${tally(left)}`],
      },
      {
        type: 'NamespaceFinalizersRemaining',
        failing: held.length > 0,
        good: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
        bad: [
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${finalizerTally(held)}`,
        ],
      },
    ];
    const conditions = clone(namespace.status?.conditions ?? []);
    for (const { type, failing, good, bad } of verdicts) {
      const [reason, message] = failing ? bad : good;
      setCondition(conditions, { type, status: failing ? 'True' : 'False', reason, message }, time.now());
    }
    if (equal(conditions, namespace.status?.conditions ?? [])) return false;
    store.update<Namespace>(
      RESOURCE,
      { name: namespace.metadata.name, uid: namespace.metadata.uid },
      (draft) => {
        draft.status = { ...draft.status, phase: 'Terminating', conditions };
      },
      { subresource: 'status' },
    );
    return true;
  };

  /** What /finalize does: without its finalizer the namespace goes. */
  const finish = (name: string): void => {
    store.update<Namespace>(RESOURCE, { name }, (draft) => {
      draft.spec = { ...draft.spec, finalizers: [] };
    });
    if (store.get(RESOURCE, name) !== undefined) store.remove(RESOURCE, { name });
  };

  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const namespace of store.list<Namespace>(RESOURCE)) {
      if (namespace.metadata.deletionTimestamp !== undefined) queue.add(namespace.metadata.name, LATE_MS);
    }
  });
  store.onChange<Namespace>(RESOURCE, ({ type, object, previous }) => {
    const begins =
      object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined;
    if (type !== 'DELETED' && begins) queue.add(object.metadata.name, LATE_MS);
  });
}
