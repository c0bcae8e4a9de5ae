/** Routes as `ip route` writes them, and the main table with its longest-prefix lookup. */
import { formatAddress, type Prefix, PrefixMap, parseAddress, parsePrefix } from './address.ts';

export interface Route {
  readonly type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'local' | 'broadcast';
  readonly destination: Prefix;
  readonly via: number | undefined;
  readonly device: string | undefined;
  readonly table: string | undefined;
  readonly protocol: string | undefined;
  readonly scope: string | undefined;
  readonly source: number | undefined;
  readonly metric: number | undefined;
  readonly onlink: boolean;
  readonly mtu: number | undefined;
}

const TYPES = new Set(['blackhole', 'unreachable', 'prohibit', 'local', 'broadcast']);

function isType(word: string): word is Route['type'] {
  return TYPES.has(word);
}

/** `default`, an address or a prefix. */
export function parseDestination(text: string): Prefix {
  return text === 'default' ? { base: 0, length: 0 } : parsePrefix(text);
}

export function formatDestination(prefix: Prefix): string {
  if (prefix.length === 0) return 'default';
  return prefix.length === 32 ? formatAddress(prefix.base) : `${formatAddress(prefix.base)}/${prefix.length}`;
}

/** One IPv4 line of `ip route`. @throws Error on a keyword that is not known. */
export function parseRoute(text: string): Route {
  const words = text.trim().split(/\s+/);
  let type: Route['type'] = 'unicast';
  const first = words[0] ?? '';
  if (isType(first)) {
    type = first;
    words.shift();
  }
  const destination = parseDestination(words.shift() ?? '');
  const value = new Map<string, string>();
  let onlink = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'onlink') onlink = true;
    else if (['via', 'dev', 'table', 'proto', 'scope', 'src', 'metric', 'mtu'].includes(word)) {
      const next = words[++i];
      if (next === undefined) throw new Error(`route without a value for ${word}: ${text}`);
      value.set(word, next);
    } else throw new Error(`route keyword not known: ${word} in ${text}`);
  }
  const address = (key: string): number | undefined => (value.has(key) ? parseAddress(value.get(key)!) : undefined);
  const number = (key: string): number | undefined => (value.has(key) ? Number(value.get(key)) : undefined);
  if (type === 'unicast' && !value.has('dev') && !value.has('via')) throw new Error(`route without a way: ${text}`);
  return {
    type,
    destination,
    via: address('via'),
    device: value.get('dev'),
    table: value.get('table'),
    protocol: value.get('proto'),
    scope: value.get('scope'),
    source: address('src'),
    metric: number('metric'),
    onlink,
    mtu: number('mtu'),
  };
}

/** In the order of iproute2's print_route: via, dev, table, proto, scope, src, metric, flags, then the route's metrics. */
export function formatRoute(route: Route): string {
  let text = texts.get(route);
  if (text === undefined) {
    text = write(route);
    texts.set(route, text);
  }
  return text;
}

/** Routes do not change, and those of a node are listed far more often than they are made. */
const texts = new WeakMap<Route, string>();

function write(route: Route): string {
  const words = route.type === 'unicast' ? [] : [route.type as string];
  words.push(formatDestination(route.destination));
  if (route.via !== undefined) words.push('via', formatAddress(route.via));
  if (route.device !== undefined) words.push('dev', route.device);
  if (route.table !== undefined) words.push('table', route.table);
  if (route.protocol !== undefined) words.push('proto', route.protocol);
  if (route.scope !== undefined) words.push('scope', route.scope);
  if (route.source !== undefined) words.push('src', formatAddress(route.source));
  if (route.metric !== undefined) words.push('metric', String(route.metric));
  if (route.onlink) words.push('onlink');
  if (route.mtu !== undefined) words.push('mtu', String(route.mtu));
  return words.join(' ');
}

/** The main table: one route for each destination and metric; of several metrics the lowest serves. */
export class RouteTable {
  readonly #routes = new PrefixMap<Route[]>();

  /** Adds a route, replacing one of the same destination and metric (`ip route replace`). */
  replace(route: Route): void {
    const kept = (this.#routes.get(route.destination) ?? []).filter((r) => (r.metric ?? 0) !== (route.metric ?? 0));
    const all = [...kept, route].sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
    this.#routes.set(route.destination, all);
  }

  /** Deletes every route to exactly this destination; false when there was none. */
  delete(destination: Prefix): boolean {
    return this.#routes.delete(destination);
  }

  deleteWhere(unwanted: (route: Route) => boolean): void {
    for (const { prefix, value } of this.#routes.entries()) {
      const kept = value.filter((route) => !unwanted(route));
      if (kept.length === value.length) continue;
      if (kept.length === 0) this.#routes.delete(prefix);
      else this.#routes.set(prefix, kept);
    }
  }

  lookup(address: number): Route | undefined {
    return this.#routes.longest(address)?.[0];
  }

  /** By destination address; at one address the longer prefix first, as `ip route` lists them. */
  list(): Route[] {
    return this.#routes.entries().flatMap((entry) => entry.value);
  }
}
