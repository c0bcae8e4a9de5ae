/** Loads the state of a recorded cluster (test/fixtures/recorded-kind) into a network. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkSpec, Network, NodeNetwork, PodAttachment } from '../../../src/twin/network/network.ts';
import { createNetwork } from '../../../src/twin/network/simulated-network.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
export const RECORDED = join(FIXTURES, 'recorded-kind');
const TIMELINES = join(FIXTURES, 'timelines');

export const MOMENTS = {
  1: '1-secondary-installed',
  2: '2-first-worker-switched',
  3: '3-all-switched-final-values',
  4: '4-calico-removed',
  5: '5-two-nodes-restarted',
} as const;
export type Moment = keyof typeof MOMENTS;

export const NODES = ['control-plane', 'worker', 'worker2'] as const;
export type RecordedNode = (typeof NODES)[number];

/** The port that goldpinger listens on. */
export const PING_PORT = 8080;

export function recordedText(moment: Moment, file: string): string {
  return readFileSync(join(RECORDED, MOMENTS[moment], file), 'utf8');
}

export interface RecordedPod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  /** `nodepinger`, `goldpinger`, or another workload's name. */
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
}

interface PodList {
  items: {
    metadata: { name: string; namespace: string; labels?: Record<string, string> };
    spec: { nodeName: string; hostNetwork?: boolean };
    status: { podIP?: string };
  }[];
}

/** Pods of the pod network; those without an address (their node boots) are left out. */
export function recordedPods(moment: Moment): RecordedPod[] {
  const list = JSON.parse(recordedText(moment, 'pods.json')) as PodList;
  return list.items
    .filter((pod) => pod.spec.hostNetwork !== true && pod.status.podIP !== undefined)
    .map((pod) => ({
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      node: pod.spec.nodeName,
      ip: pod.status.podIP!,
      group: pod.metadata.labels?.app ?? 'other',
      labels: pod.metadata.labels ?? {},
    }));
}

/** A link of `ip -d link`. */
export function parseLinks(text: string): (LinkSpec & { index: number; up: boolean })[] {
  const links: (LinkSpec & { index: number; up: boolean })[] = [];
  for (const block of text.split(/^(?=\d+: )/m)) {
    const head = /^(\d+): ([^:@]+)(?:@\S+)?: <([^>]*)> mtu (\d+)/.exec(block);
    if (head === null) continue;
    const [, index, name, flags, mtu] = head;
    const vxlan = /^ +vxlan id (\d+)(?: local (\S+) dev (\S+))?.* dstport (\d+)(.*)$/m.exec(block);
    links.push({
      index: Number(index),
      name: name!,
      kind: vxlan !== null ? 'vxlan' : name === 'lo' ? 'loopback' : 'veth',
      mtu: Number(mtu),
      up: flags!.split(',').includes('UP'),
      ...(vxlan === null ? {} : { vni: Number(vxlan[1]), port: Number(vxlan[4]) }),
      ...(vxlan?.[2] === undefined ? {} : { local: vxlan[2], parent: vxlan[3]! }),
      ...(vxlan?.[5]?.includes(' external ') === true ? { external: true } : {}),
    });
  }
  return links;
}

/** IPv4 addresses of `ip -br addr`. */
export function parseAddresses(text: string): { device: string; cidr: string }[] {
  return text.split('\n').flatMap((line) => {
    const [device, , ...rest] = line.trim().split(/\s+/);
    const ipv4 = rest.filter((cidr) => cidr.includes('.'));
    return ipv4.map((cidr) => ({ device: device!.split('@')[0]!, cidr }));
  });
}

/** Lines of `ip route` and `ip route show table all` that are IPv4 routes of the main table. */
export function mainRoutes(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !line.includes(' table local ') &&
        !/^\S*:|^(default|local|multicast) \S*:|^default via \S*:/.test(line),
    );
}

