/**
 * Kubernetes NetworkPolicies as Felix compiles them for endpoints of its node: chains and ipsets. Selectors become sets of the
 * addresses that Calico knows (Calico's own pods), which is why a pod that has moved to another CNI is in none of them.
 * Policies of projectcalico.org are not modelled: they are kept as objects and not enforced.
 */
import { createHash } from 'node:crypto';
import type { NetworkPolicy, Pod } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { RESOURCES } from '../types.ts';
import { type Chains, chainName, ruleHash } from './rules.ts';

export interface EndpointPolicies {
  /** Names of the policies that select the endpoint, in the order in which they are asked. */
  readonly ingress: readonly string[];
  readonly egress: readonly string[];
  /** Chains of these policies. */
  readonly chains: Chains;
  /** ipset name to members. */
  readonly sets: ReadonlyMap<string, readonly string[]>;
}

export const NO_POLICIES: EndpointPolicies = { ingress: [], egress: [], chains: new Map(), sets: new Map() };

type LabelSelector = {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: { key: string; operator: string; values?: string[] | undefined }[] | undefined;
};

export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  const exact = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    exact &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      if (operator === 'Exists') return value !== undefined;
      return value === undefined;
    })
  );
}

interface Peer {
  podSelector?: LabelSelector | undefined;
  namespaceSelector?: LabelSelector | undefined;
  ipBlock?: { cidr: string; _except?: string[]; except?: string[] } | undefined;
}
interface PolicyPort {
  port?: number | string | object | undefined;
  endPort?: number | undefined;
  protocol?: string | undefined;
}

const setName = (id: string): string => `cali40s:${createHash('sha256').update(id).digest('base64url').slice(0, 19)}`;

/** Members of a peer: addresses of pods that Calico attached (their workload endpoints), or the block. */
function members(world: World, policyNamespace: string, peer: Peer, calicoIps: ReadonlySet<string>): string[] {
  if (peer.ipBlock) return [peer.ipBlock.cidr];
  return world.store
    .list<Pod>('pods')
    .filter((pod) => calicoIps.has(pod.status?.podIP ?? '') && !pod.spec?.hostNetwork)
    .filter((pod) => {
      const namespace = pod.metadata.namespace ?? '';
      if (!peer.namespaceSelector) return namespace === policyNamespace;
      return selects(peer.namespaceSelector, world.store.get('namespaces', namespace)?.metadata.labels ?? {});
    })
    .filter((pod) => !peer.podSelector || selects(peer.podSelector, pod.metadata.labels ?? {}))
    .map((pod) => pod.status!.podIP!)
    .sort();
}

/** Numbers behind a named port: those of the pods' containers that carry the name. */
function namedPorts(world: World, namespace: string, name: string): number[] {
  const ports = world.store
    .list<Pod>('pods', { namespace })
    .flatMap((pod) => pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [])
    .filter((port) => port.name === name)
    .map((port) => port.containerPort);
  return [...new Set(ports)].sort((a, b) => a - b);
}

function portMatches(
  world: World,
  namespace: string,
  ports: readonly PolicyPort[] | undefined,
): { match: string; text: string }[] {
  if (!ports || ports.length === 0) return [{ match: '', text: '' }];
  return ports.flatMap(({ port, endPort, protocol = 'TCP' }) => {
    const match = `-p ${protocol.toLowerCase()}`;
    if (port === undefined) return [{ match, text: '' }];
    if (typeof port === 'number') {
      return [{ match, text: `-m multiport --dports ${endPort ? `${port}:${endPort}` : port}` }];
    }
    const numbers = namedPorts(world, namespace, String(port));
    return numbers.length > 0 ? [{ match, text: `-m multiport --dports ${numbers.join(',')}` }] : [];
  });
}

interface Compiled {
  readonly name: string;
  readonly ingress: boolean;
  readonly egress: boolean;
  readonly chains: Chains;
  readonly sets: Map<string, string[]>;
}

