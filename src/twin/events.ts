/**
 * Events as client-go's recorders write them: one object per cause, counted up when it happens again, gone after an hour
 * (kube-apiserver's --event-ttl). What failed is always told; what went well only where somebody looks at it
 * (`forOnlookers`), because it is six writes for every pod.
 */
import type { KubeObject } from '../kube/objects.ts';
import { hash32 } from '../time/random.ts';
import type { World } from './world.ts';

/** What an event is about. */
export interface Subject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Such as `spec.containers{web}`. */
  readonly fieldPath?: string;
}

export interface Report {
  /** Who tells it: `deployment-controller`. */
  readonly component: string;
  /** The node of a kubelet. */
  readonly host?: string;
  readonly type?: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface EventObject extends KubeObject {
  count: number;
  lastTimestamp: string;
}

const TTL_MS = 3_600_000;
const RESOURCE = 'events';

/** The subject of an event about an object as it is in the store. */
export const subjectOf = (object: KubeObject, fieldPath?: string): Subject => ({
  apiVersion: object.apiVersion ?? 'v1',
  kind: object.kind ?? '',
  name: object.metadata.name,
  namespace: object.metadata.namespace,
  uid: object.metadata.uid,
  resourceVersion: object.metadata.resourceVersion,
  ...(fieldPath !== undefined && { fieldPath }),
});

/** Records an event; lost when no API server serves, or when the namespace is on its way out. */
export function recordEvent(world: World, subject: Subject, report: Report): void {
  const { type = 'Normal', reason, message, component, host } = report;
  const { store, time } = world;
  const namespace = subject.namespace ?? 'default';
  if (!world.apiAvailable() || !store.has(RESOURCE)) return;
  if (store.get('namespaces', namespace)?.metadata.deletionTimestamp !== undefined) return;
  const now = `${new Date(time.now()).toISOString().slice(0, 19)}Z`;
  const cause = `${subject.uid}/${subject.fieldPath}/${component}/${reason}/${message}`;
  const name = `${subject.name}.${hash32(cause).toString(16).padStart(16, '0')}`;
  const counted = store.update<EventObject>(RESOURCE, { name, namespace }, (draft) => {
    draft.count += 1;
    draft.lastTimestamp = now;
  });
  if (counted !== undefined) return;
  store.create(RESOURCE, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== undefined)),
    type,
    reason,
    message,
    count: 1,
    eventTime: null,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component, ...(host !== undefined && { host }) },
    reportingComponent: component,
    reportingInstance: host ?? '',
  });
  if (world.config.forOnlookers === true) forgetLater(world, name, namespace);
}

/** Records what went well, where such events are kept. */
export function recordRoutine(world: World, subject: Subject, report: Report): void {
  if (world.config.forOnlookers === true) recordEvent(world, subject, report);
}

/** Removes the event an hour after it was counted last. */
function forgetLater(world: World, name: string, namespace: string, ms = TTL_MS): void {
  world.time.after(ms, () => {
    const event = world.store.get<EventObject>(RESOURCE, name, namespace);
    if (event === undefined) return;
    const left = Date.parse(event.lastTimestamp) + TTL_MS - world.time.now();
    if (left > 0) forgetLater(world, name, namespace, left);
    else world.store.remove(RESOURCE, { name, namespace });
  });
}
