/**
 * Messages of Kubernetes' protobuf encoding as the values that JSON has in their place (data/protobuf, derived by
 * scripts/derive-protobuf.ts from the published generated.proto files and the tags of the Go types).
 *
 * As Go's decoders do, fields that are not known are passed over without a word.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { JsonMap } from './json.ts';

/** By number: name in JSON, type, and whether a zero is left out; what they may be is told in scripts/protobuf-messages.ts. */
type Fields = Readonly<Record<string, readonly [name: string, type: string, omitted?: 1]>>;

let loaded: Readonly<Record<string, Fields>> | undefined;
function messages(): Readonly<Record<string, Fields>> {
  loaded ??= JSON.parse(
    gunzipSync(readFileSync(new URL('../../../data/protobuf/messages.json.gz', import.meta.url))).toString(),
  ) as Readonly<Record<string, Fields>>;
  return loaded;
}

/** Is there such a message? `name`: apiVersion and kind, `apps/v1.Deployment`. */
export const isMessage = (name: string): boolean => Object.hasOwn(messages(), name);

/** Deeper messages are refused; only the schemas in CustomResourceDefinitions contain themselves. */
const DEEPEST = 200;

const second = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
const micros = (nanos: unknown): string => String(Math.floor(Number(nanos) / 1000)).padStart(6, '0');

/** Messages that are a text or a number in JSON; Go's zero time has no fields, and is null. */
const VALUES: Readonly<Record<string, (message: JsonMap) => unknown>> = {
  'meta.k8s.io/v1.Time': ({ seconds }) => (seconds === undefined ? undefined : `${second(seconds)}Z`),
  'meta.k8s.io/v1.MicroTime': ({ seconds, nanos = 0 }) =>
    seconds === undefined ? undefined : `${second(seconds)}.${micros(nanos)}Z`,
  'intstr.IntOrString': ({ type, intVal = 0, strVal = '' }) => (type === 1 ? strVal : intVal),
};

/** The value of a message; `name` is one that there is. @throws Error in Go's words, for bytes that are no such message */
export function readMessage(bytes: Buffer, name: string, depth = 0): unknown {
  const value = readFields(bytes, name, messages()[name]!, depth);
  const put = VALUES[name];
  return put === undefined ? value : put(value as JsonMap);
}

/** Wire type of texts, bytes, messages and entries of maps, which a length stands before; and those of what has none. */
const WITH_LENGTH = 2;
const WIRE_TYPES: Readonly<Record<string, number>> = { bool: 0, int: 0, double: 1 };

/** The value of a field from what stands for it. */
function fieldValue(type: string, raw: bigint | Buffer, depth: number): unknown {
  if (typeof raw === 'bigint') return type === 'bool' ? raw !== 0n : Number(BigInt.asIntN(64, raw));
  if (type === 'double') return raw.readDoubleLE();
  if (type === 'string') return raw.toString();
  if (type === 'bytes') return raw.toString('base64');
  if (type === 'json') return raw.length === 0 ? undefined : JSON.parse(raw.toString());
  return readMessage(raw, type, depth + 1);
}

function readFields(bytes: Buffer, message: string, fields: Fields, depth: number): unknown {
  if (depth > DEEPEST) throw new Error('proto: exceeded maximum depth');
  const out: JsonMap = {};
  const reader = wireReader(bytes);
  while (reader.more()) {
    const tag = reader.varint();
    const wire = Number(tag & 7n);
    const short = message.split('.').at(-1);
    if (wire === 4) throw new Error(`proto: ${short}: wiretype end group for non-group`);
    if (tag < 8n) throw new Error(`proto: ${short}: illegal tag 0 (wire type ${wire})`);
    const [name, declared, omitted] = fields[String(tag >> 3n)] ?? [];
    if (name === undefined || declared === undefined) {
      reader.value(wire);
      continue;
    }
    const type = declared.replace(/^\W+/, '');
    const map = declared.startsWith('{}');
    if (wire !== (map ? WITH_LENGTH : (WIRE_TYPES[type] ?? WITH_LENGTH))) {
      const field = name === 'metadata' ? 'ObjectMeta' : name.charAt(0).toUpperCase() + name.slice(1);
      throw new Error(`proto: wrong wireType = ${wire} for field ${field}`);
    }
    const raw = reader.value(wire);
    if (map) {
      const entry = readFields(raw as Buffer, message, { 1: ['key', 'string'], 2: ['value', type] }, depth) as JsonMap;
      out[name] ??= {};
      // Assigned, a key such as __proto__ would be something else.
      const value = entry.value ?? (type === 'string' || type === 'bytes' ? '' : null);
      Object.defineProperty(out[name], String(entry.key ?? ''), { value, ...ORDINARY });
      continue;
    }
    const value = fieldValue(type, raw, depth);
    if (declared.startsWith('[]')) {
      out[name] ??= [];
      (out[name] as unknown[]).push(value);
    } else if (name === '') Object.assign(out, value);
    else if (value !== undefined && !(omitted && (value === '' || value === 0 || value === false))) out[name] = value;
  }
  return fields[1]?.[0] === '=' ? out['='] : out;
}

const ORDINARY = { writable: true, enumerable: true, configurable: true };

/** Reads what a message consists of, from its beginning to its end. */
function wireReader(bytes: Buffer) {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('unexpected EOF');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error('proto: integer overflow');
  };
  return {
    more: (): boolean => at < bytes.length,
    varint,
    value: (wire: number): bigint | Buffer => {
      if (wire === 0) return varint();
      // Groups are a thing of the past: nothing of Kubernetes has any.
      const length = wire === WITH_LENGTH ? Number(varint()) : { 1: 8, 5: 4 }[wire];
      if (length === undefined) throw new Error(`proto: illegal wireType ${wire}`);
      at += length;
      if (at > bytes.length) throw new Error('unexpected EOF');
      return bytes.subarray(at - length, at);
    },
  };
}
