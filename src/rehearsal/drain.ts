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
import { find } from './patient-api.ts';
import type { Rehearsal } from './rehearsal.ts';
import { podName } from './rollout.ts';

/** kubectl's pause after an eviction that a budget forbids (kubectl/pkg/drain/drain.go). */
const RETRY_MS = 5_000;

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
  const deadline = rehearsal.outages.deadline(rehearsal.limits.drain, rehearsal.signal);
  const blockers = new Map<string, string>();
  try {
    const results = await Promise.allSettled(
      toEvict.map((pod) => evictAndWait(rehearsal, pod, deadline.signal, blockers)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  } catch (error) {
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

async function evictAndWait(
  rehearsal: Rehearsal,
  pod: Pod,
  signal: AbortSignal,
  blockers: Map<string, string>,
): Promise<void> {
  const { api, clock, journal } = rehearsal;
  const { name, namespace, uid } = pod.metadata;
  const ref = { name, namespace, ...(uid === undefined ? {} : { uid }) };
  const label = podName(pod);
  blockers.set(label, 'not evicted yet');
  for (;;) {
    try {
      await api.evict(ref, { signal });
      journal.podRemoved(pod, 'evicted', `from ${pod.spec?.nodeName ?? ''}`);
      break;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Another uid under this name is a conflict with the precondition: the pod that was listed is gone.
      if (error.code === 404 || error.code === 409) break;
      if (error.code !== 429) throw error;
      blockers.set(label, await budgetText(rehearsal, pod, error));
      await clock.sleep(RETRY_MS, signal);
    }
  }
  blockers.set(label, 'evicted, but not gone (terminating)');
  const limit = rehearsal.limits.drain;
  await rehearsal.wait({
    what: `pod ${label} to be gone`,
    resource: pods,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    timeoutMs: limit,
    signal,
    pending: (found) => (found.some((candidate) => candidate.metadata.uid === uid) ? 'it is terminating' : null),
  });
  blockers.delete(label);
}

/** Names the budgets that select the pod: the API's answer does not always. */
async function budgetText(rehearsal: Rehearsal, pod: Pod, error: KubeError): Promise<string> {
  const budgets = await rehearsal.api.list(podDisruptionBudgets, {
    ...(pod.metadata.namespace === undefined ? {} : { namespace: pod.metadata.namespace }),
  });
  const labels = pod.metadata.labels ?? {};
  const names = budgets.items.flatMap((budget) => {
    const wanted = Object.entries(budget.spec?.selector?.matchLabels ?? {});
    const selects = wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
    if (!selects) return [];
    const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
    const { namespace, name } = budget.metadata;
    return [
      `PodDisruptionBudget ${namespace}/${name} allows ${disruptionsAllowed} disruptions (${currentHealthy} healthy of ${desiredHealthy} wanted)`,
    ];
  });
  return names.length > 0 ? names.join(', ') : error.message;
}

/** Is the node still cordoned? For hand-work. */
export async function isCordoned(rehearsal: Rehearsal, node: string): Promise<boolean> {
  return (await find(rehearsal.api, nodes, { name: node }))?.spec?.unschedulable === true;
}
