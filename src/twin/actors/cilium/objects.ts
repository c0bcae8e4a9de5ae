/** Cilium's own objects as far as the actors read and write them, and the names under which the store keeps them. */
import type { KubeObject } from '../../../kube/objects.ts';

export const CILIUM_NODES = 'ciliumnodes.cilium.io';
export const CILIUM_ENDPOINTS = 'ciliumendpoints.cilium.io';
export const CILIUM_IDENTITIES = 'ciliumidentities.cilium.io';
export const CILIUM_NODE_CONFIGS = 'ciliumnodeconfigs.cilium.io';
export const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

export interface CiliumNode extends KubeObject {
  spec: {
    addresses: { ip: string; type: string }[];
    health?: { ipv4?: string };
    ipam: { podCIDRs?: string[]; pools?: Record<string, never> };
    [field: string]: unknown;
  };
  status: {
    ipam: { 'operator-status': { error?: string } };
    [field: string]: unknown;
  };
}

export interface CiliumEndpoint extends KubeObject {
  status: {
    id: number;
    identity: { id: number; labels: string[] };
    networking: { addressing: { ipv4: string }[]; node: string };
    state: string;
    [field: string]: unknown;
  };
}

export interface CiliumNodeConfig extends KubeObject {
  spec: {
    defaults: Record<string, string>;
    nodeSelector: {
      matchLabels?: Record<string, string>;
      matchExpressions?: { key: string; operator: string; values?: string[] }[];
    };
  };
}
