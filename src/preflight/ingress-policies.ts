/** Ingress rules of Kubernetes' and Calico's policies in one shape. */
import type { KubeObject, NetworkPolicy } from '../kube/objects.ts';
import { isCalicoObject, type Placed } from './calico-objects.ts';
import { calicoSelects } from './calico-selector.ts';
import { conform, SELECTOR, type Shape } from './conform.ts';
import type { Block } from './coverage.ts';
import { type LabelSelector, type Labels, selects } from './selectors.ts';

/** A pod as far as policies see it. */
export interface PolicyPod {
  readonly namespace: string;
  readonly labels: Labels;
}

export interface IngressRule {
  /** From 1. */
  readonly number: number;
  /** Ports and protocols; null: all. */
  readonly traffic: readonly string[] | null;
  /** Admits every source. */
  readonly open: boolean;
  /** Peers that Calico finds by what it knows of its own endpoints: `podSelector`, `source.selector`, … */
  readonly identities: readonly string[];
  readonly blocks: readonly Block[];
}

export interface IngressPolicy {
  readonly where: string;
  readonly subject: string;
  /** `calico`: rules are read in an order, and other policies do not add to them. */
  readonly api: 'kubernetes' | 'calico';
  /** null: all. */
  readonly namespace: string | null;
  readonly selects: (pod: PolicyPod) => boolean;
  readonly rules: readonly IngressRule[];
}

/** The policy, where the object is one that has a say on ingress of pods; undefined otherwise. */
export function ingressPolicy({ object, where }: Placed): IngressPolicy | undefined {
  if (isCalicoObject(object)) return calicoPolicy(object, where);
  return object.kind === 'NetworkPolicy' ? kubernetesPolicy(object as unknown as NetworkPolicy, where) : undefined;
}

const KUBERNETES_SPEC: Shape = {
  podSelector: SELECTOR,
  policyTypes: 'texts',
  ingress: [
    {
      ports: [{}],
      from: [{ podSelector: {}, namespaceSelector: {}, ipBlock: { cidr: 'text', except: 'texts' } }],
    },
  ],
};

function kubernetesPolicy({ metadata, spec: written }: NetworkPolicy, where: string): IngressPolicy | undefined {
  const spec = conform(written, KUBERNETES_SPEC) as NetworkPolicy['spec'];
  if (spec === undefined || spec.policyTypes?.includes('Ingress') === false) return undefined;
  const namespace = metadata.namespace ?? 'default';
  return {
    where,
    subject: `NetworkPolicy ${namespace}/${metadata.name}`,
    api: 'kubernetes',
    namespace,
    // From 1.34 on the selector may be left out, which is the empty one.
    selects: (pod) => pod.namespace === namespace && selects((spec.podSelector ?? {}) as LabelSelector, pod.labels),
    rules: (spec.ingress ?? []).map((rule, index): IngressRule => {
      const ports = rule.ports ?? [];
      const from = (rule as { from?: Peer[]; _from?: Peer[] }).from ?? rule._from ?? [];
      return {
        number: index + 1,
        traffic: ports.length === 0 ? null : ports.map((port) => JSON.stringify(normalPort(port))),
        open: from.length === 0,
        identities: [
          ...(from.some(({ podSelector }) => isGiven(podSelector)) ? ['podSelector'] : []),
          ...(from.some(({ namespaceSelector }) => isGiven(namespaceSelector)) ? ['namespaceSelector'] : []),
        ],
        blocks: from.flatMap(({ ipBlock }) =>
          ipBlock === undefined ? [] : [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }],
        ),
      };
    }),
  };
}

interface Peer {
  readonly podSelector?: object | null;
  readonly namespaceSelector?: object | null;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

const isGiven = (selector: object | null | undefined): boolean => selector !== undefined && selector !== null;

function normalPort(port: { protocol?: string; port?: unknown; endPort?: number }): unknown[] {
  return [port.protocol ?? 'TCP', port.port ?? null, port.endPort ?? null];
}

interface CalicoSpec {
  readonly types?: readonly string[];
  readonly selector?: string;
  readonly ingress?: readonly CalicoRule[];
  readonly egress?: readonly unknown[];
  readonly doNotTrack?: boolean;
  readonly preDNAT?: boolean;
}
interface CalicoRule {
  readonly action?: string;
  readonly protocol?: unknown;
  readonly destination?: object;
  readonly source?: Readonly<Record<string, unknown>>;
}

const CALICO_SPEC: Shape = { types: 'texts', selector: 'text', ingress: [{ source: {}, destination: {} }] };

/** Fields of a rule's source that Calico resolves to addresses of endpoints that it knows. */
const IDENTITIES = ['selector', 'namespaceSelector', 'notSelector', 'serviceAccounts', 'services'];

function calicoPolicy({ kind, metadata, spec }: KubeObject, where: string): IngressPolicy | undefined {
  if (kind !== 'NetworkPolicy' && kind !== 'GlobalNetworkPolicy') return undefined;
  const {
    types,
    selector,
    ingress = [],
    egress,
    doNotTrack,
    preDNAT,
  } = (conform(spec, CALICO_SPEC) ?? {}) as CalicoSpec;
  // Without types: Ingress when there are ingress rules, or none at all. The other two act on host endpoints only.
  const judged = types?.includes('Ingress') ?? (ingress.length > 0 || egress === undefined);
  if (!judged || doNotTrack === true || preDNAT === true) return undefined;
  const namespace = kind === 'NetworkPolicy' ? (metadata.namespace ?? 'default') : null;
  return {
    where,
    subject: `${kind} ${namespace === null ? '' : `${namespace}/`}${metadata.name}`,
    api: 'calico',
    namespace,
    // What cannot be read is taken to select: a refusal can be allowed, a fault in silence cannot.
    selects: (pod) =>
      (namespace === null || pod.namespace === namespace) && calicoSelects(selector, calicoLabels(pod)) !== false,
    rules: ingress.flatMap((rule, index): IngressRule[] => {
      if ((rule.action ?? 'Allow') !== 'Allow') return [];
      const { source = {}, protocol, destination } = rule;
      const identities = IDENTITIES.filter((field) => !isEmpty(source[field])).map((field) => `source.${field}`);
      const nets = textsOf(source.nets);
      const notNets = textsOf(source.notNets);
      const open = identities.length === 0 && nets.length === 0 && notNets.length === 0;
      const everywhere = protocol === undefined && isEmpty(destination);
      return [
        {
          number: index + 1,
          traffic: everywhere ? null : [JSON.stringify([protocol ?? null, destination ?? null])],
          open,
          identities,
          // All fields of a source must fit at once.
          blocks:
            open || identities.length > 0
              ? []
              : (nets.length === 0 ? ['0.0.0.0/0'] : nets).map((cidr) => ({ cidr, except: notNets })),
        },
      ];
    }),
  };
}

function calicoLabels({ namespace, labels }: PolicyPod): Labels {
  return { ...labels, 'projectcalico.org/namespace': namespace, 'projectcalico.org/orchestrator': 'k8s' };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
