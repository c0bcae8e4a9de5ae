/** Which daemon pods a rolling update deletes now (pkg/controller/daemon/update.go, maxSurge 0). */
import type { DaemonSet, Pod } from '../../kube/objects.ts';
import { scaled } from './common.ts';
import type { Claim } from './daemonset.ts';
import { isAvailable, isDeleting } from './pods.ts';

export const hashOf = (pod: Pod): string => pod.metadata.labels?.['controller-revision-hash'] ?? '';

/**
 * Old pods that are not available are always replaced; available ones only while fewer than maxUnavailable nodes lack an
 * available pod. A node whose pod is being deleted, or that has none, counts as lacking.
 */
export function podsToReplace(set: DaemonSet, hash: string, claims: readonly Claim[], now: number): Pod[] {
  const update = set.spec?.updateStrategy?.rollingUpdate;
  const ready = set.spec?.minReadySeconds ?? 0;
  const wanted = claims.filter((claim) => claim.shouldRun).length;
  const maxUnavailable = Math.max(1, scaled(update?.maxUnavailable ?? 1, wanted, 'up'));
  let lacking = 0;
  const stuck: Pod[] = [];
  const candidates: Pod[] = [];
  for (const claim of claims) {
    if (!claim.shouldRun && claim.pods.length === 0) continue;
    const living = claim.pods.filter((pod) => !isDeleting(pod));
    const fresh = living.filter((pod) => hashOf(pod) === hash);
    const old = living.filter((pod) => hashOf(pod) !== hash);
    if (fresh.length + old.length !== 1) {
      lacking += 1;
    } else if (old[0] === undefined) {
      if (!isAvailable(fresh[0]!, ready, now)) lacking += 1;
    } else if (!isAvailable(old[0], ready, now)) {
      stuck.push(old[0]);
    } else {
      candidates.push(old[0]);
    }
  }
  return [...stuck, ...candidates.slice(0, Math.max(0, maxUnavailable - lacking - stuck.length))];
}
