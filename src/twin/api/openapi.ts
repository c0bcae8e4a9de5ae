/**
 * OpenAPI v3: an index and one document a group version, as far as clients look: which verbs take `fieldValidation`, and the
 * fields of kinds (without descriptions). OpenAPI v2 is not modelled.
 */
import { createHash } from 'node:crypto';
import type { JsonMap } from './json.ts';
import { fieldsOfType, typeOfKind } from './kind-fields.ts';
import type { ResourceInfo } from './registry.ts';
import type { ServerAnswer, ServerRequest } from './server.ts';
import { notModelled } from './status.ts';
import type { Store } from './store.ts';

/** @throws StatusError 501 for v2 */
export function openApi({ path }: ServerRequest, store: Store): ServerAnswer | undefined {
  if (path.startsWith('/openapi/v2')) throw notModelled('openapi/v2');
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

function documentOf(place: string, store: Store): object {
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

const schemaName = (info: ResourceInfo, version: string): string =>
  typeOfKind(info, version) ?? `${info.group}.${version}.${info.kind}`;

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
  collect(name, schemas);
  schemas[name] = { ...schemas[name], 'x-kubernetes-group-version-kind': gvk };
}

/** A type and all types that it reaches. */
function collect(type: string, schemas: Record<string, JsonMap>): void {
  const fields = fieldsOfType(type);
  if (fields === undefined || schemas[type] !== undefined) return;
  const properties: JsonMap = {};
  schemas[type] = { type: 'object', properties };
  for (const [field, inner] of Object.entries(fields)) properties[field] = schemaOf(inner, schemas);
}

const PLAIN: Readonly<Record<string, JsonMap>> = {
  string: { type: 'string' },
  time: { type: 'string', format: 'date-time' },
  boolean: { type: 'boolean' },
  int: { type: 'integer' },
  number: { type: 'number' },
  'int-or-string': { oneOf: [{ type: 'integer' }, { type: 'string' }] },
  any: {},
};

function schemaOf(type: string, schemas: Record<string, JsonMap>): JsonMap {
  if (type.startsWith('[]')) return { type: 'array', items: schemaOf(type.slice(2), schemas) };
  if (type.startsWith('{}')) return { type: 'object', additionalProperties: schemaOf(type.slice(2), schemas) };
  const plain = PLAIN[type];
  if (plain !== undefined) return plain;
  collect(type, schemas);
  return { allOf: [{ $ref: ref(type) }], default: {} };
}
