/** The Deployment controller: rolling update, recreate, scaling, history (pkg/controller/deployment). */
import type { Deployment, ReplicaSet } from '../../kube/objects.ts';
import { controllerOf, keyOf, refOf } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  currentSet,
  ensureSet,
  type Limits,
  limitsOf,
  maximumOf,
  REPLICA_SETS,
  replicaSetsOf,
  resize,
  sizeOf,
  total,
  wasResized,
} from './deployment-replicas.ts';
import { publishStatus } from './deployment-status.ts';
import { isTerminal, podIndex } from './pods.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'deployments.apps';

export function startDeployments(plane: ControlPlane): void {
  const { world } = plane;
  const { store } = world;
  const pods = podIndex(store);

  const reconcile = (key: string): void => {
    const deployment = store.get<Deployment>(RESOURCE, refOf(key).name, refOf(key).namespace);
    if (deployment?.spec === undefined) return;
    const limits = limitsOf(deployment);
    const sets = () => replicaSetsOf(world, deployment);
    let created = false;
    if (deployment.metadata.deletionTimestamp === undefined) {
      if (deployment.spec.paused === true || sets().some((set) => wasResized(set, limits.replicas))) {
        scale(deployment, sets(), limits);
      } else if (deployment.spec.strategy?.type === 'Recreate') {
        created = recreate(deployment, sets(), limits);
      } else {
        created = roll(deployment, sets(), limits);
      }
      trim(deployment, sets());
    }
    const now = sets();
    const again = publishStatus(world, deployment, now, currentSet(deployment, now), limits, created);
    if (again !== undefined) queue.add(key, again + 1_000);
  };

  const roll = (deployment: Deployment, sets: ReplicaSet[], limits: Limits): boolean => {
    const { set: current, created } = ensureSet(world, deployment, sets, limits);
    const old = sets.filter((set) => set.metadata.uid !== current.metadata.uid && sizeOf(set) > 0);
    const room = limits.replicas + limits.surge - total([...old, current]);
    if (sizeOf(current) > limits.replicas) {
      resize(world, deployment, current, limits.replicas, limits);
    } else if (sizeOf(current) < limits.replicas && room > 0) {
      resize(world, deployment, current, sizeOf(current) + Math.min(room, limits.replicas - sizeOf(current)), limits);
      return created;
    }
    if (!created) shrinkOld(deployment, old, current, limits);
    return created;
  };

  /** Unready pods of old sets go first, then as many as availability allows. */
  const shrinkOld = (deployment: Deployment, old: ReplicaSet[], current: ReplicaSet, limits: Limits): void => {
    const least = limits.replicas - limits.unavailable;
    const currentLacking = sizeOf(current) - (current.status?.availableReplicas ?? 0);
    let unready = total([...old, current]) - least - currentLacking;
    if (unready <= 0) return;
    const sizes = new Map(old.map((set) => [set, sizeOf(set)]));
    for (const set of old) {
      const lacking = Math.max(0, sizeOf(set) - (set.status?.availableReplicas ?? 0));
      const step = Math.min(unready, lacking);
      sizes.set(set, sizeOf(set) - step);
      unready -= step;
    }
    const available = [...old, current].reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
    let spare = available - least;
    for (const [set, size] of sizes) {
      if (spare <= 0) break;
      const step = Math.min(spare, size);
      sizes.set(set, size - step);
      spare -= step;
    }
    for (const [set, size] of sizes) if (size !== sizeOf(set)) resize(world, deployment, set, size, limits);
  };

  const recreate = (deployment: Deployment, sets: ReplicaSet[], limits: Limits): boolean => {
    const existing = currentSet(deployment, sets);
    const old = sets.filter((set) => set.metadata.uid !== existing?.metadata.uid);
    for (const set of old) if (sizeOf(set) > 0) resize(world, deployment, set, 0, limits);
    const stillRunning = old.some((set) => pods.ownedBy(set.metadata.uid).some((pod) => !isTerminal(pod)));
    if (stillRunning) return false;
    const { set, created } = ensureSet(world, deployment, sets, limits);
    if (sizeOf(set) !== limits.replicas) resize(world, deployment, set, limits.replicas, limits);
    return created;
  };

  /** A new size while a roll-out is under way is shared out in proportion; otherwise the only set takes it. */
  const scale = (deployment: Deployment, sets: ReplicaSet[], limits: Limits): void => {
    const active = sets.filter((set) => sizeOf(set) > 0);
    const current = currentSet(deployment, sets);
    if (active.length <= 1) {
      const only = active[0] ?? current ?? sets.at(-1);
      if (only !== undefined) resize(world, deployment, only, limits.replicas, limits);
      return;
    }
    const saturated =
      current !== undefined &&
      sizeOf(current) === limits.replicas &&
      current.status?.availableReplicas === limits.replicas;
    if (saturated) {
      for (const set of active) if (set !== current) resize(world, deployment, set, 0, limits);
      resize(world, deployment, current, limits.replicas, limits);
      return;
    }
    const allowed = limits.replicas > 0 ? limits.replicas + limits.surge : 0;
    let left = allowed - total(active);
    const largestFirst = [...active].sort((a, b) => sizeOf(b) - sizeOf(a));
    const sizes = new Map<ReplicaSet, number>();
    for (const set of largestFirst) {
      const before = maximumOf(set) || limits.replicas;
      const share = Math.round((sizeOf(set) * allowed) / before) - sizeOf(set);
      const step = left >= 0 ? Math.min(Math.max(0, share), left) : Math.max(Math.min(0, share), left);
      sizes.set(set, sizeOf(set) + step);
      left -= step;
    }
    const first = largestFirst[0];
    if (first !== undefined) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + left));
    for (const [set, size] of sizes) resize(world, deployment, set, size, limits);
  };

  /** Old, empty sets beyond revisionHistoryLimit. */
  const trim = (deployment: Deployment, sets: ReplicaSet[]): void => {
    const current = currentSet(deployment, sets);
    const old = sets.filter(
      (set) =>
        set !== current &&
        sizeOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        set.metadata.deletionTimestamp === undefined,
    );
    const surplus = old.length - (deployment.spec?.revisionHistoryLimit ?? 10);
    for (const set of old.slice(0, Math.max(0, surplus))) {
      store.remove(REPLICA_SETS, { name: set.metadata.name, namespace: set.metadata.namespace });
    }
  };

  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const one of store.list<Deployment>(RESOURCE)) queue.add(keyOf(one));
  });
  store.onChange<Deployment>(RESOURCE, (event) => {
    if (event.type !== 'DELETED') queue.add(keyOf(event.object));
  });
  store.onChange<ReplicaSet>(REPLICA_SETS, ({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace}/${owner.name}`);
  });
  // A recreating Deployment waits for its old pods, which a ReplicaSet's status does not show.
  store.onChange('pods', (event) => {
    if (event.type !== 'DELETED') return;
    const owner = controllerOf(event.object);
    if (owner?.kind !== 'ReplicaSet') return;
    const set = store.get<ReplicaSet>(REPLICA_SETS, owner.name, event.object.metadata.namespace);
    const parent = set && controllerOf(set);
    if (parent?.kind === 'Deployment') queue.add(`${event.object.metadata.namespace}/${parent.name}`);
  });
}
