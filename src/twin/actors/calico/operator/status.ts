/** TigeraStatus: conditions of a component out of its workloads (tigera/operator pkg/controller/status). */
import type { Condition, DaemonSet, Deployment, KubeObject } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { RESOURCES } from '../types.ts';

/** What a controller's pass found out beside the workloads. */
export interface Report {
  /** Nothing else counts while this is set. */
  readonly degraded?: { readonly reason: string; readonly message: string };
}

/** A workload by resource, namespace and name. */
export type Watched = readonly [resource: 'daemonsets.apps' | 'deployments.apps', namespace: string, name: string];

function daemonSetProgress(name: string, set: DaemonSet): string | undefined {
  const status = set.status;
  const desired = status?.desiredNumberScheduled ?? 0;
  if ((status?.observedGeneration ?? 0) < (set.metadata.generation ?? 0))
    return `DaemonSet "${name}" update is being processed (generation ${set.metadata.generation}, observed generation ${status?.observedGeneration ?? 0})`;
  if (desired === 0) return `DaemonSet "${name}" has no pods scheduled yet`;
  const updated = status?.updatedNumberScheduled ?? 0;
  if (updated < desired) return `DaemonSet "${name}" update is being rolled out (${updated} out of ${desired} updated)`;
  const missing = desired - (status?.numberAvailable ?? 0);
  return missing > 0 ? `DaemonSet "${name}" is not available (awaiting ${missing} nodes)` : undefined;
}

function deploymentProgress(name: string, deployment: Deployment): string | undefined {
  const status = deployment.status;
  const wanted = deployment.spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0))
    return `Deployment "${name}" update is being processed (generation ${deployment.metadata.generation}, observed generation ${status?.observedGeneration ?? 0})`;
  const missing = wanted - (status?.availableReplicas ?? 0);
  if (missing > 0) return `Deployment "${name}" is not available (awaiting ${missing} replicas)`;
  return (status?.updatedReplicas ?? 0) < wanted ? `Deployment "${name}" update is being rolled out` : undefined;
}

function progressOf(world: World, [resource, namespace, name]: Watched): string | undefined {
  const title = `${namespace}/${name}`;
  const object = world.store.get(resource, name, namespace);
  if (!object)
    return `${resource === 'daemonsets.apps' ? 'DaemonSet' : 'Deployment'} "${title}" has not been created yet`;
  return resource === 'daemonsets.apps'
    ? daemonSetProgress(title, object as unknown as DaemonSet)
    : deploymentProgress(title, object as unknown as Deployment);
}

type Triple = { status: 'True' | 'False'; reason: string; message: string };
const NONE: Triple = { status: 'False', reason: 'NotApplicable', message: 'Not Applicable' };

function conditionsOf(
  report: Report,
  progressing: readonly string[],
): Record<'Available' | 'Degraded' | 'Progressing', Triple> {
  if (report.degraded) {
    return { Available: NONE, Degraded: { status: 'True', ...report.degraded }, Progressing: NONE };
  }
  if (progressing.length > 0) {
    const waiting: Triple = { status: 'True', reason: 'ResourceNotReady', message: progressing.join('\n') };
    return { Available: { status: 'False', reason: 'Unknown', message: '' }, Degraded: NONE, Progressing: waiting };
  }
  const all: Triple = { status: 'True', reason: 'AllObjectsAvailable', message: 'All objects available' };
  return { Available: all, Degraded: { ...all, status: 'False' }, Progressing: { ...all, status: 'False' } };
}

/**
 * Writes the TigeraStatus of a component.
 * @param subject the resource whose generation the conditions speak about
 */
export function writeStatus(
  world: World,
  name: string,
  subject: KubeObject,
  report: Report,
  watched: readonly Watched[],
): Condition[] {
  const progressing = watched.flatMap((one) => progressOf(world, one) ?? []);
  const wanted = conditionsOf(report, progressing);
  const now = new Date(Math.floor(world.time.now() / 1000) * 1000).toISOString().replace('.000', '');
  const present = world.store.get(RESOURCES.tigeraStatuses, name);
  const before = (present?.status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  const conditions = (['Available', 'Degraded', 'Progressing'] as const).map((type): Condition => {
    const old = before.find((condition) => condition.type === type);
    const same = old?.status === wanted[type].status;
    return {
      type,
      ...wanted[type],
      observedGeneration: subject.metadata.generation ?? 1,
      lastTransitionTime: same ? (old?.lastTransitionTime ?? now) : now,
    };
  });
  if (!present) {
    world.store.create(RESOURCES.tigeraStatuses, {
      apiVersion: 'operator.tigera.io/v1',
      kind: 'TigeraStatus',
      metadata: { name },
      spec: {},
      status: { conditions },
    });
  } else if (JSON.stringify(before) !== JSON.stringify(conditions)) {
    world.store.update(
      RESOURCES.tigeraStatuses,
      { name },
      (draft) => {
        draft.status = { conditions };
      },
      { subresource: 'status' },
    );
  }
  return conditions;
}

export function dropStatus(world: World, name: string): void {
  if (world.store.has(RESOURCES.tigeraStatuses) && world.store.get(RESOURCES.tigeraStatuses, name)) {
    world.store.remove(RESOURCES.tigeraStatuses, { name });
  }
}
