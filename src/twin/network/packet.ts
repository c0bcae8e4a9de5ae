/** What travels through the network, and how it is lost. */

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'ipip';

/** Who Cilium takes the sender to be. Other addresses than those of its own endpoints and hosts are the world. */
export type Identity =
  | { readonly kind: 'pod'; readonly podUid: string }
  | { readonly kind: 'host' | 'remote-node' | 'health' | 'world' };

export interface Packet {
  src: number;
  dst: number;
  sport: number;
  dport: number;
  readonly protocol: Protocol;
  /** The kernel's packet mark; lost when the packet leaves its namespace. */
  mark: number;
  /** Second half of the conversation: the answer of the other side. */
  readonly reply: boolean;
  /** Made by a process of the node that it travels on (not forwarded for a pod). */
  fromHost: boolean;
  /** What a tunnel packet carries. */
  readonly load?: { readonly inner: Packet; readonly owner: 'cilium' | 'calico'; readonly identity: Identity };
}

/** A packet's end short of its destination. */
export class PacketLost extends Error {
  override readonly name = 'PacketLost';
  readonly failure: 'timeout' | 'refused' | 'unreachable';
  readonly errno: string;
  /** The packet that was lost: for a tunnel, the outer one. */
  readonly packet: Packet;
  constructor(packet: Packet, failure: 'timeout' | 'refused' | 'unreachable', errno: string, lostAt: string) {
    super(lostAt);
    this.packet = packet;
    this.failure = failure;
    this.errno = errno;
  }
}

/** Silently dropped: the sender only sees that nothing comes back. */
export function dropped(packet: Packet, lostAt: string): PacketLost {
  return new PacketLost(packet, 'timeout', 'i/o timeout', lostAt);
}

export function unreachable(packet: Packet, errno: string, lostAt: string): PacketLost {
  return new PacketLost(packet, 'unreachable', errno, lostAt);
}

/** A rule's REJECT as the sender sees it. */
export function rejected(packet: Packet, how: string, where: string): PacketLost {
  if (how === 'tcp-reset' || how === 'icmp-port-unreachable') {
    return new PacketLost(packet, 'refused', 'connection refused', where);
  }
  // Linux maps the other ICMP codes that REJECT offers to these two (icmp_err_convert).
  return unreachable(packet, how === 'icmp-net-unreachable' ? 'network is unreachable' : 'no route to host', where);
}

/** The network was asked for something that it does not model; never answered by a guess. */
export class NetworkNotModelled extends Error {
  override readonly name = 'NetworkNotModelled';
}
