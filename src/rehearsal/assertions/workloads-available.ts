/** The scenario's workloads and CoreDNS are available; pods that only wait for our cordon to end are no fault. */
import type { DaemonSet, Deployment, Pod, StatefulSet } from '../../kube/objects.ts';
import { daemonSets, deployments, pods, statefulSets } from '../../kube/resources.ts';
import { DNS_NAMESPACE } from '../dns-pods.ts';
import { find } from '../patient-api.ts';
import type { Rehearsal } from '../rehearsal.ts';
import { daemonSetPending, deploymentPending, statefulSetPending } from '../rollout.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

type Workload = Rehearsal['found']['workloads'][number];

const COREDNS: Workload = { kind: 'Deployment', namespace: DNS_NAMESPACE, name: 'coredns' };

/** Pending because a node is cordoned: the scheduler counts it among the reasons (kubernetes 1.36 scheduler). */
export function waitsForCordon(pod: Pod): boolean {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' && /unschedulable/.test(scheduled.message ?? '');
}

/** How many pods the workload lacks, and what it says. */
function stateOf(
  kind: Workload['kind'],
  object: Deployment | DaemonSet | StatefulSet | undefined,
): [number, string | null] {
  if (kind === 'DaemonSet') return [0, daemonSetPending(object as DaemonSet | undefined)];
  const wanted = (object as Deployment | undefined)?.spec?.replicas ?? 1;
  if (kind === 'StatefulSet') {
    const ready = (object as StatefulSet | undefined)?.status?.readyReplicas ?? 0;
    return [wanted - ready, statefulSetPending(object as StatefulSet | undefined)];
  }
  const available = (object as Deployment | undefined)?.status?.availableReplicas ?? 0;
  return [wanted - available, deploymentPending(object as Deployment | undefined)];
}

export const workloadsAvailable: Assertion = async (rehearsal) => {
  const { rawApi, found, journal } = rehearsal;
  const problems: Problem[] = [];
  const waiting: string[] = [];
  const all = [COREDNS, ...found.workloads];
  for (const { kind, namespace, name } of all) {
    const resource = kind === 'Deployment' ? deployments : kind === 'DaemonSet' ? daemonSets : statefulSets;
    const object = await find<Deployment | DaemonSet | StatefulSet>(rawApi, resource, { namespace, name });
    const [missing, pending] = stateOf(kind, object);
    if (pending === null) continue;
    const subject = `${kind} ${namespace}/${name}`;
    const selector = object?.spec?.selector.matchLabels ?? {};
    const labelSelector = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const cordoned = journal.inHand.size > 0 && missing > 0 && labelSelector !== '';
    const held = cordoned ? (await rawApi.list(pods, { namespace, labelSelector })).items.filter(waitsForCordon) : [];
    if (cordoned && held.length >= missing) waiting.push(`${held.length} pods of ${subject}`);
    else problems.push({ subject, text: pending });
  }
  const seen = waiting.length === 0 ? `${all.length} workloads are` : `${waiting.join(', ')} wait for the node in hand`;
  return judged('workloads-available', "CoreDNS and the scenario's workloads are available", problems, seen);
};
