/** Looking for the cause behind a wait that ended red: what the environment did to us must not be blamed on the migration. */
import type { AssertionId } from '../events/events.ts';
import type { Reason } from '../events/verdict.ts';
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import { WaitTimeout } from '../kube/wait.ts';
import { causeInLog } from './causes.ts';
import type { Blame } from './gate/blame.ts';
import { brokenTool, type FailureLog, RehearsalFailure, tellingLines } from './outcome.ts';
import { type Crash, causeInCluster, crashesIn, speaksOf, unplaced, wasProbeKill } from './pod-causes.ts';
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
  if (rehearsal.signal.aborted) return failure;
  const workload = failure.reason === 'scenario-invalid' && failure.cause instanceof WaitTimeout;
  if (!workload && !SYMPTOMS.has(failure.reason)) return failure;
  try {
    if (workload) return await withLastWords(rehearsal, failure);
    const blame =
      (await lostContainer(rehearsal)) ??
      (podsMayExplain(failure) ? await causeInCluster(rehearsal.rawApi) : undefined);
    return blame
      ? because(failure, blame.verdict, blame.reason, blame.message)
      : await withLastWords(rehearsal, failure);
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
  log: FailureLog | null = failure.log,
): RehearsalFailure {
  return new RehearsalFailure(verdict, reason, `${failure.message} (cause: ${message})`, {
    ...(failure.checkpoint === null ? {} : { checkpoint: failure.checkpoint }),
    ...(log ? { log } : {}),
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

/** Enough for a stack and the line before it that says why. */
const LOG_LINES = 200;

/** The failure with what the pods that it speaks of say last, which may show that the machine is to blame. */
async function withLastWords(rehearsal: Rehearsal, failure: RehearsalFailure): Promise<RehearsalFailure> {
  const all = (await rehearsal.rawApi.list(pods)).items.filter((pod) => speaksOf(failure.message, pod));
  const [crash] = crashesIn(all);
  if (crash === undefined) return placeless(failure, all);
  const log = await lastWords(rehearsal, crash);
  const cause = log && causeInLog(log.text);
  if (cause)
    return because(failure, cause.verdict, cause.reason, `${crash.message}: ${cause.what}; ${cause.remedy}`, log);
  if (crash.killed && !(await wasProbeKill(rehearsal.rawApi, crash.pod))) {
    const message = `${crash.message}, killed from outside: the machine is too small; take fewer nodes or a larger one`;
    return because(failure, 'error', 'runner-overloaded', message, log);
  }
  return detailed(failure, log ? `${crash.message}: ${tellingLines(log.text)}` : crash.message, log);
}

function placeless(failure: RehearsalFailure, list: readonly Pod[]): RehearsalFailure {
  const pod = list.find((one) => unplaced(one) !== undefined);
  return pod ? detailed(failure, `${podName(pod)}: ${unplaced(pod)}`) : failure;
}

/** The same end, told more fully; where the message has it already, as it was. */
function detailed(failure: RehearsalFailure, detail: string, log: FailureLog | null = null): RehearsalFailure {
  const { verdict, reason, message, checkpoint, assertions } = failure;
  return new RehearsalFailure(verdict, reason, message.includes(detail) ? message : `${message} (${detail})`, {
    ...(checkpoint === null ? {} : { checkpoint }),
    ...(log === null ? {} : { log }),
    ...{ cause: failure, assertions },
  });
}

/** The end of a container's log; null where the API has none, as on the twin. */
async function lastWords({ rawApi }: Rehearsal, { pod, container, previous }: Crash): Promise<FailureLog | null> {
  const { namespace, name } = pod.metadata;
  const query = new URLSearchParams({ container, previous: String(previous), tailLines: String(LOG_LINES) });
  const { status, body } = await rawApi.raw(`/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`);
  if (status !== 200 || body.trim() === '') return null;
  const before = previous ? ' (before its last start)' : '';
  return { of: `${namespace}/${name}, container ${container}${before}`, text: body };
}
