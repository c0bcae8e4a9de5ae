/** Which pods a drain evicts, in the order of kubectl's own filters (kubernetes kubectl/pkg/drain/filters.go). */
import type { Pod } from '../kube/objects.ts';

export interface DrainOptions {
  readonly deleteEmptyDirData: boolean;
  readonly force: boolean;
}

export type DrainDecision =
  | { readonly action: 'evict' }
  | { readonly action: 'skip'; readonly why: string }
  | { readonly action: 'refuse'; readonly why: string };

const MIRROR = 'kubernetes.io/config.mirror';

export function isDaemonPod(pod: Pod): boolean {
  return controllerOf(pod)?.kind === 'DaemonSet';
}

export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR] !== undefined;
}

/** The owner that would replace the pod. */
export function controllerOf(pod: Pod): { kind: string; name: string } | undefined {
  return pod.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** A pod that has ended and only waits for its deletion. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/**
 * What a drain does with one pod of the node. The first filter that says no ends the chain: because the DaemonSet's
 * comes before that of local storage, an emptyDir in a daemon's pod never blocks.
 */
export function drainDecision(pod: Pod, options: DrainOptions): DrainDecision {
  if (isDaemonPod(pod)) return { action: 'skip', why: 'managed by a DaemonSet' };
  if (isMirrorPod(pod)) return { action: 'skip', why: 'static pod' };
  if (!isTerminal(pod)) {
    const emptyDir = pod.spec?.volumes?.some((volume) => volume.emptyDir !== undefined && volume.emptyDir !== null);
    if (emptyDir && !options.deleteEmptyDirData) {
      return { action: 'refuse', why: 'has local storage (emptyDir); set migration.drain.deleteEmptyDirData' };
    }
    if (controllerOf(pod) === undefined && !options.force) {
      return { action: 'refuse', why: 'declares no controller that would replace it; set migration.drain.force' };
    }
  }
  return { action: 'evict' };
}
