/** The operator's hand on pods and endpoints: the watcher of unmanaged DNS pods, and the collection of stale CiliumEndpoints. */
import type { Pod } from '../../../kube/objects.ts';
import type { World } from '../../world.ts';
import { CILIUM_ENDPOINTS, type CiliumEndpoint } from './objects.ts';

/** Pods younger than this are left alone. */
const MIN_AGE_MS = 30_000;
/** The same pod name is not deleted again within this time. */
const AGAIN_MS = 300_000;

/** `0` is off; `15` is seconds (up to 1.18); `15s` a duration (from 1.19). Milliseconds. */
export function watcherInterval(text: string | undefined): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text ?? '0');
  if (match === null) return 0;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000;
  return Number(match[1]) * unit;
}

/** One round: deletes at most one running pod of the selector that has no CiliumEndpoint. `restarted` remembers names. */
export function restartUnmanaged(world: World, labelSelector: string, restarted: Map<string, number>): void {
  const now = world.time.now();
  for (const pod of world.store.list<Pod>('pods', { labelSelector })) {
    const { name, namespace, deletionTimestamp } = pod.metadata;
    if (pod.spec?.hostNetwork === true || pod.status?.phase !== 'Running' || deletionTimestamp !== undefined) continue;
    if (world.store.get(CILIUM_ENDPOINTS, name, namespace) !== undefined) continue;
    const started = Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp ?? '');
    if (!(now - started > MIN_AGE_MS)) continue;
    const key = `${namespace}/${name}`;
    if (now - (restarted.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) continue;
    restarted.set(key, now);
    world.store.remove('pods', { name, namespace });
    return;
  }
}

/** Removes CiliumEndpoints whose pod does not exist any more. */
export function collectEndpoints(world: World): void {
  if (!world.store.has(CILIUM_ENDPOINTS)) return;
  for (const endpoint of world.store.list<CiliumEndpoint>(CILIUM_ENDPOINTS)) {
    const { name, namespace } = endpoint.metadata;
    if (world.store.get('pods', name, namespace) === undefined)
      world.store.remove(CILIUM_ENDPOINTS, { name, namespace });
  }
}
