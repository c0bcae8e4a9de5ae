/** What a rule asks of a packet, compiled once. A match that is not known makes its evaluation fail by name. */
import { contains, parsePrefix } from './address.ts';
import type { IpSet } from './ipsets.ts';
import type { RuleOption } from './iptables-parse.ts';
import { NetworkNotModelled, type Packet } from './packet.ts';

/** What the rules of a node may ask about the node. */
export interface RuleHost {
  readonly node: string;
  isLocal(address: number): boolean;
  isLocalOn(device: string, address: number): boolean;
  addressSet(name: string): IpSet | undefined;
  /** The device by which an answer to this address would leave. */
  deviceTowards(address: number): string | undefined;
  /** In [0, 1): load balancing among Service endpoints. Its use makes a verdict good for one connection only. */
  random(): number;
}

/** A packet at one hook of one node. */
export interface RuleContext {
  readonly host: RuleHost;
  readonly packet: Packet;
  /** Empty where the hook has none. */
  readonly inDevice: string;
  readonly outDevice: string;
  /** NEW, ESTABLISHED, INVALID or UNTRACKED. */
  readonly state: string;
  readonly sourceTranslated: boolean;
  readonly destinationTranslated: boolean;
}

export type Match = (context: RuleContext) => boolean;

const PROTOCOLS: Record<string, string> = {
  '6': 'tcp',
  '17': 'udp',
  '1': 'icmp',
  '4': 'ipip',
  ipv4: 'ipip',
  ipencap: 'ipip',
};

function deviceMatch(pattern: string): (device: string) => boolean {
  if (!pattern.endsWith('+')) return (device) => device === pattern;
  const start = pattern.slice(0, -1);
  return (device) => device.startsWith(start);
}

function portMatch(text: string): (port: number) => boolean {
  const ranges = text.split(',').map((part) => {
    const [low, high] = part.split(':');
    return { low: Number(low), high: Number(high ?? low) };
  });
  return (port) => ranges.some((range) => port >= range.low && port <= range.high);
}

/** `0x10000/0x10000`, or a value alone (all bits). */
export function parseMark(text: string): { value: number; mask: number } {
  const [value, mask] = text.split('/');
  return { value: Number(value) >>> 0, mask: mask === undefined ? 0xffffffff : Number(mask) >>> 0 };
}

function conntrackMatch(states: string): Match {
  const wanted = new Set(states.split(','));
  return (c) =>
    wanted.has(c.state) ||
    (wanted.has('DNAT') && c.destinationTranslated) ||
    (wanted.has('SNAT') && c.sourceTranslated);
}

function addressTypeMatch(option: RuleOption, interfaceOut: boolean): Match {
  if (option.values[0] !== 'LOCAL') {
    const asked = option.values[0] ?? '';
    return (c) => {
      throw new NetworkNotModelled(`iptables address type ${asked} on ${c.host.node}`);
    };
  }
  const source = option.flag === '--src-type';
  return (c) => {
    const address = source ? c.packet.src : c.packet.dst;
    return interfaceOut ? c.host.isLocalOn(c.outDevice, address) : c.host.isLocal(address);
  };
}

function setMatch(name: string, directions: string): Match {
  return (c) => {
    const set = c.host.addressSet(name);
    if (set === undefined)
      throw new NetworkNotModelled(`iptables asks for ipset ${name}, which ${c.host.node} does not have`);
    if (directions !== 'src' && directions !== 'dst') throw new NetworkNotModelled(`ipset ${name} by ${directions}`);
    return set.has(directions === 'src' ? c.packet.src : c.packet.dst);
  };
}

/** A match of one option; undefined when the option asks nothing by itself. */
function optionMatch(module: string, option: RuleOption, siblings: readonly RuleOption[]): Match | undefined {
  const value = option.values[0] ?? '';
  switch (`${module} ${option.flag}`) {
    case ' -s':
    case ' -d': {
      const prefix = parsePrefix(value);
      return option.flag === '-s' ? (c) => contains(prefix, c.packet.src) : (c) => contains(prefix, c.packet.dst);
    }
    case ' -i':
    case ' -o': {
      const fits = deviceMatch(value);
      return option.flag === '-i' ? (c) => fits(c.inDevice) : (c) => fits(c.outDevice);
    }
    case ' -p': {
      if (value === 'all') return () => true;
      const protocol = PROTOCOLS[value] ?? value;
      return (c) => c.packet.protocol === protocol;
    }
    case 'tcp --dport':
    case 'udp --dport':
    case 'multiport --dports': {
      const fits = portMatch(value);
      return (c) => fits(c.packet.dport);
    }
    case 'tcp --sport':
    case 'udp --sport':
    case 'multiport --sports': {
      const fits = portMatch(value);
      return (c) => fits(c.packet.sport);
    }
    case 'tcp --syn':
      return (c) => !c.packet.reply && c.state !== 'ESTABLISHED';
    case 'tcp --tcp-flags':
      // What `--syn` is saved as. A walked request stands for its first packet, and an answer bears SYN and ACK.
      if (option.values.join(' ') !== 'FIN,SYN,RST,ACK SYN') return unknown(module, option);
      return (c) => !c.packet.reply;
    case 'mark --mark': {
      const { value: wanted, mask } = parseMark(value);
      return (c) => (c.packet.mark & mask) >>> 0 === wanted;
    }
    case 'conntrack --ctstate':
    case 'state --state':
      return conntrackMatch(value);
    case 'addrtype --src-type':
    case 'addrtype --dst-type':
      return addressTypeMatch(
        option,
        siblings.some((o) => o.flag === '--limit-iface-out'),
      );
    case 'addrtype --limit-iface-out':
      return undefined;
    case 'set --match-set':
      return setMatch(value, option.values[1] ?? '');
    case 'statistic --mode':
      return value === 'random' ? undefined : unknown(module, option);
    case 'statistic --probability': {
      const probability = Number(value);
      return (c) => c.host.random() < probability;
    }
    case 'rpfilter --validmark':
      return undefined;
    case 'rpfilter --invert':
      // The match without --invert holds when the answer would leave by the device on which the packet came in.
      return (c) => c.host.deviceTowards(c.packet.src) !== c.inDevice;
    case 'socket --transparent':
      // Only an L7 proxy opens transparent sockets, and the twin runs none.
      return () => false;
    case 'comment --comment':
    case 'nfacct --nfacct-name':
      return undefined;
    default:
      return unknown(module, option);
  }
}

function unknown(module: string, option: RuleOption): Match {
  return (c) => {
    throw new NetworkNotModelled(`iptables match ${module || '(general)'} ${option.flag} on ${c.host.node}`);
  };
}

/** All that a rule asks; a rule fits when every match holds. */
export function compileMatches(options: readonly RuleOption[]): Match[] {
  const matches: Match[] = [];
  let module = '';
  let siblings: readonly RuleOption[] = [];
  options.forEach((option, at) => {
    if (option.flag === '-m') {
      module = option.values[0] ?? '';
      const rest = options.slice(at + 1);
      const end = rest.findIndex((next) => !next.flag.startsWith('--'));
      siblings = end < 0 ? rest : rest.slice(0, end);
      return;
    }
    if (!option.flag.startsWith('--')) module = '';
    const match = optionMatch(module, option, siblings);
    if (match === undefined) return;
    matches.push(option.negated ? (c) => !match(c) : match);
  });
  return matches;
}
