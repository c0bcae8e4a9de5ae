/**
 * The end of a pod: SIGTERM, grace, SIGKILL, sandbox and network gone, terminal phase reported, object deleted
 * (kubelet, pod_workers.go and status_manager canBeDeleted: watchers see the phase, then DELETED).
 */
import { graceSeconds } from './pod-spec.ts';
import type { PodWorker } from './pod-worker.ts';

/** The kubelet never gives less (kuberuntime, minimumGracePeriodInSeconds). */
const MINIMUM_GRACE_MS = 2_000;

/** Starts the pod's end; calling it again changes nothing. `done` when nothing of it is left on the node. */
export function terminatePod(worker: PodWorker, done: () => void): void {
  if (worker.terminating) return;
  worker.terminating = true;
  const { doors } = worker;
  const grace = Math.max(MINIMUM_GRACE_MS, graceSeconds(worker.pod) * 1000);
  const running = worker.records.filter((record) => record.running !== undefined);
  let left = running.length;
  const ended = (): void => {
    // What ended is found at the next survey, then the sandbox goes, then the status is sent.
    worker.after(doors.untilRelist() + doors.random.integer(50, 200), () => {
      worker.releaseSandbox();
      const failed = worker.main.some(
        (record) => 'terminated' in record.state && record.state.terminated.exitCode !== 0,
      );
      for (const record of worker.main) {
        if ('waiting' in record.state && record.id === undefined) record.wait('ContainerCreating');
      }
      worker.finalPhase ??= failed || worker.main.every((record) => record.id === undefined) ? 'Failed' : 'Succeeded';
      worker.publish();
      worker.after(doors.random.integer(50, 300), done);
    });
  };
  if (left === 0) ended();
  for (const record of running) {
    const container = record.running!;
    doors.routine(worker.pod, 'Killing', `Stopping container ${record.name}`, record);
    const ms = container.terminate();
    // Not a timer of the container: it may end by itself before, an init container that has done its work for one.
    worker.after(Math.min(ms, grace), () => {
      record.finish(doors.world.time, ms > grace ? 137 : 0);
      left -= 1;
      if (left === 0) ended();
    });
  }
}
