/** A connection's way there and back, as one verdict. */
import { formatAddress, parseAddress } from './address.ts';
import { fromCiliumEndpoint } from './cilium-programs.ts';
import type { NodeNamespace } from './namespace.ts';
import type { ConnectOutcome, Listener, PodAttachment } from './network.ts';
import { type Packet, PacketLost, unreachable } from './packet.ts';
import { answerFromService } from './services.ts';
import { receive, sendFromHost } from './stack.ts';
import type { Arrival, Walk } from './walk.ts';

/** Where a connection begins. */
export interface Origin {
  readonly node: NodeNamespace;
  /** Undefined: the node itself. */
  readonly pod: PodAttachment | undefined;
}

type Reached = Extract<ConnectOutcome, { ok: true }>;
type Failed = Extract<ConnectOutcome, { ok: false }>;

/** Any port of Linux's ephemeral range; the connection is alone in its walk. */
const SOURCE_PORT = 40000;

/** Milliseconds of a ping on a quiet host: recorded answers take 1 to 2 ms, most of it goldpinger's own. */
const BASE_MS = 1;
const HOP_MS = 0.25;

function leavePod(walk: Walk, node: NodeNamespace, pod: PodAttachment, packet: Packet): Arrival {
  walk.visited.add(node);
  const link = node.link(pod.device);
  if (link?.up !== true) {
    throw unreachable(
      packet,
      'network is unreachable',
      `${pod.name} has lost its device ${pod.device} on ${node.node}`,
    );
  }
  walk.limitTo(link.mtu);
  const own = node.podNamespace(pod.podUid);
  own?.filter('OUTPUT', packet);
  if (pod.ip === formatAddress(packet.dst)) {
    answerFromService(walk, pod, packet);
    own?.filter('INPUT', packet);
    return { node, at: { kind: 'pod', pod }, packet };
  }
  return pod.cni === 'cilium' ? fromCiliumEndpoint(walk, node, pod, packet) : receive(walk, node, pod.device, packet);
}

function answer(walk: Walk, { node, at, packet }: Arrival): Arrival {
  const reply: Packet = {
    src: packet.dst,
    dst: packet.src,
    sport: packet.dport,
    dport: packet.sport,
    protocol: packet.protocol,
    mark: 0,
    reply: true,
    fromHost: at.kind === 'host',
  };
  if (at.kind === 'pod') return leavePod(walk, node, at.pod, reply);
  if (at.kind === 'health') return fromCiliumEndpoint(walk, node, undefined, reply);
  return sendFromHost(walk, node, reply);
}

function came(back: Arrival, origin: Origin): boolean {
  if (back.node !== origin.node) return false;
  if (origin.pod === undefined) return back.at.kind === 'host';
  return back.at.kind === 'pod' && back.at.pod.podUid === origin.pod.podUid;
}

function listener({ node, at }: Arrival, port: number): Listener {
  return at.kind === 'pod' ? { podUid: at.pod.podUid, port } : { node: node.node, port };
}

/** Walks to `destination` and back. Whether anybody listens there is not its question. */
export function roundTrip(
  walk: Walk,
  origin: Origin,
  destination: number,
  port: number,
  protocol: 'tcp' | 'icmp',
): Reached | Failed {
  const request: Packet = {
    src: origin.pod === undefined ? 0 : parseAddress(origin.pod.ip),
    dst: destination,
    sport: SOURCE_PORT,
    dport: port,
    protocol,
    mark: 0,
    reply: false,
    fromHost: origin.pod === undefined,
  };
  let forth: Arrival;
  try {
    forth =
      origin.pod === undefined
        ? sendFromHost(walk, origin.node, request)
        : leavePod(walk, origin.node, origin.pod, request);
  } catch (error) {
    if (!(error instanceof PacketLost)) throw error;
    return { ok: false, failure: error.failure, errno: error.errno, lostAt: error.message };
  }
  const failed = (lostAt: string): Failed => ({ ok: false, failure: 'timeout', errno: 'i/o timeout', lostAt });
  const sourceSeen = formatAddress(forth.packet.src);
  const at = listener(forth, forth.packet.dport);
  let back: Arrival;
  try {
    walk.returning = true;
    walk.tunnelled = false;
    back = answer(walk, forth);
  } catch (error) {
    if (!(error instanceof PacketLost)) throw error;
    return failed(`reply: ${error.message}`);
  }
  if (!came(back, origin)) return failed(`reply: came out at ${back.node.node}, not at the sender`);
  if (back.packet.src !== destination || back.packet.sport !== port) {
    return failed(`reply: came from ${formatAddress(back.packet.src)}, which was not asked`);
  }
  const milliseconds = BASE_MS + HOP_MS * walk.hops;
  return { ok: true, milliseconds, at, sourceSeen, pathMtu: walk.pathMtu };
}
