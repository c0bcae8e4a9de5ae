/** Every fault that there is, in the order in which they are listed. */
import type { Fault } from '../fault.ts';
import { agentCrashLoop } from './agent-crash-loop.ts';
import { agentImageMissing } from './agent-image-missing.ts';
import { apiOutage } from './api-outage.ts';
import { calicoFirstFound } from './calico-first-found.ts';
import { cniFileUnwritten } from './cni-file-unwritten.ts';
import { cniTakeoverAtInstall } from './cni-takeover-at-install.ts';
import { hostLegacyRoutingOff } from './host-legacy-routing-off.ts';
import { ipamKubernetes } from './ipam-kubernetes.ts';
import { nodeStaysDown } from './node-stays-down.ts';
import { pairDrop } from './pair-drop.ts';
import { pdbNeverMet } from './pdb-never-met.ts';
import { podCidrOverlap } from './pod-cidr-overlap.ts';
import { policySelectors } from './policy-selectors.ts';
import { policyTooEarly } from './policy-too-early.ts';
import { poolTooSmall } from './pool-too-small.ts';
import { slowImagePull } from './slow-image-pull.ts';
import { tunnelPortBlocked } from './tunnel-port-blocked.ts';
import { tunnelPortClash } from './tunnel-port-clash.ts';
import { unmanagedPodRestart } from './unmanaged-pod-restart.ts';

export const FAULTS: readonly Fault[] = [
  podCidrOverlap,
  tunnelPortClash,
  cniTakeoverAtInstall,
  calicoFirstFound,
  ipamKubernetes,
  policyTooEarly,
  policySelectors,
  poolTooSmall,
  unmanagedPodRestart,
  hostLegacyRoutingOff,
  tunnelPortBlocked,
  agentCrashLoop,
  cniFileUnwritten,
  agentImageMissing,
  pdbNeverMet,
  nodeStaysDown,
  apiOutage,
  slowImagePull,
  pairDrop,
];
