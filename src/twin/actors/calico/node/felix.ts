/**
 * Felix: makes the node's kernel what the datastore wants (devices, routes, ipsets, rules), half a second after a change and
 * every 90 s in any case. It cleans nothing up when it ends, so the kernel keeps working while calico-node is away.
 */
import type { Pod } from '../../../../kube/objects.ts';
import type { NodeNetwork } from '../../../network/network.ts';
import type { Machine, World } from '../../../world.ts';
import type { Release } from '../release.ts';
import { type Endpoint, endpointTable } from './endpoints.ts';
import { MTU_FILE } from './files.ts';
import { policyCompiler } from './policies.ts';
import { applyRoutes, IPIP_DEVICE, VXLAN_DEVICE, wantedRoutes } from './routes.ts';
import { applyHooks, type Chains, staticChains } from './rules.ts';
import { type Topology, type TopologySource, wantsIpip, wantsVxlan } from './topology.ts';

/** VXLAN over IPv4 takes 50 bytes, IPIP 20. */
const VXLAN_OVERHEAD = 50;
const IPIP_OVERHEAD = 20;

export interface FelixState {
  /** What each chain was last made, by table: unchanged chains are not touched. Belongs to one network namespace. */
  readonly written: Map<string, Chains>;
  readonly network: NodeNetwork;
  /** ipsets as written, and those among them that belong to policies. */
  readonly ipsets: Map<string, string>;
  readonly policySets: ReadonlySet<string>;
}

export interface FelixInput {
  readonly world: World;
  readonly machine: Machine;
  readonly release: Release;
  readonly topology: TopologySource;
  /** Own address with prefix, as annotated on the Node. */
  readonly address: string;
  readonly bgp: boolean;
}

const ipOf = (cidr: string): string => cidr.split('/')[0]!;

/** The device that carries the own address. */
function parentDevice(network: NodeNetwork, address: string): string | undefined {
  return network.addresses().find((entry) => ipOf(entry.cidr) === ipOf(address))?.device;
}

/** @returns false when the device could not be brought up (its UDP port is taken); Felix tries again. */
function applyVxlan(
  network: NodeNetwork,
  topology: Topology,
  wanted: { local: string; parent: string; tunnel: string } | undefined,
): boolean {
  const present = network.link(VXLAN_DEVICE);
  if (!wanted) {
    if (present) network.deleteLink(VXLAN_DEVICE);
    return true;
  }
  const mtu = (network.link(wanted.parent)?.mtu ?? 1500) - VXLAN_OVERHEAD;
  const same =
    present?.local === wanted.local &&
    present.parent === wanted.parent &&
    present.port === topology.vxlanPort &&
    present.vni === topology.vxlanVni;
  // Another parent or address means a new device (observed with first-found: vxlan.calico moved onto cilium_host).
  if (present && !same) network.deleteLink(VXLAN_DEVICE);
  if (!same) {
    network.addLink({
      name: VXLAN_DEVICE,
      kind: 'vxlan',
      mtu,
      up: false,
      port: topology.vxlanPort,
      vni: topology.vxlanVni,
      local: wanted.local,
      parent: wanted.parent,
    });
  }
  if (same && present && present.mtu !== mtu) network.setLink(VXLAN_DEVICE, { mtu });
  try {
    if (!network.link(VXLAN_DEVICE)?.up) network.setLink(VXLAN_DEVICE, { up: true });
  } catch {
    return false;
  }
  setAddress(network, VXLAN_DEVICE, `${wanted.tunnel}/32`);
  return true;
}

function setAddress(network: NodeNetwork, device: string, cidr: string): void {
  const present = network.addresses().filter((entry) => entry.device === device);
  for (const entry of present) if (entry.cidr !== cidr) network.deleteAddress(device, entry.cidr);
  if (!present.some((entry) => entry.cidr === cidr)) network.addAddress(device, cidr);
}

function applyIpip(network: NodeNetwork, tunnel: string | undefined): void {
  if (!tunnel) return;
  const mtu = 1500 - IPIP_OVERHEAD;
  const present = network.link(IPIP_DEVICE);
  if (!present) network.addLink({ name: IPIP_DEVICE, kind: 'ipip', mtu, up: true });
  else if (!present.up || present.mtu !== mtu) network.setLink(IPIP_DEVICE, { up: true, mtu });
  setAddress(network, IPIP_DEVICE, `${tunnel}/32`);
}

/** Writes a set when its members changed; what was written is remembered, as Felix does between its resyncs. */
function setIpset(network: NodeNetwork, written: Map<string, string>, name: string, members: readonly string[]): void {
  const sorted = [...members].sort();
  const text = sorted.join();
  if (written.get(name) === text) return;
  written.set(name, text);
  network.setIpset(name, sorted);
}

function applyIpsets(network: NodeNetwork, written: Map<string, string>, input: FelixInput, topology: Topology): void {
  const set = (name: string, members: readonly string[]): void => setIpset(network, written, name, members);
  const pools = topology.pools;
  set(
    input.release.allPoolsSet,
    pools.map((pool) => pool.spec.cidr),
  );
  const masquerading = pools.filter((pool) => pool.spec.natOutgoing && !pool.spec.disabled);
  set(
    'cali40masq-ipam-pools',
    masquerading.map((pool) => pool.spec.cidr),
  );
  if (wantsVxlan(topology)) {
    const others = [...topology.nodes.values()].filter((node) => node.name !== input.machine.name && node.vxlanTunnel);
    set(
      'cali40all-vxlan-net',
      others.flatMap((node) => (node.address ? [ipOf(node.address)] : [])),
    );
  }
  if (wantsIpip(topology)) {
    const hosts = [...topology.nodes.values()].flatMap((node) => (node.address ? [ipOf(node.address)] : []));
    set('cali40all-hosts-net', hosts);
  }
  const own = network.addresses().map((entry) => ipOf(entry.cidr));
  set('cali40this-host', [...new Set([...own, '127.0.0.0', '127.0.0.1'])]);
  if (input.release.minor >= 31) set('cali40dscp-src-net', []);
}

