/** Events as the kubelet records them: one object per cause, counted up when it happens again. */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import { hash32 } from '../../time/random.ts';
import type { World } from '../world.ts';
import { stamp } from './ids.ts';

interface EventObject extends KubeObject {
  count: number;
  lastTimestamp: string;
}

/** Records an event about a pod; lost when no API server serves. */
export function recordEvent(
  world: World,
  node: string,
  pod: Pod,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  const namespace = pod.metadata.namespace ?? 'default';
  if (!world.apiAvailable() || !world.store.has('events')) return;
  if (world.store.get('namespaces', namespace)?.metadata.deletionTimestamp !== undefined) return;
  const now = stamp(world.time.now());
  const name = `${pod.metadata.name}.${hash32(`${pod.metadata.uid}/${reason}/${message}`).toString(16).padStart(16, '0')}`;
  const counted = world.store.update<EventObject>('events', { name, namespace }, (draft) => {
    draft.count += 1;
    draft.lastTimestamp = now;
  });
  if (counted !== undefined) return;
  world.store.create('events', {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      name: pod.metadata.name,
      namespace,
      uid: pod.metadata.uid,
    },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: 'kubelet', host: node },
    reportingComponent: 'kubelet',
    reportingInstance: node,
  });
}
