/** The ReplicaSet controller: as many active pods as asked for (pkg/controller/replicaset). */
import type { Pod, ReplicaSet } from '../../kube/objects.ts';
import { controllerOf, keyOf, minorOf, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  availableIn,
  createPod,
  deletePod,
  isActive,
  isDeleting,
  isReady,
  isTerminal,
  phaseOf,
  podIndex,
} from './pods.ts';
import { carries } from './selectors.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'replicasets.apps';
/** Creates and deletes of one sync. */
const BURST = 500;
const PHASE_ORDER: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/** terminatingReplicas is on by default since 1.35 (DeploymentReplicaSetTerminatingReplicas; recorded with 1.36). */
export const countsTerminating = (version: string): boolean => minorOf(version) >= 35;

const restartsOf = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
const readySince = (pod: Pod): number =>
  Date.parse(pod.status?.conditions?.find((one) => one.type === 'Ready')?.lastTransitionTime ?? '') || 0;
/** Ages are compared by order of magnitude, so that pods of about the same age are alike. */
const magnitude = (since: number, now: number): number =>
  since === 0 ? -1 : Math.floor(Math.log2(Math.max(1, now - since)));

/** Which pods go first when there are too many (controller.ActivePodsWithRanks). */
export function deletionOrder(pods: readonly Pod[], neighbours: (node: string) => number, now: number): Pod[] {
  const keys = (pod: Pod): number[] => [
    pod.spec?.nodeName === undefined ? 0 : 1,
    PHASE_ORDER[phaseOf(pod)] ?? 2,
    isReady(pod) ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0'),
    -neighbours(pod.spec?.nodeName ?? ''),
    isReady(pod) ? magnitude(readySince(pod), now) : 0,
    -restartsOf(pod),
    magnitude(Date.parse(pod.metadata.creationTimestamp ?? ''), now),
  ];
  return [...pods].sort((a, b) => {
    const [left, right] = [keys(a), keys(b)];
    for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
    return (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1;
  });
}

export function startReplicaSets(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const pods = podIndex(store);

  const reconcile = (key: string): void => {
    const set = store.get<ReplicaSet>(RESOURCE, refOf(key).name, refOf(key).namespace);
    if (set?.spec?.template === undefined) return;
    const owned = () => pods.ownedBy(set.metadata.uid);
    if (set.metadata.deletionTimestamp === undefined) adjust(set, owned().filter(isActive));
    publish(set, owned());
  };

  const adjust = (set: ReplicaSet, active: Pod[]): void => {
    const missing = (set.spec!.replicas ?? 1) - active.length;
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid! };
    if (missing > 0) {
      for (let i = 0; i < Math.min(missing, BURST); i++) {
        createPod(world, owner, set.metadata.namespace ?? '', set.spec!.template!, {
          generateName: `${set.metadata.name}-`,
        });
      }
    } else if (missing < 0) {
      // Pods of sibling ReplicaSets of the same Deployment count as neighbours on a node.
      const family = controllerOf(set)?.uid;
      const relatives =
        family === undefined
          ? active
          : store
              .list<ReplicaSet>(RESOURCE, { namespace: set.metadata.namespace ?? '' })
              .filter((one) => controllerOf(one)?.uid === family)
              .flatMap((one) => pods.ownedBy(one.metadata.uid).filter(isActive));
      const neighbours = (node: string) => relatives.filter((pod) => pod.spec?.nodeName === node).length;
      const order = deletionOrder(active, neighbours, time.now());
      for (const pod of order.slice(0, Math.min(-missing, BURST))) deletePod(world, pod, owner);
    }
  };

  const publish = (set: ReplicaSet, owned: readonly Pod[]): void => {
    const active = owned.filter(isActive);
    const templateLabels = set.spec!.template?.metadata?.labels ?? {};
    const labelled = active.filter((pod) => carries(pod.metadata.labels ?? {}, templateLabels)).length;
    const ready = active.filter(isReady).length;
    let available = 0;
    for (const pod of active) {
      const wait = availableIn(pod, set.spec!.minReadySeconds ?? 0, time.now());
      if (wait === 0) available += 1;
      else if (wait !== undefined) queue.add(keyOf(set), wait);
    }
    const terminating = owned.filter((pod) => isDeleting(pod) && !isTerminal(pod)).length;
    store.update<ReplicaSet>(
      RESOURCE,
      { name: set.metadata.name, namespace: set.metadata.namespace, uid: set.metadata.uid },
      (draft) => {
        draft.status = {
          replicas: active.length,
          ...(labelled > 0 && { fullyLabeledReplicas: labelled }),
          ...(ready > 0 && { readyReplicas: ready }),
          ...(available > 0 && { availableReplicas: available }),
          ...(countsTerminating(world.config.kubernetesVersion) && { terminatingReplicas: terminating }),
          ...(set.metadata.generation !== undefined && { observedGeneration: set.metadata.generation }),
          ...(draft.status?.conditions && { conditions: draft.status.conditions }),
        };
      },
      { subresource: 'status' },
    );
  };

  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const set of store.list<ReplicaSet>(RESOURCE)) queue.add(keyOf(set));
  });
  store.onChange<ReplicaSet>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Pod>('pods', ({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === 'ReplicaSet') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
}
