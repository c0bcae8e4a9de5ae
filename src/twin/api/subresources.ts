/** Subresources that are not the object itself: scale, eviction, binding, finalize. */

import type { KubeObject } from '../../kube/objects.ts';
import { serverSideApply } from './apply.ts';
import { bodyOf } from './decode.ts';
import { type Eviction, evict } from './eviction.ts';
import { isMap, type JsonMap } from './json.ts';
import { stamp } from './object-rules.ts';
import { patched, patchTypeOf } from './patch-body.ts';
import { badRequest, conflict, invalid, invalidObject, notFound, StatusError } from './status.ts';
import { builtInTopology } from './topology.ts';
import { dryRunOf, managerOf, owned, type WriteContext } from './writing.ts';

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
  const type = request.method === 'PUT' ? undefined : patchTypeOf(request);
  if (request.method === 'PATCH' && type === undefined) {
    throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
  const next =
    type === undefined || type === 'apply'
      ? bodyOf(request, 'Scale')
      : (patched(before, bodyOf({ ...request, headers: {} }, 'Scale'), type) as JsonMap);
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
  if (type === 'apply')
    return scaleOf(store.replace(route.info, object, applied(context, object, replicas), { dryRun }));
  const changed = { ...object, spec: { ...(object.spec as JsonMap), replicas } };
  // A size of 0 is left out of a Scale, so nobody owns it then (recorded: status-get).
  const { replicas: _, ...unsized } = changed.spec as JsonMap;
  const lost = replicas === 0 && (object.spec as JsonMap).replicas !== 0;
  const { managedFields } = owned(context, object, lost ? { ...changed, spec: unsized } : changed).metadata;
  const metadata = { ...changed.metadata, managedFields } as KubeObject['metadata'];
  return scaleOf(store.replace(route.info, object, { ...changed, metadata }, { dryRun }));
}

/** An apply of a Scale owns the one field that it is about. @throws StatusError 409 when somebody else has it */
function applied(context: WriteContext, object: KubeObject, replicas: number): KubeObject {
  const { name, namespace } = object.metadata;
  // The live Scale leaves a size of 0 out, so that applying 0 sets it (recorded: ssa-scale-subresource).
  const spec = { ...(object.spec as JsonMap) };
  if (spec.replicas === 0) delete spec.replicas;
  const configuration = { metadata: { name, namespace }, spec: { replicas } } as unknown as KubeObject;
  return serverSideApply({ ...object, spec }, configuration, {
    manager: managerOf(context, 'Apply'),
    force: context.request.query.get('force') === 'true',
    now: stamp(context.store.time.now()),
    topology: builtInTopology,
  });
}

/** POST eviction. */
export function evictPod(context: WriteContext): object {
  const { store, route } = context;
  const dryRun = dryRunOf(context, 'CreateOptions');
  evict(
    store,
    route.info,
    { name: route.name!, namespace: route.namespace! },
    bodyOf(context.request, 'Eviction') as Eviction,
    dryRun,
  );
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** POST binding: how a scheduler that goes over the API places a pod. */
export function bindPod(context: WriteContext): object {
  const { store, route } = context;
  const pod = current(context);
  const { target } = bodyOf(context.request, 'Binding') as { target?: { name?: string } };
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
  const { spec } = bodyOf(context.request, 'Namespace');
  const finalizers = isMap(spec) ? spec.finalizers : [];
  const changed = { ...namespace, spec: { ...(namespace.spec as JsonMap), finalizers } };
  return store.replace(route.info, namespace, changed);
}
