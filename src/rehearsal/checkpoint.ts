/** Reaching a checkpoint: the gate judges pairs and assertions; red ends the run here. */
import { ciliumEndpoints } from '../cni/resources.ts';
import type { AssertionId, AssertionResult } from '../events/events.ts';
import { pods } from '../kube/resources.ts';
import { assertionsFor } from './assertions/index.ts';
import { countRestarts, lookAtContainers } from './containers.ts';
import { RehearsalFailure, StoppedAsAsked } from './outcome.ts';
import { unlessNotFound } from './patient-api.ts';
import type { Rehearsal } from './rehearsal.ts';
import { isOnPodNetwork, podName } from './rollout.ts';

const AFTER_INSTALL = 'secondary-installed';
/** Checkpoints at which a state must hold for a time, not only be reached. */
const OBSERVED = new Set(['prepared', AFTER_INSTALL]);

/** Assertions that send packets of the probes' pods, which a policy may forbid as it may their pings. */
const OF_PACKETS: ReadonlySet<AssertionId> = new Set(['dns-and-api', 'large-payload']);

/**
 * Has the gate judge checkpoints of one kind, in migration order.
 * @throws RehearsalFailure when one is red, StoppedAsAsked when the run was to end here
 */
export async function reachCheckpoint(rehearsal: Rehearsal, ids: readonly string[]): Promise<void> {
  const { plan, journal, clock, observer } = rehearsal;
  const checkpoints = ids.map((id) => plan.checkpoints.find((planned) => planned.id === id)!);
  const assertions = assertionsFor(rehearsal, checkpoints);
  const outcome = await observer.judge({
    checkpoints: checkpoints.map((checkpoint, index) => ({ ...checkpoint, assertions: assertions[index]! })),
    since: clock.now(),
    observed: ids.every((id) => OBSERVED.has(id)),
    mayRelapse: ids.includes(AFTER_INSTALL),
    managedPods: () => managedPods(rehearsal),
    containers: () => lookAtContainers(rehearsal),
  });
  if (outcome.outcome === 'failed') {
    const { checkpoint, verdict, reason, message } = outcome.failure;
    const own = reason === 'baseline-unhealthy' ? objectToBlame(rehearsal, outcome.results) : undefined;
    if (own !== undefined) {
      throw new RehearsalFailure('refused', 'scenario-invalid', `${message} (explained by ${own})`, { checkpoint });
    }
    const red = outcome.results.filter((result) => result.outcome !== 'passed').map(({ id }) => id);
    throw new RehearsalFailure(verdict, reason, message, { checkpoint, assertions: red });
  }
  for (const id of ids) journal.markPassed(id);
  await countRestarts(rehearsal);
  for (const id of ids) await rehearsal.faults.afterCheckpoint(id);
  if (rehearsal.until !== null && ids.includes(rehearsal.until)) throw new StoppedAsAsked();
}

/** An object of the scenario that explains a baseline that is not green; nothing else has touched the cluster yet. */
function objectToBlame({ found }: Rehearsal, results: readonly AssertionResult[]): string | undefined {
  const names = new Set(found.workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  const workloads = failed.flatMap(({ id, subjects }) =>
    id === 'workloads-available' ? subjects.filter((subject) => names.has(subject)) : [],
  );
  if (workloads.length > 0) return workloads.join(', ');
  // Other assertions that failed speak of something else than what a policy may forbid.
  const forbidden = failed.every(({ id }) => OF_PACKETS.has(id));
  return forbidden && found.policies.length > 0 ? found.policies.join(', ') : undefined;
}

/** Pods of the pod network, and those of them that have a CiliumEndpoint: stale endpoints are not counted. */
async function managedPods(rehearsal: Rehearsal): Promise<{ managed: number; total: number }> {
  const api = rehearsal.rawApi;
  const all = (await api.list(pods)).items.filter(isOnPodNetwork);
  const endpoints = await unlessNotFound(() => api.list(ciliumEndpoints));
  const names = new Set(endpoints?.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) ?? []);
  return { managed: all.filter((pod) => names.has(podName(pod))).length, total: all.length };
}