/** Sets of `ipset list`. */
export function parseIpsets(text: string): Map<string, string[]> {
  const sets = new Map<string, string[]>();
  for (const block of text.split(/^(?=Name: )/m)) {
    const name = /^Name: (\S+)/.exec(block)?.[1];
    const members = block.split('Members:\n')[1];
    if (name !== undefined && members !== undefined)
      sets.set(
        name,
        members.split('\n').filter((line) => line !== ''),
      );
  }
  return sets;
}

interface CiliumNodes {
  items: {
    metadata: { name: string };
    spec: { addresses: { ip: string; type: string }[]; health?: { ipv4?: string }; ipam: { podCIDRs: string[] } };
  }[];
}

/** What the eBPF maps of a node hold, from the API's CiliumNodes. */
export function loadCilium(node: NodeNetwork, ciliumNodes: CiliumNodes, policyEnforcement: string): void {
  const own = ciliumNodes.items.find((item) => item.metadata.name === node.node)!;
  const address = (item: (typeof ciliumNodes.items)[number], type: string): string =>
    item.spec.addresses.find((entry) => entry.type === type)!.ip;
  const others = ciliumNodes.items.filter((item) => item !== own);
  node.setCilium({
    tunnelPort: node.links().find((link) => link.external === true)?.port ?? 8473,
    tunnelProtocol: 'vxlan',
    routerIp: address(own, 'CiliumInternalIP'),
    healthIp: own.spec.health?.ipv4 ?? '',
    podCidrs: own.spec.ipam.podCIDRs,
    tunnels: new Map(
      others.flatMap((item) => item.spec.ipam.podCIDRs.map((cidr) => [cidr, address(item, 'InternalIP')])),
    ),
    policyEnforcement,
  });
}

/** Puts links (with their recorded indexes), addresses and routes onto a fresh node. */
export function loadNode(
  network: Network,
  name: string,
  state: {
    links: readonly LinkSpec[];
    addresses: readonly { device: string; cidr: string }[];
    routes: readonly string[];
  },
): NodeNetwork {
  const own = state.addresses.find((entry) => entry.device === 'eth0')!.cidr.split('/')[0]!;
  const eth0Index = state.links.find((link) => link.name === 'eth0')?.index;
  const node = network.addNode(name, own, '172.30.0.0/16', eth0Index === undefined ? {} : { eth0Index });
  for (const link of state.links) if (link.name !== 'lo' && link.name !== 'eth0') node.addLink(link);
  for (const { device, cidr } of state.addresses) {
    if (device !== 'lo' && device !== 'eth0') node.addAddress(device, cidr);
  }
  for (const route of node.routes()) node.deleteRoute(route.split(' ')[0]!);
  for (const route of state.routes) node.addRoute(route);
  return node;
}

/**
 * Attaches pods to their devices. A Calico pod's is the one of its /32 route. Which lxc device belongs to which Cilium pod
 * is not recorded; there are as many as endpoints, and it does not matter which serves which.
 */
export function attachPods(node: NodeNetwork, pods: readonly RecordedPod[]): void {
  const lxc = node.links().filter((link) => /^lxc[0-9a-f]/.test(link.name));
  for (const pod of pods) {
    const route = node.routes().find((line) => line.startsWith(`${pod.ip} dev cali`));
    const device = route?.split(' ')[2] ?? lxc.shift()?.name;
    if (device === undefined) throw new Error(`no device for ${pod.name} on ${node.node}`);
    const cni = device.startsWith('cali') ? 'calico' : 'cilium';
    const { name, namespace, ip, labels } = pod;
    const attachment: PodAttachment = { podUid: name, name, namespace, ip, device, cni, labels };
    node.attachPod(attachment);
  }
}

export interface RecordedCluster {
  readonly network: Network;
  readonly pods: readonly RecordedPod[];
  node(name: RecordedNode): NodeNetwork;
}

