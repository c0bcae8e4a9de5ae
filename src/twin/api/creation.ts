/** How an object comes into the store: its name and identity, defaults, and what admission adds or refuses. */
import type { KubeObject } from '../../kube/objects.ts';
import type { Random } from '../../time/random.ts';
import type { ObjectStore } from '../world.ts';
import { applyDefaults } from './defaults.ts';
import { cloneJson, type JsonMap } from './json.ts';
import { stamp, templateGeneration } from './object-rules.ts';
import { admitPod, BUILT_IN_PRIORITIES } from './pod-defaults.ts';
import { apiVersion, type ResourceInfo } from './registry.ts';
import type { ServiceAllocation } from './service-allocation.ts';
import { alreadyExists, badRequest, forbidden, invalidObject, required } from './status.ts';

/** The characters of generated names: no vowels, nothing that looks like another (apimachinery util/rand). */
const NAME_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

export function randomSuffix(random: Random, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) text += NAME_CHARACTERS[random.integer(0, NAME_CHARACTERS.length - 1)];
  return text;
}

/** A version 4 UUID. */
export function randomUid(random: Random): string {
  const words = [0, 1, 2, 3].map(() => random.integer(0, 0xffffffff).toString(16).padStart(8, '0'));
  const [a = '', b = '', c = '', d = ''] = words;
  const variant = '89ab'[Number.parseInt(c[0] ?? '0', 16) % 4];
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
}

interface Naming {
  readonly now: number;
  readonly random: Random;
  readonly taken: (name: string, namespace: string | undefined) => boolean;
}

/** The object as it will be stored, but for its resourceVersion and what admission adds. */
export function prepareNew(info: ResourceInfo, object: KubeObject, naming: Naming): KubeObject {
  const { kind: _kind, apiVersion: given, metadata: asked, ...rest } = cloneJson(object) as KubeObject & JsonMap;
  const metadata = asked as KubeObject['metadata'] & JsonMap;
  const namespace = info.namespaced ? metadata.namespace : undefined;
  if (info.namespaced && namespace === undefined) throw badRequest(`${info.kind} needs a namespace`);
  const name = nameOf(info, metadata, namespace, naming);
  const served = info.versions.map((version) => apiVersion(info.group, version));
  return {
    kind: info.kind,
    apiVersion: given !== undefined && served.includes(given) ? served[0]! : (given ?? served[0]!),
    metadata: {
      ...metadata,
      name,
      ...(namespace !== undefined && { namespace }),
      uid: randomUid(naming.random),
      ...(info.generation !== 'none' && { generation: 1 }),
      creationTimestamp: stamp(naming.now),
      resourceVersion: undefined,
      deletionTimestamp: undefined,
      deletionGracePeriodSeconds: undefined,
      selfLink: undefined,
    } as unknown as KubeObject['metadata'],
    ...rest,
  };
}

function nameOf(
  info: ResourceInfo,
  metadata: { name?: string; generateName?: string },
  namespace: string | undefined,
  naming: Naming,
): string {
  if (metadata.name !== undefined && metadata.name !== '') return metadata.name;
  const base = metadata.generateName;
  if (base === undefined || base === '') {
    throw invalidObject(info, '', [required('metadata.name', 'name or generateName is required')]);
  }
  // The base is cut to 58 characters; a name that exists is drawn again, 8 times (kubernetes.md section 2).
  for (let tries = 0; tries < 8; tries++) {
    const name = `${base.slice(0, 58)}${randomSuffix(naming.random)}`;
    if (!naming.taken(name, namespace)) return name;
  }
  throw alreadyExists(info, base);
}

interface Admission {
  readonly store: ObjectStore;
  readonly random: Random;
  readonly services: ServiceAllocation;
}

/** Defaults and admission of a new object; changes the draft in place. */
export function admitNew(info: ResourceInfo, draft: KubeObject, { store, random, services }: Admission): void {
  const { name, namespace } = draft.metadata;
  if (namespace !== undefined && info.name !== 'events') {
    const owner = store.get('namespaces', namespace);
    if (owner?.metadata.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      const message = `namespace ${namespace} is being terminated`;
      throw forbidden(info, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
    }
  }
  const object = draft as unknown as JsonMap;
  applyDefaults(info.name, object);
  switch (info.name) {
    case 'pods':
      admitPod(object, {
        suffix: () => randomSuffix(random),
        now: draft.metadata.creationTimestamp ?? '',
        priorityOf: (className) => priorityOf(info, name, className, store),
      });
      break;
    case 'daemonsets.apps':
      templateGeneration(undefined, draft);
      break;
    case 'events':
      // Written even when they are empty; nobody owns them then.
      object.source ??= {};
      object.reportingComponent ??= '';
      object.reportingInstance ??= '';
      break;
    case 'statefulsets.apps':
      object.spec = { serviceName: '', ...(object.spec as JsonMap | undefined) };
      break;
    case 'jobs.batch':
      admitJob(object);
      break;
    case 'nodes':
      admitNode(object);
      break;
    case 'services': {
      const problems = services.allocate(object, store.list('services') as unknown as JsonMap[]);
      if (problems.length > 0) throw invalidObject(info, name, problems);
      break;
    }
    default:
  }
  for (const key of Object.keys(draft.metadata)) {
    if ((draft.metadata as JsonMap)[key] === undefined) delete (draft.metadata as JsonMap)[key];
  }
}

function priorityOf(info: ResourceInfo, pod: string, className: string, store: ObjectStore): number {
  const builtIn = BUILT_IN_PRIORITIES[className];
  if (builtIn !== undefined) return builtIn;
  const found = store.get('priorityclasses.scheduling.k8s.io', className) as { value?: unknown } | undefined;
  if (typeof found?.value === 'number') return found.value;
  throw forbidden(info, pod, `no PriorityClass with name ${className} was found`);
}

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A Job's pods are found by its uid (pkg/registry/batch/job/strategy.go generateSelector). */
function admitJob(job: JsonMap): void {
  const { uid, name } = job.metadata as { uid: string; name: string };
  const spec = job.spec as { selector?: unknown; manualSelector?: boolean; template?: { metadata?: JsonMap } };
  if (spec.manualSelector === true || spec.selector !== undefined) return;
  const key = 'batch.kubernetes.io/controller-uid';
  const labels = {
    [key]: uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector = { matchLabels: { [key]: uid } };
  const metadata = job.metadata as { labels?: JsonMap };
  metadata.labels = { ...labels, ...metadata.labels };
  const inner = (spec.template?.metadata ?? {}) as { labels?: JsonMap };
  spec.template = { ...spec.template, metadata: { ...inner, labels: { ...inner.labels, ...labels } } };
}

/** A new node is not ready until its kubelet says so (admission TaintNodesByCondition; no timeAdded, recorded). */
function admitNode(node: JsonMap): void {
  const spec = (node.spec ?? {}) as JsonMap;
  const taints = (spec.taints ?? []) as { key: string; effect: string }[];
  if (!taints.some((taint) => taint.key === NOT_READY.key && taint.effect === NOT_READY.effect)) {
    spec.taints = [...taints, { ...NOT_READY }];
  }
  node.spec = spec;
}
