/** Subresources that are not the object itself: scale, eviction, binding, finalize. */
import type { KubeObject } from '../../kube/objects.ts';
import { type Eviction, evict } from './eviction.ts';
import { isMap, type JsonMap } from './json.ts';
import { stamp } from './object-rules.ts';
import { badRequest, conflict, invalid, invalidObject, notFound, notModelled } from './status.ts';
import { bodyOf, dryRunOf, patched, patchTypeOf, type WriteContext } from './writing.ts';

function current({ store, route }: WriteContext): KubeObject {
  const object = store.get<KubeObject>(route.info.name, route.name!, route.namespace);
  if (object === undefined) throw notFound(route.info, route.name!);
  return object;
}

function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = object.spec as { replicas?: number; selector?: { matchLabels?: Record<string, string> } };
  const status = (object.status ?? {}) as { replicas?: number };
  const selector = Object.entries(spec.selector?.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    // Go leaves a zero out (recorded).
    spec: { ...(spec.replicas !== 0 && { replicas: spec.replicas }) },
    status: { replicas: status.replicas ?? 0, selector },
  };
}

/** GET scale. */
export const readScale = (context: WriteContext): KubeObject => scaleOf(current(context));

/** PUT and PATCH scale. */
export function writeScale(context: WriteContext): KubeObject {
  const { store, route, request } = context;
  const object = current(context);
  const before = scaleOf(object);
  let next: JsonMap;
  if (request.method === 'PUT') next = bodyOf(context);
  else {
    const type = patchTypeOf(request);
    if (type === undefined || type === 'apply') throw notModelled(`${type ?? 'this type of'} patch of scale`);
    next = patched(before, JSON.parse(request.body ?? '{}'), type) as JsonMap;
  }
  const { resourceVersion } = (isMap(next.metadata) ? next.metadata : {}) as { resourceVersion?: string };
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
    throw conflict(route.info, route.name!);
  }
  const replicas = (isMap(next.spec) ? next.spec.replicas : undefined) ?? 0;
  if (typeof replicas !== 'number' || replicas < 0) {
    const scale = { plural: 'scales', group: 'autoscaling', kind: 'Scale' };
    throw invalidObject(scale, route.name!, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  }
  const dryRun = dryRunOf(context, 'PatchOptions');
  const changed = { ...object, spec: { ...(object.spec as JsonMap), replicas } };
  return scaleOf(store.replace(route.info, object, changed, { dryRun }));
}

/** POST eviction. */
export function evictPod(context: WriteContext): object {
  const { store, route } = context;
  const dryRun = dryRunOf(context, 'CreateOptions');
  evict(store, route.info, { name: route.name!, namespace: route.namespace! }, bodyOf(context) as Eviction, dryRun);
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** POST binding: how a scheduler that goes over the API places a pod. */
export function bindPod(context: WriteContext): object {
  const { store, route } = context;
  const pod = current(context);
  const { target } = bodyOf(context) as { target?: { name?: string } };
  const node = target?.name;
  if (node === undefined || node === '') throw badRequest('a binding needs a target');
  const bound = (pod.spec as { nodeName?: string }).nodeName;
  if (bound !== undefined && bound !== '') {
    const named = { plural: 'pods/binding', group: '', kind: 'Pod' };
    throw conflict(named, route.name!, `pod ${route.name} is already assigned to node "${bound}"`);
  }
  store.update<KubeObject>('pods', pod.metadata, (draft) => {
    (draft.spec as JsonMap).nodeName = node;
    const status = (draft.status ?? {}) as { conditions?: { type: string }[] };
    const others = (status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
    const lastTransitionTime = stamp(store.time.now());
    draft.status = {
      ...status,
      conditions: [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime }],
    };
  });
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** PUT namespaces/NAME/finalize: the only way to a Namespace's own finalizers. */
export function finalizeNamespace(context: WriteContext): KubeObject {
  const { store, route } = context;
  const namespace = current(context);
  const { spec } = bodyOf(context);
  const finalizers = isMap(spec) ? spec.finalizers : [];
  const changed = { ...namespace, spec: { ...(namespace.spec as JsonMap), finalizers } };
  return store.replace(route.info, namespace, changed);
}
