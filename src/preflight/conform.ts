/**
 * Manifests as users write them may hold anything anywhere. The API will refuse what has the wrong shape, with a better
 * message than ours; rules look at what has the right one and pass over the rest.
 */

/** `text`: a text; `scalar`: a text, number or boolean; `texts`: a list of texts; `map`: texts by key; `any`: as it is; a list or an object: of that shape. */
export type Shape = 'any' | 'text' | 'scalar' | 'texts' | 'map' | readonly [Shape] | { readonly [key: string]: Shape };

/** The value without what does not have the shape; undefined when nothing is left. Keys that no shape names are kept. */
export function conform(value: unknown, shape: Shape): unknown {
  if (shape === 'any') return value;
  if (shape === 'text') return typeof value === 'string' ? value : undefined;
  if (shape === 'scalar') return typeof value === 'object' ? undefined : value;
  if (shape === 'texts') {
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
  }
  if (isList(shape)) {
    return Array.isArray(value) ? value.map((item) => conform(item, shape[0])).filter(isDefined) : undefined;
  }
  if (!isObject(value)) return undefined;
  if (shape === 'map') {
    const scalars = Object.entries(value).filter(([, item]) => typeof item !== 'object');
    return Object.fromEntries(scalars.map(([key, item]) => [key, String(item)]));
  }
  const entries = Object.entries(value).map(([key, item]) => {
    // Only own keys of the shape: an object's `constructor` is none.
    const inner: Shape = Object.hasOwn(shape, key) ? shape[key]! : 'any';
    return [key, conform(item, inner)] as const;
  });
  return Object.fromEntries(entries.filter(([, item]) => isDefined(item)));
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);
const isDefined = (value: unknown): boolean => value !== undefined;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const REQUIREMENTS: Shape = [{ key: 'text', operator: 'text', values: 'texts' }];

/** A label selector. */
export const SELECTOR: Shape = { matchLabels: 'map', matchExpressions: REQUIREMENTS };

const CONTAINERS: Shape = [{ name: 'scalar', image: 'text', ports: [{ hostPort: 'scalar', containerPort: 'scalar' }] }];

/** What rules look at in a pod's spec. */
export const POD_SPEC: Shape = {
  containers: CONTAINERS,
  initContainers: CONTAINERS,
  nodeSelector: 'map',
  tolerations: [{ key: 'text', operator: 'text', value: 'text', effect: 'text' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: REQUIREMENTS, matchFields: REQUIREMENTS }],
      },
    },
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: SELECTOR, namespaces: 'texts' }],
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 'scalar',
      topologyKey: 'text',
      whenUnsatisfiable: 'text',
      nodeTaintsPolicy: 'text',
      labelSelector: SELECTOR,
    },
  ],
};

/** The metadata of a pod template. */
export const POD_METADATA: Shape = { labels: 'map', annotations: 'map' };
