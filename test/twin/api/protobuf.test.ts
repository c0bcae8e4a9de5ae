/** Bodies in protobuf: read as the JSON that would have brought the same object, or refused as a real server does. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomStream } from '../../../src/time/random.ts';
import { VirtualClock } from '../../../src/time/virtual-clock.ts';
import { type HttpServer, serveHttp } from '../../../src/twin/api/http-server.ts';
import { fromProtobuf, PROTOBUF } from '../../../src/twin/api/protobuf.ts';
import { isMessage } from '../../../src/twin/api/protobuf-message.ts';
import { createRegistry } from '../../../src/twin/api/registry.ts';
import { createApiServer } from '../../../src/twin/api/server.ts';
import { StatusError } from '../../../src/twin/api/status.ts';
import { createObjectStore } from '../../../src/twin/api/store.ts';
import { enveloped, field, message, varint } from './protobuf-bytes.ts';

type Json = Record<string, unknown>;

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/protobuf/${name}`, import.meta.url));

/** What a body says to a server that wants this kind at this path. */
const decoded = (body: Buffer, wanted = 'Pod', path = '/api/v1/namespaces/n/pods'): unknown =>
  fromProtobuf({ method: 'POST', path, query: new Map(), headers: {}, body: body.toString('latin1') }, wanted);

/** A value without nulls, which a server takes for absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]));
}

const OBJECTS = JSON.parse(gunzipSync(fixture('objects.json.gz')).toString()) as {
  file: string;
  json: Json;
  protobuf: string;
}[];

describe("Kubernetes' own test data, every field of every kind", () => {
  test.each(OBJECTS)('$file', ({ json, protobuf }) => {
    expect(withoutNulls(decoded(Buffer.from(protobuf, 'base64')))).toEqual(withoutNulls(json));
  });

  test('every kind that is served has a message', () => {
    const kinds = createRegistry()
      .all()
      .flatMap(({ group, versions, kind }) =>
        versions.map((version) => `${group === '' ? '' : `${group}/`}${version}.${kind}`),
      );
    expect(kinds.length).toBeGreaterThan(40);
    expect(kinds.filter((kind) => !isMessage(kind))).toEqual([]);
  });
});

const spec = (...fields: Buffer[]): Buffer => field(2, message(...fields));

/** Message and value, of what no test data has. */
const VALUES: readonly [what: string, apiVersion: string, kind: string, raw: Buffer, expected: Json][] = [
  ['nothing', 'v1', 'ConfigMap', message(), {}],
  [
    'empty texts and zeros that Go leaves out',
    'v1',
    'Pod',
    message(field(1, message(field(1, 'p'), field(3, ''), field(7, 0))), spec(field(3, ''), field(11, false))),
    { metadata: { name: 'p' }, spec: {} },
  ],
  [
    'zeros that pointers point to, and texts that are always there',
    'v1',
    'Pod',
    spec(field(4, 0), field(21, false), field(2, field(1, ''))),
    { spec: { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{ name: '' }] } },
  ],
  ['a number below zero', 'scheduling.k8s.io/v1', 'PriorityClass', field(2, -5n), { value: -5 }],
  ['the zero time', 'v1', 'Pod', field(1, field(8, '')), { metadata: {} }],
  [
    'the beginning of 1970',
    'v1',
    'Pod',
    field(1, field(8, message(field(1, 0), field(2, 0)))),
    { metadata: { creationTimestamp: '1970-01-01T00:00:00Z' } },
  ],
  [
    'a time of day with its millionths',
    'coordination.k8s.io/v1',
    'Lease',
    spec(field(4, message(field(1, 1_700_000_000), field(2, 12_345_678)))),
    { spec: { renewTime: '2023-11-14T22:13:20.012345Z' } },
  ],
  [
    'a number or a text',
    'policy/v1',
    'PodDisruptionBudget',
    spec(
      field(1, message(field(1, 0), field(2, 3), field(3, ''))),
      field(3, message(field(1, 1), field(2, 0), field(3, '50%'))),
    ),
    { spec: { minAvailable: 3, maxUnavailable: '50%' } },
  ],
  [
    'keys that mean something to JavaScript',
    'v1',
    'ConfigMap',
    field(2, message(field(1, '__proto__'), field(2, 'x'))),
    { data: Object.fromEntries([['__proto__', 'x']]) },
  ],
  ['a key without value', 'v1', 'Secret', field(2, field(1, 'k')), { data: { k: '' } }],
  [
    'fields of a later version, of every wire type',
    'v1',
    'ConfigMap',
    message(
      field(900, 'x'),
      field(901, 5),
      Buffer.concat([varint((902 << 3) | 1), Buffer.alloc(8)]),
      Buffer.concat([varint((903 << 3) | 5), Buffer.alloc(4)]),
      field(4, true),
    ),
    { immutable: true },
  ],
  [
    'an APIService',
    'apiregistration.k8s.io/v1',
    'APIService',
    spec(field(2, 'g'), field(3, 'v1'), field(5, Buffer.from([1, 2])), field(7, 100), field(8, 15)),
    { spec: { group: 'g', version: 'v1', caBundle: 'AQI=', groupPriorityMinimum: 100, versionPriority: 15 } },
  ],
];

describe('values', () => {
  test.each(VALUES)('%s', (_, apiVersion, kind, raw, expected) => {
    expect(decoded(enveloped(apiVersion, kind, raw))).toEqual({ apiVersion, kind, ...expected });
  });
});

interface Recorded {
  readonly request: { method: string; path: string; contentType: string; body: string };
  readonly response: { status: number; body: Json };
}

