/**
 * Cordon and drain as kubectl does, with one difference: pods are listed once, after the cordon, and the drain is over
 * when those very pods are gone. What tolerates the cordon and comes back (Typha, the operators on the host network) is
 * left alone; waiting for an empty node would never end.
 */
import { KubeError } from '../kube/api.ts';
import type { Pod } from '../kube/objects.ts';
import { nodes, podDisruptionBudgets, pods } from '../kube/resources.ts';
import { DeadlineExceeded } from '../time/clock.ts';
import { formatDuration } from '../time/duration.ts';
import { drainDecision } from './drain-filter.ts';
import { RehearsalFailure } from './outcome.ts';
import type { Rehearsal } from './rehearsal.ts';
import { podName } from './rollout.ts';

/** kubectl's pause after an eviction that a budget forbids (kubectl/pkg/drain/drain.go). */
const RETRY_MS = 5_000;
/** What the API says where no eviction is ever possible (kubernetes pkg/registry/core/pod/storage/eviction.go). */
const SEVERAL_BUDGETS = /more than one PodDisruptionBudget/;

export async function cordon(rehearsal: Rehearsal, node: string): Promise<void> {
  await rehearsal.api.patch(nodes, { name: node }, 'strategic', { spec: { unschedulable: true } });
  rehearsal.journal.inHand.set(node, 'cordoned');
  rehearsal.journal.changed('patched', `Node ${node}`, 'cordoned');
}

export async function uncordon(rehearsal: Rehearsal, node: string): Promise<void> {
  await rehearsal.api.patch(nodes, { name: node }, 'strategic', { spec: { unschedulable: null } });
  rehearsal.journal.changed('patched', `Node ${node}`, 'uncordoned');
}

/** Evicts the pods of a cordoned node and waits until they are gone. @throws RehearsalFailure naming the blockers */
export async function drain(rehearsal: Rehearsal, node: string): Promise<void> {
  const listed = await rehearsal.api.list(pods, { fieldSelector: `spec.nodeName=${node}` });
  const toEvict = podsToEvict(rehearsal, node, listed.items);
  if (toEvict.length === 0) return;
  const deadline = rehearsal.outages.deadline(rehearsal.limits.drain, rehearsal.signal);
  const failed = new AbortController();
  const signal = AbortSignal.any([deadline.signal, failed.signal]);
  const blockers = new Map(toEvict.map((pod) => [podName(pod), 'not evicted yet']));
  try {
    await Promise.all([
      ...toEvict.map((pod) => evict(rehearsal, pod, signal, blockers)),
      waitUntilGone(rehearsal, node, toEvict, signal, blockers),
    ]);
  } catch (error) {
    failed.abort(error);
    rehearsal.signal.throwIfAborted();
    if (!(deadline.signal.aborted && deadline.signal.reason instanceof DeadlineExceeded)) throw error;
    const waited = formatDuration(rehearsal.limits.drain);
    const why = [...blockers].map(([pod, text]) => `${pod}: ${text}`).join('; ');
    throw new RehearsalFailure('failed', 'drain-blocked', `drain of ${node} not finished after ${waited}: ${why}`, {
      cause: error,
    });
  } finally {
    rehearsal.outages.forget(deadline);
  }
}

/** All that a drain would evict; refused as a whole before anything is evicted, as kubectl does. */
function podsToEvict(rehearsal: Rehearsal, node: string, listed: readonly Pod[]): Pod[] {
  const options = rehearsal.scenario.migration.drain;
  const decided = listed.map((pod) => ({ pod, decision: drainDecision(pod, options) }));
  const refused = decided.flatMap(({ pod, decision }) =>
    decision.action === 'refuse' ? [`${podName(pod)} ${decision.why}`] : [],
  );
  if (refused.length > 0) {
    throw new RehearsalFailure('failed', 'drain-blocked', `drain of ${node} refused: ${refused.join('; ')}`);
  }
  return decided.flatMap(({ pod, decision }) => (decision.action === 'evict' ? [pod] : []));
}

