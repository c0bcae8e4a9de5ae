/**
 * When a workload is rolled out, by the rules of `kubectl rollout status`
 * (kubernetes 1.36 staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). Each returns true or what is
 * missing, and fits {@link waitFor}'s `until`.
 *
 * Not to be trusted alone after pods were deleted by hand: the status lags behind and the generation does not move.
 * Compare the pods' uids as well. A DaemonSet also leaves unreachable nodes out of its desired number (recorded): compare
 * with the count of nodes where every node matters.
 */
import type { Clock } from '../time/clock.ts';
import type { KubeApi, ObjectRef } from './api.ts';
import type { DaemonSet, Deployment } from './objects.ts';
import { daemonSets, deployments } from './resources.ts';
import { waitFor } from './wait.ts';

/** Is the DaemonSet's newest template available on every node that it wants? */
export function daemonSetRolledOut(set: DaemonSet): true | string {
  const { generation = 0, name } = set.metadata;
  const status = set.status;
  if (set.spec?.updateStrategy?.type === 'OnDelete') {
    throw new Error(`DaemonSet ${name} has update strategy OnDelete: its roll-out cannot be waited for`);
  }
  if ((status?.observedGeneration ?? 0) < generation) return `the change of DaemonSet ${name} is not yet observed`;
  const desired = status?.desiredNumberScheduled ?? 0;
  const updated = status?.updatedNumberScheduled ?? 0;
  const available = status?.numberAvailable ?? 0;
  if (updated < desired) return `${updated} of ${desired} pods of DaemonSet ${name} are updated`;
  if (available < desired) return `${available} of ${desired} updated pods of DaemonSet ${name} are available`;
  return true;
}

/** Are all replicas of the Deployment of its newest template and available, and the old ones gone? */
export function deploymentRolledOut(deployment: Deployment): true | string {
  const { generation = 0, name } = deployment.metadata;
  const status = deployment.status;
  if ((status?.observedGeneration ?? 0) < generation) return `the change of Deployment ${name} is not yet observed`;
  const progressing = status?.conditions?.find((condition) => condition.type === 'Progressing');
  const late = progressing?.reason === 'ProgressDeadlineExceeded' ? ' (its progress deadline is exceeded)' : '';
  const wanted = deployment.spec?.replicas ?? 1;
  const updated = status?.updatedReplicas ?? 0;
  const replicas = status?.replicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  if (updated < wanted) return `${updated} of ${wanted} pods of Deployment ${name} are updated${late}`;
  if (replicas > updated) return `${replicas - updated} old pods of Deployment ${name} are still there${late}`;
  if (available < updated) return `${available} of ${updated} updated pods of Deployment ${name} are available${late}`;
  return true;
}

interface RolloutWait {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onAvailability?: (up: boolean) => void;
}

/** Waits until a DaemonSet is rolled out; it need not exist yet. @throws WaitTimeout */
export async function waitForDaemonSet(wait: RolloutWait, ref: ObjectRef): Promise<DaemonSet> {
  const [set] = await waitFor({
    ...wait,
    resource: daemonSets,
    options: { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` },
    what: `DaemonSet ${ref.namespace}/${ref.name} to be rolled out`,
    until: ([found]) => (found === undefined ? `DaemonSet ${ref.name} does not exist` : daemonSetRolledOut(found)),
  });
  return set!;
}

/** Waits until a Deployment is rolled out; it need not exist yet. @throws WaitTimeout */
export async function waitForDeployment(wait: RolloutWait, ref: ObjectRef): Promise<Deployment> {
  const [deployment] = await waitFor({
    ...wait,
    resource: deployments,
    options: { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` },
    what: `Deployment ${ref.namespace}/${ref.name} to be rolled out`,
    until: ([found]) => (found === undefined ? `Deployment ${ref.name} does not exist` : deploymentRolledOut(found)),
  });
  return deployment!;
}

/** The annotation with which `kubectl rollout restart` changes a template. */
export function restartPatch(now: number): object {
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } };
}
