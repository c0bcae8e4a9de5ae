/**
 * Felix's iptables rules, as iptables-save prints them (recorded on 3.31.7, nft backend; the chains are those of v3.25 to v3.32).
 * Rules whose text does not depend on the node carry the recorded hash; endpoint rules get one of the same form.
 */
import { createHash } from 'node:crypto';
import type { NodeNetwork } from '../../../network/network.ts';

export interface StaticRules {
  readonly vxlanPort: number;
  readonly hasVxlan: boolean;
  readonly hasIpip: boolean;
  readonly allPoolsSet: string;
  /** Since 3.31 mangle also has rules for DSCP marks. */
  readonly dscp: boolean;
}

const C = (hash: string, text?: string): string =>
  `-m comment --comment "cali:${hash}"${text ? ` -m comment --comment "${text}"` : ''}`;

/** Hook of a kernel chain: table, rule and whether it goes to the top. nat POSTROUTING is appended (recorded below Cilium's). */
const HOOKS: readonly [table: string, rule: string, first: boolean][] = [
  ['raw', `-A PREROUTING ${C('6gwbT8clXdHdC1b1')} -j cali-PREROUTING`, true],
  ['raw', `-A OUTPUT ${C('tVnHkvAo15HuiPy0')} -j cali-OUTPUT`, true],
  ['mangle', `-A PREROUTING ${C('6gwbT8clXdHdC1b1')} -j cali-PREROUTING`, true],
  ['mangle', `-A POSTROUTING ${C('O3lYWMrLQYEMJtB5')} -j cali-POSTROUTING`, true],
  ['nat', `-A PREROUTING ${C('6gwbT8clXdHdC1b1')} -j cali-PREROUTING`, true],
  ['nat', `-A OUTPUT ${C('tVnHkvAo15HuiPy0')} -j cali-OUTPUT`, true],
  ['nat', `-A POSTROUTING ${C('0i8pjzKKPyA34aQD')} -j cali-POSTROUTING`, false],
  ['filter', `-A INPUT ${C('Cz_u1IQiXIMmKD4c')} -j cali-INPUT`, true],
  ['filter', `-A FORWARD ${C('wUHhoiAYhphO9Mso')} -j cali-FORWARD`, true],
  [
    'filter',
    `-A FORWARD ${C('S93hcgKJrXEqnTfs', 'Policy explicitly accepted packet.')} -m mark --mark 0x10000/0x10000 -j ACCEPT`,
    false,
  ],
  ['filter', `-A FORWARD ${C('mp77cMpurHhyjLrM')} -j MARK --set-xmark 0x10000/0x10000`, false],
  ['filter', `-A OUTPUT ${C('tVnHkvAo15HuiPy0')} -j cali-OUTPUT`, true],
];

/** Chains that the rules below jump to and that are empty without host endpoints, floating IPs or DSCP marks. */
const EMPTY: readonly [table: string, chain: string][] = [
  ['raw', 'cali-from-host-endpoint'],
  ['raw', 'cali-to-host-endpoint'],
  ['raw', 'cali-rpf-skip'],
  ['mangle', 'cali-from-host-endpoint'],
  ['mangle', 'cali-to-host-endpoint'],
  ['nat', 'cali-fip-dnat'],
  ['nat', 'cali-fip-snat'],
  ['filter', 'cali-cidr-block'],
  ['filter', 'cali-from-hep-forward'],
  ['filter', 'cali-from-host-endpoint'],
  ['filter', 'cali-to-hep-forward'],
  ['filter', 'cali-to-host-endpoint'],
];

const CLEAR = '-j MARK --set-xmark 0x0/0x1b0000';
const ACCEPTED = '-m mark --mark 0x10000/0x10000';
const HOST_POLICY = 'Host endpoint policy accepted packet.';

function raw({ vxlanPort, hasVxlan }: StaticRules): string[] {
  const notrack = (hash: string, chain: string): string[] =>
    hasVxlan ? [`-A ${chain} -p udp ${C(hash)} -m udp --dport ${vxlanPort} -j NOTRACK`] : [];
  return [
    `-A cali-OUTPUT ${C('clI8WObfCl4yhr60')} ${CLEAR}`,
    `-A cali-OUTPUT ${C('ZbkN6P8OdRcBRPpU')} -j cali-to-host-endpoint`,
    ...notrack('ry5_UEpt1OaPPCxO', 'cali-OUTPUT'),
    `-A cali-OUTPUT ${C('MGhICIksKDnYMIkW')} ${ACCEPTED} -j ACCEPT`,
    `-A cali-PREROUTING ${C('DQ6LK2guiBRMyrLK')} ${CLEAR}`,
    ...notrack('sIsu2aAqNN6K3YYn', 'cali-PREROUTING'),
    `-A cali-PREROUTING -i cali+ ${C('W0qKAga6QivxLxL1')} -j MARK --set-xmark 0x80000/0x80000`,
    `-A cali-PREROUTING ${C('QOYCZUivPyJL6Dp1')} -m mark --mark 0x80000/0x80000 -j cali-rpf-skip`,
    `-A cali-PREROUTING ${C('uvipz_NmQPrGYnTB')} -m mark --mark 0x80000/0x80000 -m rpfilter --validmark --invert -j DROP`,
    `-A cali-PREROUTING ${C('pj4jqF0K2OCNLmzX')} -m mark --mark 0x0/0x80000 -j cali-from-host-endpoint`,
    `-A cali-PREROUTING ${C('Jefg6QI5khJcHnVl')} ${ACCEPTED} -j ACCEPT`,
  ];
}

