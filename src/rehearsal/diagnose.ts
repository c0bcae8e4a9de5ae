/** Looking for the cause behind a wait that ended red: what the environment did to us must not be blamed on the migration. */
import type { AssertionId } from '../events/events.ts';
import type { Reason } from '../events/verdict.ts';
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import { controllerOf } from './drain-filter.ts';
import type { Blame } from './gate/blame.ts';
import { brokenTool, causeInText, RehearsalFailure } from './outcome.ts';
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

/** Assertions that a pod explains that cannot be placed or whose image does not come; no other one is excused by it. */
const OF_PODS: ReadonlySet<AssertionId> = new Set(['agents-ready', 'operator-ready', 'workloads-available']);

function podsMayExplain({ reason, assertions }: RehearsalFailure): boolean {
  return reason !== 'assertion-failed' || assertions.every((id) => OF_PODS.has(id));
}

/** The failure with its real cause, or as it was. Never throws: it looks at a cluster that may be gone. */
export async function diagnosed(rehearsal: Rehearsal, failure: RehearsalFailure): Promise<RehearsalFailure> {
  if (!SYMPTOMS.has(failure.reason) || rehearsal.signal.aborted) return failure;
  try {
    const blame =
      (await lostContainer(rehearsal)) ??
      (podsMayExplain(failure) ? causeInPods((await rehearsal.rawApi.list(pods)).items) : undefined);
    return blame ? because(failure, blame.verdict, blame.reason, blame.message) : failure;
  } catch (error) {
    // Where docker itself is gone, what it was asked for says nothing of the migration.
    const tool = brokenTool(error);
    return tool ? because(failure, 'error', tool, error instanceof Error ? error.message : String(error)) : failure;
  }
}

function because(
  failure: RehearsalFailure,
  verdict: 'failed' | 'error' | 'refused',
  reason: Reason,
  message: string,
): RehearsalFailure {
  return new RehearsalFailure(verdict, reason, `${failure.message} (cause: ${message})`, {
    ...(failure.checkpoint === null ? {} : { checkpoint: failure.checkpoint }),
    cause: failure,
  });
}

/** A control plane's or the load balancer's container that is gone or has stopped is the environment's doing. */
export async function lostContainer(rehearsal: Rehearsal): Promise<Blame | undefined> {
  const { controlPlanes, name: cluster } = rehearsal.scenario.cluster;
  const names = rehearsal.plan.nodes.filter(({ role }) => role === 'control-plane').map(({ name }) => name);
  // kind's load balancer in front of several control planes.
  if (controlPlanes > 1) names.push(`${cluster}-external-load-balancer`);
  for (const name of names) {
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

/** Jobs and bare pods are nobody's that we wait for; one of them that never starts explains nothing. */
const WAITED_FOR = new Set(['DaemonSet', 'ReplicaSet', 'StatefulSet', 'Node']);

/** Pods that cannot be placed for want of cpu or memory, or whose image does not come. */
export function causeInPods(all: readonly Pod[]): Cause | undefined {
  const list = all.filter((pod) => WAITED_FOR.has(controllerOf(pod)?.kind ?? ''));
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
