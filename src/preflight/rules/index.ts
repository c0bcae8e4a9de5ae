/** Every rule, in the order in which they are listed. */
import { RULE_IDS, type RuleId } from '../../scenario/rule-ids.ts';
import type { Rule } from '../rule.ts';
import { notModelled } from './not-modelled.ts';
import { unknownValue } from './unknown-value.ts';

/** Ids whose rule is still to come; empty when all are merged, and then to be deleted. */
export const NOT_YET: readonly RuleId[] = [
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
  'versions-untested',
  'bgp-routing',
];

const ALL: readonly Rule[] = [notModelled, unknownValue];

/** In the order of RULE_IDS. */
export const RULES: readonly Rule[] = RULE_IDS.flatMap((id) => ALL.filter((rule) => rule.id === id));
