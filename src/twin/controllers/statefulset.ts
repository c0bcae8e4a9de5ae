/** The StatefulSet controller, without volume claims (the twin has no volumes): ordered or parallel, RollingUpdate or OnDelete. */
import type { Pod, StatefulSet } from '../../kube/objects.ts';
import { controllerOf, keyOf, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { createPod, deletePod, isAvailable, isDeleting, isReady, isTerminal, podIndex } from './pods.ts';
import { currentRevision, trimHistory } from './revisions.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'statefulsets.apps';
const HASH = 'controller-revision-hash';

export function startStatefulSets(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const pods = podIndex(store);

  const reconcile = (key: string): void => {
    const set = store.get<StatefulSet>(RESOURCE, refOf(key).name, refOf(key).namespace);
    if (set?.spec === undefined) return;
    const namespace = set.metadata.namespace ?? '';
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid: set.metadata.uid! };
    const hash = currentRevision(world, owner, namespace, set.spec.template, set.spec.selector.matchLabels);
    const revision = `${set.metadata.name}-${hash}`;
    if (set.metadata.deletionTimestamp === undefined) step(set, revision);
    const used = pods.ownedBy(owner.uid).map((pod) => pod.metadata.labels?.[HASH] ?? '');
    const hashes = used.map((label) => label.slice(set.metadata.name.length + 1));
    trimHistory(world, owner, namespace, new Set([hash, ...hashes]), set.spec.revisionHistoryLimit ?? 10);
    publish(set, revision);
  };

  const podOf = (set: StatefulSet, ordinal: number): Pod | undefined =>
    pods.ownedBy(set.metadata.uid).find((pod) => pod.metadata.name === `${set.metadata.name}-${ordinal}`);
  const ordinalOf = (pod: Pod): number => Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1));

  const ownerOf = ({ metadata: { name, uid } }: StatefulSet) =>
    ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: uid! }) as const;

  const create = (set: StatefulSet, ordinal: number, revision: string): void => {
    const name = `${set.metadata.name}-${ordinal}`;
    createPod(world, ownerOf(set), set.metadata.namespace ?? '', set.spec!.template, { name }, (draft) => {
      draft.metadata.labels = {
        ...draft.metadata.labels,
        [HASH]: revision,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
      };
      draft.spec!.hostname = name;
      if (set.spec!.serviceName) draft.spec!.subdomain = set.spec!.serviceName;
    });
  };

  /** One move at a time unless Parallel: up in order, down and updating in reverse, each waiting for Ready neighbours. */
  const step = (set: StatefulSet, revision: string): void => {
    const parallel = set.spec!.podManagementPolicy === 'Parallel';
    const start = set.spec!.ordinals?.start ?? 0;
    const end = start + (set.spec!.replicas ?? 1);
    for (let ordinal = start; ordinal < end; ordinal++) {
      const pod = podOf(set, ordinal);
      if (pod === undefined) {
        create(set, ordinal, revision);
      } else if (isTerminal(pod) && !isDeleting(pod)) {
        deletePod(world, pod, ownerOf(set));
      } else if (!isDeleting(pod) && isAvailable(pod, set.spec!.minReadySeconds ?? 0, time.now())) {
        continue;
      }
      if (!parallel) return;
    }
    const surplus = pods
      .ownedBy(set.metadata.uid)
      .filter((pod) => ordinalOf(pod) >= end || ordinalOf(pod) < start)
      .sort((a, b) => ordinalOf(b) - ordinalOf(a));
    for (const pod of surplus) {
      if (!isDeleting(pod)) deletePod(world, pod, ownerOf(set));
      if (!parallel) return;
    }
    if (set.spec!.updateStrategy?.type === 'OnDelete') return;
    const partition = set.spec!.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (let ordinal = end - 1; ordinal >= Math.max(start, partition); ordinal--) {
      const pod = podOf(set, ordinal);
      if (pod === undefined) return;
      if (pod.metadata.labels?.[HASH] !== revision) {
        if (!isDeleting(pod)) deletePod(world, pod, ownerOf(set));
        return;
      }
      if (!isReady(pod)) return;
    }
  };

  const publish = (set: StatefulSet, revision: string): void => {
    const owned = pods.ownedBy(set.metadata.uid).filter((pod) => !isTerminal(pod));
    const count = (test: (pod: Pod) => boolean): number => owned.filter(test).length;
    const updated = count((pod) => pod.metadata.labels?.[HASH] === revision && !isDeleting(pod));
    const ready = count(isReady);
    const replicas = set.spec!.replicas ?? 1;
    store.update<StatefulSet>(
      RESOURCE,
      { name: set.metadata.name, namespace: set.metadata.namespace, uid: set.metadata.uid },
      (draft) => {
        const before = draft.status?.currentRevision ?? revision;
        const finished = updated === replicas && ready === replicas;
        const current = finished ? revision : before;
        const inCurrent = count((pod) => pod.metadata.labels?.[HASH] === current && !isDeleting(pod));
        draft.status = {
          ...(set.metadata.generation !== undefined && { observedGeneration: set.metadata.generation }),
          replicas: owned.length,
          ...(ready > 0 && { readyReplicas: ready }),
          ...(inCurrent > 0 && { currentReplicas: inCurrent }),
          ...(updated > 0 && { updatedReplicas: updated }),
          availableReplicas: count((pod) => isAvailable(pod, set.spec!.minReadySeconds ?? 0, time.now())),
          currentRevision: current,
          updateRevision: revision,
          collisionCount: 0,
        };
      },
      { subresource: 'status' },
    );
  };

  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const set of store.list<StatefulSet>(RESOURCE)) queue.add(keyOf(set));
  });
  store.onChange<StatefulSet>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Pod>('pods', ({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === 'StatefulSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
}
