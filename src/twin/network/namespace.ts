/** One machine's network namespace: links, addresses, routes, rules, sets, pods, and Cilium's maps. */
import { contains, formatAddress, type Prefix, parseAddress, parsePrefix } from './address.ts';
import { LoadedDatapath } from './cilium-datapath.ts';
import { IpSet } from './ipsets.ts';
import type { RuleHost } from './iptables-match.ts';
import { IptablesTables } from './iptables-tables.ts';
import { LinkTable } from './links.ts';
import type { CiliumDatapath, Link, LinkSpec, NodeNetwork, PodAttachment } from './network.ts';
import { PodNamespace } from './pod-namespace.ts';
import { formatRoute, parseDestination, parseRoute, type Route, RouteTable } from './routes.ts';

/** What a namespace tells the network that it belongs to. */
export interface NamespaceOwner {
  /** Called before a change of this namespace takes effect, and once before it counts. */
  changing(): void;
  /** A device of this kind was added: the kernel, which all nodes share, has its module from now on. */
  loaded(kind: LinkSpec['kind']): void;
  /** An address of this namespace came or went. */
  addressesChanged(): void;
  attached(pod: PodAttachment): void;
  detached(pod: PodAttachment): void;
  random(): number;
  /** For the header of iptables-save. */
  date(): string;
}

interface Address {
  readonly device: string;
  readonly cidr: string;
  readonly address: number;
  readonly prefix: Prefix;
}

const LOOPBACK: Prefix = parsePrefix('127.0.0.0/8');

export class NodeNamespace implements NodeNetwork, RuleHost {
  readonly node: string;
  readonly address: string;
  readonly underlay: number;
  readonly subnet: Prefix;
  /** Counts this namespace's changes. */
  revision = 0;
  /** Counts the changes of its rules and of the sets that they ask. */
  rulesRevision = 0;
  readonly tables = new IptablesTables();
  readonly #owner: NamespaceOwner;
  readonly #links = new LinkTable();
  readonly #routes = new RouteTable();
  readonly #ipsets = new Map<string, IpSet>();
  readonly #pods = new Map<string, PodAttachment>();
  readonly #podNamespaces = new Map<string, PodNamespace>();
  readonly #podsByAddress = new Map<number, PodAttachment>();
  readonly #podsByDevice = new Map<string, PodAttachment>();
  #addresses: Address[] = [];
  #local = new Set<number>();
  #datapath: LoadedDatapath | undefined;

  constructor(owner: NamespaceOwner, name: string, address: string, subnet: string, eth0Index: number) {
    this.#owner = owner;
    this.node = name;
    this.address = address;
    this.underlay = parseAddress(address);
    this.subnet = parsePrefix(subnet);
    this.#links.add({ name: 'lo', kind: 'loopback', mtu: 65536 });
    this.#links.add({ name: 'eth0', kind: 'veth', mtu: 1500, index: eth0Index });
    this.#addAddress('lo', '127.0.0.1/8');
    this.#addAddress('eth0', `${address}/${this.subnet.length}`);
    // Docker gives the bridge the first address of the subnet and makes it the containers' gateway.
    const gateway = formatAddress(this.subnet.base + 1);
    this.#routes.replace(parseRoute(`default via ${gateway} dev eth0`));
  }

  /** Address of the container network's bridge. */
  get gateway(): number {
    return this.subnet.base + 1;
  }

  links(): readonly Link[] {
    return this.#links.list();
  }

  link(name: string): Link | undefined {
    return this.#links.get(name);
  }

  addLink(spec: LinkSpec): Link {
    const link = this.#change(() => this.#links.add(spec));
    this.#owner.loaded(spec.kind);
    return link;
  }