function mangle({ allPoolsSet, dscp }: StaticRules): string[] {
  return [
    ...(dscp
      ? [
          `-A cali-POSTROUTING ${C('rjggb5FqJG-Y25Bt', 'set dscp for traffic leaving cluster.')} -m set --match-set cali40dscp-src-net src -m set ! --match-set ${allPoolsSet} dst -m set ! --match-set cali40this-host dst -j cali-egress-dscp`,
        ]
      : []),
    `-A cali-POSTROUTING ${C('jjeDINEyBNIZOyCC')} ${ACCEPTED} -j RETURN`,
    `-A cali-POSTROUTING ${C('zNC99P5aQEt6jv4X')} ${CLEAR}`,
    `-A cali-POSTROUTING ${C('Zq8WVZgLnBNyn-Ed')} -m conntrack --ctstate DNAT -j cali-to-host-endpoint`,
    `-A cali-POSTROUTING ${C('x8FyevjrLjl7aiMw', HOST_POLICY)} ${ACCEPTED} -j RETURN`,
    `-A cali-PREROUTING ${C('6BJqBjBC7crtA-7-')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A cali-PREROUTING ${C('KX7AGNd6rMcDUai6')} ${ACCEPTED} -j ACCEPT`,
    `-A cali-PREROUTING ${C('wNH7KsA3ILKJBsY9')} -j cali-from-host-endpoint`,
    `-A cali-PREROUTING ${C('Cg96MgVuoPm7UMRo', HOST_POLICY)} ${ACCEPTED} -j ACCEPT`,
  ];
}

function nat({ hasVxlan, hasIpip, allPoolsSet }: StaticRules): string[] {
  // What leaves by a tunnel with another of the node's own addresses would be answered outside of it.
  const tunnels = [
    ...(hasIpip ? [['tunl0', ruleHash('cali-POSTROUTING', 3, 'tunl0')] as const] : []),
    ...(hasVxlan ? [['vxlan.calico', 'e9dnSgSVNmIcpVhP'] as const] : []),
  ];
  return [
    `-A cali-OUTPUT ${C('GBTAv2p5CwevEyJm')} -j cali-fip-dnat`,
    `-A cali-POSTROUTING ${C('Z-c7XtVd2Bq7s_hA')} -j cali-fip-snat`,
    `-A cali-POSTROUTING ${C('nYKhEzDlr11Jccal')} -j cali-nat-outgoing`,
    ...tunnels.map(
      ([device, hash]) =>
        `-A cali-POSTROUTING -o ${device} ${C(hash)} -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully`,
    ),
    `-A cali-PREROUTING ${C('r6XmIziWUJsdOK6Z')} -j cali-fip-dnat`,
    `-A cali-nat-outgoing ${C('W_qq_N2KSTWyCvrX')} -m set --match-set cali40masq-ipam-pools src -m set ! --match-set ${allPoolsSet} dst -j MASQUERADE --random-fully`,
  ];
}

/** Calico v3.32 felix/rules/static.go; the first two hashes as in published dumps of IPIP clusters. */
function ipipRules(hasIpip: boolean): { input: string[]; output: string[] } {
  if (!hasIpip) return { input: [], output: [] };
  return {
    input: [
      `-A cali-INPUT -p 4 ${C('PajejrV4aFdkZojI', 'Allow IPIP packets from Calico hosts')} -m set --match-set cali40all-hosts-net src -m addrtype --dst-type LOCAL -j ACCEPT`,
      `-A cali-INPUT -p 4 ${C('_wjq-Yrma8Ly1Svo', 'Drop IPIP packets from non-Calico hosts')} -j DROP`,
    ],
    output: [
      `-A cali-OUTPUT -p 4 ${C(ruleHash('cali-OUTPUT', 2, 'ipip'), 'Allow IPIP packets to other Calico hosts')} -m set --match-set cali40all-hosts-net dst -m addrtype --src-type LOCAL -j ACCEPT`,
    ],
  };
}

