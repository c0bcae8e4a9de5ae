/** InterPodAffinity: required and preferred affinity between pods (pkg/scheduler/framework/plugins/interpodaffinity). */
import type * as k8s from '@kubernetes/client-node';
import type { Namespace, Pod, Wire } from '../../../kube/objects.ts';
import type { ObjectStore } from '../../world.ts';
import { selects } from '../selectors.ts';
import type { NodeState } from './snapshot.ts';

type Term = Wire<k8s.V1PodAffinityTerm>;

const requiredAnti = (pod: Pod): Term[] =>
  pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const required = (pod: Pod): Term[] =>
  pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** Does a term of `owner` speak of `other`? */
function concerns(store: ObjectStore, owner: Pod, term: Term, other: Pod): boolean {
  if (!selects(term.labelSelector, other.metadata.labels)) return false;
  const namespaces = term.namespaces ?? [];
  const namespace = other.metadata.namespace ?? '';
  if (namespaces.length === 0 && term.namespaceSelector === undefined) return namespace === owner.metadata.namespace;
  if (namespaces.includes(namespace)) return true;
  return (
    term.namespaceSelector !== undefined &&
    selects(term.namespaceSelector, store.get<Namespace>('namespaces', namespace)?.metadata.labels)
  );
}

const sameDomain = (a: NodeState, b: NodeState, key: string): boolean =>
  a.labels[key] !== undefined && a.labels[key] === b.labels[key];

interface Placed {
  readonly state: NodeState;
  readonly pod: Pod;
}

/** Placed pods that have terms of their own, by snapshot: few, and asked about for every node that a pod might go to. */
const owners = new WeakMap<readonly NodeState[], readonly Placed[]>();

function withTerms(states: readonly NodeState[]): readonly Placed[] {
  let known = owners.get(states);
  if (known === undefined) {
    known = states.flatMap((state) =>
      state.pods.flatMap((pod) => {
        const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
        return podAffinity === undefined && podAntiAffinity === undefined ? [] : [{ state, pod }];
      }),
    );
    owners.set(states, known);
  }
  return known;
}

export type AffinityViolation = 'affinity' | 'anti' | 'existing-anti';

/** Whether required terms, the pod's own or those of pods already placed, forbid the node. */
export function affinityViolation(
  store: ObjectStore,
  pod: Pod,
  candidate: NodeState,
  states: readonly NodeState[],
): AffinityViolation | undefined {
  for (const term of required(pod)) {
    const all = states.flatMap((state) => state.pods.filter((other) => concerns(store, pod, term, other)));
    const here = states
      .filter((state) => sameDomain(state, candidate, term.topologyKey))
      .some((state) => state.pods.some((other) => concerns(store, pod, term, other)));
    // The first pod of a group that wants to be together may go anywhere.
    const first = all.length === 0 && concerns(store, pod, term, pod);
    if (!here && !(first && candidate.labels[term.topologyKey] !== undefined)) return 'affinity';
  }
  for (const term of requiredAnti(pod)) {
    for (const state of states) {
      if (!sameDomain(state, candidate, term.topologyKey)) continue;
      if (state.pods.some((other) => concerns(store, pod, term, other))) return 'anti';
    }
  }
  for (const { state, pod: other } of withTerms(states)) {
    for (const term of requiredAnti(other)) {
      if (sameDomain(state, candidate, term.topologyKey) && concerns(store, other, term, pod)) return 'existing-anti';
    }
  }
  return undefined;
}

/** Weights of preferred terms, own and of placed pods; anti-affinity counts down. */
export function affinityScore(
  store: ObjectStore,
  pod: Pod,
  candidate: NodeState,
  states: readonly NodeState[],
): number {
  const weighted = (one: Pod) => [
    ...(one.spec?.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => ({
      weight: term.weight,
      term: term.podAffinityTerm,
    })),
    ...(one.spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => ({
      weight: -term.weight,
      term: term.podAffinityTerm,
    })),
  ];
  let score = 0;
  for (const { weight, term } of weighted(pod)) {
    for (const state of states) {
      if (!sameDomain(state, candidate, term.topologyKey)) continue;
      for (const other of state.pods) if (concerns(store, pod, term, other)) score += weight;
    }
  }
  for (const { state, pod: other } of withTerms(states)) {
    for (const { weight, term } of weighted(other)) {
      if (sameDomain(state, candidate, term.topologyKey) && concerns(store, other, term, pod)) score += weight;
    }
    for (const term of required(other)) {
      // hardPodAffinityWeight, 1 by default
      if (sameDomain(state, candidate, term.topologyKey) && concerns(store, other, term, pod)) score += 1;
    }
  }
  return score;
}
