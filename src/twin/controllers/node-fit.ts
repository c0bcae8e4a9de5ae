/** Whether a pod may stand on a node: node name, affinity, selector and taints. Shared by scheduler, DaemonSets and eviction. */
import type * as k8s from '@kubernetes/client-node';
import type { Node, Wire } from '../../kube/objects.ts';
import type { PodSpec, Toleration } from './pods.ts';
import { carries, meets } from './selectors.ts';

export type Taint = Wire<k8s.V1Taint>;
type NodeSelectorTerm = Wire<k8s.V1NodeSelectorTerm>;

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  // An empty key is only valid with Exists.
  if (toleration.key === undefined || toleration.key === '') return false;
  return (toleration.value ?? '') === (taint.value ?? '');
}

export const untolerated = (
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined =>
  taints?.find(
    (taint) =>
      effects.includes(taint.effect) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)),
  );

function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  // A term without requirements matches nothing.
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((one) => meets(one, node.metadata.labels ?? {})) &&
    fields.every((one) => meets(one, { 'metadata.name': node.metadata.name }))
  );
}

export const preferredNodeTerms = (spec: PodSpec) =>
  spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

/** nodeSelector and required node affinity. */
export function matchesNodeAffinity(spec: PodSpec, node: Node): boolean {
  if (!carries(node.metadata.labels ?? {}, spec.nodeSelector ?? {})) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => termMatches(term, node));
}

export const termFits = termMatches;

/** The node that required affinity pins the pod to by name (DaemonSet pods), if it names exactly one in every term. */
export function pinnedNodes(spec: PodSpec): Set<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const field = term.matchFields?.find((one) => one.key === 'metadata.name' && one.operator === 'In');
    if (field === undefined) return undefined;
    for (const name of field.values ?? []) names.add(name);
  }
  return names;
}
