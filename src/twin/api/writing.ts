/** Create, replace, patch, apply and delete as clients ask for them. */
import { parse as parseYaml } from 'yaml';
import type { KubeObject } from '../../kube/objects.ts';
import type { ResourceName } from '../world.ts';
import { applyCreated, serverSideApply } from './apply.ts';
import { applyDefaults, firstStatus } from './defaults.ts';
import { cloneJson, isMap, type JsonMap } from './json.ts';
import { type Manager, ownUpdate } from './managed-fields.ts';
import { stamp } from './object-rules.ts';
import { jsonPatch, mergePatch } from './patch-merge.ts';
import { strategicMerge } from './patch-strategic.ts';
import { apiVersion } from './registry.ts';
import type { Route } from './route.ts';
import type { ServerRequest } from './server.ts';
import {
  badRequest,
  conflict,
  forbidden,
  invalid,
  invalidObject,
  notFound,
  preconditionFailed,
  required,
  StatusError,
} from './status.ts';
import type { Store, WriteOptions } from './store.ts';
import { type ApplyTopology, builtInTopology, schemaTopology } from './topology.ts';
import { validate } from './validation.ts';

export interface WriteContext {
  readonly store: Store;
  readonly route: Route;
  readonly request: ServerRequest;
}

const PATCH_TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const;

const contentType = ({ headers }: ServerRequest): string => (headers['content-type'] ?? '').split(';')[0]!.trim();

/** The body as JSON or YAML. @throws StatusError 400 */
export function bodyOf({ route, request }: WriteContext): JsonMap {
  try {
    const text = request.body ?? '';
    // Clients send apply patches as JSON; it is YAML too, but reading it as such takes a hundred times longer.
    const yaml = contentType(request).endsWith('yaml') && !text.startsWith('{');
    const value: unknown = yaml ? parseYaml(text) : JSON.parse(text);
    if (isMap(value)) return value;
  } catch {
    // Told below: the real text ends in the words of Go's decoder.
  }
  const text = `the object provided is unrecognized (must be of type ${route.info.kind}): couldn't get version/kind; json parse error`;
  throw badRequest(text);
}

function objectIn(context: WriteContext): KubeObject {
  const { route, request } = context;
  const type = contentType(request);
  if (type !== '' && type !== 'application/json' && type !== 'application/yaml') {
    const text =
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf';
    throw new StatusError(415, 'UnsupportedMediaType', text);
  }
  const body = bodyOf(context);
  const { info } = route;
  const expected = apiVersion(info.group, route.version);
  if (body.kind !== undefined && body.kind !== info.kind) {
    throw badRequest(`${String(body.kind)} in version "${route.version}" cannot be handled as a ${info.kind}`);
  }
  if (body.apiVersion !== undefined && body.apiVersion !== expected) {
    const text = `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${expected})`;
    throw badRequest(text);
  }
  const metadata = isMap(body.metadata) ? body.metadata : {};
  const { namespace } = metadata;
  if (namespace !== undefined && namespace !== '' && info.namespaced && namespace !== route.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...body, metadata: { ...metadata, ...(info.namespaced && { namespace: route.namespace }) } } as KubeObject;
}

/** `dryRun` of a query. @throws StatusError 422 for another value than All */
export function dryRunOf({ request }: WriteContext, kind: string): boolean {
  const value = request.query.get('dryRun');
  if (value === undefined || value === '') return false;
  if (value === 'All') return true;
  const named = { plural: '', group: 'meta.k8s.io', kind };
  const message = `Unsupported value: ${JSON.stringify([value])}: supported values: "All"`;
  throw invalidObject(named, '', [{ field: 'dryRun', reason: 'FieldValueNotSupported', message }]);
}

const topologyOf = ({ info, version }: Route): ApplyTopology => {
  const schema = info.schemas?.get(version);
  return schema === undefined ? builtInTopology : schemaTopology(schema);
};

/** Who writes: fieldManager, or what the User-Agent begins with (recorded). */
function managerOf({ route, request }: WriteContext, operation: Manager['operation']): Manager {
  const agent = (request.headers['user-agent'] ?? '').split('/')[0]!;
  return {
    manager: request.query.get('fieldManager') ?? (agent === '' ? 'unknown' : agent),
    operation,
    apiVersion: apiVersion(route.info.group, route.version),
    ...(route.subresource !== undefined && { subresource: route.subresource }),
  };
}

function owned(context: WriteContext, before: KubeObject | undefined, after: KubeObject): KubeObject {
  return ownUpdate(before, after, {
    manager: managerOf(context, 'Update'),
    now: stamp(context.store.time.now()),
    topology: topologyOf(context.route),
  });
}

function requireNamespace({ store, route }: WriteContext): void {
  const { namespace } = route;
  if (namespace === undefined || store.get('namespaces', namespace) !== undefined) return;
  throw notFound({ plural: 'namespaces', group: '', kind: 'Namespace' }, namespace);
}

