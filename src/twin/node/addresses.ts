/** Addresses of the container network as docker hands them out. */

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** First address and number of addresses of an IPv4 CIDR. */
export function rangeOf(cidr: string): { first: number; size: number } {
  const [address, bits] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return { first: Math.floor(toNumber(address!) / size) * size, size };
}

/**
 * Addresses of one docker network: the first is the gateway, a container gets the lowest free one when it starts and
 * gives it back when it stops (moby/libnetwork 1038).
 */
export class AddressPool {
  readonly subnet: string;
  readonly #used = new Set<number>();
  readonly #first: number;
  readonly #last: number;

  constructor(subnet: string) {
    this.subnet = subnet;
    const { first, size } = rangeOf(subnet);
    this.#first = first + 2;
    this.#last = first + size - 2;
  }

  /** @throws Error when the network is full. */
  take(): string {
    for (let address = this.#first; address <= this.#last; address++) {
      if (this.#used.has(address)) continue;
      this.#used.add(address);
      return toAddress(address);
    }
    throw new Error(`no available IPv4 addresses on this network's address pools: kind (${this.subnet})`);
  }

  release(address: string): void {
    this.#used.delete(toNumber(address));
  }
}

/** The n-th subnet of `bits` bits inside a CIDR; undefined when there are not so many. */
export function subnetOf(cidr: string, bits: number, index: number): string | undefined {
  const { first, size } = rangeOf(cidr);
  const each = 2 ** (32 - bits);
  return (index + 1) * each > size ? undefined : `${toAddress(first + index * each)}/${bits}`;
}
