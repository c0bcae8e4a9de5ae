/**
 * What a person types to bring things back after a failed run. The order for a switched node was confirmed on a real
 * one: label, agent, files, pods; an agent that still manages the directory renames the file back within a second.
 */
import { AGENT_SELECTOR, CILIUM_NAMESPACE, MIGRATION_LABEL } from '../cni/cilium.ts';
import { BACKUP_SUFFIX, CALICO_CONFLIST, CILIUM_CONFLIST, CNI_DIRECTORY } from '../cni/leftovers.ts';
import type { NodeStage } from './journal.ts';

/** Commands that give a node back to Calico, from what was done to it. */
export function backToCalico(node: string, stage: NodeStage): string[] {
  const uncordon = `kubectl uncordon ${node}`;
  if (stage === 'cordoned') return [uncordon];
  return [
    `kubectl drain ${node} --ignore-daemonsets`,
    `kubectl label node ${node} ${MIGRATION_LABEL}-`,
    `kubectl -n ${CILIUM_NAMESPACE} delete pod -l ${AGENT_SELECTOR} --field-selector spec.nodeName=${node}`,
    `kubectl -n ${CILIUM_NAMESPACE} wait pod -l ${AGENT_SELECTOR} --field-selector spec.nodeName=${node} --for=condition=Ready --timeout=5m`,
    `docker exec ${node} sh -c 'cd ${CNI_DIRECTORY} && if [ -f ${CALICO_CONFLIST}${BACKUP_SUFFIX} ]; then mv ${CALICO_CONFLIST}${BACKUP_SUFFIX} ${CALICO_CONFLIST}; fi && rm -f ${CILIUM_CONFLIST}'`,
    `kubectl get pods -A --field-selector spec.nodeName=${node} -o wide  # delete every pod with an address of Cilium's CIDR`,
    uncordon,
  ];
}

/** What is stuck after a removal that was not finished, and how it is freed; safe because no pod uses Calico any more. */
export function finishRemoval(): string[] {
  return [
    `kubectl patch installations.operator.tigera.io default --type=merge -p '{"metadata":{"finalizers":null}}'`,
    `for kind in serviceaccount/calico-node serviceaccount/calico-cni-plugin; do kubectl -n calico-system patch $kind --type=merge -p '{"metadata":{"finalizers":null}}'; done`,
    `for kind in clusterrole clusterrolebinding; do for name in calico-node calico-cni-plugin; do kubectl patch $kind $name --type=merge -p '{"metadata":{"finalizers":null}}'; done; done`,
    'kubectl delete apiservice v3.projectcalico.org --ignore-not-found',
    'kubectl delete namespace calico-system calico-apiserver tigera-operator --ignore-not-found',
  ];
}

export interface Situation {
  readonly inHand: ReadonlyMap<string, NodeStage>;
  readonly pastPointOfNoReturn: boolean;
  readonly removalBlocked: boolean;
}

export function handworkFor({ inHand, pastPointOfNoReturn, removalBlocked }: Situation): string[] {
  if (pastPointOfNoReturn) return removalBlocked ? finishRemoval() : [];
  return [...inHand].flatMap(([node, stage]) => backToCalico(node, stage));
}