function compileWay(
  world: World,
  policy: { name: string; namespace: string },
  way: 'ingress' | 'egress',
  rules: readonly { peers: readonly Peer[] | undefined; ports: readonly PolicyPort[] | undefined }[],
  calicoIps: ReadonlySet<string>,
  sets: Map<string, string[]>,
): [string, string[]] {
  const chain = chainName(way === 'ingress' ? 'cali-pi-' : 'cali-po-', policy.name);
  const texts: string[] = [];
  const push = (match: string, text: string, target: string): void => {
    const hash = ruleHash(chain, texts.length, `${match}${text}${target}`);
    texts.push(
      `-A ${chain}${match ? ` ${match}` : ''} -m comment --comment "cali:${hash}" -m comment --comment "Policy ${policy.name} ${way}"${text ? ` ${text}` : ''} ${target}`,
    );
  };
  const side = way === 'ingress' ? 'src' : 'dst';
  for (const { peers, ports } of rules) {
    for (const port of portMatches(world, policy.namespace, ports)) {
      for (const peer of peers && peers.length > 0 ? peers : [undefined]) {
        let text = port.text;
        let match = port.match;
        if (peer?.ipBlock) {
          match = `${way === 'ingress' ? '-s' : '-d'} ${peer.ipBlock.cidr}${match ? ` ${match}` : ''}`;
        } else if (peer) {
          const name = setName(`${policy.namespace}/${JSON.stringify(peer)}`);
          sets.set(name, members(world, policy.namespace, peer, calicoIps));
          text = `-m set --match-set ${name} ${side}${text ? ` ${text}` : ''}`;
        }
        const excepts = peer?.ipBlock?.except ?? peer?.ipBlock?._except ?? [];
        if (excepts.length > 0) {
          // Felix's match blocks: a scratch bit says that no exception fitted, and the rules after this one are still asked.
          push('', '', '-j MARK --set-xmark 0x80000/0x180000');
          for (const except of excepts) {
            push(`${way === 'ingress' ? '-s' : '-d'} ${except}`, '', '-j MARK --set-xmark 0x0/0x80000');
          }
          text = `-m mark --mark 0x80000/0x80000${text ? ` ${text}` : ''}`;
        }
        push(match, text, '-j MARK --set-xmark 0x10000/0x10000');
        push('', '-m mark --mark 0x10000/0x10000', '-j RETURN');
      }
    }
  }
  return [chain, texts];
}

function compile(world: World, policy: NetworkPolicy, calicoIps: ReadonlySet<string>): Compiled {
  const namespace = policy.metadata.namespace ?? 'default';
  // Felix names Kubernetes policies NAMESPACE/knp.default.NAME.
  const id = { name: `${namespace}/knp.default.${policy.metadata.name}`, namespace };
  const types = policy.spec?.policyTypes ?? (policy.spec?.egress ? ['Ingress', 'Egress'] : ['Ingress']);
  const sets = new Map<string, string[]>();
  const chains: Chains = new Map();
  if (types.includes('Ingress')) {
    const rules = (policy.spec?.ingress ?? []).map((rule) => ({
      peers: peersOf(rule, '_from', 'from'),
      ports: rule.ports,
    }));
    chains.set(...compileWay(world, id, 'ingress', rules, calicoIps, sets));
  }
  if (types.includes('Egress')) {
    const rules = (policy.spec?.egress ?? []).map((rule) => ({ peers: peersOf(rule, 'to', 'to'), ports: rule.ports }));
    chains.set(...compileWay(world, id, 'egress', rules, calicoIps, sets));
  }
  return { name: id.name, ingress: types.includes('Ingress'), egress: types.includes('Egress'), chains, sets };
}

/** The generated client calls `from` `_from`; on the wire it is `from`. */
function peersOf(rule: object, generated: string, wire: string): Peer[] | undefined {
  const fields = rule as Record<string, Peer[] | undefined>;
  return fields[wire] ?? fields[generated];
}

export interface PolicyCompiler {
  /** The policies that select a pod. */
  of(namespace: string, labels: Readonly<Record<string, string>>): EndpointPolicies;
}

/** Compiles policies of the world as it is now, each one only when it selects an endpoint that is asked about. */
export function policyCompiler(world: World): PolicyCompiler {
  const policies = world.store.list<NetworkPolicy>(RESOURCES.policies);
  const compiled = new Map<NetworkPolicy, Compiled>();
  let calicoIps: ReadonlySet<string> | undefined;
  const get = (policy: NetworkPolicy): Compiled => {
    calicoIps ??= new Set(
      world.network.nodes().flatMap((node) => node.pods().flatMap((pod) => (pod.cni === 'calico' ? [pod.ip] : []))),
    );
    const known = compiled.get(policy) ?? compile(world, policy, calicoIps);
    compiled.set(policy, known);
    return known;
  };
  return {
    of: (namespace, labels) => {
      const selected = policies
        .filter((policy) => policy.metadata.namespace === namespace && selects(policy.spec?.podSelector, labels))
        .map(get);
      if (selected.length === 0) return NO_POLICIES;
      return {
        ingress: selected.filter((policy) => policy.ingress).map((policy) => policy.name),
        egress: selected.filter((policy) => policy.egress).map((policy) => policy.name),
        chains: new Map(selected.flatMap((policy) => [...policy.chains])),
        sets: new Map(selected.flatMap((policy) => [...policy.sets])),
      };
    },
  };
}
