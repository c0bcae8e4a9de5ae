/** Sets of addresses and networks (`hash:ip`, `hash:net`), as `-m set --match-set NAME src|dst` asks them. */
import { type Prefix, PrefixMap, parsePrefix } from './address.ts';

export class IpSet {
  /** As given, for listing. */
  readonly members: readonly string[];
  readonly #prefixes = new PrefixMap<Prefix>();

  constructor(members: readonly string[]) {
    this.members = [...members];
    for (const member of members) {
      const prefix = parsePrefix(member);
      this.#prefixes.set(prefix, prefix);
    }
  }

  has(address: number): boolean {
    return this.#prefixes.longest(address) !== undefined;
  }
}
