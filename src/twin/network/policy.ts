/** Where each CNI enforces network policy, and as whom it sees the other side. The policies themselves come from outside. */
import { formatAddress } from './address.ts';
import type { Tracking } from './conntrack.ts';
import type { NodeNamespace } from './namespace.ts';
import type { PodAttachment, PolicyQuestion } from './network.ts';
import { dropped, type Identity, type Packet } from './packet.ts';
import type { Walk } from './walk.ts';

type Peer = PolicyQuestion['peer'];

function podOrWorld(walk: Walk, address: number): Peer {
  const pod = walk.podAt(address);
  const ip = formatAddress(address);
  return pod === undefined ? { kind: 'world', ip } : { kind: 'pod', pod, ip };
}

/**
 * Felix enforces in the FORWARD hook (cali-FORWARD) on its own workloads, in both directions, and knows a pod by its
 * address alone: a masqueraded source is a stranger (observed: Cilium to Calico 100 % lost under a podSelector policy).
 * The node's own traffic does not pass FORWARD and is never judged. A node without Felix's chains enforces nothing.
 */
export function enforceCalico(
  walk: Walk,
  node: NodeNamespace,
  devices: { in: string; out: string },
  packet: Packet,
  tracking: Tracking,
): void {
  const { policies } = walk.terrain;
  if (policies === undefined || tracking.state === 'ESTABLISHED') return;
  if (node.tables.chains('filter')?.has('cali-FORWARD') !== true) return;
  const ask = (endpoint: PodAttachment | undefined, direction: PolicyQuestion['direction'], peer: number): void => {
    if (endpoint?.cni !== 'calico') return;
    const question: PolicyQuestion = {
      direction,
      endpoint,
      peer: podOrWorld(walk, peer),
      port: packet.dport,
      enforcedBy: 'calico',
    };
    if (policies(question) === 'deny') {
      throw dropped(
        packet,
        `Calico's policy on ${node.node}: ${direction} of ${endpoint.name} with ${question.peer.ip}`,
      );
    }
  };
  ask(node.podBehind(devices.in), 'egress', packet.dst);
  ask(node.podBehind(devices.out), 'ingress', packet.src);
}

function enforceCilium(
  walk: Walk,
  node: NodeNamespace,
  endpoint: PodAttachment,
  direction: PolicyQuestion['direction'],
  peer: Peer,
  packet: Packet,
): void {
  const mode = node.datapath?.view.policyEnforcement ?? 'never';
  if (mode === 'never') return;
  const question: PolicyQuestion = { direction, endpoint, peer, port: packet.dport, enforcedBy: 'cilium' };
  const answer = walk.terrain.policies?.(question) ?? 'unselected';
  if (answer === 'deny' || (answer === 'unselected' && mode === 'always')) {
    throw dropped(
      packet,
      `Cilium's policy on ${node.node}: ${direction} of ${endpoint.name} with ${peer.kind} ${peer.ip}`,
    );
  }
}

/** Into a Cilium endpoint. The node's own host is always let in (observed: policy maps allow `reserved:host`). */
export function enforceCiliumIngress(
  walk: Walk,
  node: NodeNamespace,
  endpoint: PodAttachment,
  packet: Packet,
  identity: Identity,
): void {
  if (packet.reply || identity.kind === 'host') return;
  const ip = formatAddress(packet.src);
  const pod = identity.kind === 'pod' ? walk.terrain.podByUid(identity.podUid) : undefined;
  const peer: Peer =
    pod !== undefined
      ? { kind: 'pod', pod, ip }
      : { kind: identity.kind === 'remote-node' ? 'remote-node' : 'world', ip };
  enforceCilium(walk, node, endpoint, 'ingress', peer, packet);
}

/** Out of a Cilium endpoint: only other Cilium endpoints have an identity, a Calico pod is the world. */
export function enforceCiliumEgress(walk: Walk, node: NodeNamespace, endpoint: PodAttachment, packet: Packet): void {
  if (packet.reply || node.isLocal(packet.dst)) return;
  const ip = formatAddress(packet.dst);
  const pod = walk.podAt(packet.dst);
  const peer: Peer =
    pod?.cni === 'cilium'
      ? { kind: 'pod', pod, ip }
      : { kind: walk.nodeAt(packet.dst) === undefined ? 'world' : 'remote-node', ip };
  enforceCilium(walk, node, endpoint, 'egress', peer, packet);
}
