/** Where the API serves the objects of Calico, its operator and Cilium that the rehearsal reads or writes. */
import type { Resource } from '../kube/api.ts';
import type { Condition, KubeObject } from '../kube/objects.ts';
import type { JsonObject } from '../scenario/scenario.ts';

export interface Installation extends KubeObject {
  spec?: JsonObject;
}

export interface TigeraStatus extends KubeObject {
  status?: { conditions?: Condition[] };
}

export interface IpPool extends KubeObject {
  spec: {
    cidr: string;
    ipipMode?: string;
    vxlanMode?: string;
    disabled?: boolean;
    natOutgoing?: boolean;
    blockSize?: number;
  };
}

export interface IpamBlock extends KubeObject {
  /** `affinity` is `host:NODE`, or absent when nobody owns the block. */
  spec: { cidr: string; affinity?: string | null };
}

export interface FelixConfiguration extends KubeObject {
  spec?: { vxlanPort?: number };
}

export interface CiliumNode extends KubeObject {
  spec?: {
    addresses?: { ip?: string; type?: string }[];
    health?: { ipv4?: string };
    ipam?: { podCIDRs?: string[] };
  };
  status?: { ipam?: { 'operator-status'?: { error?: string } } };
}

export interface CiliumEndpoint extends KubeObject {
  status?: { state?: string; networking?: { addressing?: { ipv4?: string }[]; node?: string } };
}

function cluster<T>(group: string, version: string, plural: string, kind: string): Resource<T> {
  return { group, version, plural, kind, namespaced: false };
}

const OPERATOR_GROUP = 'operator.tigera.io';
/**
 * Calico's storage group. The native mode of 3.32 (technical preview) would keep them in projectcalico.org; the
 * manifests that we apply never choose it (projectcalico/calico v3.32.1 manifests).
 */
const STORAGE_GROUP = 'crd.projectcalico.org';

export const installations = cluster<Installation>(OPERATOR_GROUP, 'v1', 'installations', 'Installation');
export const apiServers = cluster<KubeObject>(OPERATOR_GROUP, 'v1', 'apiservers', 'APIServer');
export const goldmanes = cluster<KubeObject>(OPERATOR_GROUP, 'v1', 'goldmanes', 'Goldmane');
export const whiskers = cluster<KubeObject>(OPERATOR_GROUP, 'v1', 'whiskers', 'Whisker');
export const tigeraStatuses = cluster<TigeraStatus>(OPERATOR_GROUP, 'v1', 'tigerastatuses', 'TigeraStatus');
export const ipPools = cluster<IpPool>(STORAGE_GROUP, 'v1', 'ippools', 'IPPool');
export const ipamBlocks = cluster<IpamBlock>(STORAGE_GROUP, 'v1', 'ipamblocks', 'IPAMBlock');
export const felixConfigurations = cluster<FelixConfiguration>(
  STORAGE_GROUP,
  'v1',
  'felixconfigurations',
  'FelixConfiguration',
);

export const ciliumNodes = cluster<CiliumNode>('cilium.io', 'v2', 'ciliumnodes', 'CiliumNode');
export const ciliumEndpoints: Resource<CiliumEndpoint> = {
  group: 'cilium.io',
  version: 'v2',
  plural: 'ciliumendpoints',
  kind: 'CiliumEndpoint',
  namespaced: true,
};

/** CiliumNodeConfig in the API version that this Cilium serves (`v2` or `v2alpha1`). */
export function ciliumNodeConfigs(version: string): Resource<KubeObject> {
  return { group: 'cilium.io', version, plural: 'ciliumnodeconfigs', kind: 'CiliumNodeConfig', namespaced: true };
}
