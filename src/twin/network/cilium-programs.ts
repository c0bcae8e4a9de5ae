/**
 * Cilium's eBPF programs with legacy host routing (tunnel mode, no kube-proxy replacement): at a pod's device (bpf_lxc), at
 * cilium_host (bpf_host) and at the tunnel device (bpf_overlay). What they do not decide goes up to the node's own stack,
 * which is what joins Cilium's pods to Calico's.
 */
import { formatAddress } from './address.ts';
import type { NodeNamespace } from './namespace.ts';
import type { PodAttachment } from './network.ts';
import { dropped, type Identity, type Packet, unreachable } from './packet.ts';
import { enforceCiliumEgress, enforceCiliumIngress } from './policy.ts';
import { answerFromService, balanceForPod } from './services.ts';
import { receive } from './stack.ts';
import { outerPacket, sendOuter } from './tunnels.ts';
import type { Arrival, Walk } from './walk.ts';

/** A local endpoint of Cilium; without a pod it is the health endpoint. */
interface Endpoint {
  readonly pod: PodAttachment | undefined;
}

function endpointAt(node: NodeNamespace, address: number): Endpoint | undefined {
  if (node.datapath?.healthIp === address) return { pod: undefined };
  const pod = node.podAt(address);
  return pod?.cni === 'cilium' ? { pod } : undefined;
}

/** bpf_lxc, on the way out of a pod (or of the health endpoint). */
export function fromCiliumEndpoint(
  walk: Walk,
  node: NodeNamespace,
  sender: PodAttachment | undefined,
  packet: Packet,
): Arrival {
  walk.enter(node);
  const device = sender?.device ?? 'lxc_health';
  const identity: Identity = sender === undefined ? { kind: 'health' } : { kind: 'pod', podUid: sender.podUid };
  const { datapath } = node;
  // Without loaded programs the device is a plain veth.
  if (datapath === undefined) return receive(walk, node, device, packet);
  if (sender !== undefined) {
    balanceForPod(walk, node, sender, packet);
    enforceCiliumEgress(walk, node, sender, packet);
  }
  if (!node.isLocal(packet.dst)) {
    const local = endpointAt(node, packet.dst);
    if (local !== undefined) return deliver(walk, node, local, packet, identity);
    const remote = datapath.tunnelEndpoint(packet.dst);
    if (remote !== undefined) return encapsulate(walk, node, remote, packet, identity);
  }
  return receive(walk, node, device, packet);
}

/**
 * bpf_host at cilium_host: what the stack routes to Cilium's addresses. Only what the node itself sent has the identity
 * host; a Calico pod masqueraded to cilium_host's address is the world (observed in the drop line).
 */
export function fromCiliumHost(walk: Walk, node: NodeNamespace, packet: Packet): Arrival {
  const { datapath } = node;
  if (datapath === undefined) throw dropped(packet, `Cilium's programs are not loaded on ${node.node}`);
  const local = endpointAt(node, packet.dst);
  if (local !== undefined) return deliver(walk, node, local, packet, { kind: packet.fromHost ? 'host' : 'world' });
  const remote = datapath.tunnelEndpoint(packet.dst);
  if (remote !== undefined) {
    return encapsulate(walk, node, remote, packet, { kind: packet.fromHost ? 'remote-node' : 'world' });
  }
  const where = `Cilium on ${node.node} has no endpoint ${formatAddress(packet.dst)}`;
  // Observed for a deleted pod: peers on its own node get `no route to host`, those on others nothing.
  throw walk.tunnelled ? dropped(packet, where) : unreachable(packet, 'no route to host', where);
}

/** bpf_overlay: a packet out of the tunnel. What is for no local endpoint is for the node itself. */
export function fromCiliumOverlay(
  walk: Walk,
  node: NodeNamespace,
  device: string,
  packet: Packet,
  identity: Identity,
): Arrival {
  walk.enter(node);
  if (node.datapath === undefined) throw dropped(packet, `Cilium's programs are not loaded on ${node.node}`);
  const local = endpointAt(node, packet.dst);
  if (local !== undefined) return deliver(walk, node, local, packet, identity);
  return receive(walk, node, device, packet);
}

function deliver(walk: Walk, node: NodeNamespace, endpoint: Endpoint, packet: Packet, identity: Identity): Arrival {
  const { pod } = endpoint;
  const device = pod?.device ?? 'lxc_health';
  const link = node.link(device);
  if (link?.up === false) throw dropped(packet, `${device} is down on ${node.node}`);
  walk.limitTo(link?.mtu);
  if (pod === undefined) return { node, at: { kind: 'health' }, packet };
  if (link === undefined) throw dropped(packet, `${device} of ${pod.name} is gone from ${node.node}`);
  enforceCiliumIngress(walk, node, pod, packet, identity);
  answerFromService(walk, pod, packet);
  node.podNamespace(pod.podUid)?.filter('INPUT', packet);
  return { node, at: { kind: 'pod', pod }, packet };
}

/** The kernel drops what a device sends into itself that often (Linux v6.18 net/core/dev.h XMIT_RECURSION_LIMIT). */
const RECURSION_LIMIT = 8;

function nesting(packet: Packet): number {
  return packet.load === undefined ? 0 : 1 + nesting(packet.load.inner);
}

function encapsulate(walk: Walk, node: NodeNamespace, remote: number, packet: Packet, identity: Identity): Arrival {
  const protocol = node.datapath!.view.tunnelProtocol;
  const link = node.links().find((device) => device.external === true && device.kind === protocol);
  if (link?.up !== true)
    throw dropped(packet, `cilium_${protocol} is ${link === undefined ? 'missing' : 'down'} on ${node.node}`);
  if (nesting(packet) >= RECURSION_LIMIT) {
    throw dropped(packet, `the way to ${formatAddress(remote)} leads into the tunnel again on ${node.node}`);
  }
  walk.limitTo(link.mtu);
  const inner: Packet = { ...packet, mark: 0, fromHost: false };
  const port = link.port ?? node.datapath!.view.tunnelPort;
  const load = { inner, owner: 'cilium' as const, identity };
  return sendOuter(walk, node, outerPacket(0, remote, port, 'udp', packet.reply, load));
}
