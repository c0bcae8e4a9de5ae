/**
 * Events as client-go's recorders write them: one object per cause, counted up when it happens again, gone after an hour
 * (kube-apiserver's --event-ttl). What failed is always told; what went well only where somebody looks at it
 * (`forOnlookers`), because it is six writes for every pod.
 */
import type { KubeObject } from '../kube/objects.ts';
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
  const known = namesOf(world);
  const before = known.get(cause);
  const counted =
    before &&
    store.update<EventObject>(RESOURCE, { name: before, namespace }, (draft) => {
      draft.count += 1;
      draft.lastTimestamp = now;
    });
  if (counted !== undefined) return;
  // The moment in nanoseconds, as client-go has it: events of one second are listed in their order.
  const moment = BigInt(Math.floor(time.now())) * 1_000_000n + BigInt(known.size % 1_000_000);
  const name = `${subject.name}.${moment.toString(16)}`;
  known.set(cause, name);
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
  if (world.config.forOnlookers === true) forgetLater(world, cause, name, namespace);
}

/** Records what went well, where such events are kept. */
export function recordRoutine(world: World, subject: Subject, report: Report): void {
  if (world.config.forOnlookers === true) recordEvent(world, subject, report);
}

/** Names of events by what they tell. */
const NAMES = new WeakMap<World, Map<string, string>>();

function namesOf(world: World): Map<string, string> {
  const known = NAMES.get(world) ?? new Map<string, string>();
  NAMES.set(world, known);
  return known;
}

/** Removes the event an hour after it was counted last. */
function forgetLater(world: World, cause: string, name: string, namespace: string, ms = TTL_MS): void {
  world.time.after(ms, () => {
    const event = world.store.get<EventObject>(RESOURCE, name, namespace);
    const left = event === undefined ? 0 : Date.parse(event.lastTimestamp) + TTL_MS - world.time.now();
    if (left > 0) {
      forgetLater(world, cause, name, namespace, left);
      return;
    }
    if (namesOf(world).get(cause) === name) namesOf(world).delete(cause);
    world.store.remove(RESOURCE, { name, namespace });
  });
}
