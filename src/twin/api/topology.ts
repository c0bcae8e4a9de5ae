/**
 * How lists and maps of built-in objects are merged. Two patch types disagree in places: strategic merge patch takes its
 * keys from the Go struct tags (`patchMergeKey`), server-side apply from the OpenAPI extensions (`x-kubernetes-list-type`,
 * `x-kubernetes-map-type`); both were read from Kubernetes 1.36 (kubernetes.md section 4) and checked with recordings.
 */
import { isMap, type JsonMap } from './json.ts';

/** The field names from the root to a value; list elements are not named. */
export type FieldPath = readonly string[];

/** Merge keys of strategic merge patch by field name. */
const STRATEGIC: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  schedulingGates: 'name',
  resourceClaims: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  hostAliases: 'ip',
  podIPs: 'ip',
  hostIPs: 'ip',
  topologySpreadConstraints: 'topologyKey',
  conditions: 'type',
  addresses: 'type',
  ownerReferences: 'uid',
  webhooks: 'name',
  secrets: 'name',
};

const PRIMITIVE_SETS = new Set(['finalizers', 'podCIDRs']);

/** Key by which a strategic merge patch merges a list of objects; undefined: replaced whole. */
export function strategicKey(path: FieldPath): string | undefined {
  const name = path.at(-1) ?? '';
  if (name === 'ports') {
    if (path.includes('containers') || path.includes('initContainers')) return 'containerPort';
    // Service ports merge; those of EndpointSlices and network policies are replaced.
    return path.length === 2 && path[0] === 'spec' ? 'port' : undefined;
  }
  return STRATEGIC[name];
}

/** Is a list of plain values merged as a set by a strategic merge patch? */
export const isStrategicSet = (path: FieldPath): boolean => PRIMITIVE_SETS.has(path.at(-1) ?? '');

/** How server-side apply sees a value. */
export type ApplyType =
  | { readonly type: 'granular' }
  | { readonly type: 'atomic' }
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[]; readonly defaults: Readonly<Record<string, unknown>> };

const GRANULAR: ApplyType = { type: 'granular' };
const ATOMIC: ApplyType = { type: 'atomic' };
const SET: ApplyType = { type: 'set' };
const keyed = (keys: readonly string[], defaults: Record<string, unknown> = {}): ApplyType => ({
  type: 'map',
  keys,
  defaults,
});

/** Lists that server-side apply keys otherwise than strategic merge patch. */
const APPLY_LISTS: Readonly<Record<string, ApplyType>> = {
  topologySpreadConstraints: keyed(['topologyKey', 'whenUnsatisfiable']),
  finalizers: SET,
  podCIDRs: SET,
  clusterIPs: ATOMIC,
  hostIPs: ATOMIC,
  secrets: keyed(['name']),
};

/** Maps that are owned as one (`x-kubernetes-map-type: atomic`). */
const ATOMIC_MAPS = new Set([
  'selector',
  'labelSelector',
  'podSelector',
  'namespaceSelector',
  'nodeSelector',
  'nodeSelectorTerms',
  'fieldRef',
  'resourceFieldRef',
  'secretKeyRef',
  'configMapKeyRef',
  'roleRef',
  'targetRef',
  'claimRef',
  'involvedObject',
  'regarding',
  'related',
  'aggregationRule',
  // An element of this list.
  'ownerReferences',
]);

export interface ApplyTopology {
  (path: FieldPath, value: unknown): ApplyType;
  /** Structs that are part of their parent (not pointers): they never come into being, so nobody owns them as such. */
  readonly standing?: (path: FieldPath) => boolean;
}

/** As recorded: the maps of which managedFields has no member `.`. Lists that Go writes even when they are empty count too. */
const STANDING = new Set([
  'metadata',
  'source',
  'spec',
  'spec.containers',
  'spec.names',
  'spec.strategy',
  'spec.template',
  'spec.template.metadata',
  'spec.template.spec',
  'spec.template.spec.containers',
  'spec.updateStrategy',
  'status',
  'status.acceptedNames',
  'status.daemonEndpoints',
  'status.daemonEndpoints.kubeletEndpoint',
  'status.loadBalancer',
  'status.nodeInfo',
]);

/** The topology of built-in kinds. */
export const builtInTopology: ApplyTopology = Object.assign(builtInType, {
  standing: (path: FieldPath) => STANDING.has(path.join('.')),
});

function builtInType(path: FieldPath, value: unknown): ApplyType {
  const name = path.at(-1) ?? '';
  if (Array.isArray(value)) {
    if (name === 'ports') {
      if (path.includes('containers') || path.includes('initContainers')) {
        return keyed(['containerPort', 'protocol'], { protocol: 'TCP' });
      }
      return path.length === 2 && path[0] === 'spec' ? keyed(['port', 'protocol'], { protocol: 'TCP' }) : ATOMIC;
    }
    const listed = APPLY_LISTS[name];
    if (listed !== undefined) return listed;
    const key = STRATEGIC[name];
    return key === undefined ? ATOMIC : keyed([key]);
  }
  if (!isMap(value)) return ATOMIC;
  // A Service's selector and matchLabels inside a selector: the whole selector is one leaf.
  return ATOMIC_MAPS.has(name) ? ATOMIC : GRANULAR;
}

/** The topology that a CRD's schema declares: lists are atomic unless it says otherwise. */
export function schemaTopology(schema: JsonMap): ApplyTopology {
  const type = (path: FieldPath, value: unknown): ApplyType => {
    if (path[0] === 'metadata') return builtInTopology(path, value);
    let at: JsonMap | undefined = schema;
    for (const name of path) {
      if (at === undefined) break;
      const inside: JsonMap = isMap(at.items) ? at.items : at;
      const properties = isMap(inside.properties) ? inside.properties : {};
      const next: unknown = properties[name] ?? inside.additionalProperties;
      at = isMap(next) ? next : undefined;
    }
    if (Array.isArray(value)) {
      const listed = at?.['x-kubernetes-list-type'];
      const keys = at?.['x-kubernetes-list-map-keys'];
      if (listed === 'set') return SET;
      return listed === 'map' && Array.isArray(keys) ? keyed(keys as string[]) : ATOMIC;
    }
    if (!isMap(value)) return ATOMIC;
    return at?.['x-kubernetes-map-type'] === 'atomic' ? ATOMIC : GRANULAR;
  };
  return Object.assign(type, { standing: (path: FieldPath) => path.join('.') === 'metadata' });
}
