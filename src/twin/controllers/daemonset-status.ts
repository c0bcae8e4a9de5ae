/** The status of a DaemonSet, with the fields that the API leaves out when they are 0. */
import type { DaemonSet } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import { omitZero } from './common.ts';
import type { Claim } from './daemonset.ts';
import { hashOf } from './daemonset-update.ts';
import { availableIn, isReady } from './pods.ts';

/**
 * Writes the status. observedGeneration rises only when `settled`, so that nobody sees a new generation with the old
 * counts. Returns the milliseconds after which a pod becomes available by mere waiting, if one does.
 */
export function publishStatus(
  world: World,
  set: DaemonSet,
  hash: string,
  claims: readonly Claim[],
  settled: boolean,
): number | undefined {
  const now = world.time.now();
  let desired = 0;
  let current = 0;
  let misscheduled = 0;
  let ready = 0;
  let available = 0;
  let updated = 0;
  let again: number | undefined;
  for (const claim of claims) {
    const oldest = claim.pods[0];
    if (!claim.shouldRun) {
      if (oldest !== undefined) misscheduled += 1;
      continue;
    }
    desired += 1;
    if (oldest === undefined) continue;
    current += 1;
    if (isReady(oldest)) {
      ready += 1;
      const wait = availableIn(oldest, set.spec?.minReadySeconds ?? 0, now);
      if (wait === 0) available += 1;
      else if (wait !== undefined) again = Math.min(again ?? wait, wait);
    }
    if (hashOf(oldest) === hash) updated += 1;
  }
  world.store.update<DaemonSet>(
    'daemonsets.apps',
    { name: set.metadata.name, namespace: set.metadata.namespace, uid: set.metadata.uid },
    (draft) => {
      const before = draft.status;
      const observed = settled ? set.metadata.generation : before?.observedGeneration;
      draft.status = {
        currentNumberScheduled: current,
        numberMisscheduled: misscheduled,
        desiredNumberScheduled: desired,
        numberReady: ready,
        ...(observed !== undefined && { observedGeneration: observed }),
        ...(updated > 0 && { updatedNumberScheduled: updated }),
        ...(available > 0 && { numberAvailable: available }),
        ...(desired > available && { numberUnavailable: omitZero(desired - available)! }),
        ...(before?.conditions && { conditions: before.conditions }),
        ...(before?.collisionCount !== undefined && { collisionCount: before.collisionCount }),
      };
    },
    { subresource: 'status' },
  );
  return again;
}
