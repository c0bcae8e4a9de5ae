/** What the agent builds in a node's network namespace: devices, routes, rules, and the maps of its eBPF programs. */
import type { CiliumDatapath, NodeNetwork } from '../../network/network.ts';
import type { World } from '../../world.ts';
import type { AgentConfig } from './config.ts';
import { installRules } from './iptables.ts';
import { CILIUM_NODES, type CiliumNode } from './objects.ts';
import type { CiliumNodeState } from './state.ts';

/** VXLAN and Geneve over IPv4 cost 50 bytes of a packet. */
const TUNNEL_OVERHEAD = 50;

/**
 * MTU of Cilium's devices and of its routes to other nodes. From 1.17 on the lowest MTU of all selected devices counts and
 * `vxlan.calico` is one of them, also where Calico routes nothing over it (observed: 1450 and 1400); before, that of the
 * device with the default route.
 */
export function findMtu(network: NodeNetwork, config: AgentConfig, minor: number): { device: number; route: number } {
  const withRoute = minor >= 17 ? undefined : /^default .*\bdev (\S+)/m.exec(network.routes().join('\n'))?.[1];
  const selected = network
    .links()
    .filter(
      (link) =>
        link.up && (minor >= 17 ? !/^(lo$|cilium_|lxc|cali|docker|cni)/.test(link.name) : link.name === withRoute),
    );
  const base = config.mtu > 0 ? config.mtu : Math.min(1500, ...selected.map((link) => link.mtu));
  return { device: base, route: base - TUNNEL_OVERHEAD };
}

function ensureLink(network: NodeNetwork, name: string, mtu: number): void {
  const link = network.link(name);
  if (link === undefined) network.addLink({ name, kind: 'veth', mtu, up: true });
  else if (!link.up || link.mtu !== mtu) network.setLink(name, { up: true, mtu });
}

/** The encapsulation device, up. Returns the agent's error text when it cannot be brought up; the device then stays DOWN. */
function ensureTunnel(network: NodeNetwork, config: AgentConfig, mtu: number, minor: number): string | undefined {
  const kind = config.tunnelProtocol === 'geneve' ? 'geneve' : 'vxlan';
  const name = `cilium_${kind}`;
  const other = kind === 'vxlan' ? 'cilium_geneve' : 'cilium_vxlan';
  if (network.link(other) !== undefined) network.deleteLink(other);
  const failed = (reason: string): string =>
    `failed to setup ${kind} tunnel device: setting up ${kind} device: creating ${kind} device ${name}: ${reason}`;
  const old = network.link(name);
  if (old !== undefined && old.port !== config.tunnelPort) {
    // Before 1.18 (cilium pull 38583) a changed port needed the device to be deleted by hand.
    if (minor < 18) return failed('device or resource busy');
    network.deleteLink(name);
  }
  if (network.link(name) === undefined)
    network.addLink({
      name,
      kind,
      mtu,
      up: false,
      port: config.tunnelPort,
      external: true,
      ...(kind === 'vxlan' ? { vni: 0 } : {}),
    });
  try {
    const link = network.link(name)!;
    if (!link.up || link.mtu !== mtu) network.setLink(name, { up: true, mtu });
    return undefined;
  } catch (error) {
    return failed(`setting up device ${name}: failed to set link up: ${(error as Error).message}`);
  }
}

/** Devices and router address. Returns an error text as the agent logs it, or undefined. */
export function ensureDevices(
  network: NodeNetwork,
  state: CiliumNodeState,
  config: AgentConfig,
  minor: number,
): string | undefined {
  state.mtu = findMtu(network, config, minor);
  ensureLink(network, 'cilium_net', state.mtu.device);
  ensureLink(network, 'cilium_host', state.mtu.device);
  const wanted = `${state.routerIp}/32`;
  const present = network.addresses().filter((address) => address.device === 'cilium_host');
  for (const address of present) if (address.cidr !== wanted) network.deleteAddress('cilium_host', address.cidr);
  if (!present.some((address) => address.cidr === wanted)) network.addAddress('cilium_host', wanted);
  return ensureTunnel(network, config, state.mtu.device, minor);
}