/** What the server alone writes into a new object: the client's status is dropped, except a Node's. */
function fresh({ store, route }: WriteContext, object: KubeObject): KubeObject {
  const { info } = route;
  requireServable(store, route);
  const draft = cloneJson(object);
  if (info.status && info.name !== 'nodes') {
    const status = firstStatus(info.name);
    if (status === undefined) delete draft.status;
    else draft.status = status;
  }
  draft.kind = info.kind;
  draft.apiVersion = apiVersion(info.group, route.version);
  applyDefaults(info.name, draft as unknown as JsonMap);
  validate(info, draft);
  return draft;
}

const DEFINITIONS: ResourceName = 'customresourcedefinitions.apiextensions.k8s.io';

function requireServable(store: Store, { info }: Route): void {
  if (info.schemas === undefined) return;
  const definition = store.get<KubeObject>(DEFINITIONS, info.name);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  throw forbidden(info, '', 'create not allowed while custom resource definition is terminating');
}

/** POST. */
export function createObject(context: WriteContext): KubeObject {
  const { store, route } = context;
  const object = objectIn(context);
  const dryRun = dryRunOf(context, 'CreateOptions');
  if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== '') {
    throw new StatusError(500, undefined, 'resourceVersion should not be set on objects to be created');
  }
  requireNamespace(context);
  const draft = fresh(context, object);
  draft.metadata.managedFields = undefined as never;
  return store.create(route.info.name, owned(context, undefined, draft), { dryRun });
}

/** PUT. A Lease that does not exist is created (recorded). */
export function putObject(context: WriteContext): { object: KubeObject; created: boolean } {
  const { store, route } = context;
  const { info } = route;
  const object = objectIn(context);
  const dryRun = dryRunOf(context, 'UpdateOptions');
  checkName(route, object);
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) {
    if (info.name !== 'leases.coordination.k8s.io') throw notFound(info, route.name!);
    requireNamespace(context);
    return {
      object: store.create(info.name, owned(context, undefined, fresh(context, object)), { dryRun }),
      created: true,
    };
  }
  const { resourceVersion, uid } = object.metadata;
  if (info.schemas !== undefined && (resourceVersion ?? '') === '') {
    const problem = invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalidObject({ ...info, kind: info.plural }, route.name!, [problem]);
  }
  if (uid !== undefined && uid !== current.metadata.uid)
    throw conflict(info, route.name!, 'StorageError: invalid object');
  checkVersion(route, object, current);
  return { object: update(context, current, object, dryRun), created: false };
}

function checkName(route: Route, object: KubeObject): void {
  const { name } = object.metadata;
  if (name === undefined || name === '') {
    throw badRequest(`the name of the object (${route.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== route.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${route.name})`);
  }
}

function checkVersion({ info, name }: Route, object: KubeObject, current: KubeObject): void {
  const { resourceVersion } = object.metadata;
  if (resourceVersion === undefined || resourceVersion === '') return;
  if (resourceVersion !== current.metadata.resourceVersion) throw conflict(info, name!);
}

/** An update of the main object or of its status; what the endpoint ignores is put back. */
function update(context: WriteContext, current: KubeObject, next: KubeObject, dryRun: boolean): KubeObject {
  const { store, route } = context;
  const { info, subresource } = route;
  const options: WriteOptions = { dryRun, ...(subresource === 'status' && { subresource: 'status' }) };
  const draft = cloneJson(next);
  if (subresource === 'status') {
    const { status } = draft;
    const metadata = { ...current.metadata, managedFields: draft.metadata.managedFields };
    const only = { ...current, status, metadata } as KubeObject;
    const follow = info.name === 'nodes' || info.name === 'pods';
    return store.replace(
      info,
      current,
      owned(context, current, follow ? { ...draft, spec: current.spec } : only),
      options,
    );
  }
  if (info.status) {
    if (current.status === undefined) delete draft.status;
    else draft.status = current.status;
  }
  applyDefaults(info.name, draft as unknown as JsonMap);
  validate(info, draft, current);
  return store.replace(info, current, owned(context, current, draft), options);
}

/** PATCH of any type. An apply creates what does not exist. */
export function patchObject(context: WriteContext): { object: KubeObject; created: boolean } {
  const { store, route, request } = context;
  const { info } = route;
  const type = PATCH_TYPES[contentType(request) as keyof typeof PATCH_TYPES];
  if (type === undefined) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  if (type === 'strategic' && info.schemas !== undefined) {
    const text =
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';
    throw new StatusError(415, 'UnsupportedMediaType', text);
  }
  const dryRun = dryRunOf(context, 'PatchOptions');
  if (type === 'apply') return applyObject(context, dryRun);
  if (request.query.has('force')) {
    const named = { plural: '', group: 'meta.k8s.io', kind: 'PatchOptions' };
    const message = 'Forbidden: may not be specified for non-apply patch';
    throw invalidObject(named, '', [{ field: 'force', reason: 'FieldValueForbidden', message }]);
  }
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) throw notFound(info, route.name!);
  const next = patched(current, patchIn(request), type) as KubeObject;
  if (!isMap(next.metadata)) throw badRequest('the patch removes the metadata');
  checkName(route, next);
  if (next.metadata.uid !== current.metadata.uid) {
    throw invalidObject(info, route.name!, [invalid('metadata.uid', next.metadata.uid, 'field is immutable')]);
  }
  checkVersion(route, next, current);
  return { object: update(context, current, next, dryRun), created: false };
}

