/** Filter chains of the Calico endpoints of one node, with the profiles and policies that they use (form recorded on 3.31.7). */
import type { PodAttachment } from '../../../network/network.ts';
import type { EndpointPolicies } from './policies.ts';
import { byChain, type Chains, chainName, ruleHash } from './rules.ts';

type Rule = { readonly match?: string; readonly text?: string; readonly note?: string; readonly target: string };

/** `-A CHAIN [-p …] -m comment "cali:…" [-m comment NOTE] [matches] TARGET`, the order in which Felix and iptables print them. */
function write(chain: string, rules: readonly Rule[]): string[] {
  return rules.map((rule, position) => {
    const note = rule.note ? ` -m comment --comment "${rule.note}"` : '';
    const hash = ruleHash(chain, position, `${rule.match}${rule.text}${rule.note}${rule.target}`);
    const target = rule.target === '' ? '' : ` ${rule.target}`;
    return `-A ${chain}${rule.match ? ` ${rule.match}` : ''} -m comment --comment "cali:${hash}"${note}${rule.text ? ` ${rule.text}` : ''}${target}`;
  });
}

const ESTABLISHED: Rule = { text: '-m conntrack --ctstate RELATED,ESTABLISHED', target: '-j ACCEPT' };
const INVALID: Rule = { text: '-m conntrack --ctstate INVALID', target: '-j DROP' };
const CLEAR: Rule = { target: '-j MARK --set-xmark 0x0/0x30000' };
const ACCEPT_MARK = '-m mark --mark 0x10000/0x10000';

export interface Profiles {
  readonly namespace: string;
  readonly serviceAccount: string;
}

function profileJumps(prefix: string, { namespace, serviceAccount }: Profiles): Rule[] {
  return [`kns.${namespace}`, `ksa.${namespace}.${serviceAccount}`].flatMap((profile) => [
    { target: `-j ${chainName(prefix, profile)}` },
    { note: 'Return if profile accepted', text: ACCEPT_MARK, target: '-j RETURN' },
  ]);
}

/** With policies that select the pod a packet that none of them accepts is dropped and profiles are not asked. */
function policyJumps(prefix: string, policies: readonly string[]): Rule[] {
  return [
    { note: 'Start of tier default', target: '-j MARK --set-xmark 0x0/0x20000' },
    ...policies.flatMap((policy): Rule[] => [
      { text: '-m mark --mark 0x0/0x20000', target: `-j ${chainName(prefix, policy)}` },
      { note: 'Return if policy accepted', text: ACCEPT_MARK, target: '-j RETURN' },
    ]),
    { note: 'Drop if no policies passed packet', text: '-m mark --mark 0x0/0x20000', target: '-j DROP' },
  ];
}

function verdict(
  prefixes: { policy: string; profile: string },
  policies: readonly string[],
  profiles: Profiles,
): Rule[] {
  return [
    ...(policies.length > 0 ? policyJumps(prefixes.policy, policies) : []),
    ...(policies.length > 0 ? [] : profileJumps(prefixes.profile, profiles)),
    ...(policies.length > 0 ? [] : [{ note: 'Drop if no profiles matched', target: '-j DROP' }]),
  ];
}

export interface Endpoint {
  readonly attachment: PodAttachment;
  readonly serviceAccount: string;
  readonly policies: EndpointPolicies;
}

function endpointChains({ attachment, serviceAccount, policies }: Endpoint, vxlanPort: number): string[] {
  const { device, namespace } = attachment;
  const profiles = { namespace, serviceAccount };
  const from = `cali-fw-${device}`;
  const to = `cali-tw-${device}`;
  return [
    ...write(from, [
      ESTABLISHED,
      INVALID,
      CLEAR,
      {
        match: '-p udp',
        note: 'Drop VXLAN encapped packets originating in workloads',
        text: `-m multiport --dports ${vxlanPort}`,
        target: '-j DROP',
      },
      { match: '-p 4', note: 'Drop IPinIP encapped packets originating in workloads', target: '-j DROP' },
      ...verdict({ policy: 'cali-po-', profile: 'cali-pro-' }, policies.egress, profiles),
    ]),
    ...write(to, [
      ESTABLISHED,
      INVALID,
      CLEAR,
      ...verdict({ policy: 'cali-pi-', profile: 'cali-pri-' }, policies.ingress, profiles),
    ]),
  ];
}

function profileChains({ namespace, serviceAccount }: Profiles): string[] {
  const kns = `kns.${namespace}`;
  const ksa = `ksa.${namespace}.${serviceAccount}`;
  const chain = (prefix: string, profile: string, way: string, target: string): string[] =>
    write(chainName(prefix, profile), [{ note: `Profile ${profile} ${way}`, target }]);
  const allow = '-j MARK --set-xmark 0x10000/0x10000';
  return [
    ...chain('cali-pri-', kns, 'ingress', allow),
    ...chain('cali-pro-', kns, 'egress', allow),
    ...chain('cali-pri-', ksa, 'ingress', ''),
    ...chain('cali-pro-', ksa, 'egress', ''),
  ];
}

/** All chains of the filter table that hang on endpoints; the dispatch chains drop what belongs to no known endpoint. */
export function endpointTable(endpoints: readonly Endpoint[], vxlanPort: number): Chains {
  const sorted = [...endpoints].sort((a, b) => (a.attachment.device < b.attachment.device ? -1 : 1));
  const unknown: Rule = { note: 'Unknown interface', target: '-j DROP' };
  const dispatch = (chain: string, way: '-i' | '-o', prefix: string): string[] =>
    write(chain, [
      ...sorted.map(
        ({ attachment: { device } }): Rule => ({ match: `${way} ${device}`, target: `-g ${prefix}${device}` }),
      ),
      unknown,
    ]);
  const chains = byChain([
    ...dispatch('cali-from-wl-dispatch', '-i', 'cali-fw-'),
    ...dispatch('cali-to-wl-dispatch', '-o', 'cali-tw-'),
    ...sorted.flatMap((endpoint) => endpointChains(endpoint, vxlanPort)),
  ]);
  for (const { attachment, serviceAccount } of sorted) {
    for (const [chain, rules] of byChain(profileChains({ namespace: attachment.namespace, serviceAccount }))) {
      chains.set(chain, rules);
    }
  }
  for (const { policies } of sorted) for (const [chain, rules] of policies.chains) chains.set(chain, rules);
  return chains;
}