describe('over HTTP', () => {
  let http: HttpServer;
  beforeAll(async () => {
    const clock = new VirtualClock({ epoch: Date.UTC(2026, 0, 1) });
    const store = createObjectStore({ time: clock, random: randomStream(1, 'store') });
    store.create('namespaces', { metadata: { name: 'default' } });
    http = await serveHttp({ clock, server: createApiServer({ store, kubernetesVersion: '1.36.2' }) });
  });
  afterAll(() => http.close());

  const sent = async (
    method: string,
    path: string,
    body: Buffer,
    type = PROTOBUF,
  ): Promise<{ code: number; body: Json; warning: string | null }> => {
    const headers = { 'content-type': type, accept: `${PROTOBUF},application/json` };
    const response = await fetch(`${http.url}${path}`, { method, headers, body: new Uint8Array(body) });
    const text = await response.text();
    return { code: response.status, body: JSON.parse(text) as Json, warning: response.headers.get('warning') };
  };

  const ANSWERS = (JSON.parse(fixture('answers.json').toString()) as Recorded[]).map((entry, index) => ({
    ...entry,
    title: `${index}: ${entry.request.method} ${entry.request.path}, ${entry.response.status}`,
  }));

  /** What tells one cluster from another, and the names of fields in Go. */
  const told = (status: number, body: Json): unknown => {
    const { metadata, status: outcome, ...rest } = body as { metadata: Json; status?: Json };
    const { uid: _, creationTimestamp: _at, managedFields: _by, ...named } = metadata;
    const { reason: _why, ...judged } = typeof outcome === 'object' ? outcome : { outcome };
    return { code: status, ...rest, metadata: named, status: judged };
  };

  test.each(ANSWERS)('as recorded: $title', async ({ request, response }) => {
    const { method, path, contentType, body } = request;
    const answer = await sent(method, path, Buffer.from(body, 'base64'), contentType);
    expect(told(answer.code, answer.body)).toEqual(told(response.status, response.body));
  });

  test('an object is stored as it came, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const raw = message(
      field(1, message(field(1, 'bytes'))),
      field(2, message(field(1, 'text'), field(2, 'Grüße, 世界'))),
      field(3, message(field(1, 'bytes'), field(2, bytes))),
    );
    const path = '/api/v1/namespaces/default/configmaps';
    expect((await sent('POST', `${path}?fieldValidation=Strict`, enveloped('v1', 'ConfigMap', raw))).code).toBe(201);
    const found = (await (await fetch(`${http.url}${path}/bytes`)).json()) as Json;
    expect(found).toMatchObject({
      data: { text: 'Grüße, 世界' },
      binaryData: { bytes: bytes.toString('base64') },
    });
    const again = message(field(1, field(1, 'bytes')), field(2, message(field(1, 'a'), field(2, 'b'))));
    expect((await sent('PUT', `${path}/bytes`, enveloped('v1', 'ConfigMap', again))).body).toMatchObject({
      data: { a: 'b' },
    });
    const uid = field(2, field(1, 'another'));
    const kept = await sent('DELETE', `${path}/bytes`, enveloped('v1', 'DeleteOptions', uid));
    expect(kept).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
    expect((await sent('DELETE', `${path}/bytes`, enveloped('v1', 'DeleteOptions', Buffer.alloc(0)))).code).toBe(200);
  });

  test('a kind that is not served is refused by name, whatever the body', async () => {
    const answer = await sent('POST', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', Buffer.from('rubbish'));
    expect(answer).toMatchObject({
      code: 501,
      body: { message: 'not modelled by the twin: the API group flowcontrol.apiserver.k8s.io' },
    });
  });
});

/** Either an object, or a refusal of the server; nothing else may come of any bytes. */
function answered(body: Buffer): 'object' | 'refused' {
  try {
    expect(decoded(body)).toBeTypeOf('object');
    return 'object';
  } catch (error) {
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).code).toBe(400);
    return 'refused';
  }
}

describe('bytes from anywhere', () => {
  const bodies = fc.constantFrom(...OBJECTS.map(({ protobuf }) => Buffer.from(protobuf, 'base64')));
  const kinds = fc.constantFrom(...OBJECTS.map(({ json }) => [String(json.apiVersion), String(json.kind)] as const));

  test('a body cut off anywhere', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (body, at) => void answered(body.subarray(0, at % body.length))),
      { numRuns: 500 },
    );
  });

  test('a body with some bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 });
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(bodies, changes, (body, all) => {
        const changed = Buffer.from(body);
        for (const [at, byte] of all) changed[4 + (at % (body.length - 4))] = byte;
        outcomes.add(answered(changed));
      }),
      { numRuns: 1_000 },
    );
    // Both must be seen, or the bytes that are tried are no test.
    expect(outcomes).toEqual(new Set(['object', 'refused']));
  });

  test('noise in the envelope of a kind, and without', () => {
    fc.assert(
      fc.property(kinds, fc.uint8Array({ maxLength: 200 }), ([apiVersion, kind], noise) => {
        answered(enveloped(apiVersion, kind, Buffer.from(noise)));
        answered(Buffer.concat([Buffer.from('k8s\0'), noise]));
        answered(Buffer.from(noise));
      }),
      { numRuns: 500 },
    );
  });

  test('a schema within a schema without end', () => {
    let schema: Buffer = Buffer.alloc(0);
    while (schema.length < 20_000) schema = field(28, schema);
    const raw = spec(field(7, message(field(4, field(1, schema)))));
    expect(answered(enveloped('apiextensions.k8s.io/v1', 'CustomResourceDefinition', raw))).toBe('refused');
  });
});
