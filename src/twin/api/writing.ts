/** Create, replace, patch and apply as clients ask for them. */
import type { KubeObject } from '../../kube/objects.ts';
import type { ResourceName } from '../world.ts';
import { applyCreated, serverSideApply } from './apply.ts';
import { bodyOf, checkedObject, checkKind, decodeObject, fieldValidationOf, inNamespace } from './decode.ts';
import { applyDefaults, firstStatus } from './defaults.ts';
import { cloneJson, isMap, type JsonMap } from './json.ts';
import { type Manager, ownUpdate } from './managed-fields.ts';
import { stamp, templateGeneration } from './object-rules.ts';
import { invalidPatch, patched, patchIn, patchTypeOf } from './patch-body.ts';
import { withDefaultTolerations } from './pod-defaults.ts';
import { apiVersion } from './registry.ts';
import type { Route } from './route.ts';
import type { ServerRequest } from './server.ts';
import {
  badRequest,
  conflict,
  fieldForbidden,
  forbidden,
  invalid,
  invalidObject,
  invalidOptions,
  notFound,
  notModelled,
  required,
  StatusError,
  unsupported,
} from './status.ts';
import type { Store, WriteOptions } from './store.ts';
import { applySchemaDefaults, checkStructure } from './structural-schema.ts';
import { type ApplyTopology, builtInTopology, schemaTopology } from './topology.ts';
import { isAlwaysEmpty } from './unserved.ts';
import { validate } from './validation.ts';

export interface WriteContext {
  readonly store: Store;
  readonly route: Route;
  readonly request: ServerRequest;
}

/** What a write gives back. */
export interface Written {
  readonly object: KubeObject;
  readonly created?: boolean;
  readonly warnings?: readonly string[];
}

/** `dryRun` of a query. @throws StatusError 422 for another value than All */
export function dryRunOf({ request }: WriteContext, kind: string): boolean {
  const value = request.query.get('dryRun');
  if (value === undefined || value === '') return false;
  if (value === 'All') return true;
  throw invalidOptions(kind, { ...unsupported('dryRun', [value], ['All']) });
}

const topologyOf = ({ info, version }: Route): ApplyTopology => {
  const schema = info.schemas?.get(version);
  return schema === undefined ? builtInTopology : schemaTopology(schema);
};

/** Who writes: fieldManager, or what the User-Agent begins with (recorded). */
export function managerOf({ route, request }: WriteContext, operation: Manager['operation']): Manager {
  const agent = (request.headers['user-agent'] ?? '').split('/')[0]!;
  return {
    manager: request.query.get('fieldManager') ?? (agent === '' ? 'unknown' : agent),
    operation,
    apiVersion: apiVersion(route.info.group, route.version),
    ...(route.subresource !== undefined && { subresource: route.subresource }),
  };
}

/** Who owns what after a write; the part that the endpoint ignores belongs to nobody by it (the strategies' resetFields). */
export function owned(context: WriteContext, before: KubeObject | undefined, after: KubeObject): KubeObject {
  const { info, subresource } = context.route;
  const part = (object: KubeObject): KubeObject => {
    const { status, spec, ...rest } = object;
    if (subresource === 'status') {
      const { labels: _, ...metadata } = rest.metadata;
      const named = info.name === 'deployments.apps' ? { ...rest, metadata: metadata as KubeObject['metadata'] } : rest;
      return { ...named, ...(status !== undefined && { status }) };
    }
    // A Namespace's spec is written by the server and by /finalize only.
    const own = { ...rest, ...(spec !== undefined && info.name !== 'namespaces' && { spec }) };
    return info.status || status === undefined ? own : { ...own, status };
  };
  const { metadata } = ownUpdate(before && part(before), part(after), {
    manager: managerOf(context, 'Update'),
    now: stamp(context.store.time.now()),
    topology: topologyOf(context.route),
  });
  return { ...after, metadata: { ...after.metadata, managedFields: metadata.managedFields } as KubeObject['metadata'] };
}

function requireNamespace({ store, route }: WriteContext): void {
  const { namespace } = route;
  if (namespace === undefined || store.get('namespaces', namespace) !== undefined) return;
  throw notFound({ plural: 'namespaces', group: '', kind: 'Namespace' }, namespace);
}

/** Defaults of a built-in kind, or of a CRD's schema. */
function fillIn({ info, version }: Route, draft: KubeObject): void {
  applyDefaults(info.name, draft as unknown as JsonMap);
  applySchemaDefaults(draft, info.schemas?.get(version));
}