  deleteLink(name: string): void {
    if (this.#links.get(name) === undefined) return;
    this.#change(() => {
      this.#links.delete(name);
      this.#routes.deleteWhere((route) => route.device === name);
      this.#addresses = this.#addresses.filter((entry) => entry.device !== name);
      this.#recountLocal();
    });
  }

  setLink(name: string, change: { up?: boolean; mtu?: number }): void {
    this.#change(() => {
      const before = this.#links.get(name);
      const after = this.#links.set(name, change);
      // The kernel drops a device's routes when it goes down, and brings back only the connected ones.
      if (before?.up === true && !after.up) this.#routes.deleteWhere((route) => route.device === name);
      if (before?.up === false && after.up) {
        for (const entry of this.#addresses) if (entry.device === name) this.#addConnectedRoute(entry);
      }
    });
  }

  addAddress(device: string, cidr: string): void {
    if (this.#links.get(device) === undefined) throw new Error(`Cannot find device "${device}"`);
    if (this.#addresses.some((entry) => entry.device === device && entry.cidr === cidr)) throw new Error('File exists');
    this.#change(() => this.#addAddress(device, cidr));
  }

  deleteAddress(device: string, cidr: string): void {
    this.#change(() => {
      this.#addresses = this.#addresses.filter((entry) => entry.device !== device || entry.cidr !== cidr);
      const address = parseAddress(cidr.split('/')[0]!);
      this.#routes.deleteWhere((route) => route.device === device && route.source === address);
      this.#recountLocal();
    });
  }

  addresses(): readonly { device: string; cidr: string }[] {
    return this.#addresses.map(({ device, cidr }) => ({ device, cidr }));
  }

  addRoute(text: string): void {
    const route = parseRoute(text);
    if (route.type === 'local' || route.type === 'broadcast') throw new Error('table local follows from the addresses');
    if (route.device !== undefined) {
      const link = this.#links.get(route.device);
      if (link === undefined) throw new Error(`Cannot find device "${route.device}"`);
      if (!link.up) throw new Error('RTNETLINK answers: Network is down');
    }
    this.#change(() => this.#routes.replace(route));
  }

  deleteRoute(destination: string): void {
    this.#change(() => this.#routes.delete(parseDestination(destination)));
  }

  routes(): readonly string[] {
    return this.#routes.list().map(formatRoute);
  }

  addChain(table: string, chain: string): void {
    this.#changeRules(() => this.tables.addChain(table, chain));
  }

  addRule(table: string, rule: string, first = false): void {
    this.#changeRules(() => this.tables.addRule(table, rule, first));
  }

  deleteRule(table: string, rule: string): boolean {
    return this.#changeRules(() => this.tables.deleteRule(table, rule));
  }

  deleteChain(table: string, chain: string): void {
    this.#changeRules(() => this.tables.deleteChain(table, chain));
  }

  rules(table: string): readonly string[] {
    return this.tables.rules(table);
  }

  iptablesSave(): string {
    return this.tables.save(this.#owner.date());
  }

  restoreIptables(text: string): void {
    this.#changeRules(() => this.tables.restore(text));
  }

  setIpset(name: string, members: readonly string[] | undefined): void {
    this.#changeRules(() => {
      if (members === undefined) this.#ipsets.delete(name);
      else this.#ipsets.set(name, new IpSet(members));
    });
  }

  ipset(name: string): readonly string[] | undefined {
    return this.#ipsets.get(name)?.members;
  }

  cilium(): CiliumDatapath | undefined {
    return this.#datapath?.view;
  }

  setCilium(datapath: CiliumDatapath | undefined): void {
    this.#change(() => {
      this.#datapath = datapath === undefined ? undefined : new LoadedDatapath(datapath);
    });
  }

  attachPod(pod: PodAttachment): void {
    this.#change(() => {
      const before = this.#pods.get(pod.podUid);
      if (before !== undefined) this.#owner.detached(before);
      this.#podNamespaces.delete(pod.podUid);
      this.#pods.set(pod.podUid, pod);
      this.#indexPods();
      this.#owner.attached(pod);
    });
  }

  detachPod(podUid: string): void {
    const pod = this.#pods.get(podUid);
    if (pod === undefined) return;
    this.#change(() => {
      this.#pods.delete(podUid);
      this.#podNamespaces.delete(podUid);
      this.#indexPods();
      this.#owner.detached(pod);
    });
  }

  pods(): readonly PodAttachment[] {
    return [...this.#pods.values()];
  }

  pod(podUid: string): PodAttachment | undefined {
    return this.#pods.get(podUid);
  }

  addPodRule(podUid: string, rule: string, first = false): void {
    this.#change(() => {
      const pod = this.#pods.get(podUid);
      if (pod === undefined) throw new Error(`${podUid} has no network namespace on ${this.node}`);
      const known = this.#podNamespaces.get(podUid) ?? new PodNamespace(pod, () => this.#owner.random());
      this.#podNamespaces.set(podUid, known);
      known.tables.addRule('filter', rule, first);
    });
  }

  deletePodRule(podUid: string, rule: string): boolean {
    return this.#change(() => this.#podNamespaces.get(podUid)?.tables.deleteRule('filter', rule) ?? false);
  }

  podRules(podUid: string): readonly string[] {
    return this.#podNamespaces.get(podUid)?.tables.rules('filter') ?? [];
  }

  // What the walker and the rules ask.

  podNamespace(podUid: string): PodNamespace | undefined {
    return this.#podNamespaces.get(podUid);
  }

  get datapath(): LoadedDatapath | undefined {
    return this.#datapath;
  }

  podAt(address: number): PodAttachment | undefined {
    return this.#podsByAddress.get(address);
  }

  podBehind(device: string): PodAttachment | undefined {
    return this.#podsByDevice.get(device);
  }

  /** Longest prefix match in the main table. */
  lookup(address: number): Route | undefined {
    return this.#routes.lookup(address);
  }

  isLocal(address: number): boolean {
    return this.#local.has(address) || contains(LOOPBACK, address);
  }

  deviceTo(address: string): string | undefined {
    const to = parseAddress(address);
    if (this.isLocal(to)) return 'lo';
    const route = this.lookup(to);
    if (route?.type !== 'unicast') return undefined;
    return route.device ?? (route.via === undefined ? undefined : this.lookup(route.via)?.device);
  }

  isLocalOn(device: string, address: number): boolean {
    return this.#addresses.some((entry) => entry.device === device && entry.address === address);
  }

  /** Addresses but the loopback's. */
  localAddresses(): Iterable<number> {
    return this.#local;
  }

  addressSet(name: string): IpSet | undefined {
    return this.#ipsets.get(name);
  }

  deviceTowards(address: number): string | undefined {
    return this.isLocal(address) ? 'lo' : this.lookup(address)?.device;
  }

  random(): number {
    return this.#owner.random();
  }

  /**
   * The address that the kernel takes as source on a device (inet_select_addr): its own first one, else the first one of
   * the other devices in the order of their registration; never the loopback's.
   */
  sourceAddress(device: string): number | undefined {
    const own = this.#addresses.find((entry) => entry.device === device && !contains(LOOPBACK, entry.address));
    if (own !== undefined) return own.address;
    for (const link of this.#links.registered()) {
      const other = this.#addresses.find((entry) => entry.device === link.name && !contains(LOOPBACK, entry.address));
      if (other !== undefined) return other.address;
    }
    return undefined;
  }

  /** The up tunnel device that holds a UDP port. */
  tunnelOnPort(port: number): Link | undefined {
    for (const link of this.#links.registered()) if (link.port === port && link.up) return link;
    return undefined;
  }

  #change<T>(effect: () => T): T {
    this.#owner.changing();
    const result = effect();
    this.revision++;
    return result;
  }

  #changeRules<T>(effect: () => T): T {
    return this.#change(() => {
      const result = effect();
      // Counted last: whoever looks before the change takes effect must not remember what it saw as the new state.
      this.rulesRevision++;
      return result;
    });
  }

  #addAddress(device: string, cidr: string): void {
    const address = parseAddress(cidr.split('/')[0]!);
    const entry = { device, cidr, address, prefix: parsePrefix(cidr) };
    this.#addresses.push(entry);
    this.#addConnectedRoute(entry);
    this.#recountLocal();
  }

  #addConnectedRoute({ device, address, prefix }: Address): void {
    if (prefix.length === 32 || contains(LOOPBACK, address) || this.#links.get(device)?.up !== true) return;
    const destination = `${formatAddress(prefix.base)}/${prefix.length}`;
    this.#routes.replace(
      parseRoute(`${destination} dev ${device} proto kernel scope link src ${formatAddress(address)}`),
    );
  }

  #recountLocal(): void {
    const local = this.#addresses.filter((entry) => !contains(LOOPBACK, entry.address));
    this.#local = new Set(local.map((entry) => entry.address));
    this.#owner.addressesChanged();
  }

  #indexPods(): void {
    this.#podsByAddress.clear();
    this.#podsByDevice.clear();
    for (const pod of this.#pods.values()) {
      this.#podsByAddress.set(parseAddress(pod.ip), pod);
      this.#podsByDevice.set(pod.device, pod);
    }
  }
}
