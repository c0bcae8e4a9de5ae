/** The controller manager and the scheduler of the twin. */
import type { World } from '../world.ts';
import { startApiServices } from './api-services.ts';
import { startControlPlane } from './control-plane.ts';
import { startDaemonSets } from './daemonset.ts';
import { startDefaultObjects } from './default-objects.ts';
import { startDeployments } from './deployment.ts';
import { startDisruption } from './disruption.ts';
import { startEndpointSlices } from './endpoint-slices.ts';
import { startEndpoints } from './endpoints.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startLeases } from './leases.ts';
import { startNamespaces } from './namespaces.ts';
import { startNodeIpam } from './node-ipam.ts';
import { startNodeLifecycle } from './node-lifecycle.ts';
import { objectIndex } from './object-index.ts';
import { startReplicaSets } from './replicaset.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import { startStatefulSets } from './statefulset.ts';
import { startTaintEviction } from './taint-eviction.ts';

export { aggregatedApiAvailable, unavailableGroups } from './api-services.ts';

/**
 * Starts every controller on the world's timers and store hooks. Call it once, before the first object is created: the
 * garbage and namespace controllers learn of objects only from the store's hooks. (Custom resource definitions and their
 * instances are the store's own business: api/custom-resources.ts.) Nothing acts while no control plane
 * serves, and after a restart of the leader's node not before a new leader is elected (15 to 17 s, client-go's defaults).
 */
export function startControllers(world: World): void {
  const plane = startControlPlane(world);
  const index = objectIndex(world.store);
  startScheduler(plane);
  startDaemonSets(plane);
  startDeployments(plane);
  startReplicaSets(plane);
  startStatefulSets(plane);
  startDisruption(plane);
  startLeases(plane);
  startNodeIpam(plane);
  startNodeLifecycle(plane);
  startTaintEviction(plane);
  startEndpointSlices(plane);
  startEndpoints(plane);
  startApiServices(plane);
  startNamespaces(plane, index);
  startGarbageCollector(plane, index);
  startDefaultObjects(plane);
}
