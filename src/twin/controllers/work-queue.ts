/** The work queue of a controller: one entry a key, handled a little after it was added, in a fixed order. */
import type { Cancel } from '../world.ts';
import type { ControlPlane } from './control-plane.ts';

/** Watch, informer and queue of a real controller take some milliseconds (recorded: 20 ms between an eviction and the replacement's creation). */
const LATENCY_MS = 20;
const FIRST_RETRY_MS = 10;
const MAX_RETRY_MS = 60_000;

export interface WorkQueue {
  /** Handles the key `delayMs` from now; an earlier appointment of the same key stays. */
  add(key: string, delayMs?: number): void;
}

const refusedByApi = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'number';

/**
 * `reconcile` is called once per due key. An error of the API (it carries a numeric `code`) is retried with exponential
 * back-off; any other error is a defect of the twin and is thrown.
 */
export function workQueue(
  plane: ControlPlane,
  reconcile: (key: string) => void,
  options: { latencyMs?: number; order?: (a: string, b: string) => number } = {},
): WorkQueue {
  const { time } = plane.world;
  const latency = options.latencyMs ?? LATENCY_MS;
  const byKey = options.order ?? ((a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0));
  const due = new Map<string, number>();
  const failures = new Map<string, number>();
  let timer: { at: number; cancel: Cancel } | undefined;

  const arm = (): void => {
    let earliest = Number.POSITIVE_INFINITY;
    for (const at of due.values()) earliest = Math.min(earliest, at);
    if (timer !== undefined && timer.at <= earliest) return;
    timer?.cancel();
    timer = undefined;
    if (earliest === Number.POSITIVE_INFINITY) return;
    timer = { at: earliest, cancel: time.after(Math.max(0, earliest - time.now()), run) };
  };
  const add = (key: string, delayMs = latency): void => {
    const at = time.now() + delayMs;
    const appointed = due.get(key);
    if (appointed !== undefined && appointed <= at) return;
    due.set(key, at);
    arm();
  };
  const run = (): void => {
    timer = undefined;
    // Without a leader nobody works the queue; the next leader lists everything and fills it anew.
    if (!plane.active()) {
      due.clear();
      return;
    }
    const now = time.now();
    const keys = [...due].filter(([, at]) => at <= now).map(([key]) => key);
    for (const key of keys.sort(byKey)) {
      due.delete(key);
      try {
        reconcile(key);
        failures.delete(key);
      } catch (error) {
        if (!refusedByApi(error)) throw error;
        const count = failures.get(key) ?? 0;
        failures.set(key, count + 1);
        add(key, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** count));
      }
    }
    arm();
  };
  return { add };
}
