/** Calico's own objects as far as its actors read them, and the names under which the store keeps them. */
import type { KubeObject } from '../../../kube/objects.ts';

export const RESOURCES = {
  installations: 'installations.operator.tigera.io',
  apiServers: 'apiservers.operator.tigera.io',
  goldmanes: 'goldmanes.operator.tigera.io',
  whiskers: 'whiskers.operator.tigera.io',
  tigeraStatuses: 'tigerastatuses.operator.tigera.io',
  pools: 'ippools.crd.projectcalico.org',
  blocks: 'ipamblocks.crd.projectcalico.org',
  affinities: 'blockaffinities.crd.projectcalico.org',
  felix: 'felixconfigurations.crd.projectcalico.org',
  clusterInformation: 'clusterinformations.crd.projectcalico.org',
  tiers: 'tiers.crd.projectcalico.org',
  calicoPolicies: 'networkpolicies.crd.projectcalico.org',
  crds: 'customresourcedefinitions.apiextensions.k8s.io',
  daemonSets: 'daemonsets.apps',
  deployments: 'deployments.apps',
  budgets: 'poddisruptionbudgets.policy',
  policies: 'networkpolicies.networking.k8s.io',
  clusterRoles: 'clusterroles.rbac.authorization.k8s.io',
  clusterRoleBindings: 'clusterrolebindings.rbac.authorization.k8s.io',
  apiServices: 'apiservices.apiregistration.k8s.io',
  csiDrivers: 'csidrivers.storage.k8s.io',
} as const;

/** One pool of an Installation. */
export interface PoolRequest {
  name?: string;
  cidr: string;
  blockSize?: number;
  encapsulation?: string;
  natOutgoing?: string;
  nodeSelector?: string;
  [field: string]: unknown;
}

export interface Autodetection {
  firstFound?: boolean | null;
  kubernetes?: string | null;
  interface?: string | null;
  skipInterface?: string | null;
  canReach?: string | null;
  cidrs?: string[] | null;
}

export interface CalicoNetwork {
  bgp?: string;
  ipPools?: PoolRequest[];
  nodeAddressAutodetectionV4?: Autodetection;
  linuxDataplane?: string;
  [field: string]: unknown;
}

export interface InstallationSpec {
  variant?: string;
  cni?: { type?: string; ipam?: { type?: string } };
  calicoNetwork?: CalicoNetwork;
  controlPlaneReplicas?: number;
  flexVolumePath?: string;
  kubeletVolumePluginPath?: string;
  kubernetesProvider?: string;
  nodeUpdateStrategy?: { type?: string; rollingUpdate?: { maxUnavailable?: number | string } };
  registry?: string;
  [field: string]: unknown;
}

export interface Installation extends KubeObject {
  spec: InstallationSpec;
  status?: Record<string, unknown>;
}

/** IPPool of crd.projectcalico.org/v1. */
export interface IpPool extends KubeObject {
  spec: {
    cidr: string;
    blockSize?: number;
    ipipMode?: string;
    vxlanMode?: string;
    natOutgoing?: boolean;
    disabled?: boolean;
    nodeSelector?: string;
    allowedUses?: string[];
    [field: string]: unknown;
  };
}

export interface BlockAttribute {
  handle_id: string;
  secondary: { node?: string; namespace?: string; pod?: string; timestamp?: string; type?: string };
}

/** IPAMBlock of crd.projectcalico.org/v1. */
export interface IpamBlock extends KubeObject {
  spec: {
    cidr: string;
    /** `host:NODE`; null when nobody claims the block. */
    affinity: string | null;
    /** Index into `attributes` per address; null when free. */
    allocations: (number | null)[];
    attributes: BlockAttribute[];
    /** Free ordinals, the next one first; released ones go to the end. */
    unallocated: number[];
    strictAffinity: boolean;
    deleted: boolean;
    sequenceNumber: number;
    sequenceNumberForAllocation: Record<string, number>;
  };
}

export interface BlockAffinity extends KubeObject {
  spec: { cidr: string; node: string; state: string; deleted: string; type?: string };
}

export interface FelixConfiguration extends KubeObject {
  spec?: { vxlanPort?: number; vxlanVNI?: number; vxlanMTU?: number; [field: string]: unknown };
}

/** Keys of Node annotations (recorded). */
export const ANNOTATIONS = {
  address: 'projectcalico.org/IPv4Address',
  vxlanTunnel: 'projectcalico.org/IPv4VXLANTunnelAddr',
  ipipTunnel: 'projectcalico.org/IPv4IPIPTunnelAddr',
  interfaces: 'projectcalico.org/Interfaces',
  podIp: 'cni.projectcalico.org/podIP',
  podIps: 'cni.projectcalico.org/podIPs',
  containerId: 'cni.projectcalico.org/containerID',
} as const;
