/** Encapsulation: Calico's routed tunnels, Cilium's, and what a node does with a tunnel packet that reaches it. */
import { formatAddress, parseAddress } from './address.ts';
import { fromCiliumOverlay } from './cilium-programs.ts';
import type { NodeNamespace } from './namespace.ts';
import type { Link } from './network.ts';
import { dropped, type Identity, NetworkNotModelled, type Packet, PacketLost } from './packet.ts';
import { receive, sendFromHost } from './stack.ts';
import type { Arrival, Walk } from './walk.ts';

/** Outer Ethernet, IPv4, UDP and VXLAN or Geneve headers; and one IPv4 header for IPIP. */
const UDP_OVERHEAD = 50;
const IPIP_OVERHEAD = 20;

/** Sends a tunnel packet; an error that meets the outer packet is not told to the sender of the inner one. */
export function sendOuter(walk: Walk, node: NodeNamespace, outer: Packet): Arrival {
  walk.tunnelled = true;
  walk.overhead += outer.protocol === 'ipip' ? IPIP_OVERHEAD : UDP_OVERHEAD;
  try {
    return sendFromHost(walk, node, outer);
  } catch (error) {
    if (error instanceof PacketLost && error.packet === outer) {
      throw dropped(outer.load!.inner, `tunnel packet of ${node.node}: ${error.message}`);
    }
    throw error;
  }
}

/**
 * Calico's tunnel devices: the route's next hop is the other node's tunnel address (VXLAN, whose FDB entry Felix points at
 * the parent address of that node's device) or its node address (IPIP).
 */
export function sendThroughTunnel(walk: Walk, node: NodeNamespace, link: Link, next: number, packet: Packet): Arrival {
  if (link.external === true) throw new NetworkNotModelled(`a route straight into ${link.name} on ${node.node}`);
  const inner: Packet = { ...packet, mark: 0, fromHost: false };
  const load = { inner, owner: 'calico' as const, identity: { kind: 'world' } as const };
  if (link.kind === 'ipip') {
    return sendOuter(walk, node, outerPacket(0, next, 0, 'ipip', packet.reply, load));
  }
  const remote = walk.ownerOf(next);
  if (remote === undefined) walk.repeatable = false;
  const peer = remote?.links().find((other) => other.kind === link.kind && remote.isLocalOn(other.name, next));
  if (remote === undefined || peer === undefined) {
    throw dropped(packet, `no node has the tunnel address ${formatAddress(next)} (asked by ${node.node})`);
  }
  const local = link.local === undefined ? 0 : parseAddress(link.local);
  const far = peer.local === undefined ? remote.underlay : parseAddress(peer.local);
  return sendOuter(walk, node, outerPacket(local, far, link.port ?? 0, 'udp', packet.reply, load));
}

export function outerPacket(
  src: number,
  dst: number,
  port: number,
  protocol: 'udp' | 'ipip',
  reply: boolean,
  load: NonNullable<Packet['load']>,
): Packet {
  // Tunnels are one-way flows: to a firewall an answer's tunnel packet is as new as the question's.
  const sport = port === 0 ? 0 : reply ? 50001 : 50000;
  return { src, dst, sport, dport: port, protocol, mark: 0, reply: false, fromHost: true, load };
}

/** A tunnel packet has come to the node that it was sent to. */
export function openTunnelPacket(walk: Walk, node: NodeNamespace, outer: Packet): Arrival {
  const { inner, owner, identity } = outer.load!;
  const link =
    outer.protocol === 'ipip'
      ? node.links().find((device) => device.kind === 'ipip' && device.up)
      : node.tunnelOnPort(outer.dport);
  const what = outer.protocol === 'ipip' ? 'IPIP' : `UDP port ${outer.dport}`;
  if (link === undefined) throw dropped(inner, `no tunnel device is up on ${what} of ${node.node}`);
  if ((link.external === true) !== (owner === 'cilium')) {
    throw dropped(inner, `${link.name} of ${node.node} does not understand the packet of ${owner} on ${what}`);
  }
  walk.overhead -= outer.protocol === 'ipip' ? IPIP_OVERHEAD : UDP_OVERHEAD;
  if (owner === 'calico') return receive(walk, node, link.name, inner);
  return fromCiliumOverlay(walk, node, link.name, inner, identity satisfies Identity);
}
