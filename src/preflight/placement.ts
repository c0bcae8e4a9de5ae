/** Where the scheduler may put the pods of a workload, and how many of them (kubernetes 1.36 pkg/scheduler/framework/plugins). */
import type { Node } from '../kube/objects.ts';
import type { PodSpec } from './pod-templates.ts';
import type { ClusterFacts, ScenarioFacts } from './rule.ts';
import { type LabelSelector, type Labels, meets, type Requirement, selects } from './selectors.ts';

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];
type Toleration = NonNullable<PodSpec['tolerations']>[number];

const HOSTNAME = 'kubernetes.io/hostname';
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** Only the machine tells. */
const UNKNOWN_BEFORE = new Set(['kubernetes.io/arch', 'beta.kubernetes.io/arch']);
/** Taints that come and go with a node's state, and with a drain itself. */
const PASSING = /^node\.(kubernetes|cilium)\.io\//;

/** A node as the scheduler sees it when it is well. */
export interface Place {
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** Labels whose value is not known. */
  readonly unknown: ReadonlySet<string>;
}

/** The nodes as kind will register them: it taints control planes where there are other nodes. */
export function askedPlaces({ nodes }: ScenarioFacts): Place[] {
  return nodes.map(({ name, role }) => {
    const plane = role === 'control-plane';
    const common = { [HOSTNAME]: name, 'kubernetes.io/os': 'linux', 'beta.kubernetes.io/os': 'linux' };
    const more = { [CONTROL_PLANE]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    return {
      name,
      labels: plane ? { ...common, ...more } : common,
      taints: plane && nodes.length > 1 ? [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] : [],
      unknown: UNKNOWN_BEFORE,
    };
  });
}

/** The nodes as they are. */
export function foundPlaces({ clusterNodes }: ClusterFacts): Place[] {
  return clusterNodes.map(({ metadata, spec }) => ({
    name: metadata.name,
    labels: metadata.labels ?? {},
    taints: (spec?.taints ?? []).filter(({ key }) => !PASSING.test(key)),
    unknown: new Set<string>(),
  }));
}

/** Pods of one controller. */
export interface Group {
  readonly namespace: string;
  readonly labels: Labels;
  readonly spec: PodSpec;
}

/** May a pod of the group stand there, with nobody else around? */
export function fits({ spec }: Group, place: Place): boolean {
  const holds = (requirement: Requirement): boolean =>
    place.unknown.has(requirement.key) || meets(requirement, place.labels);
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) =>
    holds({ key, operator: 'In', values: [value] }),
  );
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const affine =
    terms === undefined ||
    terms.some(({ matchExpressions = [], matchFields = [] }) => {
      // A term without requirements matches nothing.
      if (matchExpressions.length + matchFields.length === 0) return false;
      return matchExpressions.every(holds) && matchFields.every((one) => meets(one, { 'metadata.name': place.name }));
    });
  const spreadable = spreads(spec).every(({ topologyKey }) => place.labels[topologyKey] !== undefined);
  return selected && affine && spreadable && untolerated(spec, place).length === 0;
}

/** Taints that keep pods of the spec away. */
export function untolerated(spec: PodSpec, { taints }: Place): Taint[] {
  return taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !(spec.tolerations ?? []).some((one) => tolerates(one, taint)),
  );
}

function tolerates({ effect, key, operator, value }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (key !== undefined && key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  // An empty key is only valid with Exists.
  return key !== undefined && key !== '' && (value ?? '') === (taint.value ?? '');
}

const spreads = (spec: PodSpec) =>
  (spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');

/** How many pods of the group a node takes while others are cordoned, and why no more; undefined: any number. */
export function limitPerNode(group: Group): { readonly pods: number; readonly why: string } | undefined {
  const { spec, labels } = group;
  const own = (selector: LabelSelector | undefined): boolean => selects(selector, labels);
  const apart = spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(
    ({ topologyKey, labelSelector, namespaces }) =>
      topologyKey === HOSTNAME &&
      own(labelSelector as LabelSelector) &&
      (namespaces === undefined || namespaces.length === 0 || namespaces.includes(group.namespace)),
  );
  if (apart === true) return { pods: 1, why: 'a required anti-affinity keeps them on different nodes' };
  const port = spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort }) => (spec.hostNetwork === true ? [containerPort] : (hostPort ?? []))),
  )[0];
  if (port !== undefined) return { pods: 1, why: `port ${port} of a node can be had only once` };
  // A cordoned node counts as an empty domain, unless taints are honoured (recorded: unset is Ignore).
  const strict = spreads(spec).filter(
    (one) =>
      one.topologyKey === HOSTNAME && one.nodeTaintsPolicy !== 'Honor' && own(one.labelSelector as LabelSelector),
  );
  if (strict.length === 0) return undefined;
  const skew = Math.min(...strict.map(({ maxSkew }) => maxSkew));
  return {
    pods: skew,
    why: `a spread of maxSkew ${skew} counts cordoned nodes as empty (nodeTaintsPolicy is not Honor)`,
  };
}
