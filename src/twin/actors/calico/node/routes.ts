/**
 * The routes that calico-node wants on its node, as `ip route` prints them. Felix programs those of VXLAN pools, BIRD those of
 * IPIP and unencapsulated pools (calico.md 5.1); forms recorded in moments 1 to 4 and in the faults `tunnel-port-clash` (Always)
 * and `calico-first-found`.
 */
import type { NodeNetwork } from '../../../network/network.ts';
import { contains, covers, parseCidr, parseIp } from '../ipv4.ts';
import type { IpPool } from '../types.ts';
import type { Topology, TopologyNode } from './topology.ts';

export const VXLAN_DEVICE = 'vxlan.calico';
export const IPIP_DEVICE = 'tunl0';

/** Is a route one that this calico-node manages, and may delete? (felix/routetable/ownershippol; BIRD: its own protocol) */
export function ownsRoute(route: string): boolean {
  return / proto (80|bird)\b/.test(route) || / dev (vxlan\.calico|cali\S+)/.test(route);
}

export function routeDestination(route: string): string {
  const words = route.split(' ');
  return words[0] === 'blackhole' ? words[1]! : words[0]!;
}

const ipOf = (cidr: string): string => cidr.split('/')[0]!;

interface Own {
  /** Address with prefix. */
  readonly address: string;
  readonly device: string;
}

/** A /32 address shares its subnet with nobody: why a node that picked cilium_host is suddenly reached by VXLAN only. */
function sameSubnet(own: Own, remote: string): boolean {
  return (
    contains(parseCidr(own.address), parseIp(ipOf(remote))) && contains(parseCidr(remote), parseIp(ipOf(own.address)))
  );
}

function poolOf(topology: Topology, cidr: string): IpPool | undefined {
  const block = parseCidr(cidr);
  return topology.pools.find((pool) => covers(parseCidr(pool.spec.cidr), block));
}

function remoteRoutes(own: Own, remote: TopologyNode, cidr: string, pool: IpPool, mtu: number): string[] {
  if (!remote.address) return [];
  const ip = ipOf(remote.address);
  const near = sameSubnet(own, remote.address);
  const vxlan = pool.spec.vxlanMode ?? 'Never';
  if (vxlan !== 'Never') {
    const tunnel = remote.vxlanTunnel;
    if (vxlan === 'CrossSubnet' && near) {
      const direct = `via ${ip} dev ${own.device} proto 80 onlink`;
      return [...(tunnel ? [`${tunnel} ${direct}`] : []), `${cidr} ${direct}`];
    }
    if (!tunnel) return [];
    const device = `dev ${VXLAN_DEVICE}`;
    return [`${tunnel} ${device} scope link mtu ${mtu}`, `${cidr} via ${tunnel} ${device} onlink mtu ${mtu}`];
  }
  const ipip = pool.spec.ipipMode ?? 'Never';
  if (ipip === 'Always' || (ipip === 'CrossSubnet' && !near)) {
    return [`${cidr} via ${ip} dev ${IPIP_DEVICE} proto bird onlink`];
  }
  // Plain routing needs the next hop on the link; BIRD has no path to a node of another subnet without a router in between.
  return near ? [`${cidr} via ${ip} dev ${own.device} proto bird`] : [];
}

export interface RouteWish {
  readonly node: string;
  readonly own: Own;
  readonly bgp: boolean;
  readonly vxlanMtu: number;
}

/** Destination to route text. */
export function wantedRoutes(topology: Topology, wish: RouteWish, network: NodeNetwork): Map<string, string> {
  const routes = new Map<string, string>();
  const add = (text: string): void => void routes.set(routeDestination(text), text);
  for (const block of topology.blocks) {
    const pool = poolOf(topology, block.cidr);
    if (!pool) continue;
    const byFelix = (pool.spec.vxlanMode ?? 'Never') !== 'Never';
    if (!byFelix && !wish.bgp) continue;
    if (block.node === wish.node) {
      add(`blackhole ${block.cidr} proto ${byFelix ? '80' : 'bird'}`);
      continue;
    }
    const remote = topology.nodes.get(block.node);
    if (remote) for (const text of remoteRoutes(wish.own, remote, block.cidr, pool, wish.vxlanMtu)) add(text);
  }
  for (const pod of network.pods()) {
    if (pod.cni === 'calico' && network.link(pod.device)) add(`${pod.ip} dev ${pod.device} scope link`);
  }
  return routes;
}

/** Makes the kernel's routes those wanted; leaves alone what others own. */
export function applyRoutes(network: NodeNetwork, wanted: ReadonlyMap<string, string>): void {
  const present = new Map<string, string>();
  for (const route of network.routes()) {
    const text = route.trim();
    if (!ownsRoute(text)) continue;
    const destination = routeDestination(text);
    if (wanted.has(destination)) present.set(destination, text);
    else network.deleteRoute(destination);
  }
  for (const [destination, text] of wanted) {
    const device = / dev (\S+)/.exec(text)?.[1];
    // The kernel takes no route over a device that is down, as vxlan.calico is while another tunnel holds its port.
    if (device !== undefined && network.link(device)?.up !== true) continue;
    if (present.get(destination) !== text) network.addRoute(text);
  }
}