function filter({ vxlanPort, hasVxlan, hasIpip }: StaticRules): string[] {
  const ipip = ipipRules(hasIpip);
  const input = hasVxlan
    ? [
        `-A cali-INPUT -p udp ${C('J76FwxInZIsk7uKY', 'Allow IPv4 VXLAN packets from allowed hosts')} -m multiport --dports ${vxlanPort} -m set --match-set cali40all-vxlan-net src -m addrtype --dst-type LOCAL -j ACCEPT`,
        `-A cali-INPUT -p udp ${C('EDCNTTxYfggApx8C', 'Drop IPv4 VXLAN packets from non-allowed hosts')} -m multiport --dports ${vxlanPort} -m addrtype --dst-type LOCAL -j DROP`,
      ]
    : [];
  const output = hasVxlan
    ? [
        `-A cali-OUTPUT -p udp ${C('-QZG79DohFjalQBb', 'Allow IPv4 VXLAN packets to other allowed hosts')} -m multiport --dports ${vxlanPort} -m addrtype --src-type LOCAL -m set --match-set cali40all-vxlan-net dst -j ACCEPT`,
      ]
    : [];
  return [
    `-A cali-FORWARD ${C('W_vvds1Nw3n9QE2f')} -j MARK --set-xmark 0x0/0x1a0000`,
    `-A cali-FORWARD ${C('ZfgmjuiLaA8Pg0kp')} -m mark --mark 0x0/0x10000 -j cali-from-hep-forward`,
    `-A cali-FORWARD -i cali+ ${C('tAzwBLPaV-j53OOZ')} -j cali-from-wl-dispatch`,
    `-A cali-FORWARD -o cali+ ${C('4Z0Pf0byo05NFe-P')} -j cali-to-wl-dispatch`,
    `-A cali-FORWARD ${C('hQ7Oc16wmUtLuneJ')} -j cali-to-hep-forward`,
    `-A cali-FORWARD ${C('rnKNH2WxGcRQcIlD')} -j cali-cidr-block`,
    ...ipip.input,
    ...input,
    `-A cali-INPUT -i cali+ ${C('H03xYXARh4e8pwd4')} -g cali-wl-to-host`,
    `-A cali-INPUT ${C('MN6K3isIWBigb1Va')} ${ACCEPTED} -j ACCEPT`,
    `-A cali-INPUT ${C('aKDQAoV0P_FFAIwV')} ${CLEAR}`,
    `-A cali-INPUT ${C('vIx3xkWzuvLW9fr4')} -j cali-from-host-endpoint`,
    `-A cali-INPUT ${C('5W9XghKma9wuz47x', HOST_POLICY)} ${ACCEPTED} -j ACCEPT`,
    `-A cali-OUTPUT ${C('Mq1_rAdXXH3YkrzW')} ${ACCEPTED} -j ACCEPT`,
    `-A cali-OUTPUT -o cali+ ${C('69FkRTJDvD5Vu6Vl')} -j RETURN`,
    ...ipip.output,
    ...output,
    `-A cali-OUTPUT ${C('6T0hFtymUtXMOfEV')} ${CLEAR}`,
    `-A cali-OUTPUT ${C('IpTGXsDHURPUaLjJ')} -m conntrack ! --ctstate DNAT -j cali-to-host-endpoint`,
    `-A cali-OUTPUT ${C('wgnULo2gucg1umsA', HOST_POLICY)} ${ACCEPTED} -j ACCEPT`,
    `-A cali-wl-to-host ${C('Ee9Sbo10IpVujdIY')} -j cali-from-wl-dispatch`,
    // The operator sets FELIX_DEFAULTENDPOINTTOHOSTACTION=ACCEPT.
    `-A cali-wl-to-host ${C('nSZbcOoG1xPONxb8', 'Configured DefaultEndpointToHostAction')} -j ACCEPT`,
  ];
}

export type Chains = Map<string, readonly string[]>;

/** `-A CHAIN …` rules grouped by their chain. */
export function byChain(rules: readonly string[]): Chains {
  const chains: Map<string, string[]> = new Map();
  for (const rule of rules) {
    const chain = rule.split(' ')[1]!;
    const list = chains.get(chain);
    if (list) list.push(rule);
    else chains.set(chain, [rule]);
  }
  return chains;
}

/** Every chain of Felix's own that does not belong to an endpoint, by table. */
export function staticChains(wanted: StaticRules): Map<string, Chains> {
  const tables = new Map<string, Chains>([
    ['raw', byChain(raw(wanted))],
    ['mangle', byChain(mangle(wanted))],
    ['nat', byChain(nat(wanted))],
    ['filter', byChain(filter(wanted))],
  ]);
  const empty = wanted.dscp ? [...EMPTY, ['mangle', 'cali-egress-dscp'] as const] : EMPTY;
  for (const [table, chain] of empty) tables.get(table)!.set(chain, []);
  return tables;
}

/** Puts Felix's jumps into the kernel's chains where they are missing. */
export function applyHooks(network: NodeNetwork): void {
  for (const [table, rule, first] of HOOKS) {
    if (!network.rules(table).includes(rule)) network.addRule(table, rule, first);
  }
}

/** A comment in the form of Felix's rule hashes, for rules whose text depends on the endpoint. */
export function ruleHash(chain: string, position: number, text: string): string {
  return createHash('sha256').update(`${chain}/${position}/${text}`).digest('base64url').slice(0, 16);
}

/** Names that do not fit into a chain's 28 characters are hashed (libcalico-go/lib/hash; verified on the recorded chains). */
export function chainName(prefix: string, name: string): string {
  const room = 28 - prefix.length;
  return (
    prefix +
    (name.length <= room
      ? name
      : `_${createHash('sha256')
          .update(name)
          .digest('base64url')
          .slice(0, room - 1)}`)
  );
}
