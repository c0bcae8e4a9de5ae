/**
 * Do all containers run? Pods that a controller keeps, wherever they are, but Calico's: its readiness is reported during
 * the migration, never judged. Pods of the probes are the gate's own matter, pods that are not placed the workloads'.
 */
import { CALICO_NAMESPACES } from '../cni/calico.ts';
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import { probeOf, wasKilled } from '../probe/instances.ts';
import { controllerOf } from './drain-filter.ts';
import type { Gap } from './gate/coverage.ts';
import type { Rehearsal } from './rehearsal.ts';
import { podName, whyNotReady } from './rollout.ts';

/** Jobs end, and bare pods are nobody's promise. */
const KEEPERS = new Set(['DaemonSet', 'ReplicaSet', 'StatefulSet', 'Node']);
/** Starts between two checkpoints that no longer are an accident. */
const AGAIN_AND_AGAIN = 3;

/** Starts of a pod's containers by pod uid and container. */
export type RestartCounts = ReadonlyMap<string, number>;

function isJudged(pod: Pod): boolean {
  const { namespace = '', deletionTimestamp } = pod.metadata;
  return (
    !(CALICO_NAMESPACES as readonly string[]).includes(namespace) &&
    deletionTimestamp === undefined &&
    (pod.spec?.nodeName ?? '') !== '' &&
    pod.status?.phase !== 'Succeeded' &&
    pod.status?.phase !== 'Failed' &&
    KEEPERS.has(controllerOf(pod)?.kind ?? '') &&
    probeOf(pod) === undefined
  );
}

function keyed(pod: Pod): [string, number][] {
  return (pod.status?.containerStatuses ?? []).map((status) => [
    `${pod.metadata.uid}/${status.name}`,
    status.restartCount ?? 0,
  ]);
}

/** How often each container has been started again so far. */
export function restartCounts(list: readonly Pod[]): RestartCounts {
  return new Map(list.filter(isJudged).flatMap(keyed));
}

/**
 * Containers that do not run, or restart again and again; `explained` pods may have restarted, not more.
 * @param before the counts at the checkpoint before; null where there is none yet
 */
export function containerGaps(
  list: readonly Pod[],
  before: RestartCounts | null,
  explained: (uid: string) => boolean,
): Gap[] {
  return list.filter(isJudged).flatMap((pod): Gap[] => {
    const where = `${podName(pod)} on ${pod.spec?.nodeName}`;
    const statuses = pod.status?.containerStatuses ?? [];
    if (statuses.length === 0 || statuses.some(({ ready }) => !ready)) {
      const message = `${where} is not Ready: ${whyNotReady(pod)}`;
      return [{ kind: 'not-ready', message, ...(wasKilled(pod) ? { killed: true } : {}) }];
    }
    if (explained(pod.metadata.uid ?? '')) return [];
    return keyed(pod).flatMap(([key, count]): Gap[] => {
      // One that is new since then began at nothing.
      const again = count - (before?.get(key) ?? (before === null ? count : 0));
      if (again < AGAIN_AND_AGAIN) return [];
      const name = key.slice(key.indexOf('/') + 1);
      const message = `${where}: container ${name} was started again ${again} times since the checkpoint before`;
      return [{ kind: 'not-ready', message }];
    });
  });
}

/** Looks at all pods now. */
export async function lookAtContainers(rehearsal: Rehearsal): Promise<Gap[]> {
  const { rawApi, journal, outages, found } = rehearsal;
  const apiWasAway = outages.lastEnded > found.restartsCountedAt;
  return containerGaps(
    (await rawApi.list(pods)).items,
    found.restartsCountedAt === 0 ? null : found.restarts,
    // A node's restart and an API that was away explain it (observed: operators lose their leader election).
    (uid) => apiWasAway || journal.restartedPods.has(uid),
  );
}

/** A checkpoint has passed: what has restarted so far is settled. */
export async function countRestarts({ api, found, clock, journal }: Rehearsal): Promise<void> {
  found.restarts = restartCounts((await api.list(pods)).items);
  found.restartsCountedAt = clock.now();
  // What explained them is over: a container that goes on restarting is no accident any more.
  journal.restartedPods.clear();
}
