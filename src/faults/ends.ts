/**
 * How a run with each fault must end, for people: what the entries' `expected` works out by plan and addresses. Where a rule
 * refuses the fault, this is the end with the rule allowed.
 */
export const ENDS: Readonly<Record<string, string>> = {
  'pod-cidr-overlap:of=calico-block':
    '`failed` at the first checkpoint at which a health endpoint (`secondary-installed`, by `overlay-reachable`) or a pod on Cilium (`switched/*`, `migrated/*`) has an address inside a block; else `latent`',
  'pod-cidr-overlap:of=services':
    '`latent`; `failed` where a pod draws the ClusterIP of a Service that it calls (it then calls itself: the API, or DNS), or address *and* port of one. Otherwise an address collides with nothing, because both are translated together',
  'pod-cidr-overlap:of=nodes':
    "`failed:secondary-installed`, `control-plane-lost` once the control plane's own agent has set its routes, or because agents are not ready; nodes stay Ready and pairs good",
  'tunnel-port-clash': '`failed:secondary-installed` by `overlay-reachable`; no pair fails',
  'cni-takeover-at-install': '`failed:secondary-installed` by `cni-files-unchanged`, naming every node; no pair fails',
  'calico-first-found': '`failed:secondary-installed` by `node-addresses`, naming the node; no pair fails',
  'ipam-kubernetes': 'as `pod-cidr-overlap:of=calico-block`',
  'policy-too-early': '`failed` at the first `switched/*`: all pairs between the CNIs, in both directions',
  'policy-selectors': '`failed` at the first `switched/*`: Cilium → Calico only',
  'pool-too-small': '`failed:secondary-installed`, naming the nodes without a pod CIDR',
  'unmanaged-pod-restart': '`failed:secondary-installed` by `dns-and-api`; no pair fails',
  'host-legacy-routing-off': '`passed`: tolerated',
  'agent-image-missing':
    '`refused:image-missing`, naming the image; a registry that does not answer is `error:download-failed`',
  'tunnel-port-blocked':
    '`failed` at the first `switched/*` after it: Calico pods on the node → Cilium pods, or with the node itself switched Calico pods elsewhere → its Cilium pods; before `secondary-installed` there, by `overlay-reachable`',
  'agent-crash-loop': '`failed:switched/NODE`',
  'cni-file-unwritten': '`failed:switched/NODE`',
  'pdb-never-met': '`failed:drained/NODE`, naming the budget',
  'node-stays-down':
    '`failed:restarted/NODE` (with `recycle: node` `switched/NODE`); the only control plane: `control-plane-lost`',
  'api-outage': '`passed` up to `timeouts.apiOutage`; longer: `failed` at the next checkpoint, `control-plane-lost`',
  'slow-image-pull': '`passed`: tolerated within the time limits',
  'pair-drop':
    '`failed` at the next checkpoint: both directions with `packets`, FROM → TO only with `new-connections`; healed in time: `passed` and told as disruption, or `failed` above `gate.maxDisruption`',
};

/** The texts of one fault, with the argument that tells them apart. */
export function endsOf(name: string): { readonly when: string; readonly end: string }[] {
  return Object.entries(ENDS).flatMap(([key, end]) => {
    if (key === name) return [{ when: '', end }];
    return key.startsWith(`${name}:`) ? [{ when: key.slice(name.length + 1), end }] : [];
  });
}
