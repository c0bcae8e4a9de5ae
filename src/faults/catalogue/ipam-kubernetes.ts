/** Cilium takes the pod CIDRs that Kubernetes gave the nodes: they lie inside Calico's pool. */
import type { Fault } from '../fault.ts';
import { firstCaught, strandedInBlocks } from '../first-caught.ts';
import { withValues } from '../with-values.ts';
import { blameOf } from './pod-cidr-overlap.ts';

export const ipamKubernetes: Fault = {
  name: 'ipam-kubernetes',
  kind: 'configuration',
  summary: "ipam.mode is kubernetes: Cilium uses the nodes' own pod CIDRs.",
  ends: 'as `pod-cidr-overlap:of=calico-block`',
  mechanism:
    "Node.spec.podCIDRs are cut from the cluster's pod subnet, which is Calico's pool too. Where an address that Cilium draws lies in one of Calico's blocks, packets to it go to the block's node; else nothing is seen.",
  source: 'cilium 1.19 Documentation/network/concepts/ipam/kubernetes.rst; kubeadm clusterCIDR; overlap as recorded',
  providers: ['twin', 'kind'],
  arguments: {},
  refusedBy: 'ipam-mode',
  change: (scenario) => withValues(scenario, { ipam: { mode: 'kubernetes' } }),
  expected: (run) => {
    const caught = firstCaught(run, strandedInBlocks);
    const blame = caught && blameOf(caught);
    return caught ? { outcome: `failed:${caught.checkpoint}`, ...(blame && { blame }) } : { outcome: 'latent' };
  },
};
