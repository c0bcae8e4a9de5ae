/**
 * OpenAPI v3: an index and one document a group version, as far as clients look: which verbs take `fieldValidation`, and the
 * fields of kinds (without descriptions). OpenAPI v2 only in protobuf, as kubectl asks for it.
 */
import { createHash } from 'node:crypto';
import type { JsonMap } from './json.ts';
import { fieldsOfType, typeOfKind } from './kind-fields.ts';
import { openApiV2, V2_TYPE } from './openapi-v2.ts';
import type { ResourceInfo } from './registry.ts';
import type { ServerAnswer, ServerRequest } from './server.ts';
import { notModelled } from './status.ts';
import type { Store } from './store.ts';

/** @throws StatusError 501 for v2 in JSON */
export function openApi(
  { path, headers }: ServerRequest,
  store: Store,
  kubernetesVersion: string,
): ServerAnswer | undefined {
  if (path === '/openapi/v2') {
    if (headers.accept?.includes('proto-openapi.spec.v2') !== true) throw notModelled('openapi/v2 in JSON');
    const all: Record<string, JsonMap> = {};
    for (const place of groupVersions(store)) Object.assign(all, documentOf(place, store).components.schemas);
    const minor = kubernetesVersion.split('.').slice(0, 2).join('.');
    return { status: 200, headers: { 'content-type': V2_TYPE }, body: openApiV2(all, minor) };
  }
  if (path === '/openapi/v3' || path === '/openapi/v3/') {
    const paths = Object.fromEntries(
      groupVersions(store).map((place) => {
        const hash = createHash('sha256')
          .update(JSON.stringify(documentOf(place, store)))
          .digest('hex')
          .toUpperCase();
        return [place, { serverRelativeURL: `/openapi/v3/${place}?hash=${hash}` }];
      }),
    );
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: JSON.stringify({ paths }) };
  }
  const place = path.replace(/^\/openapi\/v3\//, '');
  if (!groupVersions(store).includes(place)) return undefined;
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(documentOf(place, store)),
  };
}

function groupVersions(store: Store): string[] {
  const places = new Set<string>();
  for (const { group, versions } of store.registry.all()) {
    for (const version of versions) places.add(group === '' ? `api/${version}` : `apis/${group}/${version}`);
  }
  return [...places].sort();
}

function documentOf(place: string, store: Store) {
  const [, first = '', second] = place.split('/');
  const group = second === undefined ? '' : first;
  const version = second ?? first;
  const infos = store.registry.all().filter((info) => info.group === group && info.versions.includes(version));
  const schemas: Record<string, JsonMap> = {};
  const paths: Record<string, object> = {};
  for (const info of infos) {
    const name = schemaName(info, version);
    addSchema(info, version, name, schemas);
    const base = `/${place}${info.namespaced ? '/namespaces/{namespace}' : ''}/${info.plural}`;
    paths[base] = { get: operation(info, version, name, 'list'), post: operation(info, version, name, 'post') };
    paths[`${base}/{name}`] = {
      get: operation(info, version, name, 'get'),
      put: operation(info, version, name, 'put'),
      patch: operation(info, version, name, 'patch'),
      delete: operation(info, version, name, 'delete'),
    };
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'unversioned' }, paths, components: { schemas } };
}

/** Where the schema of a type stands: `V1PodSpec` as `io.k8s.api.v1.PodSpec`, of which kubectl shows the last part. */
const placeOf = (type: string): string => {
  const [, group = '', version = '', kind = type] = /^([A-Za-z]+?)?(V\d+(?:(?:alpha|beta)\d+)?)(.+)$/.exec(type) ?? [];
  return ['io.k8s.api', group, version, kind]
    .map((part) => (part === kind ? part : part.toLowerCase()))
    .filter((part) => part !== '')
    .join('.');
};

const schemaName = (info: ResourceInfo, version: string): string => {
  const type = info.schemas === undefined ? typeOfKind(info, version) : undefined;
  return type === undefined ? `${info.group}.${version}.${info.kind}` : placeOf(type);
};

const WRITES = new Set(['post', 'put', 'patch']);

function operation(info: ResourceInfo, version: string, schema: string, action: string): object {
  const text = { type: 'string', uniqueItems: true };
  const parameters = WRITES.has(action)
    ? ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ name, in: 'query', schema: text }))
    : [];
  return {
    parameters,
    responses: { '200': { description: 'OK', content: { 'application/json': { schema: { $ref: ref(schema) } } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: info.group, version, kind: info.kind },
  };
}

const ref = (name: string): string => `#/components/schemas/${name}`;

function addSchema(info: ResourceInfo, version: string, name: string, schemas: Record<string, JsonMap>): void {
  const gvk = [{ group: info.group, version, kind: info.kind }];
  const custom = info.schemas?.get(version);
  if (custom !== undefined) {
    schemas[name] = { ...custom, 'x-kubernetes-group-version-kind': gvk };
    return;
  }
  const type = typeOfKind(info, version);
  if (type !== undefined) collect(type, schemas);
  schemas[name] = { ...schemas[name], 'x-kubernetes-group-version-kind': gvk };
}

/** A type and all types that it reaches. */
function collect(type: string, schemas: Record<string, JsonMap>): void {
  const fields = fieldsOfType(type);
  const place = placeOf(type);
  if (fields === undefined || schemas[place] !== undefined) return;
  const properties: JsonMap = {};
  schemas[place] = { type: 'object', properties };
  for (const [field, inner] of Object.entries(fields)) properties[field] = schemaOf(inner, schemas);
}

const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

const PLAIN: Readonly<Record<string, JsonMap>> = {
  string: { type: 'string' },
  time: { type: 'string', format: 'date-time' },
  boolean: { type: 'boolean' },
  int: { type: 'integer' },
  number: { type: 'number' },
  any: {},
};

function schemaOf(type: string, schemas: Record<string, JsonMap>): JsonMap {
  if (type.startsWith('[]')) return { type: 'array', items: schemaOf(type.slice(2), schemas) };
  if (type.startsWith('{}')) return { type: 'object', additionalProperties: schemaOf(type.slice(2), schemas) };
  if (type === 'int-or-string') {
    schemas[INT_OR_STRING] = { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' };
    return { $ref: ref(INT_OR_STRING) };
  }
  const plain = PLAIN[type];
  if (plain !== undefined) return plain;
  collect(type, schemas);
  return { allOf: [{ $ref: ref(placeOf(type)) }], default: {} };
}
