/** The state of one walk: who was asked on the way, what was learnt, and where a packet may arrive. */

import type { Prefix } from './address.ts';
import { Conntrack } from './conntrack.ts';
import type { NodeNamespace } from './namespace.ts';
import type { PodAttachment, PolicyAnswer, PolicyQuestion, ServiceLookup } from './network.ts';
import { NetworkNotModelled, type Packet } from './packet.ts';

/** The network as a walking packet sees it. */
export interface Terrain {
  /** The running node with this address on the container network. */
  nodeAt(address: number): NodeNamespace | undefined;
  /** Whether a stopped node holds this address. */
  isStoppedNode(address: number): boolean;
  /** The node that has this address on another device than eth0 (a VTEP, a router). */
  ownerOf(address: number): NodeNamespace | undefined;
  /** The pod with this address, wherever it runs. */
  podAt(address: number): PodAttachment | undefined;
  podByUid(podUid: string): PodAttachment | undefined;
  readonly services: ServiceLookup | undefined;
  readonly clusterCidr: Prefix | undefined;
  readonly policies: ((question: PolicyQuestion) => PolicyAnswer) | undefined;
  /** A number that grows with every call: endpoints of a Service are taken in turn. */
  nextTurn(): number;
}

/** Where a packet came to its end. */
export interface Arrival {
  readonly node: NodeNamespace;
  /** `health`: Cilium's health endpoint of the node. */
  readonly at: { readonly kind: 'pod'; readonly pod: PodAttachment } | { readonly kind: 'host' | 'health' };
  readonly packet: Packet;
}

/** No real path in such a cluster comes near it: 64 is also Linux's time to live. */
const MAX_STEPS = 64;

export class Walk {
  readonly terrain: Terrain;
  /** Nodes whose state decided the outcome. */
  readonly visited = new Set<NodeNamespace>();
  /** False when chance or a Service took part: the outcome is good for one connection. */
  repeatable = true;
  /** The way led through a Service: the verdict holds only while its endpoints stay. */
  askedForServices = false;
  /** Pods that were looked up by address, wherever they run: the outcome depends on who has these addresses. */
  readonly asked = new Map<number, PodAttachment | undefined>();
  /** The Service call of a Cilium pod that its own program has sent to an endpoint. */
  balanced:
    | {
        readonly podUid: string;
        readonly asked: number;
        readonly port: number;
        readonly address: number;
        readonly backendPort: number;
      }
    | undefined;
  /** An address was looked up that no running node has: a node that comes may change the outcome. */
  askedInVain = false;
  /** Times that a packet crossed from node to node. */
  hops = 0;
  tunnelled = false;
  /** The answer is on its way. */
  returning = false;
  pathMtu = 65536;
  /** Bytes of tunnel headers around the packet at this point. */
  overhead = 0;
  readonly #conntrack = new Map<NodeNamespace, Conntrack>();
  #steps = 0;

  constructor(terrain: Terrain) {
    this.terrain = terrain;
  }

  /** Counts a step at a node. @throws NetworkNotModelled when the packet goes in circles. */
  enter(node: NodeNamespace): void {
    this.visited.add(node);
    if (++this.#steps > MAX_STEPS) throw new NetworkNotModelled(`a packet that goes in circles (${node.node})`);
  }

  nodeAt(address: number): NodeNamespace | undefined {
    return this.#noted(this.terrain.nodeAt(address));
  }

  ownerOf(address: number): NodeNamespace | undefined {
    return this.#noted(this.terrain.ownerOf(address));
  }

  #noted(node: NodeNamespace | undefined): NodeNamespace | undefined {
    if (node === undefined) this.askedInVain = true;
    else this.visited.add(node);
    return node;
  }

  podAt(address: number): PodAttachment | undefined {
    const pod = this.terrain.podAt(address);
    this.asked.set(address, pod);
    return pod;
  }

  conntrack(node: NodeNamespace): Conntrack {
    let known = this.#conntrack.get(node);
    if (known === undefined) {
      known = new Conntrack();
      this.#conntrack.set(node, known);
    }
    return known;
  }

  /** A link or route on the way there carries at most `mtu` bytes. */
  limitTo(mtu: number | undefined): void {
    if (mtu !== undefined && !this.returning) this.pathMtu = Math.min(this.pathMtu, mtu - this.overhead);
  }
}
