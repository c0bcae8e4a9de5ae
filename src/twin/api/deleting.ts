/** DELETE of one object and of a collection (recorded in files 02, 06 and 07). */
import type { KubeObject } from '../../kube/objects.ts';
import { bodyOf } from './decode.ts';
import type { JsonMap } from './json.ts';
import { listPage, numberIn, type Page } from './listing.ts';
import type { ServerRequest } from './server.ts';
import { badRequest, forbidden, invalid, invalidOptions, notFound, preconditionFailed, unsupported } from './status.ts';
import { dryRunOf, type WriteContext } from './writing.ts';

/** Namespaces that admission keeps (NamespaceLifecycle). */
const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;
type Policy = (typeof POLICIES)[number];

interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagation: Policy | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

interface Body {
  readonly kind?: unknown;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: unknown;
  readonly orphanDependents?: unknown;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

/** Options of the body, and of the query where there is no body. @throws StatusError 400 and 422 */
function optionsOf(context: WriteContext): DeleteOptions {
  const { request } = context;
  const body: Body = hasBody(request) ? bodyOf(request, 'DeleteOptions') : {};
  if (body.kind !== undefined && body.kind !== 'DeleteOptions') {
    throw badRequest(
      `no kind ${JSON.stringify(body.kind)} is registered for version "meta.k8s.io/v1" in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"`,
    );
  }
  const dryRun = dryRunOf(context, 'DeleteOptions') || (body.dryRun?.length ?? 0) > 0;
  const asked = numberIn(request.query, 'gracePeriodSeconds');
  const policy = body.propagationPolicy ?? request.query.get('propagationPolicy');
  if (policy !== undefined && body.orphanDependents !== undefined) {
    const text = 'orphanDependents and deletionPropagation cannot be both set';
    throw invalidOptions('DeleteOptions', invalid('propagationPolicy', policy, text));
  }
  if (policy !== undefined && !POLICIES.includes(policy as Policy)) {
    throw invalidOptions('DeleteOptions', unsupported('propagationPolicy', policy, [...POLICIES, 'nil']));
  }
  const orphans = body.orphanDependents === true ? 'Orphan' : undefined;
  return {
    gracePeriodSeconds: body.gracePeriodSeconds ?? asked,
    propagation: (policy as Policy | undefined) ?? orphans,
    uid: body.preconditions?.uid,
    resourceVersion: body.preconditions?.resourceVersion,
    dryRun,
  };
}

const hasBody = ({ body }: ServerRequest): boolean => body !== undefined && body !== '';

/** DELETE: the object where it lingers (and always for pods and Services), a Status otherwise (recorded). */
export function deleteObject(context: WriteContext): KubeObject | JsonMap {
  const { store, route } = context;
  const { info } = route;
  const options = optionsOf(context);
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) throw notFound(info, route.name!);
  const { uid = '', resourceVersion = '' } = current.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    throw preconditionFailed(info, route.name!, 'UID', options.uid, uid);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw preconditionFailed(info, route.name!, 'ResourceVersion', options.resourceVersion, resourceVersion);
  }
  if (info.name === 'namespaces' && IMMORTAL.has(route.name!)) {
    throw forbidden(info, route.name!, 'this namespace may not be deleted');
  }
  const last = remove(context, current, options);
  if (
    last.metadata.deletionTimestamp !== undefined &&
    store.get(info.name, route.name!, route.namespace) !== undefined
  ) {
    return last;
  }
  if (info.name === 'pods' || info.name === 'services') return last;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: route.name, ...(info.group !== '' && { group: info.group }), kind: info.plural, uid },
  };
}

/** Removes or marks an object; the last state in which it was seen. */
function remove({ store, route }: WriteContext, current: KubeObject, options: DeleteOptions): KubeObject {
  const { info } = route;
  const { gracePeriodSeconds, propagation } = options;
  if (options.dryRun) return current;
  // What is answered has the version of the deletion (recorded: svc-delete, pod-delete-response-removed).
  let last = current;
  const stop = store.onChange<KubeObject>(info.name, ({ object }) => {
    if (object.metadata.uid === current.metadata.uid) last = object;
  });
  try {
    store.remove(info.name, current.metadata, {
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(propagation !== undefined && { propagation }),
    });
  } finally {
    stop();
  }
  return last;
}

/** Deletes what a list would show, and answers with that list as it was (recorded). */
export function deleteCollection(context: WriteContext): Page {
  const { store, route, request } = context;
  const options = optionsOf(context);
  const page = listPage(route, request.query, store, (object) => object);
  for (const object of page.objects) remove(context, object, options);
  return { objects: page.objects, meta: { ...page.meta, resourceVersion: String(store.resourceVersion()) } };
}