/** Pod CIDRs and underlay address of another node; no CIDRs while it has none, or is gone. */
function servedBy(node: CiliumNode | undefined): { cidrs: readonly string[]; address: string } {
  const address = node?.spec.addresses.find((entry) => entry.type === 'InternalIP')?.ip;
  return address === undefined ? { cidrs: [], address: '' } : { cidrs: node?.spec.ipam.podCIDRs ?? [], address };
}

/** Does a change of a CiliumNode concern the other nodes? */
export function changesTunnels(node: CiliumNode | undefined, previous: CiliumNode | undefined): boolean {
  return JSON.stringify(servedBy(node)) !== JSON.stringify(servedBy(previous));
}

/** Pod CIDR → node address, of all CiliumNodes but this one. */
export function tunnelMap(world: World, own: string): Map<string, string> {
  const tunnels = new Map<string, string>();
  for (const node of world.store.list<CiliumNode>(CILIUM_NODES)) {
    if (node.metadata.name === own) continue;
    const { cidrs, address } = servedBy(node);
    for (const cidr of cidrs) tunnels.set(cidr, address);
  }
  return tunnels;
}

function syncRoutes(network: NodeNetwork, state: CiliumNodeState, remote: Iterable<string>): void {
  const router = state.routerIp!;
  const via = `via ${router} dev cilium_host proto kernel src ${router}`;
  const wanted = new Map<string, string>([[router, `${router} dev cilium_host proto kernel scope link`]]);
  for (const cidr of state.podCidrs) wanted.set(cidr, `${cidr} ${via}`);
  for (const cidr of remote) wanted.set(cidr, `${cidr} ${via} mtu ${state.mtu.route}`);
  const present = network.routes().map((route) => route.trim());
  for (const route of present) {
    const destination = route.split(' ')[0]!;
    if (/ dev cilium_host\b/.test(route) && !wanted.has(destination)) network.deleteRoute(destination);
  }
  const texts = new Set(present);
  for (const text of wanted.values()) if (!texts.has(text)) network.addRoute(text);
}

function sameDatapath(a: CiliumDatapath | undefined, b: CiliumDatapath): boolean {
  if (a === undefined) return false;
  const text = (datapath: CiliumDatapath): string =>
    JSON.stringify({ ...datapath, tunnels: [...datapath.tunnels].sort() });
  return text(a) === text(b);
}

/** Routes and maps for the nodes as they are now. Only after {@link ensureDevices} succeeded. */
export function syncDatapath(
  network: NodeNetwork,
  state: CiliumNodeState,
  config: AgentConfig,
  tunnels: Map<string, string>,
): void {
  const datapath: CiliumDatapath = {
    tunnelPort: config.tunnelPort,
    tunnelProtocol: config.tunnelProtocol === 'geneve' ? 'geneve' : 'vxlan',
    routerIp: state.routerIp!,
    healthIp: state.healthIp ?? '',
    podCidrs: [...state.podCidrs],
    tunnels,
    policyEnforcement: config.policyEnforcement,
  };
  if (!sameDatapath(network.cilium(), datapath)) network.setCilium(datapath);
  syncRoutes(network, state, tunnels.keys());
}

/** The agent's iptables chains; they depend on nothing that other nodes do. */
export function syncRules(network: NodeNetwork, state: CiliumNodeState, config: AgentConfig): void {
  installRules(network, {
    podCidr: state.podCidrs[0]!,
    routerIp: state.routerIp!,
    tunnelPort: config.tunnelPort,
    masquerade: config.masquerade,
  });
}

/** Brings the endpoints' devices to the node's device MTU (from 1.17 on the agent keeps them in step). */
export function syncEndpointMtu(network: NodeNetwork, mtu: number): void {
  for (const link of network.links())
    if (/^lxc/.test(link.name) && link.mtu !== mtu) network.setLink(link.name, { mtu });
}