/** Custom resources are stored in one version: what that does not know is lost (recorded: cr-create-old-version). */
function inStoredVersion({ info, version }: Route, object: KubeObject): KubeObject {
  const stored = info.versions[0];
  if (info.schemas === undefined || stored === undefined || stored === version) return object;
  const { pruned } = checkStructure(object as unknown as JsonMap, info.schemas.get(stored) ?? {});
  return pruned as unknown as KubeObject;
}

/** What the server alone writes into a new object: the client's status is dropped, except a Node's. */
function fresh({ store, route }: WriteContext, object: KubeObject): KubeObject {
  const { info } = route;
  requireServable(store, route, object.metadata.name ?? '');
  const draft = cloneJson(object);
  if (info.status && info.name !== 'nodes') {
    const status = firstStatus(info.name, draft.spec);
    if (status === undefined) delete draft.status;
    else draft.status = status;
  }
  draft.kind = info.kind;
  draft.apiVersion = apiVersion(info.group, route.version);
  fillIn(route, draft);
  if (info.name === 'daemonsets.apps') templateGeneration(undefined, draft);
  validate(route, draft);
  if (info.name === 'pods') requireServiceAccount(store, route, draft);
  return draft;
}

const DEFINITIONS: ResourceName = 'customresourcedefinitions.apiextensions.k8s.io';

function requireServable(store: Store, { info }: Route, name: string): void {
  if (info.schemas === undefined) return;
  const definition = store.get<KubeObject>(DEFINITIONS, info.name);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  throw forbidden(info, name, 'create not allowed while custom resource definition is terminating');
}

function requireServiceAccount(store: Store, { info }: Route, pod: KubeObject): void {
  const { name, namespace } = pod.metadata;
  const account = (pod.spec as { serviceAccountName?: string } | undefined)?.serviceAccountName ?? 'default';
  if (store.get('serviceaccounts', account, namespace) !== undefined) return;
  const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
  throw forbidden(info, name ?? '', why);
}

/** POST. */
export function createObject(context: WriteContext): Written {
  const { store, route, request } = context;
  if (isAlwaysEmpty(route.info.name)) throw notModelled(route.info.name);
  const { object, warnings } = decodeObject(request, route, 'CreateOptions');
  const dryRun = dryRunOf(context, 'CreateOptions');
  if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== '') {
    throw new StatusError(500, undefined, 'resourceVersion should not be set on objects to be created');
  }
  requireNamespace(context);
  const draft = fresh(context, object);
  draft.metadata.managedFields = undefined as never;
  const own = inStoredVersion(route, owned(context, undefined, draft));
  return { object: store.create(route.info.name, own, { dryRun }), warnings };
}

