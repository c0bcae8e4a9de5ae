/** The disruption controller: what a PodDisruptionBudget allows now (pkg/controller/disruption). */
import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet, StatefulSet } from '../../kube/objects.ts';
import { clone, controllerOf, keyOf, refOf, scaled, setCondition } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { isDeleting, isReady, podIndex } from './pods.ts';
import { selects } from './selectors.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'poddisruptionbudgets.policy';
/** Recorded: the status follows a pod within milliseconds. */
const LATENCY_MS = 5;
/** An evicted pod that is still there after this is thought to be staying (DeletionTimeout). */
const DISRUPTED_MS = 2 * 60_000;

class CannotCount extends Error {}

export function startDisruption(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const pods = podIndex(store);

  /** The size that the controllers of these pods want, each counted once. */
  const scaleOf = (members: readonly Pod[]): number => {
    const sizes = new Map<string, number>();
    for (const pod of members) {
      const owner = controllerOf(pod);
      // Pods without a controller count for nothing (recorded: UnmanagedPods, expectedPods 0).
      if (owner === undefined) continue;
      const namespace = pod.metadata.namespace;
      if (owner.kind === 'ReplicaSet') {
        const set = store.get<ReplicaSet>('replicasets.apps', owner.name, namespace);
        const parent = set && controllerOf(set);
        const deployment =
          parent?.kind === 'Deployment' ? store.get<Deployment>('deployments.apps', parent.name, namespace) : undefined;
        const scaledObject = deployment ?? set;
        if (scaledObject !== undefined) sizes.set(scaledObject.metadata.uid ?? '', scaledObject.spec?.replicas ?? 1);
      } else if (owner.kind === 'StatefulSet') {
        const set = store.get<StatefulSet>('statefulsets.apps', owner.name, namespace);
        if (set !== undefined) sizes.set(set.metadata.uid ?? '', set.spec?.replicas ?? 1);
      } else {
        const plural = `${owner.kind.toLowerCase()}s.${owner.apiVersion.split('/')[0]}`;
        throw new CannotCount(`${plural} does not implement the scale subresource`);
      }
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  };

  const expectation = (budget: PodDisruptionBudget, members: readonly Pod[]): { expected: number; desired: number } => {
    const { maxUnavailable, minAvailable } = budget.spec ?? {};
    if (maxUnavailable !== undefined) {
      const expected = scaleOf(members);
      return { expected, desired: Math.max(0, expected - scaled(maxUnavailable, expected, 'up')) };
    }
    if (typeof minAvailable === 'string') {
      const expected = scaleOf(members);
      return { expected, desired: scaled(minAvailable, expected, 'up') };
    }
    return { expected: members.length, desired: minAvailable ?? 1 };
  };

  const reconcile = (key: string): void => {
    const budget = store.get<PodDisruptionBudget>(RESOURCE, refOf(key).name, refOf(key).namespace);
    if (budget === undefined) return;
    const now = time.now();
    const members = pods
      .inNamespace(budget.metadata.namespace ?? '')
      .filter((pod) => selects(budget.spec?.selector, pod.metadata.labels));
    const disrupted: Record<string, string> = {};
    for (const [name, at] of Object.entries(budget.status?.disruptedPods ?? {})) {
      const pod = members.find((one) => one.metadata.name === name);
      if (pod === undefined || isDeleting(pod)) continue;
      const left = Date.parse(at) + DISRUPTED_MS - now;
      if (left <= 0) continue;
      disrupted[name] = at;
      queue.add(key, left);
    }
    const healthy = members.filter(
      (pod) => isReady(pod) && !isDeleting(pod) && disrupted[pod.metadata.name] === undefined,
    ).length;
    let counts: { expected: number; desired: number } | undefined;
    let failure = '';
    try {
      // Pods that have ended count among the expected ones too (recorded: pdb-get-no-pods-ready).
      counts = expectation(budget, members);
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      failure = error.message;
    }
    const allowed = counts === undefined || counts.expected <= 0 ? 0 : Math.max(0, healthy - counts.desired);
    store.update<PodDisruptionBudget>(
      RESOURCE,
      { name: budget.metadata.name, namespace: budget.metadata.namespace, uid: budget.metadata.uid },
      (draft) => {
        const conditions = clone(draft.status?.conditions ?? []);
        setCondition(
          conditions,
          {
            type: 'DisruptionAllowed',
            status: allowed > 0 ? 'True' : 'False',
            reason: counts === undefined ? 'SyncFailed' : allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
            message: failure,
            ...(budget.metadata.generation !== undefined && { observedGeneration: budget.metadata.generation }),
          } as { type: string; status: string },
          now,
        );
        draft.status = {
          ...(budget.metadata.generation !== undefined && { observedGeneration: budget.metadata.generation }),
          ...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
          disruptionsAllowed: allowed,
          currentHealthy: counts === undefined ? (draft.status?.currentHealthy ?? 0) : healthy,
          desiredHealthy: counts?.desired ?? draft.status?.desiredHealthy ?? 0,
          expectedPods: counts?.expected ?? draft.status?.expectedPods ?? 0,
          conditions,
        };
      },
      { subresource: 'status' },
    );
  };

  const queue = workQueue(plane, reconcile, { latencyMs: LATENCY_MS });
  const ofNamespace = (namespace: string | undefined, concerned: (budget: PodDisruptionBudget) => boolean): void => {
    for (const budget of store.list<PodDisruptionBudget>(RESOURCE, { namespace: namespace ?? '' })) {
      if (concerned(budget)) queue.add(keyOf(budget));
    }
  };
  plane.onElected(() => {
    for (const budget of store.list<PodDisruptionBudget>(RESOURCE)) queue.add(keyOf(budget));
  });
  store.onChange<PodDisruptionBudget>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<Pod>('pods', ({ object, previous }) => {
    ofNamespace(
      object.metadata.namespace,
      (budget) =>
        selects(budget.spec?.selector, object.metadata.labels) ||
        selects(budget.spec?.selector, previous?.metadata.labels),
    );
  });
  // A new size of a controller changes what is expected.
  for (const scalable of ['deployments.apps', 'replicasets.apps', 'statefulsets.apps']) {
    store.onChange<Deployment>(scalable, ({ type, object, previous }) => {
      if (type === 'MODIFIED' && object.spec?.replicas === previous?.spec?.replicas) return;
      ofNamespace(object.metadata.namespace, () => true);
    });
  }
}
