/** The agent's iptables rules, text by text as recorded on a kind node (Cilium 1.19, iptables in nft mode). */
import type { NodeNetwork } from '../../network/network.ts';

interface TableRules {
  readonly table: string;
  /** Built-in chain → Cilium's chain that it jumps to. */
  readonly feeders: readonly [builtin: string, chain: string][];
  readonly rules: readonly string[];
}

interface RuleInput {
  readonly podCidr: string;
  readonly routerIp: string;
  readonly tunnelPort: number;
  readonly masquerade: boolean;
}

const comment = (text: string): string => `-m comment --comment "${text}"`;

function natRules({ podCidr, routerIp, masquerade }: RuleInput): string[] {
  const proxy = `-A CILIUM_POST_nat -m mark --mark 0xa00/0xe00 ${comment('exclude proxy return traffic from masquerade')} -j ACCEPT`;
  if (!masquerade) return [proxy];
  const snat = `-j SNAT --to-source ${routerIp}`;
  return [
    // `! -d` is the node's own pod CIDR, not the pool (observed).
    `-A CILIUM_POST_nat -s ${podCidr} ! -d ${podCidr} ! -o cilium_+ ${comment('cilium masquerade non-cluster')} -j MASQUERADE`,
    proxy,
    `-A CILIUM_POST_nat ! -s ${podCidr} ! -d ${podCidr} -o cilium_host ${comment('cilium host->cluster masquerade')} ${snat}`,
    `-A CILIUM_POST_nat -s 127.0.0.1/32 -o cilium_host ${comment('cilium host->cluster from 127.0.0.1 masquerade')} ${snat}`,
    `-A CILIUM_POST_nat -o cilium_host -m mark --mark 0xf00/0xf00 -m conntrack --ctstate DNAT ${comment('hairpin traffic that originated from a local pod')} ${snat}`,
  ];
}