/** PUT. A Lease that does not exist is created (recorded). */
export function putObject(context: WriteContext): Written {
  const { store, route, request } = context;
  const { info } = route;
  const { object, warnings } = decodeObject(request, route, 'UpdateOptions');
  const dryRun = dryRunOf(context, 'UpdateOptions');
  checkName(route, object);
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) {
    if (info.name !== 'leases.coordination.k8s.io') throw notFound(info, route.name!);
    requireNamespace(context);
    const draft = owned(context, undefined, fresh(context, object));
    return { object: store.create(info.name, draft, { dryRun }), created: true, warnings };
  }
  const { resourceVersion, uid } = object.metadata;
  if (info.schemas !== undefined && (resourceVersion ?? '') === '') {
    const problem = invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalidObject({ ...info, kind: info.plural }, route.name!, [problem]);
  }
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    const key = `/registry/${info.plural}/${route.namespace === undefined ? '' : `${route.namespace}/`}${route.name}`;
    const found = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
    const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${found}`;
    throw conflict(info, route.name!, why);
  }
  checkVersion(route, object, current);
  return { object: update(context, current, object, dryRun), warnings };
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
    const wanted = cloneJson(info.schemas === undefined ? { ...draft, spec: current.spec } : only) as KubeObject;
    fillIn(route, wanted);
    validate(route, wanted, current);
    return store.replace(info, current, owned(context, current, wanted), options);
  }
  if (info.status) {
    if (current.status === undefined) delete draft.status;
    else draft.status = current.status;
  }
  fillIn(route, draft);
  admitUpdate(info.name, draft);
  validate(route, draft, current);
  return store.replace(info, current, inStoredVersion(route, owned(context, current, draft)), options);
}

/** What admission puts back into an update: default tolerations, and the label of a namespace's name. */
function admitUpdate(resource: ResourceName, draft: KubeObject): void {
  if (resource === 'pods' && isMap(draft.spec)) {
    const { tolerations } = draft.spec;
    draft.spec.tolerations = withDefaultTolerations(Array.isArray(tolerations) ? tolerations.filter(isMap) : []);
  }
  if (resource === 'namespaces') {
    draft.metadata.labels = { ...draft.metadata.labels, 'kubernetes.io/metadata.name': draft.metadata.name };
  }
}

/** PATCH of any type. An apply creates what does not exist. */
export function patchObject(context: WriteContext): Written {
  const { store, route, request } = context;
  const { info } = route;
  const type = patchTypeOf(request);
  if (type === undefined) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  if (type === 'strategic' && info.schemas !== undefined) {
    const text =
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';
    throw new StatusError(415, 'UnsupportedMediaType', text);
  }
  const validation = fieldValidationOf(request, 'PatchOptions');
  const dryRun = dryRunOf(context, 'PatchOptions');
  if (type === 'apply') return applyObject(context, dryRun);
  if (request.query.has('force')) {
    throw invalidOptions('PatchOptions', fieldForbidden('force', 'may not be specified for non-apply patch'));
  }
  const current = store.get<KubeObject>(info.name, route.name!, route.namespace);
  if (current === undefined) throw notFound(info, route.name!);
  const raw = patched(current, patchIn(request), type) as JsonMap;
  const { object: next, unknown, wrong } = checkedObject(raw, route);
  const problems = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  const strict = validation === 'Strict' && problems.length > 0;
  if (wrong !== undefined || strict) {
    throw invalidPatch(raw, wrong ?? `strict decoding error: ${problems.join(', ')}`);
  }
  if (!isMap(next.metadata)) throw badRequest('the patch removes the metadata');
  checkName(route, next);
  if (next.metadata.uid !== current.metadata.uid) {
    const problem = invalid('metadata.uid', next.metadata.uid, 'field is immutable');
    // The generic check and that of the kind both say so (recorded).
    throw invalidObject(info, route.name!, info.schemas === undefined ? [problem, problem] : [problem]);
  }
  checkVersion(route, next, current);
  return { object: update(context, current, next, dryRun), warnings: validation === 'Warn' ? problems : [] };
}

/** The configuration in an apply patch. @throws StatusError 400 and 500 */
function appliedIn(context: WriteContext): KubeObject {
  const { route, request } = context;
  const { info } = route;
  const body = bodyOf(request, info.kind);
  if (typeof body.apiVersion !== 'string' || typeof body.kind !== 'string') {
    throw badRequest(`invalid object type: ${String(body.apiVersion ?? '/')}, Kind=${String(body.kind ?? '')}`);
  }
  checkKind(body, route);
  const { object, unknown, wrong } = checkedObject(body, route);
  const { name = '', namespace = '' } = (isMap(body.metadata) ? body.metadata : {}) as {
    name?: unknown;
    namespace?: unknown;
  };
  const place = `${String(namespace)}/${typeof name === 'string' ? name : ''}`;
  const type = apiVersion(info.group, route.version);
  const shown = `${type.includes('/') ? type : `/${type}`}, Kind=${info.kind}`;
  const [first] = unknown;
  const why = wrong ?? (first === undefined ? undefined : `.${first}: field not declared in schema`);
  if (why !== undefined) {
    throw new StatusError(500, undefined, `failed to create typed patch object (${place}; ${shown}): ${why}`);
  }
  const stored = info.versions[0];
  if (info.schemas !== undefined && stored !== undefined && stored !== route.version) {
    const lost = checkStructure(body, info.schemas.get(stored) ?? {}).unknown[0];
    if (lost !== undefined) {
      throw new StatusError(500, undefined, `failed to convert new object: .${lost}: field not declared in schema`);
    }
  }
  return inNamespace(object, route);
}

function applyObject(context: WriteContext, dryRun: boolean): Written {
  const { store, route, request } = context;
  const { info } = route;
  if (!request.query.has('fieldManager')) {
    throw invalidOptions('PatchOptions', required('fieldManager', 'is required for apply patch'));
  }
  const applied = appliedIn(context);
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
    if (isAlwaysEmpty(info.name)) throw notModelled(info.name);
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
    return { object: store.create(info.name, inStoredVersion(route, draft), { dryRun }), created: true };
  }
  checkVersion(route, applied, current);
  const { status, spec: _spec, ...rest } = applied;
  const { status: _ignored, ...owning } = applied;
  const part = route.subresource === 'status' ? { ...rest, status } : info.status ? owning : applied;
  const result = serverSideApply(current, part as KubeObject, by);
  if (route.subresource === 'status') {
    validate(route, result, current);
    return { object: store.replace(info, current, result, { subresource: 'status', dryRun }) };
  }
  fillIn(route, result);
  admitUpdate(info.name, result);
  validate(route, result, current);
  return { object: store.replace(info, current, result, { dryRun }) };
}
