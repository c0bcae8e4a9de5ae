/** Which assertions are judged at which checkpoint. */
import type { AssertionId, PlannedCheckpoint } from '../../events/events.ts';
import type { AssertionContext, AssertionRunner, JudgedAssertion } from '../gate/types.ts';
import type { Rehearsal } from '../rehearsal.ts';
import { agentsReady } from './agents-ready.ts';
import { apiServiceAvailable } from './apiservice-available.ts';
import type { Assertion } from './assertion.ts';
import { cniFilesUnchanged } from './cni-files-unchanged.ts';
import { dnsAndApi } from './dns-and-api.ts';
import { largePayload } from './large-payload.ts';
import { networkAvailable } from './network-available.ts';
import { noCiliumEndpoints } from './no-cilium-endpoints.ts';
import { noNodeSelected } from './no-node-selected.ts';
import { nodeAddresses } from './node-addresses.ts';
import { nothingLegacyLeft } from './nothing-legacy-left.ts';
import { operatorReady } from './operator-ready.ts';
import { overlayReachable } from './overlay-reachable.ts';
import { podsOnNewNetwork } from './pods-on-new-network.ts';
import { workloadsAvailable } from './workloads-available.ts';

export const ASSERTION: Readonly<Record<AssertionId, Assertion>> = {
  'agents-ready': agentsReady,
  'operator-ready': operatorReady,
  'node-addresses': nodeAddresses,
  'network-available': networkAvailable,
  'cni-files-unchanged': cniFilesUnchanged,
  'no-node-selected': noNodeSelected,
  'no-cilium-endpoints': noCiliumEndpoints,
  'overlay-reachable': overlayReachable,
  'pods-on-new-network': podsOnNewNetwork,
  'workloads-available': workloadsAvailable,
  'dns-and-api': dnsAndApi,
  'large-payload': largePayload,
  'apiservice-available': apiServiceAvailable,
  'nothing-legacy-left': nothingLegacyLeft,
};

const ALWAYS: readonly AssertionId[] = ['network-available', 'workloads-available', 'dns-and-api'];
const CILIUM: readonly AssertionId[] = ['agents-ready', 'operator-ready'];
/** While Calico serves a pod. */
const CALICO: readonly AssertionId[] = ['node-addresses', 'apiservice-available'];
const ON_CILIUM: readonly AssertionId[] = ['overlay-reachable', 'pods-on-new-network'];

/** By kind of checkpoint: the id up to its slash. */
export const ASSERTIONS_AT: Readonly<Record<string, readonly AssertionId[]>> = {
  baseline: [...ALWAYS, 'large-payload', 'apiservice-available'],
  prepared: [...ALWAYS, ...CALICO],
  'secondary-installed': [
    ...ALWAYS,
    ...CILIUM,
    ...CALICO,
    'cni-files-unchanged',
    'no-node-selected',
    'no-cilium-endpoints',
    'overlay-reachable',
  ],
  // Not the overlay: nothing of it changes by a drain.
  drained: [...ALWAYS, ...CILIUM, ...CALICO, 'cni-files-unchanged'],
  switched: [...ALWAYS, ...CILIUM, ...CALICO, ...ON_CILIUM, 'cni-files-unchanged', 'large-payload'],
  migrated: [...ALWAYS, ...CILIUM, ...CALICO, ...ON_CILIUM, 'cni-files-unchanged', 'large-payload'],
  'all-migrated': [...ALWAYS, ...CILIUM, ...CALICO, ...ON_CILIUM, 'large-payload'],
  finalized: [...ALWAYS, ...CILIUM, ...CALICO, ...ON_CILIUM, 'large-payload'],
  'legacy-removed': [...ALWAYS, ...CILIUM, ...ON_CILIUM, 'nothing-legacy-left'],
  restarted: [...ALWAYS, ...CILIUM, ...ON_CILIUM, 'apiservice-available', 'nothing-legacy-left'],
  final: [...ALWAYS, ...CILIUM, ...ON_CILIUM, 'large-payload', 'apiservice-available', 'nothing-legacy-left'],
};

/** Kinds after the removal, where the scenario has one. */
const AFTER_REMOVAL = new Set(['restarted', 'final']);

/** Ids judged at a checkpoint of this scenario, in the order of the table. */
export function assertionIdsAt(checkpoint: string, removeCalico: boolean): AssertionId[] {
  const kind = checkpoint.split('/')[0]!;
  return (ASSERTIONS_AT[kind] ?? []).filter((id) => {
    // Where Calico stays, nothing of it can be called left behind, and its API must go on.
    if (id === 'nothing-legacy-left') return removeCalico;
    return id !== 'apiservice-available' || !removeCalico || !AFTER_REMOVAL.has(kind);
  });
}

/** What these see depends on the node of the checkpoint; all others look at the whole cluster and say the same for a batch. */
const OF_ONE_NODE: ReadonlySet<AssertionId> = new Set(['pods-on-new-network', 'large-payload', 'nothing-legacy-left']);

/**
 * Runners for each of the checkpoints, which are of one kind. What is the same for all of them is looked at once a round: in a
 * cluster of a hundred nodes a batch of ten would otherwise ask every node ten times.
 */
export function assertionsFor(rehearsal: Rehearsal, checkpoints: readonly PlannedCheckpoint[]): AssertionRunner[][] {
  const rounds = new WeakMap<AssertionContext, Map<AssertionId, Promise<JudgedAssertion>>>();
  const once = (id: AssertionId, context: AssertionContext, look: () => Promise<JudgedAssertion>) => {
    const round = rounds.get(context) ?? new Map<AssertionId, Promise<JudgedAssertion>>();
    rounds.set(context, round);
    const answer = round.get(id) ?? look();
    round.set(id, answer);
    return answer;
  };
  return checkpoints.map((checkpoint) =>
    assertionIdsAt(checkpoint.id, rehearsal.scenario.finish.removeCalico).map((id): AssertionRunner => {
      const look = (context: AssertionContext) => ASSERTION[id](rehearsal, checkpoint, context, checkpoints);
      return OF_ONE_NODE.has(id) ? look : (context) => once(id, context, () => look(context));
    }),
  );
}
