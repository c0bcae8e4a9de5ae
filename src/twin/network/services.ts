/** kube-proxy's translation of Service addresses, where its rules are handed in as a look-up instead of texts. */
import { contains, formatAddress, parseAddress } from './address.ts';
import type { Connection } from './conntrack.ts';
import type { NodeNamespace } from './namespace.ts';
import { type Packet, PacketLost } from './packet.ts';
import type { Walk } from './walk.ts';

/**
 * DNAT of a new connection to a ClusterIP or NodePort, with kube-proxy's mark for masquerading: NodePorts, sources outside
 * of its cluster CIDR (recorded rule `! -s 192.168.0.0/16 … -j KUBE-MARK-MASQ`, so every Cilium pod), and a pod that
 * reaches itself. Endpoints are taken in turn where the real rules draw lots.
 */
export function translateService(walk: Walk, node: NodeNamespace, packet: Packet, connection: Connection): void {
  const { services, clusterCidr } = walk.terrain;
  if (services === undefined || packet.load !== undefined || packet.protocol === 'icmp') return;
  const address = formatAddress(packet.dst);
  const backends = services(address, packet.dport, node.node);
  if (backends === undefined) return;
  // Taken in turn, several endpoints give several verdicts; one or none holds until the endpoints change.
  if (backends.length > 1) walk.repeatable = false;
  walk.askedForServices = true;
  if (backends.length === 0) {
    // kube-proxy rejects with icmp-port-unreachable.
    throw new PacketLost(
      packet,
      'refused',
      'connection refused',
      `${address}:${packet.dport} has no endpoints (kube-proxy on ${node.node})`,
    );
  }
  const backend = backends[walk.terrain.nextTurn() % backends.length]!;
  connection.reply.src = parseAddress(backend.ip);
  connection.reply.sport = backend.port;
  connection.masquerade =
    node.isLocal(packet.dst) ||
    packet.src === connection.reply.src ||
    (clusterCidr !== undefined && !contains(clusterCidr, packet.src));
}
