/** Connection tracking: what makes a node translate the answer of a translated connection back. */
import type { Packet, Protocol } from './packet.ts';

interface Tuple {
  src: number;
  dst: number;
  sport: number;
  dport: number;
}

/** One tracked connection of one node. */
export interface Connection {
  readonly protocol: Protocol;
  readonly original: Tuple;
  /** What an answer looks like when it arrives here. */
  readonly reply: Tuple;
  /** kube-proxy asked for masquerading (its mark 0x4000). */
  masquerade: boolean;
}

/** How a node's stack sees a packet. */
export interface Tracking {
  readonly state: 'NEW' | 'ESTABLISHED' | 'INVALID' | 'UNTRACKED';
  readonly direction: 'original' | 'reply';
  readonly connection: Connection | undefined;
}

const UNTRACKED: Tracking = { state: 'UNTRACKED', direction: 'original', connection: undefined };
const INVALID: Tracking = { state: 'INVALID', direction: 'original', connection: undefined };

function matches(tuple: Tuple, packet: Packet): boolean {
  return (
    tuple.src === packet.src && tuple.dst === packet.dst && tuple.sport === packet.sport && tuple.dport === packet.dport
  );
}

export function wasTranslated(connection: Connection | undefined, what: 'source' | 'destination'): boolean {
  if (connection === undefined) return false;
  const { original, reply } = connection;
  return what === 'source'
    ? reply.dst !== original.src || reply.dport !== original.sport
    : reply.src !== original.dst || reply.sport !== original.dport;
}

/** The connections of one node during one walk. */
export class Conntrack {
  readonly #connections: Connection[] = [];

  /** Finds or makes the packet's connection. */
  track(packet: Packet, notrack: boolean): Tracking {
    if (notrack) return UNTRACKED;
    for (const connection of this.#connections) {
      if (connection.protocol !== packet.protocol) continue;
      if (matches(connection.original, packet)) return { state: 'ESTABLISHED', direction: 'original', connection };
      if (matches(connection.reply, packet)) return { state: 'ESTABLISHED', direction: 'reply', connection };
    }
    // A SYN-ACK that belongs to no connection is invalid (nf_conntrack_proto_tcp: no transition from NONE), and so is an
    // echo reply.
    if (packet.reply) return INVALID;
    const { src, dst, sport, dport } = packet;
    const connection: Connection = {
      protocol: packet.protocol,
      original: { src, dst, sport, dport },
      reply: { src: dst, dst: src, sport: dport, dport: sport },
      masquerade: false,
    };
    this.#connections.push(connection);
    return { state: 'NEW', direction: 'original', connection };
  }
}

/** Before routing: the destination (of a new connection's DNAT, or of an answer to a translated source). */
export function translateDestination(packet: Packet, { connection, direction }: Tracking): void {
  if (connection === undefined) return;
  if (direction === 'original') {
    packet.dst = connection.reply.src;
    packet.dport = connection.reply.sport;
  } else {
    packet.dst = connection.original.src;
    packet.dport = connection.original.sport;
  }
}

/** After routing, or on the way to a local process: the source. */
export function translateSource(packet: Packet, { connection, direction }: Tracking): void {
  if (connection === undefined) return;
  if (direction === 'original') {
    packet.src = connection.reply.dst;
    packet.sport = connection.reply.dport;
  } else {
    packet.src = connection.original.dst;
    packet.sport = connection.original.dport;
  }
}
