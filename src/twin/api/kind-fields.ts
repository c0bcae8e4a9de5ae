/**
 * The fields of built-in kinds with their types (data/kubernetes-fields.json.gz, derived from the models of
 * @kubernetes/client-node by scripts/derive-kubernetes-fields.ts).
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isMap, type JsonMap } from './json.ts';
import type { ResourceInfo } from './registry.ts';

/** Field name to type: `string`, `int`, `number`, `boolean`, `time`, `any`, a name of another type, `[]T` or `{}T`. */
type Types = Readonly<Record<string, Readonly<Record<string, string>>>>;

let loaded: Types | undefined;
function types(): Types {
  loaded ??= JSON.parse(
    gunzipSync(readFileSync(new URL('../../../data/kubernetes-fields.json.gz', import.meta.url))).toString(),
  ) as Types;
  return loaded;
}

/** Names of types that are not VersionKind. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  events: 'CoreV1Event',
  'events.events.k8s.io': 'EventsV1Event',
};

/** The type of a built-in kind; undefined when none is known. */
export function typeOfKind(info: ResourceInfo, version: string): string | undefined {
  const name = OTHER_NAMES[info.name] ?? `${version[0]!.toUpperCase()}${version.slice(1)}${info.kind}`;
  return types()[name] === undefined ? undefined : name;
}

/** The fields of a type; undefined when it is not known. */
export const fieldsOfType = (type: string): Readonly<Record<string, string>> | undefined => types()[type];

/** What a check of a value against its type found. */
export interface Findings {
  /** Fields that the type does not have, as `spec.template.foo`, in the order of the text. */
  readonly unknown: string[];
  /** The first value of a wrong type, in the words of Go's decoder. */
  wrong?: { readonly path: string; readonly found: string; readonly field: string; readonly wanted: string };
}

const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  time: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  int: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  'int-or-string': (value) => typeof value === 'string' || Number.isInteger(value),
};

/** Fields that hold quantities, for which a number is as good as a text. */
const QUANTITIES = new Set([
  'limits',
  'requests',
  'capacity',
  'allocatable',
  'hard',
  'used',
  'overhead',
  'default',
  'defaultRequest',
  'max',
  'min',
  'maxLimitRequestRatio',
  'podFixed',
  'sizeLimit',
  'divisor',
  'value',
  'averageValue',
  'allocatedResources',
  'nominal',
]);

const GO_WORDS: Readonly<Record<string, string>> = { boolean: 'bool', int: 'int32', number: 'float64', time: 'Time' };

const wordOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === true || value === false ? 'bool' : typeof value;

/** Checks a value and gives it back without what Go's decoder would drop: nulls and fields that the type does not know. */
export function checkType(value: unknown, type: string, findings: Findings, path = '', field = ''): unknown {
  if (value === null || value === undefined) return undefined;
  const refuse = (wanted: string): unknown => {
    findings.wrong ??= { path, found: wordOf(value), field, wanted };
    return value;
  };
  if (type === 'any') return value;
  if (type.startsWith('[]')) {
    if (!Array.isArray(value)) return refuse(`[]${goType(type.slice(2))}`);
    return value.map((item, index) => checkType(item, type.slice(2), findings, `${path}[${index}]`, field) ?? null);
  }
  if (type.startsWith('{}')) {
    if (!isMap(value)) return refuse(`map[string]${goType(type.slice(2))}`);
    const inner = type.slice(2);
    const entries = Object.entries(value).map(
      ([key, item]) =>
        [key, checkType(item, inner, findings, `${path}.${key}`, field) ?? (inner === 'string' ? '' : null)] as const,
    );
    return Object.fromEntries(entries);
  }
  const check = plain[type];
  if (check !== undefined) {
    const quantity = type === 'string' && typeof value === 'number' && QUANTITIES.has(field.split('.').at(-1) ?? '');
    if (quantity) return String(value);
    return check(value) ? value : refuse(goType(type));
  }
  const fields = types()[type];
  if (fields === undefined) return value;
  if (!isMap(value)) return refuse(goType(type));
  return checkFields(value, fields, findings, path, type);
}

function checkFields(
  value: JsonMap,
  fields: Readonly<Record<string, string>>,
  findings: Findings,
  path: string,
  type: string,
): JsonMap {
  const result: JsonMap = {};
  for (const [name, inner] of Object.entries(value)) {
    const below = path === '' ? name : `${path}.${name}`;
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (known === undefined) {
      findings.unknown.push(below);
      continue;
    }
    // FieldsV1 and raw extensions are free-form.
    const checked = name === 'fieldsV1' ? inner : checkType(inner, known, findings, below, `${goType(type)}.${below}`);
    if (checked !== undefined && !isDropped(name, known, checked)) result[name] = checked;
  }
  return result;
}

/** Lists that Go writes even when they are empty. */
const KEPT_LISTS = new Set(['addresses', 'containers', 'endpoints', 'rules', 'storedVersions', 'versions']);

/** Go leaves empty maps and lists out (`omitempty`); an empty struct stays. */
function isDropped(name: string, type: string, value: unknown): boolean {
  if (type.startsWith('[]')) return Array.isArray(value) && value.length === 0 && !KEPT_LISTS.has(name);
  return type.startsWith('{}') && isMap(value) && Object.keys(value).length === 0;
}

/** `DeploymentSpec` of `V1DeploymentSpec`. */
const goType = (type: string): string => GO_WORDS[type] ?? type.replace(/^(Core|Events|Discovery)?V\d+/, '');
