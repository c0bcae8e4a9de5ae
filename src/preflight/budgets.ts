/** Whether a PodDisruptionBudget can ever allow an eviction (kubernetes 1.36 pkg/controller/disruption). */
import type { PodDisruptionBudget } from '../kube/objects.ts';

/** What a budget guards when all is well. */
export interface Guarded {
  /** All pods that it selects. */
  readonly pods: number;
  /** Those of them whose controllers have a scale; others count for nothing where a size is needed. */
  readonly scaled: number;
  /** The controller's kind that has no scale: the size cannot be found out. */
  readonly unscalable?: string | undefined;
}

/** Evictions that the budget allows with every pod healthy; 0 or less: none, ever. */
export function allowedAtBest({ spec }: PodDisruptionBudget, { pods, scaled, unscalable }: Guarded): number {
  const { minAvailable, maxUnavailable } = spec ?? {};
  const counted = maxUnavailable !== undefined || typeof minAvailable === 'string';
  if (!counted) return pods - Number(minAvailable ?? 1);
  if (unscalable !== undefined || scaled === 0) return 0;
  const wanted =
    maxUnavailable === undefined ? part(minAvailable!, scaled) : Math.max(0, scaled - part(maxUnavailable, scaled));
  return pods - wanted;
}

/** Both are rounded up: `maxUnavailable: 1%` allows one, `minAvailable: 99%` of two wants two. */
function part(value: number | string, total: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) * total) / 100);
}

/** `maxUnavailable 0`, as the message names it. */
export function demandOf({ spec }: PodDisruptionBudget): string {
  const { minAvailable, maxUnavailable } = spec ?? {};
  return maxUnavailable === undefined ? `minAvailable ${minAvailable ?? 1}` : `maxUnavailable ${maxUnavailable}`;
}
