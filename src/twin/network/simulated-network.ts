/** The network of all machines: namespaces, verdicts and their cache. */
import { type Prefix, parseAddress, parsePrefix } from './address.ts';
import { NodeNamespace } from './namespace.ts';
import type {
  ConnectOutcome,
  LinkSpec,
  Listener,
  Network,
  NodeNetwork,
  PodAttachment,
  PolicyAnswer,
  PolicyQuestion,
  ServiceLookup,
  Source,
} from './network.ts';
import { PacketLost } from './packet.ts';
import { type Origin, roundTrip } from './round-trip.ts';
import { receive, sendFromHost } from './stack.ts';
import { type Terrain, Walk } from './walk.ts';

export interface NetworkOptions {
  /** Milliseconds since the epoch; without it every change counts as its own moment. */
  readonly now?: () => number;
}

/** A verdict and the state on which it rests. */
interface CachedVerdict {
  readonly outcome: ConnectOutcome;
  readonly refused: ConnectOutcome;
  /** Version of Services and policies as a whole. */
  readonly rules: number;
  /** Version of the set of nodes; -1 where every node that was asked for is among {@link nodes}. */
  readonly topology: number;
  /** Who had which address. */
  readonly asked: ReadonlyMap<number, PodAttachment | undefined>;
  /** Version of the Services' endpoints; -1 where none was asked for. */
  readonly services: number;
  readonly nodes: readonly NodeNamespace[];
  readonly revisions: readonly number[];
}

/** Host interfaces before the first container: lo, the uplink, docker0 and kind's bridge. */
const HOST_INTERFACES = 4;

const PING = 0;

/** Any port of Linux's ephemeral range. */
const SOURCE_PORT = 40000;

interface Admission {
  readonly node: NodeNamespace;
  readonly rules: number;
  readonly verdict: ReturnType<Network['admission']>;
}

/** Verdicts kept for one source; targets come and go with their addresses. */
const MAX_TARGETS = 1024;

/**
 * Once the module ipip is loaded every network namespace has this device, DOWN until somebody brings it up, a restarted node's
 * too (linux net/ipv4/ipip.c, ip_tunnel_init_net; off only with net.core.fb_tunnels_only_for_init_net).
 */
const FALLBACK_TUNNEL: LinkSpec = { name: 'tunl0', kind: 'ipip', mtu: 1480, up: false };

class SimulatedNetwork implements Network, Terrain {
  services: ServiceLookup | undefined;
  clusterCidr: Prefix | undefined;
  policies: ((question: PolicyQuestion) => PolicyAnswer) | undefined;
  readonly #now: (() => number) | undefined;
  readonly #nodes = new Map<string, NodeNamespace>();
  readonly #byAddress = new Map<number, NodeNamespace>();
  readonly #stopped = new Map<string, number>();
  readonly #hooks = new Set<() => void>();
  readonly #admissions = new Map<string, Admission>();
  /** By source, port and address. */
  readonly #cache = new Map<string, Map<number, Map<string, CachedVerdict>>>();
  /** Owners of addresses, made anew after a change that touches them. */
  #owners: Map<number, NodeNamespace> | undefined;
  readonly #podsByAddress = new Map<number, PodAttachment>();
  readonly #podsByUid = new Map<string, Origin & { pod: PodAttachment }>();
  #listens: (where: Listener) => boolean = () => false;
  #version = 0;
  #topology = 0;
  #rules = 0;
  #services = 0;
  #lastMoment: number | undefined;
  #hostIndex = HOST_INTERFACES;
  #turn = 0;
  /** The kernel's module of IPIP, loaded for good by its first device. */
  #ipip = false;

  constructor(options: NetworkOptions) {
    this.#now = options.now;
  }

