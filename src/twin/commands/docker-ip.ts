/** `ip -json`: links and routes of a node in the form of iproute2 6.15 (ip/ipaddress.c, ip/iplink_vxlan.c, ip/iproute.c). */
import type { CommandResult } from '../../host/host.ts';
import type { Link, NodeNetwork } from '../network/network.ts';
import { answer, failure } from './command.ts';

type Json = Record<string, unknown>;

/** `ip -json -details link show`. */
export function linksAsJson(network: NodeNetwork): string {
  return `${JSON.stringify(network.links().map((link) => linkAsJson(link)))}\n`;
}

function linkAsJson(link: Link): Json {
  const loopback = link.kind === 'loopback';
  const tunnel = link.kind === 'vxlan' || link.kind === 'geneve' || link.kind === 'ipip';
  const flags = [
    ...(loopback ? ['LOOPBACK'] : link.kind === 'ipip' ? ['NOARP'] : ['BROADCAST', 'MULTICAST']),
    ...(link.up ? ['UP', 'LOWER_UP'] : []),
  ];
  return {
    ifindex: link.index,
    ifname: link.name,
    flags,
    mtu: link.mtu,
    qdisc: link.up ? 'noqueue' : 'noop',
    // Devices without a carrier of their own say UNKNOWN when they are up (recorded).
    operstate: link.up ? (loopback || tunnel ? 'UNKNOWN' : 'UP') : 'DOWN',
    linkmode: 'DEFAULT',
    group: 'default',
    txqlen: 1000,
    link_type: loopback ? 'loopback' : link.kind === 'ipip' ? 'ipip' : 'ether',
    ...(loopback ? {} : { linkinfo: { info_kind: link.kind, ...(tunnel && { info_data: tunnelData(link) }) } }),
  };
}

function tunnelData(link: Link): Json {
  if (link.kind === 'ipip') return { local: link.local ?? 'any', remote: 'any', ttl: 0 };
  return {
    ...(link.vni !== undefined && { id: link.vni }),
    ...(link.local !== undefined && { local: link.local }),
    ...(link.parent !== undefined && { link: link.parent }),
    ...(link.kind === 'vxlan' && { srcport: { min: 0, max: 0 } }),
    port: link.port,
    ...(link.external === true && { external: true }),
    learning: false,
  };
}

/** `ip -json -4 route show table main`. */
export function routesAsJson(network: NodeNetwork): string {
  return `${JSON.stringify(network.routes().map((route) => routeAsJson(route)))}\n`;
}

const TYPES = new Set(['blackhole', 'unreachable', 'prohibit']);
const KEYS: Readonly<Record<string, string>> = {
  via: 'gateway',
  dev: 'dev',
  proto: 'protocol',
  scope: 'scope',
  src: 'prefsrc',
};

function routeAsJson(text: string): Json {
  const words = text.trim().split(/\s+/);
  const type = TYPES.has(words[0]!) ? words.shift() : undefined;
  const route: Json = { ...(type !== undefined && { type }), dst: words.shift() };
  const flags: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'onlink' || word === 'linkdown') flags.push(word);
    else if (word === 'mtu') route.metrics = [{ mtu: Number(words[++i]) }];
    else if (word === 'metric') route.metric = Number(words[++i]);
    else if (KEYS[word] !== undefined) route[KEYS[word]] = words[++i];
  }
  return { ...route, flags };
}

/**
 * `ip link add NAME type dummy` and `ip link del NAME`, both without output; undefined: other words. A new link is down and
 * has no address; it takes the next index (iproute2 6.15 ip/iplink.c, errors as the kernel's rtnetlink words them).
 */
export function changeLinks(network: NodeNetwork, words: readonly string[]): CommandResult | undefined {
  const [object, action, name = '', ...rest] = words;
  if (object !== 'link' || !/^[a-z][\w.-]{0,14}$/i.test(name)) return undefined;
  if (action === 'add' && rest.join(' ') === 'type bridge') {
    if (network.link(name) !== undefined) return failure('RTNETLINK answers: File exists\n', 2);
    network.addLink({ name, kind: 'bridge', mtu: 1500, up: false });
    return answer('');
  }
  if (action === 'del' && rest.length === 0) {
    if (network.link(name) === undefined) return failure(`Cannot find device "${name}"\n`, 1);
    network.deleteLink(name);
    return answer('');
  }
  return undefined;
}
