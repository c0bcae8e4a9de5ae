/** CoreDNS's pods, which must not be replaced by anyone but us. */
import { pods } from '../kube/resources.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Label of kubeadm's CoreDNS, and the one that Cilium's unmanaged-pod watcher looks for. */
export const DNS_NAMESPACE = 'kube-system';
export const DNS_SELECTOR = 'k8s-app=kube-dns';

/** Uids of the pods that exist now. */
export async function dnsPodUids({ api }: Pick<Rehearsal, 'api'>): Promise<string[]> {
  const list = await api.list(pods, { namespace: DNS_NAMESPACE, labelSelector: DNS_SELECTOR });
  return list.items.flatMap((pod) => pod.metadata.uid ?? []);
}