async function evict(
  rehearsal: Rehearsal,
  pod: Pod,
  signal: AbortSignal,
  blockers: Map<string, string>,
): Promise<void> {
  const { api, clock, journal } = rehearsal;
  const { name, namespace, uid } = pod.metadata;
  const ref = { name, namespace, ...(uid === undefined ? {} : { uid }) };
  // Ours from the first try on: the answer of one that was carried out may be lost with the API.
  if (uid !== undefined) journal.removedPods.add(uid);
  for (;;) {
    try {
      await api.evict(ref, { signal });
      journal.podRemoved(pod, 'evicted', `from ${pod.spec?.nodeName ?? ''}`);
      break;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Another uid under this name is a conflict with the precondition: the pod that was listed is gone.
      if (error.code === 404 || error.code === 409) break;
      // Several budgets on one pod: no waiting helps. Any other 500 is a server in trouble, an election of etcd say.
      if (error.code === 500 && SEVERAL_BUDGETS.test(error.message)) throw await unevictable(rehearsal, pod, error);
      if (error.code !== 429 && error.code !== 500) throw error;
      const why = error.code === 429 ? await budgetText(rehearsal, pod, error) : error.message;
      blockers.set(podName(pod), why);
      await clock.sleep(RETRY_MS, signal);
    }
  }
  if (blockers.has(podName(pod))) blockers.set(podName(pod), 'evicted, but not gone (terminating)');
}

async function unevictable(rehearsal: Rehearsal, pod: Pod, error: KubeError): Promise<RehearsalFailure> {
  const budgets = await budgetsOf(rehearsal, pod);
  const why = `${error.message} (${budgets.join(', ') || 'no budget selects it'})`;
  const message = `drain of ${pod.spec?.nodeName ?? ''}: ${podName(pod)} cannot be evicted: ${why}`;
  return new RehearsalFailure('failed', 'drain-blocked', message, { cause: error });
}

/** By uid: a StatefulSet's next pod has the same name. */
async function waitUntilGone(
  rehearsal: Rehearsal,
  node: string,
  evicted: readonly Pod[],
  signal: AbortSignal,
  blockers: Map<string, string>,
): Promise<void> {
  await rehearsal.wait({
    what: `the evicted pods of ${node} to be gone`,
    resource: pods,
    fieldSelector: `spec.nodeName=${node}`,
    timeoutMs: rehearsal.limits.drain,
    signal,
    pending: (found) => {
      const uids = new Set(found.map((pod) => pod.metadata.uid));
      for (const pod of evicted) if (!uids.has(pod.metadata.uid)) blockers.delete(podName(pod));
      return blockers.size === 0 ? null : [...blockers.keys()].join(', ');
    },
  });
}

/** Names the budgets that select the pod: the API's answer does not always. */
async function budgetText(rehearsal: Rehearsal, pod: Pod, error: KubeError): Promise<string> {
  return (await budgetsOf(rehearsal, pod)).join(', ') || error.message;
}

async function budgetsOf(rehearsal: Rehearsal, pod: Pod): Promise<string[]> {
  const budgets = await rehearsal.api.list(podDisruptionBudgets, {
    ...(pod.metadata.namespace === undefined ? {} : { namespace: pod.metadata.namespace }),
  });
  const labels = pod.metadata.labels ?? {};
  return budgets.items.flatMap((budget) => {
    const wanted = Object.entries(budget.spec?.selector?.matchLabels ?? {});
    const selects = wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
    if (!selects) return [];
    const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
    const { namespace, name } = budget.metadata;
    return [
      `PodDisruptionBudget ${namespace}/${name} allows ${disruptionsAllowed} disruptions (${currentHealthy} healthy of ${desiredHealthy} wanted)`,
    ];
  });
}
