/** When a roll-out is over, judged from one look at the object: what is still missing, or null. */
import type { DaemonSet, Deployment, Pod, StatefulSet } from '../kube/objects.ts';

function unobserved(object: { metadata: { generation?: number }; status?: { observedGeneration?: number } }): boolean {
  return (object.status?.observedGeneration ?? 0) < (object.metadata.generation ?? 0);
}

/**
 * Counts against the number of nodes where every node must have one: desiredNumberScheduled shrinks when a node is
 * lost, and would call a DaemonSet complete that misses it.
 */
export function daemonSetPending(set: DaemonSet | undefined, nodes?: number): string | null {
  if (!set) return 'the DaemonSet does not exist yet';
  if (unobserved(set)) return 'its latest generation has not been observed';
  const status = set.status;
  const wanted = nodes ?? status?.desiredNumberScheduled ?? 0;
  const updated = status?.updatedNumberScheduled ?? 0;
  const available = status?.numberAvailable ?? 0;
  if (updated < wanted) return `${updated} of ${wanted} pods are of the current generation`;
  if (available < wanted) return `${available} of ${wanted} pods are available`;
  return null;
}

export function deploymentPending(deployment: Deployment | undefined): string | null {
  if (!deployment) return 'the Deployment does not exist yet';
  if (unobserved(deployment)) return 'its latest generation has not been observed';
  const wanted = deployment.spec?.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = deployment.status ?? {};
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} pods are of the current generation`;
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} old pods are not gone yet`;
  if (availableReplicas < wanted) return `${availableReplicas} of ${wanted} pods are available`;
  return null;
}

export function statefulSetPending(set: StatefulSet | undefined): string | null {
  if (!set) return 'the StatefulSet does not exist yet';
  if (unobserved(set)) return 'its latest generation has not been observed';
  const wanted = set.spec?.replicas ?? 1;
  const ready = set.status?.readyReplicas ?? 0;
  return ready < wanted ? `${ready} of ${wanted} pods are Ready` : null;
}

export function isReady(pod: Pod): boolean {
  return (
    pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
  );
}

/** What its containers say, for people: what they wait for, how they ended last and how often they were started again. */
export function whyNotReady(pod: Pod): string {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return scheduled.message || 'not scheduled';
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const texts = statuses.flatMap(({ name, ready, state, lastState, restartCount = 0 }) => {
    if (ready || state?.terminated?.exitCode === 0) return [];
    const waiting = [state?.waiting?.reason, state?.waiting?.message].filter(Boolean).join(': ');
    const ended = state?.terminated ?? lastState?.terminated;
    const end = ended ? `ended last with exit code ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}` : '';
    const again = restartCount > 0 ? `restarted ${restartCount} times` : '';
    const said = [waiting, end, again].filter((text) => text !== '').join(', ');
    return said === '' ? [] : [`${name} ${said}`];
  });
  return texts.join('; ') || `${pod.status?.phase ?? 'no status'}, not Ready`;
}

/** On the pod network, alive, and not on its way out. */
export function isOnPodNetwork(pod: Pod): boolean {
  return (
    pod.spec?.hostNetwork !== true &&
    pod.metadata.deletionTimestamp === undefined &&
    pod.status?.phase !== 'Succeeded' &&
    pod.status?.phase !== 'Failed'
  );
}

export function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}
