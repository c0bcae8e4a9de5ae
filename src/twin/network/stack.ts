/** A node's own network stack: netfilter hooks, the routing decision, and the devices that a packet leaves by. */
import { formatAddress } from './address.ts';
import { fromCiliumHost } from './cilium-programs.ts';
import { type Tracking, translateDestination, translateSource, wasTranslated } from './conntrack.ts';
import { type Effects, evaluateHook, type Verdict } from './iptables-evaluate.ts';
import type { NodeNamespace } from './namespace.ts';
import { dropped, NetworkNotModelled, type Packet, rejected, unreachable } from './packet.ts';
import { enforceCalico } from './policy.ts';
import type { Route } from './routes.ts';
import { translateService } from './services.ts';
import { openTunnelPacket, sendThroughTunnel } from './tunnels.ts';
import type { Arrival, Walk } from './walk.ts';

interface Devices {
  readonly in: string;
  readonly out: string;
}

const BEFORE_TRACKING: Tracking = { state: 'NEW', direction: 'original', connection: undefined };

/** Runs one table at one hook; filters take effect, translations are handed back. */
function runHook(
  node: NodeNamespace,
  table: string,
  hook: string,
  devices: Devices,
  packet: Packet,
  tracking: Tracking,
  effects: Effects,
): Verdict {
  const chains = node.tables.chains(table);
  const context = {
    host: node,
    packet,
    inDevice: devices.in,
    outDevice: devices.out,
    state: tracking.state,
    sourceTranslated: wasTranslated(tracking.connection, 'source'),
    destinationTranslated: wasTranslated(tracking.connection, 'destination'),
  };
  const verdict = evaluateHook(chains, hook, context, effects);
  const where = `${table} ${hook} of ${node.node}`;
  if (verdict.kind === 'drop') throw dropped(packet, `dropped by iptables ${where}`);
  if (verdict.kind === 'reject') throw rejected(packet, verdict.with, `rejected by iptables ${where}`);
  return verdict;
}

/** raw, connection tracking, mangle and (for a new connection) destination translation. */
function begin(walk: Walk, node: NodeNamespace, hook: string, devices: Devices, packet: Packet): Tracking {
  const effects: Effects = { notrack: false };
  runHook(node, 'raw', hook, devices, packet, BEFORE_TRACKING, effects);
  const tracking = walk.conntrack(node).track(packet, effects.notrack);
  runHook(node, 'mangle', hook, devices, packet, tracking, effects);
  const { connection } = tracking;
  if (tracking.state === 'NEW' && connection !== undefined) {
    const verdict = runHook(node, 'nat', hook, devices, packet, tracking, effects);
    if (verdict.kind === 'destination') {
      connection.reply.src = verdict.address;
      connection.reply.sport = verdict.port ?? packet.dport;
    } else translateService(walk, node, packet, connection);
  }
  translateDestination(packet, tracking);
  return tracking;
}

function postrouting(node: NodeNamespace, devices: Devices, packet: Packet, tracking: Tracking): void {
  const effects: Effects = { notrack: false };
  runHook(node, 'mangle', 'POSTROUTING', devices, packet, tracking, effects);
  const { connection } = tracking;
  if (tracking.state === 'NEW' && connection !== undefined) {
    const verdict = runHook(node, 'nat', 'POSTROUTING', devices, packet, tracking, effects);
    if (verdict.kind === 'source') {
      connection.reply.dst = verdict.address;
      connection.reply.dport = verdict.port ?? packet.sport;
    } else if (verdict.kind === 'masquerade' || connection.masquerade) {
      const source = node.sourceAddress(devices.out);
      if (source === undefined) throw dropped(packet, `no address to masquerade with on ${node.node}`);
      connection.reply.dst = source;
    }
  }
  translateSource(packet, tracking);
}

/** A packet comes into a node's stack by a device. */
export function receive(walk: Walk, node: NodeNamespace, device: string, packet: Packet): Arrival {
  walk.enter(node);
  const tracking = begin(walk, node, 'PREROUTING', { in: device, out: '' }, packet);
  if (node.isLocal(packet.dst)) return deliverLocally(walk, node, device, packet, tracking);
  const route = node.lookup(packet.dst);
  const target = formatAddress(packet.dst);
  if (route === undefined) throw unreachable(packet, 'network is unreachable', `no route to ${target} on ${node.node}`);
  // A forwarded packet that falls on a blackhole vanishes without an ICMP message.
  if (route.type === 'blackhole') throw dropped(packet, `blackhole route for ${target} on ${node.node}`);
  if (route.type !== 'unicast') throw unreachable(packet, 'no route to host', `${route.type} route on ${node.node}`);
  const devices = { in: device, out: outDevice(node, route) };
  const effects: Effects = { notrack: false };
  runHook(node, 'mangle', 'FORWARD', devices, packet, tracking, effects);
  runHook(node, 'filter', 'FORWARD', devices, packet, tracking, effects);
  enforceCalico(walk, node, devices, packet, tracking);
  postrouting(node, devices, packet, tracking);
  return transmit(walk, node, devices.out, route, packet);
}