function tables(input: RuleInput): TableRules[] {
  const tunnel = `-p udp -m udp --dport ${input.tunnelPort}`;
  const notrack = '-j CT --notrack';
  const proxyReturn = comment('cilium: NOTRACK for proxy return traffic');
  const upstream = comment('cilium: NOTRACK for L7 proxy upstream traffic');
  return [
    {
      table: 'mangle',
      feeders: [
        ['PREROUTING', 'CILIUM_PRE_mangle'],
        ['POSTROUTING', 'CILIUM_POST_mangle'],
      ],
      rules: [
        `-A CILIUM_PRE_mangle ! -o lo -m socket --transparent -m mark ! --mark 0xe00/0xf00 -m mark ! --mark 0x800/0xf00 ${comment('cilium: any->pod redirect proxied traffic to host proxy')} -j MARK --set-xmark 0x200/0xffffffff`,
      ],
    },
    {
      table: 'raw',
      feeders: [
        ['PREROUTING', 'CILIUM_PRE_raw'],
        ['OUTPUT', 'CILIUM_OUTPUT_raw'],
      ],
      rules: [
        `-A CILIUM_OUTPUT_raw ${tunnel} ${comment('cilium: NOTRACK for tunnel traffic')} ${notrack}`,
        `-A CILIUM_OUTPUT_raw -o lxc+ -m mark --mark 0xa00/0xfffffeff ${proxyReturn} ${notrack}`,
        `-A CILIUM_OUTPUT_raw -o cilium_host -m mark --mark 0xa00/0xfffffeff ${proxyReturn} ${notrack}`,
        `-A CILIUM_OUTPUT_raw -o lxc+ -m mark --mark 0x800/0xe00 ${upstream} ${notrack}`,
        `-A CILIUM_OUTPUT_raw -o cilium_host -m mark --mark 0x800/0xe00 ${upstream} ${notrack}`,
        `-A CILIUM_PRE_raw ${tunnel} ${comment('cilium: NOTRACK for tunnel traffic')} ${notrack}`,
        `-A CILIUM_PRE_raw -m mark --mark 0x200/0xf00 ${comment('cilium: NOTRACK for proxy traffic')} ${notrack}`,
      ],
    },
    {
      table: 'filter',
      feeders: [
        ['INPUT', 'CILIUM_INPUT'],
        ['FORWARD', 'CILIUM_FORWARD'],
        ['OUTPUT', 'CILIUM_OUTPUT'],
      ],
      rules: [
        `-A CILIUM_FORWARD -o cilium_host ${comment('cilium: any->cluster on cilium_host forward accept')} -j ACCEPT`,
        `-A CILIUM_FORWARD -i cilium_host ${comment('cilium: cluster->any on cilium_host forward accept (nodeport)')} -j ACCEPT`,
        `-A CILIUM_FORWARD -i lxc+ ${comment('cilium: cluster->any on lxc+ forward accept')} -j ACCEPT`,
        `-A CILIUM_FORWARD -i cilium_net ${comment('cilium: cluster->any on cilium_net forward accept (nodeport)')} -j ACCEPT`,
        `-A CILIUM_INPUT -m mark --mark 0x200/0xf00 ${comment('cilium: ACCEPT for proxy traffic')} -j ACCEPT`,
        `-A CILIUM_OUTPUT ${tunnel} ${comment('cilium: ACCEPT for tunnel traffic')} -j ACCEPT`,
        `-A CILIUM_OUTPUT -m mark --mark 0xa00/0xe00 ${comment('cilium: ACCEPT for proxy traffic')} -j ACCEPT`,
        `-A CILIUM_OUTPUT -m mark --mark 0x800/0xe00 ${comment('cilium: ACCEPT for l7 proxy upstream traffic')} -j ACCEPT`,
        `-A CILIUM_OUTPUT -m mark ! --mark 0xd00/0xf00 -m mark ! --mark 0xe00/0xf00 -m mark ! --mark 0x400/0xf00 -m mark ! --mark 0xa00/0xe00 -m mark ! --mark 0x800/0xe00 ${comment('cilium: host->any mark as from host')} -j MARK --set-xmark 0xc00/0xf00`,
      ],
    },
    {
      table: 'nat',
      feeders: [
        ['PREROUTING', 'CILIUM_PRE_nat'],
        ['OUTPUT', 'CILIUM_OUTPUT_nat'],
        ['POSTROUTING', 'CILIUM_POST_nat'],
      ],
      rules: natRules(input),
    },
  ];
}

/**
 * Puts the jump at the top of the built-in chain, below Calico's where that stands first: Felix returns its own rule to the
 * top at its next refresh (recorded order; in nat POSTROUTING Calico's comes last and Cilium's first).
 */
function feed(network: NodeNetwork, table: string, builtin: string, chain: string): void {
  const rule = `-A ${builtin} ${comment(`cilium-feeder: ${chain}`)} -j ${chain}`;
  const present = network.rules(table).filter((text) => text.startsWith(`-A ${builtin} `));
  if (present.includes(rule)) return;
  const top = present[0];
  const calicoFirst = top !== undefined && / -j cali-/.test(top) && !(table === 'nat' && builtin === 'POSTROUTING');
  if (calicoFirst) network.deleteRule(table, top);
  network.addRule(table, rule, true);
  if (calicoFirst) network.addRule(table, top, true);
}

/** Brings chains and rules to what the agent wants; touches only what differs. */
export function installRules(network: NodeNetwork, input: RuleInput): void {
  for (const { table, feeders, rules } of tables(input)) {
    for (const [, chain] of feeders) {
      const wanted = rules.filter((rule) => rule.startsWith(`-A ${chain} `));
      const present = network.rules(table).filter((rule) => rule.startsWith(`-A ${chain} `));
      network.addChain(table, chain);
      if (present.join('\n') === wanted.join('\n')) continue;
      for (const rule of present) network.deleteRule(table, rule);
      for (const rule of wanted) network.addRule(table, rule);
    }
    for (const [builtin, chain] of feeders) feed(network, table, builtin, chain);
  }
}
