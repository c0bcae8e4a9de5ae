/** The status of a Deployment: counts, Available and Progressing (pkg/controller/deployment/{sync,progress}.go). */
import type { Deployment, ReplicaSet } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import { clone, conditionOf, setCondition, stamp } from './common.ts';
import { type Limits, sizeOf, total } from './deployment-replicas.ts';
import { countsTerminating } from './replicaset.ts';

type Status = NonNullable<Deployment['status']>;
type Conditions = NonNullable<Status['conditions']>;

const sum = (sets: readonly ReplicaSet[], field: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((value, set) => value + (field(set) ?? 0), 0);

function setProgressing(
  conditions: Conditions,
  status: string,
  reason: string,
  message: string,
  now: number,
  force: boolean,
): void {
  const existing = conditionOf(conditions, 'Progressing');
  if (!force && existing?.status === status && existing.reason === reason) return;
  setCondition(conditions, { type: 'Progressing', status, reason, message }, now);
  const written = conditionOf(conditions, 'Progressing');
  if (written !== undefined) written.lastUpdateTime = stamp(now);
}

/** Complete: all of the newest template, all available, no old pod left. */
const isComplete = (status: Status, replicas: number): boolean =>
  (status.updatedReplicas ?? 0) === replicas &&
  (status.replicas ?? 0) === replicas &&
  (status.availableReplicas ?? 0) === replicas;

/** Writes the status; returns the milliseconds until the progress deadline has to be looked at, if there is one. */
export function publishStatus(
  world: World,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  limits: Limits,
  created: boolean,
): number | undefined {
  const now = world.time.now();
  const deadlineMs = (deployment.spec?.progressDeadlineSeconds ?? 600) * 1000;
  let again: number | undefined;
  world.store.update<Deployment>(
    'deployments.apps',
    { name: deployment.metadata.name, namespace: deployment.metadata.namespace, uid: deployment.metadata.uid },
    (draft) => {
      const before = draft.status ?? {};
      const available = sum(sets, (set) => set.status?.availableReplicas);
      const replicas = sum(sets, (set) => set.status?.replicas);
      const updated = current?.status?.replicas ?? 0;
      const ready = sum(sets, (set) => set.status?.readyReplicas);
      const unavailable = Math.max(0, total(sets) - available);
      const conditions = clone(before.conditions ?? []);
      const status: Status = {
        ...(deployment.metadata.generation !== undefined && { observedGeneration: deployment.metadata.generation }),
        ...(replicas > 0 && { replicas }),
        ...(updated > 0 && { updatedReplicas: updated }),
        ...(ready > 0 && { readyReplicas: ready }),
        ...(available > 0 && { availableReplicas: available }),
        ...(unavailable > 0 && { unavailableReplicas: unavailable }),
        ...(countsTerminating(world.config.kubernetesVersion) && {
          terminatingReplicas: sum(sets, (set) => set.status?.terminatingReplicas),
        }),
        ...(before.collisionCount !== undefined && { collisionCount: before.collisionCount }),
      };
      const enough = available >= limits.replicas - limits.unavailable;
      setCondition(
        conditions,
        {
          type: 'Available',
          status: enough ? 'True' : 'False',
          reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
          message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
        },
        now,
      );
      const availableCondition = conditionOf(conditions, 'Available');
      if (availableCondition !== undefined) {
        availableCondition.lastUpdateTime = availableCondition.lastTransitionTime ?? stamp(now);
      }
      again = progress(conditions, before, status, current, limits, created, now, deadlineMs);
      status.conditions = conditions;
      draft.status = status;
    },
    { subresource: 'status' },
  );
  return again;
}

function progress(
  conditions: Conditions,
  before: Status,
  status: Status,
  current: ReplicaSet | undefined,
  limits: Limits,
  created: boolean,
  now: number,
  deadlineMs: number,
): number | undefined {
  if (current === undefined) return undefined;
  const name = current.metadata.name;
  const existing = conditionOf(conditions, 'Progressing');
  if (created) {
    setProgressing(conditions, 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, now, true);
  }
  // Once complete, a Deployment stays so until a new template comes: pods that fail later are no lack of progress.
  const wasComplete = existing?.reason === 'NewReplicaSetAvailable' && !created;
  if (wasComplete && (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && sizeOf(current) === limits.replicas) {
    return undefined;
  }
  if (isComplete(status, limits.replicas)) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    setProgressing(conditions, 'True', 'NewReplicaSetAvailable', message, now, false);
    return undefined;
  }
  const moved =
    (status.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    (status.replicas ?? 0) - (status.updatedReplicas ?? 0) < (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  if (moved) {
    setProgressing(conditions, 'True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`, now, true);
    return deadlineMs;
  }
  const since = Date.parse(conditionOf(conditions, 'Progressing')?.lastUpdateTime ?? stamp(now));
  if (now < since + deadlineMs) return since + deadlineMs - now;
  const message = `ReplicaSet "${name}" has timed out progressing.`;
  setProgressing(conditions, 'False', 'ProgressDeadlineExceeded', message, now, false);
  return undefined;
}