/** A process of the node (or the kernel, for a tunnel) sends a packet. A source of 0 is chosen by the route. */
export function sendFromHost(walk: Walk, node: NodeNamespace, packet: Packet): Arrival {
  walk.enter(node);
  let route = localRoute(node, packet);
  if (packet.src === 0) {
    const chosen = route === undefined ? packet.dst : (route.source ?? node.sourceAddress(outDevice(node, route)));
    if (chosen === undefined) throw unreachable(packet, 'network is unreachable', `no source address on ${node.node}`);
    packet.src = chosen;
  }
  const before = packet.dst;
  const out = route === undefined ? 'lo' : outDevice(node, route);
  const tracking = begin(walk, node, 'OUTPUT', { in: '', out }, packet);
  if (packet.dst !== before) route = localRoute(node, packet);
  const devices = { in: '', out: route === undefined ? 'lo' : outDevice(node, route) };
  runHook(node, 'filter', 'OUTPUT', devices, packet, tracking, { notrack: false });
  postrouting(node, devices, packet, tracking);
  if (route === undefined) return deliverLocally(walk, node, 'lo', packet, tracking);
  return transmit(walk, node, devices.out, route, packet);
}

/** undefined: the node's own address. @throws PacketLost as connect(2) fails on the node itself. */
function localRoute(node: NodeNamespace, packet: Packet): Route | undefined {
  if (node.isLocal(packet.dst)) return undefined;
  const route = node.lookup(packet.dst);
  const where = `${formatAddress(packet.dst)} on ${node.node}`;
  if (route === undefined) throw unreachable(packet, 'network is unreachable', `no route to ${where}`);
  // Observed at the API server's node: `connect: invalid argument`.
  if (route.type === 'blackhole') throw unreachable(packet, 'invalid argument', `blackhole route for ${where}`);
  if (route.type !== 'unicast') throw unreachable(packet, 'no route to host', `${route.type} route for ${where}`);
  return route;
}

function outDevice(node: NodeNamespace, route: Route): string {
  const device = route.device ?? (route.via === undefined ? undefined : node.lookup(route.via)?.device);
  if (device === undefined) throw new NetworkNotModelled(`a route without a device on ${node.node}`);
  return device;
}

function deliverLocally(walk: Walk, node: NodeNamespace, device: string, packet: Packet, tracking: Tracking): Arrival {
  const devices = { in: device, out: '' };
  const effects: Effects = { notrack: false };
  runHook(node, 'mangle', 'INPUT', devices, packet, tracking, effects);
  runHook(node, 'filter', 'INPUT', devices, packet, tracking, effects);
  translateSource(packet, tracking);
  if (packet.load !== undefined) return openTunnelPacket(walk, node, packet);
  return { node, at: { kind: 'host' }, packet };
}

function transmit(walk: Walk, node: NodeNamespace, device: string, route: Route, packet: Packet): Arrival {
  const link = node.link(device);
  if (link?.up !== true) throw unreachable(packet, 'network is unreachable', `${device} is down on ${node.node}`);
  walk.limitTo(link.mtu);
  walk.limitTo(route.mtu);
  const pod = node.podBehind(device);
  if (pod !== undefined) {
    if (pod.ip !== formatAddress(packet.dst))
      throw dropped(packet, `${pod.name} does not have ${formatAddress(packet.dst)}`);
    node.podNamespace(pod.podUid)?.filter('INPUT', packet);
    return { node, at: { kind: 'pod', pod }, packet };
  }
  const next = route.via ?? packet.dst;
  if (device === 'cilium_host' || device === 'cilium_net') return fromCiliumHost(walk, node, packet);
  if (link.kind === 'vxlan' || link.kind === 'geneve' || link.kind === 'ipip') {
    return sendThroughTunnel(walk, node, link, next, packet);
  }
  if (device === 'eth0') return overTheWire(walk, node, next, packet);
  throw dropped(packet, `nobody behind ${device} on ${node.node}`);
}

/** The container network that all nodes share. */
function overTheWire(walk: Walk, node: NodeNamespace, next: number, packet: Packet): Arrival {
  packet.mark = 0;
  packet.fromHost = false;
  walk.hops++;
  const target = walk.nodeAt(next);
  const to = formatAddress(packet.dst);
  if (target !== undefined) {
    walk.visited.add(target);
    if (target.link('eth0')?.up !== true) throw dropped(packet, `eth0 of ${target.node} is down`);
    return receive(walk, target, 'eth0', packet);
  }
  if (next === node.gateway) throw dropped(packet, `${node.node} sent ${to} to the gateway, which does not know it`);
  if (walk.terrain.isStoppedNode(next)) throw dropped(packet, `the node at ${formatAddress(next)} does not run`);
  throw unreachable(
    packet,
    'no route to host',
    `nobody answers ARP for ${formatAddress(next)} (asked by ${node.node})`,
  );
}
