/** Writes protobuf by hand, for tests: what a client's encoder would send, and what none would. */

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A field: integers as varints, everything else with its length. */
export function field(number: number, value: number | bigint | boolean | string | Buffer): Buffer {
  if (typeof value === 'boolean') return field(number, value ? 1 : 0);
  if (typeof value === 'number' || typeof value === 'bigint')
    return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

/** Fields of a message after one another. */
export const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);

/** A message in the envelope of Kubernetes. */
export const enveloped = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  message(Buffer.from('k8s\0'), field(1, message(field(1, apiVersion), field(2, kind))), field(2, raw));
