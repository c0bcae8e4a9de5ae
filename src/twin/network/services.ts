/** Translation of Service addresses, by kube-proxy and by Cilium, where the rules are handed in as a look-up instead of texts. */
import { contains, formatAddress, parseAddress } from './address.ts';
import type { Connection } from './conntrack.ts';
import type { NodeNamespace } from './namespace.ts';
import type { PodAttachment, ServiceBackend } from './network.ts';
import { type Packet, PacketLost } from './packet.ts';
import type { Walk } from './walk.ts';

/**
 * DNAT of a new connection to a ClusterIP or NodePort, with kube-proxy's mark for masquerading: NodePorts, sources outside
 * of its cluster CIDR (recorded rule `! -s 192.168.0.0/16 … -j KUBE-MARK-MASQ`, so every Cilium pod), and a pod that
 * reaches itself. Endpoints are taken in turn where the real rules draw lots.
 */
export function translateService(walk: Walk, node: NodeNamespace, packet: Packet, connection: Connection): void {
  const backend = backendOf(walk, node, packet, 'kube-proxy');
  if (backend === undefined) return;
  const { clusterCidr } = walk.terrain;
  connection.reply.src = parseAddress(backend.ip);
  connection.reply.sport = backend.port;
  connection.masquerade =
    node.isLocal(packet.dst) ||
    packet.src === connection.reply.src ||
    (clusterCidr !== undefined && !contains(clusterCidr, packet.src));
}

/**
 * bpf_lxc balances calls of Cilium's pods to ClusterIPs itself, also without kube-proxy replacement (cilium 1.19
 * bpf/bpf_lxc.c __per_packet_lb_svc_xlate_4); NodePorts it leaves to kube-proxy. The source stays the pod's own.
 */
export function balanceForPod(walk: Walk, node: NodeNamespace, pod: PodAttachment, packet: Packet): void {
  if (packet.reply || walk.terrain.nodeAt(packet.dst) !== undefined) return;
  const backend = backendOf(walk, node, packet, 'Cilium');
  if (backend === undefined) return;
  const address = parseAddress(backend.ip);
  walk.balanced = { podUid: pod.podUid, asked: packet.dst, port: packet.dport, address, backendPort: backend.port };
  packet.dst = address;
  packet.dport = backend.port;
}

/** What answers to such a call came from, as the pod sees it: the Service. */
export function answerFromService(walk: Walk, pod: PodAttachment, packet: Packet): void {
  const { balanced } = walk;
  if (!packet.reply || balanced?.podUid !== pod.podUid) return;
  if (packet.src !== balanced.address || packet.sport !== balanced.backendPort) return;
  packet.src = balanced.asked;
  packet.sport = balanced.port;
}

/** The endpoint whose turn it is; undefined: no Service has this address and port. @throws PacketLost when it has none */
function backendOf(walk: Walk, node: NodeNamespace, packet: Packet, by: string): ServiceBackend | undefined {
  const { services } = walk.terrain;
  if (services === undefined || packet.load !== undefined || packet.protocol === 'icmp') return undefined;
  const address = formatAddress(packet.dst);
  const backends = services(address, packet.dport, node.node);
  if (backends === undefined) return undefined;
  // Taken in turn, several endpoints give several verdicts; one or none holds until the endpoints change.
  if (backends.length > 1) walk.repeatable = false;
  walk.askedForServices = true;
  if (backends.length === 0) {
    // Both reject with icmp-port-unreachable.
    throw new PacketLost(
      packet,
      'refused',
      'connection refused',
      `${address}:${packet.dport} has no endpoints (${by} on ${node.node})`,
    );
  }
  return backends[walk.terrain.nextTurn() % backends.length]!;
}
