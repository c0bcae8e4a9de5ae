/**
 * OpenAPI v2 as kubectl reads it: the definitions of kinds in the protobuf form of gnostic (openapiv2/OpenAPIv2.proto), by which
 * it judges Lists before it sends their items. Paths and descriptions are left out; the JSON form is refused by name.
 */
import { isMap, type JsonMap } from './json.ts';

export const V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Fields of the messages, by number. */
const DOCUMENT = { swagger: 1, info: 2, paths: 8, definitions: 9 };
const INFO = { title: 1, version: 2 };
const NAMED = { name: 1, value: 2 };
const ENTRIES = 1;
const SCHEMA = { ref: 1, format: 2, additional: 21, type: 22, items: 23, properties: 25, extension: 31 };
const ANY_YAML = 2;

const LENGTH_DELIMITED = 2;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return [...bytes, left];
}

function field(number: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([Buffer.from(varint(number * 8 + LENGTH_DELIMITED)), Buffer.from(varint(bytes.length)), bytes]);
}

const named = (name: string, value: Buffer): Buffer =>
  field(ENTRIES, Buffer.concat([field(NAMED.name, name), field(NAMED.value, value)]));

/** One schema of OpenAPI v3, in the words of v2. */
function schema(from: JsonMap): Buffer {
  const [only] = Array.isArray(from.allOf) ? (from.allOf as unknown[]) : [];
  const ref = from.$ref ?? (isMap(only) ? only.$ref : undefined);
  if (typeof ref === 'string') return field(SCHEMA.ref, ref.replace('#/components/schemas/', '#/definitions/'));
  const parts: Buffer[] = [];
  if (typeof from.format === 'string') parts.push(field(SCHEMA.format, from.format));
  if (isMap(from.additionalProperties)) {
    parts.push(field(SCHEMA.additional, field(ENTRIES, schema(from.additionalProperties))));
  }
  if (typeof from.type === 'string') parts.push(field(SCHEMA.type, field(ENTRIES, from.type)));
  if (isMap(from.items)) parts.push(field(SCHEMA.items, field(ENTRIES, schema(from.items))));
  if (isMap(from.properties)) {
    const all = Object.entries(from.properties).map(([name, inner]) => named(name, schema(isMap(inner) ? inner : {})));
    parts.push(field(SCHEMA.properties, Buffer.concat(all)));
  }
  const kinds = from[GVK];
  if (kinds !== undefined) {
    // JSON is YAML.
    const value = field(ANY_YAML, `${JSON.stringify(kinds)}\n`);
    parts.push(field(SCHEMA.extension, Buffer.concat([field(NAMED.name, GVK), field(NAMED.value, value)])));
  }
  return Buffer.concat(parts);
}

const GVK = 'x-kubernetes-group-version-kind';

/** The document, one byte a character. */
export function openApiV2(schemas: Readonly<Record<string, JsonMap>>, version: string): string {
  const definitions = Object.entries(schemas).map(([name, one]) => named(name, schema(one)));
  return Buffer.concat([
    field(DOCUMENT.swagger, '2.0'),
    field(DOCUMENT.info, Buffer.concat([field(INFO.title, 'Kubernetes'), field(INFO.version, version)])),
    field(DOCUMENT.paths, ''),
    field(DOCUMENT.definitions, Buffer.concat(definitions)),
  ]).toString('latin1');
}