  addNode(name: string, address: string, subnet: string, options: { eth0Index?: number } = {}): NodeNetwork {
    this.#changing();
    this.#forget(name);
    // A container's veth takes two indexes of the host's counter: recorded eth0@if4 is 3, eth0@if6 is 5, eth0@if8 is 7.
    const index = options.eth0Index ?? this.#hostIndex + 1;
    this.#hostIndex = Math.max(this.#hostIndex + 2, index + 1);
    const owner = {
      changing: () => this.#changing(),
      loaded: (kind: LinkSpec['kind']) => this.#loaded(kind),
      addressesChanged: () => this.#addressesChanged(),
      attached: (pod: PodAttachment) => this.#attached(node, pod),
      detached: (pod: PodAttachment) => {
        if (this.#nodes.get(name) === node) this.#detached(pod);
      },
      random: () => this.#draw(),
      date: () => new Date(this.#now?.() ?? 0).toUTCString(),
    };
    const node: NodeNamespace = new NodeNamespace(owner, name, address, subnet, index);
    this.#nodes.set(name, node);
    this.#byAddress.set(node.underlay, node);
    this.#stopped.delete(name);
    this.#topology++;
    if (this.#ipip) node.addLink(FALLBACK_TUNNEL);
    return node;
  }

  removeNode(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#changing();
    this.#forget(name);
    this.#stopped.set(name, node.underlay);
    this.#topology++;
  }

  node(name: string): NodeNetwork | undefined {
    return this.#nodes.get(name);
  }

  nodes(): readonly NodeNetwork[] {
    return [...this.#nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  connect(from: Source, to: { ip: string; port: number; bytes?: number }): ConnectOutcome {
    return this.#ask(from, to.ip, to.port, 'tcp');
  }

  ping(from: Source, ip: string): ConnectOutcome {
    return this.#ask(from, ip, PING, 'icmp');
  }

  admission(name: string, from: string, port: number): ReturnType<Network['admission']> {
    const node = this.#nodes.get(name);
    if (node === undefined) return 'unreachable';
    const key = `${name} ${from} ${port}`;
    const known = this.#admissions.get(key);
    if (known?.node === node && known.rules === node.rulesRevision) return known.verdict;
    const verdict = this.#admit(node, parseAddress(from), port);
    this.#admissions.set(key, { node, rules: node.rulesRevision, verdict });
    return verdict;
  }

  setListeners(find: (where: Listener) => boolean): void {
    this.#listens = find;
  }

  setServices(find: ServiceLookup, options: { clusterCidr?: string } = {}): void {
    this.#changing();
    this.services = find;
    this.clusterCidr = options.clusterCidr === undefined ? undefined : parsePrefix(options.clusterCidr);
    this.#rules++;
  }

  servicesChanged(): void {
    this.#changing();
    this.#services++;
  }

  setPolicies(evaluate: ((question: PolicyQuestion) => PolicyAnswer) | undefined): void {
    this.#changing();
    this.policies = evaluate;
    this.#rules++;
  }

  version(): number {
    return this.#version;
  }

  onBeforeChange(hook: () => void): () => void {
    const entry = (): void => hook();
    this.#hooks.add(entry);
    return () => {
      this.#hooks.delete(entry);
    };
  }

  // Terrain

  nodeAt(address: number): NodeNamespace | undefined {
    return this.#byAddress.get(address);
  }

  isStoppedNode(address: number): boolean {
    for (const stopped of this.#stopped.values()) if (stopped === address) return true;
    return false;
  }

  ownerOf(address: number): NodeNamespace | undefined {
    if (this.#owners === undefined) {
      this.#owners = new Map();
      for (const node of this.#nodes.values()) for (const own of node.localAddresses()) this.#owners.set(own, node);
    }
    return this.#owners.get(address);
  }

  podAt(address: number): PodAttachment | undefined {
    return this.#podsByAddress.get(address);
  }

  podByUid(podUid: string): PodAttachment | undefined {
    return this.#podsByUid.get(podUid)?.pod;
  }

  nextTurn(): number {
    return this.#turn++;
  }

  #ask(from: Source, ip: string, port: number, protocol: 'tcp' | 'icmp'): ConnectOutcome {
    const source = 'podUid' in from ? from.podUid : from.node;
    let ports = this.#cache.get(source);
    let verdict = ports?.get(port)?.get(ip);
    if (verdict === undefined || !this.#holds(verdict)) {
      const origin = this.#origin(from);
      if (origin === undefined) {
        this.#cache.delete(source);
        const lostAt = `${source} has no network`;
        return { ok: false, failure: 'unreachable', errno: 'network is unreachable', lostAt };
      }
      const walk = new Walk(this);
      verdict = this.#judge(walk, roundTrip(walk, origin, parseAddress(ip), port, protocol));
      if (walk.repeatable) {
        if (ports === undefined) {
          ports = new Map();
          this.#cache.set(source, ports);
        }
        let verdicts = ports.get(port);
        if (verdicts === undefined) {
          verdicts = new Map();
          ports.set(port, verdicts);
        }
        if (verdicts.size >= MAX_TARGETS) verdicts.clear();
        verdicts.set(ip, verdict);
      }
    }
    const { outcome } = verdict;
    return !outcome.ok || protocol === 'icmp' || this.#listens(outcome.at) ? outcome : verdict.refused;
  }

  #admit(node: NodeNamespace, src: number, port: number): Admission['verdict'] {
    const own = node.isLocal(src);
    const packet = {
      src,
      dst: own ? src : node.underlay,
      sport: SOURCE_PORT,
      dport: port,
      protocol: 'tcp' as const,
      mark: 0,
      reply: false,
      fromHost: own,
    };
    const walk = new Walk(this);
    try {
      const { at } = own ? sendFromHost(walk, node, packet) : receive(walk, node, 'eth0', packet);
      return at.kind === 'host' ? 'ok' : 'unreachable';
    } catch (error) {
      if (error instanceof PacketLost) return error.failure;
      throw error;
    }
  }

  #judge(walk: Walk, outcome: ConnectOutcome): CachedVerdict {
    const nodes = [...walk.visited];
    const where = outcome.ok ? ('podUid' in outcome.at ? outcome.at.podUid : outcome.at.node) : '';
    const port = outcome.ok ? outcome.at.port : 0;
    return {
      outcome,
      refused: {
        ok: false,
        failure: 'refused',
        errno: 'connection refused',
        lostAt: `nobody listens on port ${port} of ${where}`,
      },
      rules: this.#rules,
      topology: walk.askedInVain ? this.#topology : -1,
      asked: walk.asked,
      services: walk.askedForServices ? this.#services : -1,
      nodes,
      revisions: nodes.map((node) => node.revision),
    };
  }

  /** Whether nothing has changed on which the verdict rests. */
  #holds(verdict: CachedVerdict): boolean {
    if (verdict.rules !== this.#rules) return false;
    if (verdict.topology >= 0 && verdict.topology !== this.#topology) return false;
    for (const [address, pod] of verdict.asked) if (this.#podsByAddress.get(address) !== pod) return false;
    if (verdict.services >= 0 && verdict.services !== this.#services) return false;
    const { nodes, revisions } = verdict;
    for (let i = 0; i < nodes.length; i++) if (nodes[i]!.revision !== revisions[i]) return false;
    return true;
  }

  #origin(from: Source): Origin | undefined {
    if ('podUid' in from) return this.#podsByUid.get(from.podUid);
    const node = this.#nodes.get(from.node);
    return node === undefined ? undefined : { node, pod: undefined };
  }

  #attached(node: NodeNamespace, pod: PodAttachment): void {
    // Whoever still holds the namespace of before a restart changes nothing that is alive.
    if (this.#nodes.get(node.node) !== node) return;
    this.#podsByAddress.set(parseAddress(pod.ip), pod);
    this.#podsByUid.set(pod.podUid, { node, pod });
  }

  #detached(pod: PodAttachment): void {
    const address = parseAddress(pod.ip);
    if (this.#podsByAddress.get(address)?.podUid === pod.podUid) this.#podsByAddress.delete(address);
    this.#podsByUid.delete(pod.podUid);
    this.#cache.delete(pod.podUid);
  }

  #changing(): void {
    const now = this.#now?.();
    if (now === undefined || now !== this.#lastMoment) {
      this.#lastMoment = now;
      for (const hook of [...this.#hooks]) hook();
    }
    this.#version++;
  }

  #loaded(kind: LinkSpec['kind']): void {
    if (kind !== 'ipip' || this.#ipip) return;
    this.#ipip = true;
    for (const node of this.#nodes.values()) {
      if (node.link(FALLBACK_TUNNEL.name) === undefined) node.addLink(FALLBACK_TUNNEL);
    }
  }

  #addressesChanged(): void {
    this.#owners = undefined;
  }

  #forget(name: string): void {
    const old = this.#nodes.get(name);
    if (old === undefined) return;
    for (const pod of old.pods()) this.#detached(pod);
    this.#cache.delete(name);
    this.#nodes.delete(name);
    this.#byAddress.delete(old.underlay);
    // Verdicts that rest on it are void.
    old.revision++;
    this.#addressesChanged();
  }

  /** Van der Corput's sequence: spreads evenly over [0, 1) and is the same in every run. */
  #draw(): number {
    let n = ++this.#turn;
    let value = 0;
    for (let half = 0.5; n > 0; half /= 2, n = Math.floor(n / 2)) value += (n % 2) * half;
    return value;
  }
}

/** An empty network. */
export function createNetwork(options: NetworkOptions = {}): Network {
  return new SimulatedNetwork(options);
}
