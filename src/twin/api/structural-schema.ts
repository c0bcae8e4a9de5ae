/**
 * Custom resources against their structural schema (apiextensions-apiserver pkg/apiserver/schema and validation): pruning,
 * defaults, and the rules that OpenAPI v3 knows. CEL rules (x-kubernetes-validations) are not evaluated.
 */
import { cloneJson, equalJson, isMap, type JsonMap } from './json.ts';
import type { FieldProblem } from './status.ts';

const mapAt = (value: unknown): JsonMap | undefined => (isMap(value) ? value : undefined);

/** The type of object metadata is Kubernetes' own; unknown fields in it are not looked for here. */
const OWN = new Set(['apiVersion', 'kind', 'metadata']);

/** The value without fields that the schema does not know, and their paths: those of a level before what lies deeper. */
export function checkStructure(value: JsonMap, schema: JsonMap): { pruned: JsonMap; unknown: string[] } {
  const unknown: string[] = [];
  const pruned = prune(value, schema, '', unknown, true) as JsonMap;
  return { pruned, unknown: unknown.sort((a, b) => a.split('.').length - b.split('.').length || (a < b ? -1 : 1)) };
}

function prune(value: unknown, schema: JsonMap | undefined, path: string, unknown: string[], root = false): unknown {
  if (Array.isArray(value)) {
    const items = mapAt(schema?.items);
    return value.map((item, index) => prune(item, items, `${path}[${index}]`, unknown));
  }
  if (!isMap(value)) return value;
  const keeps = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = root || schema?.['x-kubernetes-embedded-resource'] === true;
  const properties = mapAt(schema?.properties);
  const additional = schema?.additionalProperties;
  const result: JsonMap = {};
  for (const [name, field] of Object.entries(value)) {
    const below = path === '' ? name : `${path}.${name}`;
    const known = mapAt(properties?.[name]) ?? mapAt(additional);
    if (embedded && OWN.has(name)) result[name] = field;
    else if (known !== undefined) {
      if (field === null && known.nullable !== true) continue;
      result[name] = prune(field, known, below, unknown);
    } else if (keeps || additional === true) result[name] = field;
    else unknown.push(below);
  }
  return result;
}

/** Fills in the schema's defaults, in place. Safe to repeat. */
export function applySchemaDefaults(value: unknown, schema: JsonMap | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    for (const item of value) applySchemaDefaults(item, mapAt(schema.items));
    return;
  }
  if (!isMap(value)) return;
  for (const [name, field] of Object.entries(mapAt(schema.properties) ?? {})) {
    if (!isMap(field)) continue;
    if (value[name] === undefined && field.default !== undefined) value[name] = cloneJson(field.default);
    applySchemaDefaults(value[name], field);
  }
  const additional = mapAt(schema.additionalProperties);
  if (additional !== undefined) for (const field of Object.values(value)) applySchemaDefaults(field, additional);
}

/** What the value breaks, in the order in which a real server lists it: by path. */
export function schemaProblems(value: JsonMap, schema: JsonMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  judge(value, schema, '', problems);
  return problems.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
}

const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : isMap(value)
        ? 'object'
        : typeof value === 'number'
          ? Number.isInteger(value)
            ? 'integer'
            : 'number'
          : typeof value;

function judge(value: unknown, schema: JsonMap, path: string, problems: FieldProblem[]): void {
  const invalid = (shown: unknown, text: string, reason: FieldProblem['reason'] = 'FieldValueInvalid'): void => {
    problems.push({ field: path, reason, message: `Invalid value: ${JSON.stringify(shown)}: ${text}` });
  };
  if (value === null && schema.nullable === true) return;
  const found = typeOf(value);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const wanted = schema.type;
  const fits = wanted === found || (wanted === 'number' && found === 'integer');
  if (intOrString ? found !== 'integer' && found !== 'string' : typeof wanted === 'string' && !fits) {
    const name = intOrString ? 'integer,string' : String(wanted);
    const text = `${path} in body must be of type ${name}: ${JSON.stringify(found)}`;
    invalid(found, text, 'FieldValueTypeInvalid');
    return;
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => equalJson(one, value))) {
    const allowed = schema.enum.map((one) => JSON.stringify(one)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`;
    problems.push({ field: path, reason: 'FieldValueNotSupported', message });
  }
  const bounds = boundTexts(value, schema);
  for (const text of bounds) invalid(value, `${path} in body ${text}`);
  if (Array.isArray(value)) judgeList(value, schema, path, problems);
  else if (isMap(value)) judgeMap(value, schema, path, problems);
}

function boundTexts(value: unknown, schema: JsonMap): string[] {
  const texts: string[] = [];
  const limit = (name: string): number | undefined =>
    typeof schema[name] === 'number' ? (schema[name] as number) : undefined;
  if (typeof value === 'number') {
    const [low, high] = [limit('minimum'), limit('maximum')];
    if (low !== undefined && value < low) texts.push(`should be greater than or equal to ${low}`);
    if (high !== undefined && value > high) texts.push(`should be less than or equal to ${high}`);
  }
  if (typeof value === 'string') {
    const length = [...value].length;
    const [low, high] = [limit('minLength'), limit('maxLength')];
    if (low !== undefined && length < low) texts.push(`should be at least ${low} chars long`);
    if (high !== undefined && length > high) texts.push(`should be at most ${high} chars long`);
    if (typeof schema.pattern === 'string' && !new RegExp(schema.pattern).test(value)) {
      texts.push(`should match '${schema.pattern}'`);
    }
  }
  if (Array.isArray(value)) {
    const [low, high] = [limit('minItems'), limit('maxItems')];
    if (low !== undefined && value.length < low) texts.push(`should have at least ${low} items`);
    if (high !== undefined && value.length > high) texts.push(`must have at most ${high} items`);
  }
  return texts;
}

function judgeList(value: unknown[], schema: JsonMap, path: string, problems: FieldProblem[]): void {
  const items = mapAt(schema.items);
  if (items !== undefined)
    for (const [index, item] of value.entries()) judge(item, items, `${path}[${index}]`, problems);
  const kind = schema['x-kubernetes-list-type'];
  const keys = Array.isArray(schema['x-kubernetes-list-map-keys'])
    ? (schema['x-kubernetes-list-map-keys'] as string[])
    : [];
  if (kind !== 'map' && kind !== 'set') return;
  const seen: unknown[] = [];
  for (const [index, item] of value.entries()) {
    const key = kind === 'map' && isMap(item) ? Object.fromEntries(keys.map((name) => [name, item[name]])) : item;
    if (seen.some((one) => equalJson(one, key))) {
      const message = `Duplicate value: ${JSON.stringify(key)}`;
      problems.push({ field: `${path}[${index}]`, reason: 'FieldValueDuplicate', message });
    }
    seen.push(key);
  }
}

function judgeMap(value: JsonMap, schema: JsonMap, path: string, problems: FieldProblem[]): void {
  const place = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const name of Array.isArray(schema.required) ? (schema.required as string[]) : []) {
    if (value[name] === undefined) {
      problems.push({ field: place(name), reason: 'FieldValueRequired', message: 'Required value' });
    }
  }
  const properties = mapAt(schema.properties) ?? {};
  const additional = mapAt(schema.additionalProperties);
  for (const [name, field] of Object.entries(value)) {
    if (path === '' && OWN.has(name)) continue;
    const known = mapAt(properties[name]) ?? additional;
    if (known !== undefined && field !== undefined) judge(field, known, place(name), problems);
  }
}
