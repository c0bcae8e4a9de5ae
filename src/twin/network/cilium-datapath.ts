/** A node's copy of what Cilium's eBPF maps hold, made for look-ups. */
import { PrefixMap, parseAddress, parsePrefix } from './address.ts';
import type { CiliumDatapath } from './network.ts';

/** A change of the maps must come through setCilium: the network has to know that verdicts are void. */
class ReadOnlyMap extends Map<string, string> {
  #locked = false;
  constructor(entries: Iterable<readonly [string, string]>) {
    super(entries);
    this.#locked = true;
  }
  override set(key: string, value: string): this {
    // `super(entries)` calls set before this object's own fields exist.
    if (#locked in this && this.#locked) throw new Error("change Cilium's datapath through setCilium");
    return super.set(key, value);
  }
  override delete(): boolean {
    throw new Error("change Cilium's datapath through setCilium");
  }
  override clear(): void {
    throw new Error("change Cilium's datapath through setCilium");
  }
}

export class LoadedDatapath {
  readonly view: CiliumDatapath;
  readonly routerIp: number | undefined;
  readonly healthIp: number | undefined;
  readonly #tunnels = new PrefixMap<number>();

  constructor(datapath: CiliumDatapath) {
    this.view = Object.freeze({
      ...datapath,
      podCidrs: Object.freeze([...datapath.podCidrs]) as string[],
      tunnels: new ReadOnlyMap(datapath.tunnels),
    });
    this.routerIp = datapath.routerIp === '' ? undefined : parseAddress(datapath.routerIp);
    this.healthIp = datapath.healthIp === '' ? undefined : parseAddress(datapath.healthIp);
    for (const [cidr, node] of datapath.tunnels) this.#tunnels.set(parsePrefix(cidr), parseAddress(node));
  }

  /** The node that serves a pod address, by its underlay address; undefined outside all other nodes' pod CIDRs. */
  tunnelEndpoint(address: number): number | undefined {
    return this.#tunnels.longest(address);
  }
}
