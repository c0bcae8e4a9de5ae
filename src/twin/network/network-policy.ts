/** networking.k8s.io NetworkPolicies as an answer to the network's questions. What is not modelled is refused by name. */
import type { NetworkPolicy } from '../../kube/objects.ts';
import { contains, parseAddress, parsePrefix } from './address.ts';
import type { PodAttachment, PolicyAnswer, PolicyQuestion } from './network.ts';
import { NetworkNotModelled } from './packet.ts';

type Labels = Readonly<Record<string, string>>;
type Spec = NonNullable<NetworkPolicy['spec']>;
type Selector = NonNullable<Spec['podSelector']>;
type IngressRule = NonNullable<Spec['ingress']>[number];
type EgressRule = NonNullable<Spec['egress']>[number];
type Peer = NonNullable<IngressRule['_from'] | EgressRule['to']>[number];
type Port = NonNullable<IngressRule['ports']>[number];

export interface PolicySource {
  policies(): readonly NetworkPolicy[];
  namespaceLabels(namespace: string): Labels;
}

function selects(selector: Selector, labels: Labels): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && (values ?? []).includes(value);
      case 'NotIn':
        return value === undefined || !(values ?? []).includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        throw new NetworkNotModelled(`label selector operator ${operator}`);
    }
  });
}

function allowsPort(ports: readonly Port[] | undefined, port: number): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((entry) => {
    if (entry.protocol !== undefined && entry.protocol !== 'TCP') return false;
    if (entry.port === undefined) return true;
    const low = Number(entry.port);
    if (Number.isNaN(low)) throw new NetworkNotModelled(`NetworkPolicy with the named port ${entry.port}`);
    return port >= low && port <= (entry.endPort ?? low);
  });
}

function allowsPeer(
  peers: readonly Peer[] | undefined,
  question: PolicyQuestion,
  home: string,
  source: PolicySource,
): boolean {
  if (peers === undefined || peers.length === 0) return true;
  const { peer, enforcedBy } = question;
  return peers.some((rule) => {
    if (rule.ipBlock !== undefined) {
      // Cilium's CIDR rules are for the world only: endpoints and nodes have identities of their own.
      if (enforcedBy === 'cilium' && peer.kind !== 'world') return false;
      const address = parseAddress(peer.ip);
      const within = (cidr: string): boolean => contains(parsePrefix(cidr), address);
      return within(rule.ipBlock.cidr) && !(rule.ipBlock.except ?? []).some(within);
    }
    if (peer.kind !== 'pod') return false;
    const { namespace, labels } = peer.pod;
    const inNamespace =
      rule.namespaceSelector === undefined
        ? namespace === home
        : selects(rule.namespaceSelector, source.namespaceLabels(namespace));
    return inNamespace && (rule.podSelector === undefined || selects(rule.podSelector, labels));
  });
}

/** The wire calls the ingress peers `from`; client-node's model has it as `_from`. */
function ingressPeers(rule: IngressRule): readonly Peer[] | undefined {
  return (rule as { from?: Peer[] }).from ?? rule._from;
}

function applies(policy: NetworkPolicy, direction: PolicyQuestion['direction'], endpoint: PodAttachment): boolean {
  if (policy.metadata.namespace !== endpoint.namespace || policy.spec === undefined) return false;
  if (!selects(policy.spec.podSelector ?? {}, endpoint.labels)) return false;
  const types = policy.spec.policyTypes ?? (policy.spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress']);
  return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
}

/** Answers from the NetworkPolicies as they are at the moment of the question. */
export function networkPolicies(source: PolicySource): (question: PolicyQuestion) => PolicyAnswer {
  return (question) => {
    const { direction, endpoint, port } = question;
    const own = source.policies().filter((policy) => applies(policy, direction, endpoint));
    if (own.length === 0) return 'unselected';
    const allowed = own.some((policy) => {
      const home = policy.metadata.namespace ?? '';
      return direction === 'ingress'
        ? (policy.spec?.ingress ?? []).some(
            (rule) => allowsPort(rule.ports, port) && allowsPeer(ingressPeers(rule), question, home, source),
          )
        : (policy.spec?.egress ?? []).some(
            (rule) => allowsPort(rule.ports, port) && allowsPeer(rule.to, question, home, source),
          );
    });
    return allowed ? 'allow' : 'deny';
  };
}
