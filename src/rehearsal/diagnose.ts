/** Looking for the cause behind a wait that ended red: what the environment did to us must not be blamed on the migration. */
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import type { Blame } from './gate/blame.ts';
import { causeInText, RehearsalFailure } from './outcome.ts';
import type { Rehearsal } from './rehearsal.ts';
import { podName } from './rollout.ts';

/** Failures whose message speaks of a symptom only. */
const SYMPTOMS = new Set([
  'step-timed-out',
  'provision-failed',
  'control-plane-lost',
  'drain-blocked',
  'node-not-ready',
  'baseline-unhealthy',
  'container-not-ready',
  'assertion-failed',
]);

/** The failure with its real cause, or as it was. Never throws: it looks at a cluster that may be gone. */
export async function diagnosed(rehearsal: Rehearsal, failure: RehearsalFailure): Promise<RehearsalFailure> {
  if (!SYMPTOMS.has(failure.reason) || rehearsal.signal.aborted) return failure;
  try {
    const blame = (await lostContainer(rehearsal)) ?? causeInPods((await rehearsal.rawApi.list(pods)).items);
    if (!blame) return failure;
    return new RehearsalFailure(blame.verdict, blame.reason, `${failure.message} (cause: ${blame.message})`, {
      ...(failure.checkpoint === null ? {} : { checkpoint: failure.checkpoint }),
      cause: failure,
    });
  } catch {
    return failure;
  }
}

/** A control plane's container that is gone or has stopped is the environment's doing. */
export async function lostContainer(rehearsal: Rehearsal): Promise<Blame | undefined> {
  for (const { name, role } of rehearsal.plan.nodes) {
    if (role !== 'control-plane') continue;
    const state = await rehearsal.commands.container(name);
    if (state?.running) continue;
    const what = state ? 'has stopped' : 'does not exist any more';
    return { verdict: 'error', reason: 'node-container-gone', message: `the container of ${name} ${what}` };
  }
  return undefined;
}

export interface Cause {
  readonly verdict: 'error' | 'refused';
  readonly reason: 'unschedulable' | 'image-missing' | 'download-failed' | 'disk-full';
  readonly message: string;
}

/** Pods that cannot be placed for want of cpu or memory, or whose image does not come. */
export function causeInPods(list: readonly Pod[]): Cause | undefined {
  for (const pod of list) {
    const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (scheduled?.status === 'False' && /Insufficient (cpu|memory)/.test(scheduled.message ?? '')) {
      return { verdict: 'error', reason: 'unschedulable', message: `${podName(pod)}: ${scheduled.message}` };
    }
  }
  for (const pod of list) {
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    for (const { state, image } of statuses) {
      const { reason = '', message = '' } = state?.waiting ?? {};
      if (!/^(ErrImagePull|ImagePullBackOff|InvalidImageName)$/.test(reason)) continue;
      const text = `${podName(pod)}: image ${image}: ${message || reason}`;
      const cause = causeInText(message);
      if (cause?.reason === 'download-failed' || cause?.reason === 'disk-full') {
        return { verdict: 'error', reason: cause.reason, message: text };
      }
      return { verdict: 'refused', reason: 'image-missing', message: text };
    }
  }
  return undefined;
}