/** Rewrites the chains that changed and removes those that are no longer wanted. */
function applyChains(network: NodeNetwork, table: string, wanted: Chains, written: Map<string, Chains>): void {
  const before = written.get(table) ?? new Map<string, readonly string[]>();
  for (const [chain, rules] of wanted) {
    const old = before.get(chain);
    if (old && old.length === rules.length && old.every((rule, i) => rule === rules[i])) continue;
    for (const rule of old ?? []) network.deleteRule(table, rule);
    network.addChain(table, chain);
    for (const rule of rules) network.addRule(table, rule);
  }
  for (const chain of before.keys()) if (!wanted.has(chain)) network.deleteChain(table, chain);
  written.set(table, new Map(wanted));
}

/**
 * A restarted Felix reads what is there first: `cali-` chains of the kernel, so that it neither doubles nor forgets one.
 * @param before what was written; its empty chains, which no rule shows, are taken as still there
 */
export function readKernel(network: NodeNetwork, before?: FelixState): FelixState {
  const written = new Map<string, Chains>();
  for (const table of ['raw', 'mangle', 'nat', 'filter']) {
    const chains = new Map<string, string[]>();
    for (const [chain, rules] of before?.written.get(table) ?? []) if (rules.length === 0) chains.set(chain, []);
    for (const rule of network.rules(table)) {
      const chain = /^-A (cali-\S+)/.exec(rule)?.[1];
      if (!chain) continue;
      chains.set(chain, [...(chains.get(chain) ?? []), rule]);
    }
    written.set(table, chains);
  }
  return { written, network, ipsets: new Map(), policySets: new Set() };
}

function endpointsOf(input: FelixInput, network: NodeNetwork): Endpoint[] {
  const { world } = input;
  const compiler = policyCompiler(world);
  return network
    .pods()
    .filter((attachment) => attachment.cni === 'calico' && network.link(attachment.device))
    .map((attachment) => {
      const pod = world.store.get<Pod>('pods', attachment.name, attachment.namespace);
      return {
        attachment,
        serviceAccount: pod?.spec?.serviceAccountName ?? 'default',
        policies: compiler.of(attachment.namespace, pod?.metadata.labels ?? { ...attachment.labels }),
      };
    });
}

/**
 * One pass over everything.
 * @returns the state for the next pass, and whether all could be applied
 */
export function applyFelix(
  input: FelixInput,
  state: FelixState | undefined,
): { state: FelixState; complete: boolean } | undefined {
  const network = input.world.network.node(input.machine.name);
  if (!network) return undefined;
  const topology = input.topology.current();
  const parent = parentDevice(network, input.address);
  if (!parent) return undefined;
  const current = state?.network === network ? state : readKernel(network);
  const own = topology.nodes.get(input.machine.name);
  const vxlan = wantsVxlan(topology);

  const complete = applyVxlan(
    network,
    topology,
    vxlan && own?.vxlanTunnel ? { local: ipOf(input.address), parent, tunnel: own.vxlanTunnel } : undefined,
  );
  if (wantsIpip(topology) && input.bgp) applyIpip(network, own?.ipipTunnel);
  writeMtu(input.machine, vxlan, wantsIpip(topology));

  // Felix gives routes through its tunnel the MTU that the datastore's default yields (recorded: 1450 also on a device of 1400
  // on the other side, 1400 where its own device has 1400).
  const vxlanMtu = network.link(VXLAN_DEVICE)?.mtu ?? 1500 - VXLAN_OVERHEAD;
  const wish = { node: input.machine.name, own: { address: input.address, device: parent }, bgp: input.bgp, vxlanMtu };
  applyRoutes(network, wantedRoutes(topology, wish, network));

  applyIpsets(network, current.ipsets, input, topology);
  const endpoints = endpointsOf(input, network);
  const sets = new Map(endpoints.flatMap((endpoint) => [...endpoint.policies.sets]));
  for (const [name, members] of sets) setIpset(network, current.ipsets, name, members);
  const tables = staticChains({
    vxlanPort: topology.vxlanPort,
    hasVxlan: vxlan,
    hasIpip: wantsIpip(topology),
    allPoolsSet: input.release.allPoolsSet,
    dscp: input.release.minor >= 31,
  });
  for (const [chain, rules] of endpointTable(endpoints, topology.vxlanPort)) tables.get('filter')!.set(chain, rules);
  for (const [table, chains] of tables) applyChains(network, table, chains, current.written);
  for (const name of current.policySets) {
    if (sets.has(name)) continue;
    network.setIpset(name, undefined);
    current.ipsets.delete(name);
  }
  applyHooks(network);
  return { state: { ...current, policySets: new Set(sets.keys()) }, complete };
}

/** Felix tells the CNI plugin the MTU of pod devices through a file (recorded pods: 1450 with a VXLAN pool). */
function writeMtu(machine: Machine, vxlan: boolean, ipip: boolean): void {
  const mtu = String(vxlan ? 1500 - VXLAN_OVERHEAD : ipip ? 1500 - IPIP_OVERHEAD : 1500);
  if (machine.files.read(MTU_FILE)?.content !== mtu) machine.files.write(MTU_FILE, mtu);
}