/** The three nodes at a moment. Every pod listens on its ports. */
export function recordedCluster(moment: Moment): RecordedCluster {
  const network = createNetwork();
  const pods = recordedPods(moment);
  const ciliumNodes = JSON.parse(recordedText(moment, 'ciliumnodes.json')) as CiliumNodes;
  const config = JSON.parse(recordedText(moment, 'cilium-config.json')) as { data: Record<string, string> };
  for (const short of NODES) {
    const file = (kind: string, of: Moment = moment): string => recordedText(of, `${short}.${kind}.txt`);
    const all = existsSync(join(RECORDED, MOMENTS[moment], `${short}.ip-route-all.txt`));
    const node = loadNode(network, `kind-${short}`, {
      links: parseLinks(file('ip-d-link')),
      addresses: parseAddresses(file('ip-br-addr')),
      routes: mainRoutes(file(all ? 'ip-route-all' : 'ip-route')),
    });
    node.restoreIptables(file('iptables-save'));
    const sets = parseIpsets(file('ipset', moment === 1 ? 1 : 2));
    for (const [name, members] of sets) node.setIpset(name, members);
    if (node.link('cilium_host') !== undefined) {
      loadCilium(node, ciliumNodes, config.data['enable-policy'] ?? 'default');
    }
    attachPods(
      node,
      pods.filter((pod) => pod.node === node.node),
    );
  }
  network.setListeners((where) => 'podUid' in where || where.port !== PING_PORT);
  return { network, pods, node: (name) => network.node(`kind-${name}`)! };
}

/** `source -> destination`, by pod name. */
export type Pair = `${string} -> ${string}`;

/** What goldpinger of a group said about its ordered pairs, from `check.<pod>.json`. */
export function readChecks(moment: 1 | 2): Map<Pair, boolean> {
  const readings = new Map<Pair, boolean>();
  for (const file of readdirSync(join(RECORDED, MOMENTS[moment]))) {
    const source = /^check\.(.+)\.json$/.exec(file)?.[1];
    if (source === undefined) continue;
    const check = JSON.parse(recordedText(moment, file)) as { podResults: Record<string, { OK: boolean }> };
    for (const [peer, result] of Object.entries(check.podResults)) readings.set(`${source} -> ${peer}`, result.OK);
  }
  return readings;
}

interface Reading {
  t: number;
  src?: string;
  ip?: string;
  ok?: number;
  bad?: { dst: string; ip: string; err: string }[];
  step?: string;
}

export function timeline(name: string): Reading[] {
  const text = readFileSync(join(TIMELINES, `${name}.ndjson`), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Reading]));
}

/**
 * The last readings of these pods up to the moment when the recording was made. A healthy peer has no name in a timeline:
 * where `ok` and `bad` make up the whole group, each peer that is not in `bad` was reached.
 */
export function lastReadings(
  name: string,
  before: (step: string) => boolean,
  pods: readonly RecordedPod[],
  groupSizes: Readonly<Record<string, number>>,
): Map<Pair, boolean> {
  const last = new Map<string, Reading>();
  for (const entry of timeline(name)) {
    if (entry.step !== undefined && before(entry.step)) break;
    const pod = pods.find((candidate) => candidate.name === entry.src && candidate.ip === entry.ip);
    if (pod !== undefined && entry.bad !== undefined) last.set(pod.name, entry);
  }
  const readings = new Map<Pair, boolean>();
  for (const source of pods) {
    const entry = last.get(source.name);
    if (entry === undefined || (entry.ok ?? 0) + entry.bad!.length !== groupSizes[source.group]) continue;
    for (const peer of pods) {
      if (peer.group !== source.group) continue;
      readings.set(`${source.name} -> ${peer.name}`, !entry.bad!.some((bad) => bad.dst === peer.name));
    }
  }
  return readings;
}

/** The walker's verdict for every ordered pair of a group, pods with themselves included as goldpinger does. */
export function walkPairs(
  cluster: Pick<RecordedCluster, 'network' | 'pods'>,
  groups = ['nodepinger', 'goldpinger'],
): Map<Pair, boolean> {
  const verdicts = new Map<Pair, boolean>();
  for (const source of cluster.pods) {
    for (const target of cluster.pods) {
      if (source.group !== target.group || !groups.includes(source.group)) continue;
      const outcome = cluster.network.connect({ podUid: source.name }, { ip: target.ip, port: PING_PORT });
      verdicts.set(`${source.name} -> ${target.name}`, outcome.ok);
    }
  }
  return verdicts;
}
