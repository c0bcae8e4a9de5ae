/** Which address plays which part in a cluster, so that two clusters can be compared by parts. */
import { contains, type Prefix, parseAddress, parsePrefix } from '../../src/twin/network/address.ts';
import type { ClusterFacts } from './state.ts';

export interface NodeRoles {
  readonly node: string;
  /** InternalIP of the Node. */
  readonly address: string;
  /** Calico's block: the /26 that holds the tunnel address of the node's annotation. */
  readonly block: Prefix & { readonly text: string };
  /** podCIDR of the CiliumNode. */
  readonly podCidr: Prefix & { readonly text: string };
  /** CiliumInternalIP of the CiliumNode. */
  readonly router: string;
  /** Health address of the CiliumNode. */
  readonly health: string;
}

interface CiliumNodeSpec {
  readonly addresses: readonly { ip: string; type: string }[];
  readonly health: { ipv4: string };
  readonly ipam: { podCIDRs: string[] };
}

/** Calico's block size for IPv4 (IPPool.spec.blockSize). */
const BLOCK_LENGTH = 26;

export function rolesOf(facts: ClusterFacts): NodeRoles[] {
  return facts.apiNodes.map((node) => {
    const { name } = node.metadata;
    const spec = facts.ciliumNodes.find((item) => item.metadata.name === name)!.spec as CiliumNodeSpec;
    const tunnel = node.metadata.annotations?.['projectcalico.org/IPv4VXLANTunnelAddr'] ?? '';
    const prefix = (text: string): Prefix & { text: string } => ({ ...parsePrefix(text), text });
    const block = parsePrefix(`${tunnel}/${BLOCK_LENGTH}`);
    return {
      node: name,
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
      block: { ...block, text: `${formatBase(block)}/${BLOCK_LENGTH}` },
      podCidr: prefix(spec.ipam.podCIDRs[0]!),
      router: spec.addresses.find(({ type }) => type === 'CiliumInternalIP')?.ip ?? '',
      health: spec.health.ipv4,
    };
  });
}

function formatBase({ base }: Prefix): string {
  return [24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join('.');
}

/** Replaces every address or prefix of a text for which `name` knows a part. */
export function renameAddresses(text: string, name: (token: string) => string | undefined): string {
  return text.replace(/(?<![\w.])\d+\.\d+\.\d+\.\d+(?:\/\d+)?(?![\w.])/g, (token) => name(token) ?? token);
}

export function isWithin(prefix: Prefix, token: string): boolean {
  return /^\d+(\.\d+){3}$/.test(token) && contains(prefix, parseAddress(token));
}
