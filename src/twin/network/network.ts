/** The network of all machines: what actors change, and what a connection then experiences. */
import type { Cancel } from '../world.ts';

export interface LinkSpec {
  readonly name: string;
  readonly kind: 'loopback' | 'veth' | 'vxlan' | 'geneve' | 'ipip' | 'bridge';
  readonly mtu: number;
  readonly up?: boolean;
  /** For tunnels: UDP port; two up devices of different owners on one port cannot both be up. */
  readonly port?: number;
  /** For VXLAN: network identifier (Calico 4096; Cilium's collect-metadata device 0 and `external`). */
  readonly vni?: number;
  readonly external?: boolean;
  /** For VXLAN: local address and parent device. */
  readonly local?: string;
  readonly parent?: string;
  /** For the host end of a pod's veth: the pod behind it. */
  readonly podUid?: string;
  /** Wanted index; the next one of the kernel's counter unless given. */
  readonly index?: number;
}

export interface Link extends LinkSpec {
  readonly index: number;
  readonly up: boolean;
}

/** A pod's attachment to a machine's network. */
export interface PodAttachment {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  /** Host end of the veth: `cali…` or `lxc…`. */
  readonly device: string;
  readonly cni: 'calico' | 'cilium';
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What Cilium's eBPF programs know on one node: the tunnel map (which node serves which pod CIDR), and the endpoints.
 * Handed over whole by `setCilium`; what `cilium` returns is read-only and throws on a change. Present only while the programs are loaded (they stay when the agent stops and vanish with the network namespace).
 */
export interface CiliumDatapath {
  tunnelPort: number;
  tunnelProtocol: 'vxlan' | 'geneve';
  /** The node's own router address (CiliumInternalIP) and health endpoint. */
  routerIp: string;
  healthIp: string;
  /** Own pod CIDRs. */
  podCidrs: string[];
  /** Pod CIDR of another node → that node's address. */
  tunnels: Map<string, string>;
  /** `never`, `default`, `always`. */
  policyEnforcement: string;
}

/** One machine's network namespace. Texts are those of `ip route`, `iptables-save` and `ipset`. */
export interface NodeNetwork {
  readonly node: string;
  readonly address: string;
  links(): readonly Link[];
  link(name: string): Link | undefined;
  /** Adds a link with the next free index. @throws Error `File exists`. */
  addLink(spec: LinkSpec): Link;
  deleteLink(name: string): void;
  /** @throws Error `address already in use` when a tunnel is set up on a port that another up tunnel device holds. */
  setLink(name: string, change: { up?: boolean; mtu?: number }): void;
  /** `cidr` such as 10.244.0.244/32; adds the route in table local as the kernel does. */
  addAddress(device: string, cidr: string): void;
  deleteAddress(device: string, cidr: string): void;
  addresses(): readonly { device: string; cidr: string }[];
  /** `10.244.1.0/24 via 10.244.0.244 dev cilium_host proto kernel src 10.244.0.244 mtu 1400`; replaces a route of the same destination. */
  addRoute(text: string): void;
  /** Deletes the route to a destination as written (`10.244.1.0/24`, `192.168.44.64`, `default`). */
  deleteRoute(destination: string): void;
  /** Main table, in the form and order of `ip route`. */
  routes(): readonly string[];
  /** The device by which the node's own packets to an address leave; `lo`: its own address; undefined: no way. */
  deviceTo(address: string): string | undefined;
  /** Creates a chain if need be. */
  addChain(table: string, chain: string): void;
  /** `-A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/24 ! -o cilium_+ -j MASQUERADE`, as iptables-save prints it. `first` inserts at the top. */
  addRule(table: string, rule: string, first?: boolean): void;
  /** Deletes the first rule with exactly this text; false when there is none. */
  deleteRule(table: string, rule: string): boolean;
  /** Counts the changes of its rules and of the sets that they ask. */
  readonly rulesRevision: number;
  /** Empties and removes a chain. */
  deleteChain(table: string, chain: string): void;
  /** As iptables-save prints it. */
  rules(table: string): readonly string[];
  iptablesSave(): string;
  /** Replaces the tables that are in a text of iptables-save (`iptables-restore`). */
  restoreIptables(text: string): void;
  setIpset(name: string, members: readonly string[] | undefined): void;
  ipset(name: string): readonly string[] | undefined;
  cilium(): CiliumDatapath | undefined;
  setCilium(datapath: CiliumDatapath | undefined): void;
  attachPod(pod: PodAttachment): void;
  detachPod(podUid: string): void;
  pods(): readonly PodAttachment[];
  pod(podUid: string): PodAttachment | undefined;
  /** A rule of table filter in the network namespace of an attached pod; it goes with the pod's sandbox. @throws Error */
  addPodRule(podUid: string, rule: string, first?: boolean): void;
  deletePodRule(podUid: string, rule: string): boolean;
  podRules(podUid: string): readonly string[];
}

/** Where a connection starts: a pod's network namespace or a machine's own. */
export type Source = { readonly podUid: string } | { readonly node: string };

export type ConnectOutcome =
  /** The request reached a listener and the answer came back. */
  | {
      readonly ok: true;
      readonly milliseconds: number;
      readonly at: Listener;
      readonly sourceSeen: string;
      /** Largest packet in bytes that fits every route and link of the way there. */
      readonly pathMtu: number;
    }
  | {
      readonly ok: false;
      /** `timeout`: dropped or unanswered; `refused`: the host answers, nobody listens; `unreachable`: no route, blackhole (`invalid argument`) or ICMP. */
      readonly failure: 'timeout' | 'refused' | 'unreachable';
      /** Text after `connect: `, such as `connection refused`, `no route to host`, `invalid argument`, `network is unreachable`. */
      readonly errno: string;
      /** Where the packet or its reply was lost, for people. */
      readonly lostAt: string;
    };

/** Who answers on an address and port. */
export type Listener =
  | { readonly podUid: string; readonly port: number }
  | { readonly node: string; readonly port: number };

/** An endpoint behind a Service. */
export interface ServiceBackend {
  readonly ip: string;
  readonly port: number;
}

/**
 * kube-proxy's rules of one node: the endpoints behind an address and port (a ClusterIP, or the node's own address and a
 * NodePort), or undefined where the node has no such Service. No endpoint: connections are refused.
 */
export type ServiceLookup = (ip: string, port: number, node: string) => readonly ServiceBackend[] | undefined;

/** One direction of a new connection at an endpoint on which a policy is enforced. */
export interface PolicyQuestion {
  readonly direction: 'ingress' | 'egress';
  /** The pod on whose side the policy is enforced. */
  readonly endpoint: PodAttachment;
  /**
   * The other side as the enforcing CNI sees it: Calico knows a pod by the packet's address, Cilium by the identity that
   * came along; a masqueraded source is no pod to either of them.
   */
  readonly peer:
    | { readonly kind: 'pod'; readonly pod: PodAttachment; readonly ip: string }
    | { readonly kind: 'world' | 'remote-node'; readonly ip: string };
  /** Destination port. */
  readonly port: number;
  readonly enforcedBy: 'calico' | 'cilium';
}

/** `unselected`: no policy applies to the endpoint in this direction. */
export type PolicyAnswer = 'allow' | 'deny' | 'unselected';

export interface Network {
  /**
   * Makes the namespace of a machine with lo and eth0; replaces an older one (a restarted container). eth0's index comes
   * from the host's counter, two for each pair of ends, so that a restarted node gets a higher one (recorded).
   */
  addNode(name: string, address: string, subnet: string, options?: { eth0Index?: number }): NodeNetwork;
  removeNode(name: string): void;
  node(name: string): NodeNetwork | undefined;
  nodes(): readonly NodeNetwork[];
  /** Walks a TCP connection forward and back. `bytes`: size of the larger message, judged against path MTU. */
  connect(from: Source, to: { ip: string; port: number; bytes?: number }): ConnectOutcome;
  /** An ICMP echo and its answer; needs no listener. */
  ping(from: Source, ip: string): ConnectOutcome;
  /**
   * Whether the rules of a node let a new TCP connection in, from an address outside of it (`eth0`) or one of its own
   * (`lo`), to a port of the node itself. Only this way in is walked: neither the way to the node nor the answer.
   */
  admission(node: string, from: string, port: number): 'ok' | 'refused' | 'timeout' | 'unreachable';
  /** `clusterCidr`: kube-proxy masquerades Service traffic from sources outside of it. */
  setServices(find: ServiceLookup, options?: { clusterCidr?: string }): void;
  /** Asked for every new connection at Calico's and Cilium's endpoints; undefined: there is no policy. */
  setPolicies(evaluate: ((question: PolicyQuestion) => PolicyAnswer) | undefined): void;
  /** Who listens on a pod's or node's port; set by the machines. */
  setListeners(find: (where: Listener) => boolean): void;
  /** The endpoints of some Service are about to differ from what the look-up said before. */
  servicesChanged(): void;
  /** Counts up at every change of any namespace; cached verdicts of older versions are void. */
  version(): number;
  /** Called at most once for each moment in time, before the first change at that moment takes effect. */
  onBeforeChange(hook: () => void): Cancel;
}
