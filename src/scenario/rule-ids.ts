/** Ids of the preflight rules (src/preflight), in the order in which they are listed. Scenarios name them in `preflight.allow`. */
export const RULE_IDS = [
  'pod-cidr-overlap',
  'tunnel-port-clash',
  'cni-takeover',
  'calico-autodetection',
  'ipam-mode',
  'pool-too-small',
  'unmanaged-pod-restart',
  'policy-across-cnis',
  'calico-policy-lost',
  'calico-cni-feature',
  'calico-ebpf',
  'ip-family',
  'kube-proxy-replacement-early',
  'config-sources',
  'calico-pool-outside-pod-subnet',
  'no-room-to-drain',
  'image-missing',
  'not-modelled',
  'unknown-value',
  'versions-untested',
  'bgp-routing',
] as const;

export type RuleId = (typeof RULE_IDS)[number];