function patchIn(request: ServerRequest): unknown {
  try {
    return JSON.parse(request.body ?? '');
  } catch {
    throw badRequest('error decoding patch: unexpected end of JSON input');
  }
}

/** A value after a patch that is not an apply. */
export function patched(current: object, patch: unknown, type: 'json' | 'merge' | 'strategic'): unknown {
  if (type === 'json') return jsonPatch(current, patch);
  if (!isMap(patch)) throw badRequest('error decoding patch: json: cannot unmarshal into an object');
  return type === 'merge' ? mergePatch(current, patch) : strategicMerge(current as JsonMap, patch);
}

/** The type of a patch to a subresource. */
export function patchTypeOf(request: ServerRequest): 'json' | 'merge' | 'strategic' | 'apply' | undefined {
  return PATCH_TYPES[contentType(request) as keyof typeof PATCH_TYPES];
}

function applyObject(context: WriteContext, dryRun: boolean): { object: KubeObject; created: boolean } {
  const { store, route, request } = context;
  const { info } = route;
  if (!request.query.has('fieldManager')) {
    const named = { plural: '', group: 'meta.k8s.io', kind: 'PatchOptions' };
    throw invalidObject(named, '', [required('fieldManager', 'is required for apply patch')]);
  }
  const body = bodyOf(context);
  if (typeof body.apiVersion !== 'string' || typeof body.kind !== 'string') {
    throw badRequest(`invalid object type: ${String(body.apiVersion ?? '/')}, Kind=${String(body.kind ?? '')}`);
  }
  const applied = objectIn({ ...context, request: { ...request, headers: { 'content-type': 'application/yaml' } } });
  checkName(route, applied);
  if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const by = {
    manager: managerOf(context, 'Apply'),
    force: request.query.get('force') === 'true',
    now: stamp(store.time.now()),
    topology: topologyOf(route),
  };
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) {
    if (route.subresource !== undefined) throw notFound(info, route.name!);
    requireNamespace(context);
    if (applied.metadata.uid !== undefined) {
      const why = `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`;
      throw conflict(info, route.name!, why);
    }
    const { status: _ignored, ...owning } = applied;
    const configuration = (info.status && info.name !== 'nodes' ? owning : applied) as KubeObject;
    const { managedFields } = applyCreated(configuration, by).metadata;
    const draft = fresh(context, configuration);
    draft.metadata.managedFields = managedFields as never;
    return { object: store.create(info.name, draft, { dryRun }), created: true };
  }
  checkVersion(route, applied, current);
  const { status: _ignored, ...owning } = applied;
  const main = info.status && route.subresource === undefined;
  const result = serverSideApply(current, (main ? owning : applied) as KubeObject, by);
  if (route.subresource === 'status') {
    return { object: store.replace(info, current, result, { subresource: 'status', dryRun }), created: false };
  }
  applyDefaults(info.name, result as unknown as JsonMap);
  validate(info, result, current);
  return { object: store.replace(info, current, result, { dryRun }), created: false };
}

interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

/** DELETE: the object where it lingers (and always for pods and Services), a Status otherwise (recorded). */
export function deleteObject(context: WriteContext): KubeObject | JsonMap {
  const { store, route, request } = context;
  const { info } = route;
  const body = (request.body === undefined || request.body === '' ? {} : bodyOf(context)) as DeleteBody;
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) throw notFound(info, route.name!);
  const { uid = '', resourceVersion = '' } = current.metadata;
  const wanted = body.preconditions ?? {};
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw preconditionFailed(info, route.name!, 'UID', wanted.uid, uid);
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw preconditionFailed(info, route.name!, 'ResourceVersion', wanted.resourceVersion, resourceVersion);
  }
  const asked = request.query.get('gracePeriodSeconds');
  const grace = body.gracePeriodSeconds ?? (asked === undefined ? undefined : Number(asked));
  const propagation = body.propagationPolicy ?? request.query.get('propagationPolicy');
  if (!dryRunOf(context, 'DeleteOptions') && (body.dryRun?.length ?? 0) === 0) {
    store.remove(info.name, current.metadata, {
      ...(grace !== undefined && { gracePeriodSeconds: grace }),
      ...(propagation !== undefined && { propagation: propagation as 'Background' }),
    });
  }
  const left = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (left?.metadata.deletionTimestamp !== undefined) return left;
  if (info.name === 'pods' || info.name === 'services') return current;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: route.name, ...(info.group !== '' && { group: info.group }), kind: info.plural, uid },
  };
}
