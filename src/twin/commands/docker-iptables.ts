/**
 * `iptables` and `ip6tables` on a node or in a pod's network namespace: one rule at the top of INPUT, or off it again. Texts
 * are those of iptables 1.8.11 (nf_tables), which kind's node image carries.
 */
import type { CommandResult } from '../../host/host.ts';
import { parsePrefix } from '../network/address.ts';
import type { NodeNetwork, Source } from '../network/network.ts';
import { answer, failure } from './command.ts';
import type { NodeDoors } from './docker-exec.ts';

const REJECTIONS = new Set([
  'tcp-reset',
  'icmp-port-unreachable',
  'icmp-host-unreachable',
  'icmp-net-unreachable',
  'icmp-admin-prohibited',
]);

/** Rules for IPv6, by network namespace: kept so that they can be taken off again. No packet of the twin is IPv6. */
const ipv6 = new WeakMap<object, string[]>();

interface Words {
  readonly insert: boolean;
  /** As iptables-save prints it. */
  readonly rule: string;
}

/** undefined for words that are not in the decision record. */
export function iptables(
  { cluster, machine }: NodeDoors,
  program: 'iptables' | 'ip6tables',
  source: Source,
  args: readonly string[],
): CommandResult | undefined {
  const words = readWords(program, args);
  if (words === undefined || 'exitCode' in words) return words;
  // Without a source it would meet the pod's own loopback too, which the walker does not know.
  if ('podUid' in source && program === 'iptables' && !words.rule.includes(' -s ')) return undefined;
  const network = cluster.world.network.node(machine.name)!;
  const done =
    program === 'ip6tables'
      ? changeIpv6(namespaceKey(network, source), words)
      : change(network, 'podUid' in source ? source.podUid : undefined, words);
  if (!done) return failure(`${program}: Bad rule (does a matching rule exist in that chain?).\n`);
  if (program === 'iptables' && 'node' in source) {
    try {
      cluster.api.look();
    } catch (error) {
      // Refused by name: a rule that nobody can judge must not stay.
      if (words.insert) network.deleteRule('filter', words.rule);
      throw error;
    }
  }
  return answer('');
}

function change(network: NodeNetwork, podUid: string | undefined, { insert, rule }: Words): boolean {
  if (podUid === undefined) {
    if (!insert) return network.deleteRule('filter', rule);
    network.addRule('filter', rule, true);
    return true;
  }
  if (!insert) return network.deletePodRule(podUid, rule);
  network.addPodRule(podUid, rule, true);
  return true;
}

function namespaceKey(network: NodeNetwork, source: Source): object {
  return 'podUid' in source ? (network.pod(source.podUid) ?? network) : network;
}

function changeIpv6(namespace: object, { insert, rule }: Words): boolean {
  const rules = ipv6.get(namespace) ?? [];
  ipv6.set(namespace, rules);
  if (insert) return rules.unshift(rule) > 0;
  const at = rules.indexOf(rule);
  if (at >= 0) rules.splice(at, 1);
  return at >= 0;
}

/** Takes the options in the order of the decision record, no others. */
function readWords(program: string, args: readonly string[]): Words | CommandResult | undefined {
  const wrong = (text: string): CommandResult =>
    failure(
      `${program} v1.8.11 (nf_tables): ${text}\nTry \`${program} -h' or '${program} --help' for more information.\n`,
      2,
    );
  const rest = [...args];
  const take = (...words: string[]): boolean => {
    if (!words.every((word, index) => rest[index] === word)) return false;
    rest.splice(0, words.length);
    return true;
  };
  if (!take('--wait')) return undefined;
  const verb = rest.shift();
  if ((verb !== '-I' && verb !== '-D') || !take('INPUT')) return undefined;
  const rule = ['-A', 'INPUT'];
  if (take('-s')) {
    const source = rest.shift() ?? '';
    if (program === 'ip6tables') return undefined;
    const cidr = canonical(source);
    if (cidr === undefined) return wrong(`host/network \`${source}' not found`);
    rule.push('-s', cidr);
  }
  if (!take('-p')) return undefined;
  const protocol = rest.shift();
  if (protocol !== 'tcp' && protocol !== 'udp') return undefined;
  rule.push('-p', protocol);
  if (take('--dport')) {
    const port = rest.shift() ?? '';
    if (!/^\d+$/.test(port) || Number(port) > 65535) return wrong(`invalid port/service \`${port}' specified`);
    rule.push('-m', protocol, '--dport', String(Number(port)));
  }
  if (take('--syn')) {
    if (protocol !== 'tcp') return wrong('unknown option "--syn"');
    if (!rule.includes('-m')) rule.push('-m', 'tcp');
    rule.push('--tcp-flags', 'FIN,SYN,RST,ACK', 'SYN');
  }
  if (take('-j', 'DROP')) rule.push('-j', 'DROP');
  else if (take('-j', 'REJECT')) {
    let how = program === 'ip6tables' ? 'icmp6-port-unreachable' : 'icmp-port-unreachable';
    if (take('--reject-with')) {
      how = rest.shift() ?? '';
      if (!REJECTIONS.has(how)) return wrong(`unknown reject type "${how}"`);
      if (how === 'tcp-reset' && protocol !== 'tcp')
        return failure(`${program}: Invalid argument. Run \`dmesg' for more information.\n`, 4);
    }
    rule.push('-j', 'REJECT', '--reject-with', how);
  } else return undefined;
  return rest.length === 0 ? { insert: verb === '-I', rule: rule.join(' ') } : undefined;
}

/** `10.0.0.1` and `10.0.0.7/24` as iptables-save prints them; undefined when it is no address. */
function canonical(text: string): string | undefined {
  const [address = '', bits = '32'] = text.split('/');
  const octets = address.split('.');
  const valid = octets.length === 4 && octets.every((one) => /^\d{1,3}$/.test(one) && Number(one) < 256);
  if (!valid || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const { base, length } = parsePrefix(`${address}/${bits}`);
  return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join('.')}/${length}`;
}
