/**
 * Whether those outside of the cluster get an answer of its API: their packets come over the bridge (or through kind's load
 * balancer), and the answer must find its way back there. Who runs on a node is taken to reach the API by its name over
 * IPv6, as kind's dual-stack network lets kubelets do (recorded: with the nodes' subnet as Cilium's pool the API is lost
 * from outside while every node stays Ready).
 */
import { formatAddress, parsePrefix } from '../network/address.ts';
import type { NodeNetwork } from '../network/network.ts';
import type { World } from '../world.ts';
import type { ApiHealth } from './api-health.ts';

export class OutsideWay {
  readonly #world: World;
  readonly #api: ApiHealth;
  readonly #asker: () => string;
  readonly #lost: () => void;
  #was = true;

  /**
   * @param loadBalancer address of kind's load balancer; undefined: clients come through Docker's port mapping
   * @param lost called, from a timer, when the way is gone
   */
  constructor(world: World, api: ApiHealth, loadBalancer: () => string | undefined, lost: () => void) {
    this.#world = world;
    this.#api = api;
    // The bridge has the first address of the container network.
    const gateway = formatAddress(parsePrefix(world.config.nodeSubnet).base + 1);
    this.#asker = () => loadBalancer() ?? gateway;
    this.#lost = lost;
  }

  /** Does an API server serve whose answers come out? */
  open(): boolean {
    const serving = this.#api.serving();
    const open = serving.some((node) => leavesByUplink(this.#world.network.node(node), this.#asker()));
    if (this.#was && !open && serving.length > 0) this.#world.time.after(0, this.#lost);
    this.#was = open || serving.length === 0;
    return open;
  }
}

/** What a route sends anywhere else (recorded: `172.30.0.0/24 via <router> dev cilium_host`) never comes out of the node. */
function leavesByUplink(network: NodeNetwork | undefined, address: string): boolean {
  return network?.deviceTo(address) === 'eth0';
}
