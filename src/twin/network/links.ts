/** The links of one network namespace: index counter, state, and the kernel's rule on tunnel sockets. */
import type { Link, LinkSpec } from './network.ts';

/**
 * Two up tunnel devices of one kind on one UDP port share a socket only when their flags agree. Cilium's device collects
 * metadata (`external`) and Calico's does not, so the second one cannot be set up (observed with port 4789: `failed to set
 * link up: address already in use`). Devices of different kinds bind the port separately and clash just the same.
 */
function clashes(a: LinkSpec, b: LinkSpec): boolean {
  if (a.port === undefined || a.port !== b.port) return false;
  return a.kind !== b.kind || a.external !== b.external || a.external === true || a.vni === b.vni;
}

/** Cilium creates both ends of a pod's veth on the host and moves one away: recorded indexes 13, 15, 17, 19. */
function indexesUsed(spec: LinkSpec): number {
  return spec.kind === 'veth' && spec.name.startsWith('lxc') ? 2 : 1;
}

export class LinkTable {
  /** In the order in which they were registered: the order in which the kernel looks for a source address. */
  readonly #links = new Map<string, Link>();
  /** The kernel hands indexes out in a circle and does not reuse a freed one soon. */
  #lastIndex = 0;
  #sorted: Link[] | undefined;

  add(spec: LinkSpec): Link {
    if (this.#links.has(spec.name)) throw new Error('File exists');
    const taken = new Set([...this.#links.values()].map((link) => link.index));
    let index = spec.index;
    if (index === undefined) {
      index = this.#lastIndex;
      for (let i = 0; i < indexesUsed(spec); i++) {
        do index++;
        while (taken.has(index));
      }
      this.#lastIndex = index;
    } else if (taken.has(index)) throw new Error('File exists');
    const up = spec.up ?? true;
    const link: Link = { ...spec, index, up };
    if (up) this.#mayComeUp(link);
    this.#links.set(spec.name, link);
    this.#sorted = undefined;
    return link;
  }

  delete(name: string): boolean {
    this.#sorted = undefined;
    return this.#links.delete(name);
  }

  /** @throws Error `Cannot find device`, `address already in use`. */
  set(name: string, change: { up?: boolean; mtu?: number }): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`Cannot find device "${name}"`);
    const next: Link = { ...link, up: change.up ?? link.up, mtu: change.mtu ?? link.mtu };
    if (next.up && !link.up) this.#mayComeUp(next);
    this.#links.set(name, next);
    this.#sorted = undefined;
    return next;
  }

  get(name: string): Link | undefined {
    return this.#links.get(name);
  }

  /** In the order of registration. */
  registered(): Iterable<Link> {
    return this.#links.values();
  }

  /** In the order of the index, as `ip link` lists them. */
  list(): readonly Link[] {
    this.#sorted ??= [...this.#links.values()].sort((a, b) => a.index - b.index);
    return this.#sorted;
  }

  #mayComeUp(link: Link): void {
    for (const other of this.#links.values()) {
      if (other.name !== link.name && other.up && clashes(other, link)) throw new Error('address already in use');
    }
  }
}
