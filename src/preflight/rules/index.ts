/** Every rule, in the order in which they are listed. */
import { RULE_IDS } from '../../scenario/rule-ids.ts';
import type { Rule } from '../rule.ts';
import { bgpRouting } from './bgp-routing.ts';
import { calicoAutodetection } from './calico-autodetection.ts';
import { calicoCniFeature } from './calico-cni-feature.ts';
import { calicoEbpf } from './calico-ebpf.ts';
import { calicoPolicyLost } from './calico-policy-lost.ts';
import { calicoPoolOutsidePodSubnet } from './calico-pool-outside-pod-subnet.ts';
import { cniTakeover } from './cni-takeover.ts';
import { configSources } from './config-sources.ts';
import { imageMissing } from './image-missing.ts';
import { ipFamily } from './ip-family.ts';
import { ipamMode } from './ipam-mode.ts';
import { kubeProxyReplacementEarly } from './kube-proxy-replacement-early.ts';
import { noRoomToDrain } from './no-room-to-drain.ts';
import { notModelled } from './not-modelled.ts';
import { podCidrOverlap } from './pod-cidr-overlap.ts';
import { policyAcrossCnis } from './policy-across-cnis.ts';
import { poolTooSmall } from './pool-too-small.ts';
import { tunnelPortClash } from './tunnel-port-clash.ts';
import { unknownValue } from './unknown-value.ts';
import { unmanagedPodRestart } from './unmanaged-pod-restart.ts';
import { versionsUntested } from './versions-untested.ts';

const ALL: readonly Rule[] = [
  bgpRouting,
  calicoAutodetection,
  calicoCniFeature,
  calicoEbpf,
  calicoPolicyLost,
  calicoPoolOutsidePodSubnet,
  cniTakeover,
  configSources,
  imageMissing,
  ipFamily,
  ipamMode,
  kubeProxyReplacementEarly,
  noRoomToDrain,
  notModelled,
  podCidrOverlap,
  policyAcrossCnis,
  poolTooSmall,
  tunnelPortClash,
  unknownValue,
  unmanagedPodRestart,
  versionsUntested,
];

/** In the order of RULE_IDS. */
export const RULES: readonly Rule[] = RULE_IDS.flatMap((id) => ALL.filter((rule) => rule.id === id));
