/** Every rule, in the order in which they are listed. */
import { RULE_IDS, type RuleId } from '../../scenario/rule-ids.ts';
import type { Rule } from '../rule.ts';
import { bgpRouting } from './bgp-routing.ts';
import { calicoAutodetection } from './calico-autodetection.ts';
import { calicoPoolOutsidePodSubnet } from './calico-pool-outside-pod-subnet.ts';
import { cniTakeover } from './cni-takeover.ts';
import { ipFamily } from './ip-family.ts';
import { ipamMode } from './ipam-mode.ts';
import { notModelled } from './not-modelled.ts';
import { podCidrOverlap } from './pod-cidr-overlap.ts';
import { poolTooSmall } from './pool-too-small.ts';
import { tunnelPortClash } from './tunnel-port-clash.ts';
import { unknownValue } from './unknown-value.ts';

/** Ids whose rule is still to come; empty when all are merged, and then to be deleted. */
export const NOT_YET: readonly RuleId[] = [
  'unmanaged-pod-restart',
  'policy-across-cnis',
  'calico-policy-lost',
  'calico-cni-feature',
  'calico-ebpf',
  'kube-proxy-replacement-early',
  'config-sources',
  'no-room-to-drain',
  'image-missing',
  'versions-untested',
];

const ALL: readonly Rule[] = [
  podCidrOverlap,
  tunnelPortClash,
  cniTakeover,
  calicoAutodetection,
  ipamMode,
  poolTooSmall,
  ipFamily,
  calicoPoolOutsidePodSubnet,
  bgpRouting,
  notModelled,
  unknownValue,
];

/** In the order of RULE_IDS. */
export const RULES: readonly Rule[] = RULE_IDS.flatMap((id) => ALL.filter((rule) => rule.id === id));
