/** What controllers ask of pods, and how they make them from a template. */
import type * as k8s from '@kubernetes/client-node';
import type { Pod, Wire } from '../../kube/objects.ts';
import { recordRoutine } from '../events.ts';
import type { ObjectStore, World } from '../world.ts';
import { clone, conditionOf, controllerOf, controllerReference, keyOf, type Owner } from './common.ts';

export type PodTemplate = Wire<k8s.V1PodTemplateSpec>;
export type PodSpec = NonNullable<Pod['spec']>;
export type Toleration = Wire<k8s.V1Toleration>;

export const phaseOf = (pod: Pod): string => pod.status?.phase ?? 'Pending';
export const isTerminal = (pod: Pod): boolean => phaseOf(pod) === 'Succeeded' || phaseOf(pod) === 'Failed';
export const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
/** Counts for a ReplicaSet: neither over nor on its way out. */
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !isDeleting(pod);
export const isReady = (pod: Pod): boolean => conditionOf(pod.status?.conditions, 'Ready')?.status === 'True';

/** Milliseconds until a Ready pod counts as available; 0 when it does, undefined when it is not Ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const ready = conditionOf(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Math.max(0, since + minReadySeconds * 1000 - now);
}

export const isAvailable = (pod: Pod, minReadySeconds: number, now: number): boolean =>
  availableIn(pod, minReadySeconds, now) === 0;

/** Makes a pod of a template for its controller; admission completes it. `adjust` changes the draft before it is created. */
export function createPod(
  world: World,
  owner: Owner,
  namespace: string,
  template: PodTemplate,
  naming: { generateName: string } | { name: string },
  adjust?: (draft: Pod) => void,
): Pod {
  const spec = clone(template.spec) ?? { containers: [] };
  const draft = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...naming,
      namespace,
      ...(template.metadata?.labels && { labels: { ...template.metadata.labels } }),
      ...(template.metadata?.annotations && { annotations: { ...template.metadata.annotations } }),
      ...(template.metadata?.finalizers && { finalizers: [...template.metadata.finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec,
  } as unknown as Pod;
  adjust?.(draft);
  const pod = world.store.create<Pod>('pods', draft);
  told(world, owner, namespace, 'SuccessfulCreate', pod.metadata.name);
  return pod;
}

/** `by`: the controller that no longer wants the pod, and says so. */

export function deletePod(world: World, pod: Pod, by?: Owner): void {
  const { name, namespace, uid } = pod.metadata;
  world.store.remove('pods', { name, namespace, uid });
  if (by !== undefined) told(world, by, namespace, 'SuccessfulDelete', name);
}

type Deed = 'SuccessfulCreate' | 'SuccessfulDelete';

/** A StatefulSet words it in its own way (pkg/controller/statefulset/stateful_pod_control.go, recordPodEvent). */
function told(world: World, owner: Owner, namespace: string | undefined, reason: Deed, pod: string): void {
  const { kind } = owner;
  const created = reason === 'SuccessfulCreate';
  const message =
    kind === 'StatefulSet'
      ? `${created ? 'create' : 'delete'} Pod ${pod} in StatefulSet ${owner.name} successful`
      : `${created ? 'Created' : 'Deleted'} pod: ${pod}`;
  recordRoutine(world, { ...owner, namespace }, { component: `${kind.toLowerCase()}-controller`, reason, message });
}

/** Pods by the uid of their controller, kept up to date by the store. */
export interface PodIndex {
  /** In the order of their names. */
  ownedBy(uid: string | undefined): Pod[];
  /** In the order of their names. */
  inNamespace(namespace: string): Pod[];
}

const INDEXES = new WeakMap<ObjectStore, PodIndex>();

/** The store's index; made at the first call. */
export function podIndex(store: ObjectStore): PodIndex {
  const known = INDEXES.get(store);
  if (known !== undefined) return known;
  const owners = new Map<string, Map<string, Pod>>();
  const namespaces = new Map<string, Map<string, Pod>>();
  const into = (map: Map<string, Map<string, Pod>>, group: string): Map<string, Pod> => {
    const existing = map.get(group);
    if (existing !== undefined) return existing;
    const fresh = new Map<string, Pod>();
    map.set(group, fresh);
    return fresh;
  };
  const drop = (map: Map<string, Map<string, Pod>>, group: string, key: string): void => {
    const members = map.get(group);
    members?.delete(key);
    if (members?.size === 0) map.delete(group);
  };
  const put = (pod: Pod): void => {
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined) into(owners, owner).set(keyOf(pod), pod);
    into(namespaces, pod.metadata.namespace ?? '').set(keyOf(pod), pod);
  };
  const forget = (pod: Pod): void => {
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined) drop(owners, owner, keyOf(pod));
    drop(namespaces, pod.metadata.namespace ?? '', keyOf(pod));
  };
  for (const pod of store.list<Pod>('pods')) put(pod);
  store.onChange<Pod>('pods', (event) => {
    if (event.previous !== undefined) forget(event.previous);
    if (event.type === 'DELETED') forget(event.object);
    else put(event.object);
  });
  const sorted = (pods: Map<string, Pod> | undefined): Pod[] =>
    pods === undefined ? [] : [...pods.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const index: PodIndex = {
    ownedBy: (uid) => (uid === undefined ? [] : sorted(owners.get(uid))),
    inNamespace: (namespace) => sorted(namespaces.get(namespace)),
  };
  INDEXES.set(store, index);
  return index;
}
