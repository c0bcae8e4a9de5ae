/**
 * The part of JSON Schema draft-07 that Cilium's charts use (type, properties, items, anyOf, oneOf, enum, minimum, maximum:
 * counted over the schemas of 1.16 to 1.20), with the error texts of the validator in Helm 3.18 and later
 * (santhosh-tekuri/jsonschema v6).
 */
import { isObject } from './merge.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function hasType(value: unknown, wanted: string): boolean {
  return wanted === 'integer' ? Number.isInteger(value) : typeOf(value) === wanted;
}

const quote = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));

function check(schema: Schema, value: unknown, at: string, indent: string): string[] {
  const line = (text: string): string => `${indent}- at '${at}': ${text}`;
  const wanted = schema.type === undefined ? [] : [schema.type].flat();
  if (wanted.length > 0 && !wanted.some((type) => hasType(value, type)))
    return [line(`got ${typeOf(value)}, want ${wanted.join(' or ')}`)];
  const errors: string[] = [];
  if (schema.enum !== undefined && !schema.enum.includes(value))
    errors.push(line(`value must be one of ${schema.enum.map(quote).join(', ')}`));
  if (typeof value === 'number' && schema.minimum !== undefined && value < schema.minimum)
    errors.push(line(`minimum: got ${value}, want ${schema.minimum}`));
  if (typeof value === 'number' && schema.maximum !== undefined && value > schema.maximum)
    errors.push(line(`maximum: got ${value}, want ${schema.maximum}`));
  if (isObject(value) && schema.properties !== undefined)
    for (const key of Object.keys(schema.properties).sort())
      if (key in value) errors.push(...check(schema.properties[key]!, value[key], `${at}/${key}`, indent));
  if (Array.isArray(value) && schema.items !== undefined)
    for (const [i, item] of value.entries()) errors.push(...check(schema.items, item, `${at}/${i}`, indent));
  for (const word of ['anyOf', 'oneOf'] as const) {
    const branches = schema[word];
    if (branches === undefined) continue;
    const failed = branches.map((branch) => check(branch, value, at, `${indent}  `));
    const passed = failed.filter((branch) => branch.length === 0).length;
    if (passed === 0) errors.push(line(`'${word}' failed`), ...failed.flat());
    else if (word === 'oneOf' && passed > 1) errors.push(line(`'oneOf' failed, subschemas matched: ${passed}`));
  }
  return errors;
}

/** Lines of the validator's complaint; empty when the values are valid. */
export function validate(schema: unknown, values: unknown): string[] {
  return check(schema as Schema, values, '', '');
}
