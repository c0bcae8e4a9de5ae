/** The API server on a socket: what a client may do wrong harms nobody but itself. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomStream } from '../../../src/time/random.ts';
import { VirtualClock } from '../../../src/time/virtual-clock.ts';
import { type HttpServer, serveHttp } from '../../../src/twin/api/http-server.ts';
import { createApiServer } from '../../../src/twin/api/server.ts';
import { createObjectStore, type Store } from '../../../src/twin/api/store.ts';

let store: Store;
let http: HttpServer;
let port: number;

beforeAll(async () => {
  const clock = new VirtualClock({ epoch: Date.UTC(2026, 0, 1) });
  store = createObjectStore({ time: clock, random: randomStream(1, 'store') });
  store.create('namespaces', { metadata: { name: 'n' } });
  store.create('serviceaccounts', { metadata: { name: 'default', namespace: 'n' } });
  http = await serveHttp({ clock, server: createApiServer({ store, kubernetesVersion: '1.36.2' }) });
  port = Number(new URL(http.url).port);
});
afterAll(() => http.close());

const MAPS = '/api/v1/namespaces/n/configmaps';
const alive = async (): Promise<void> => {
  expect((await fetch(`${http.url}/readyz`)).status).toBe(200);
};

/** A raw connection that has sent this text. */
function raw(text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, () => resolve(socket)));
    socket.once('error', reject);
  });
}

const firstLine = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('data', (data: Buffer) => resolve(data.toString().split('\r\n')[0]!));
    socket.once('close', () => reject(new Error('closed without an answer')));
  });

describe('bodies', () => {
  test('above 3145728 bytes: 413, before the body is over', async () => {
    const socket = await raw(`POST ${MAPS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n`);
    const answer = firstLine(socket);
    socket.write(Buffer.alloc(3_145_729, 'x'));
    expect(await answer).toBe('HTTP/1.1 413 Payload Too Large');
    socket.destroy();
    await alive();
  });

  test('413 as recorded', async () => {
    const response = await fetch(`${http.url}${MAPS}`, { method: 'POST', body: 'x'.repeat(3_145_729) });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Request entity too large: limit is 3145728',
      reason: 'RequestEntityTooLarge',
      code: 413,
    });
  });

  test('a client that vanishes in the middle of its body, and one that speaks no HTTP', async () => {
    const half = await raw(`POST ${MAPS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"metadata"`);
    half.destroy();
    const noise = await raw('\u0016\u0003\u0001 this is no HTTP\r\n\r\n');
    expect(await firstLine(noise)).toBe('HTTP/1.1 400 Bad Request');
    noise.destroy();
    await alive();
  });

  test('warnings are header lines of their own', async () => {
    const body = JSON.stringify({ metadata: { name: 'w', nope: 1 }, datum: {} });
    const response = await fetch(`${http.url}${MAPS}?dryRun=All`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('warning')).toBe(
      '299 - "unknown field \\"metadata.nope\\"", 299 - "unknown field \\"datum\\""',
    );
  });
});

describe('watches', () => {
  const watchRequest = `GET ${MAPS}?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const write = (name: string, bytes: number): void => {
    store.create('configmaps', { metadata: { name, namespace: 'n' }, data: { k: 'x'.repeat(bytes) } });
    store.remove('configmaps', { name, namespace: 'n' });
  };

  test('200 at once: each gets every event', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => raw(watchRequest)));
    const seen = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let text = '';
          socket.on('data', (data: Buffer) => {
            text += data.toString();
            if (text.includes('"DELETED"')) resolve();
          });
        }),
    );
    // All are open once each has had its headers.
    await Promise.all(sockets.map((socket) => firstLine(socket)));
    write('all', 10);
    await Promise.all(seen);
    for (const socket of sockets) socket.destroy();
    await alive();
  });

  test('a client that never reads is cut off, so that what waits for it stays bounded', async () => {
    const socket = await raw(watchRequest);
    await firstLine(socket);
    socket.pause();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // 64 MB in all, in turns that let the sockets work.
    for (let i = 0; i < 64; i++) {
      for (let j = 0; j < 5; j++) write('slow', 100_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    socket.on('error', () => undefined);
    await closed;
    await alive();
  });
});

/** Any JSON, and things that look like objects of the API with any JSON inside. */
const json = fc.jsonValue({ maxDepth: 4 });
const objectLike = fc.record(
  {
    apiVersion: fc.oneof(fc.constantFrom('v1', 'apps/v1'), json),
    kind: fc.oneof(fc.constantFrom('Pod', 'ConfigMap', 'Deployment', 'Service', 'Node'), json),
    metadata: fc.oneof(
      fc.record(
        {
          name: fc.oneof(fc.constantFrom('a', 'b'), json),
          generateName: json,
          labels: json,
          annotations: json,
          finalizers: json,
          ownerReferences: json,
          managedFields: json,
          resourceVersion: json,
        },
        { requiredKeys: [] },
      ),
      json,
    ),
    spec: fc.oneof(
      fc.record(
        { containers: json, template: json, selector: json, ports: json, replicas: json, taints: json },
        { requiredKeys: [] },
      ),
      json,
    ),
    status: json,
    data: json,
  },
  { requiredKeys: [] },
);
const operations = fc.array(
  fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'test', 'move', 'copy'),
      path: fc.string(),
      from: fc.string(),
      value: json,
    },
    { requiredKeys: ['op'] },
  ),
);
const requests = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
  path: fc.oneof(
    fc.constantFrom(
      MAPS,
      `${MAPS}/a`,
      '/api/v1/namespaces/n/pods',
      '/api/v1/namespaces/n/pods/a',
      '/api/v1/namespaces/n/pods/a/status',
      '/api/v1/namespaces/n/pods/a/eviction',
      '/api/v1/namespaces/n/pods/a/binding',
      '/apis/apps/v1/namespaces/n/deployments',
      '/apis/apps/v1/namespaces/n/deployments/a',
      '/apis/apps/v1/namespaces/n/deployments/a/scale',
      '/api/v1/namespaces/n/services',
      '/api/v1/nodes',
      '/api/v1/nodes/a/status',
      '/apis/policy/v1/namespaces/n/poddisruptionbudgets',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    ),
    fc.webPath(),
  ),
  query: fc.dictionary(
    fc.constantFrom(
      'limit',
      'continue',
      'resourceVersion',
      'labelSelector',
      'fieldSelector',
      'fieldManager',
      'force',
      'dryRun',
      'fieldValidation',
      'gracePeriodSeconds',
      'pretty',
    ),
    fc.oneof(fc.string(), fc.constantFrom('true', 'All', 'Strict', '1')),
    { maxKeys: 3 },
  ),
  type: fc.constantFrom(
    'application/json',
    'application/yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
    'application/apply-patch+yaml',
    'text/plain',
  ),
  accept: fc.constantFrom(
    'application/json',
    '*/*',
    'application/yaml',
    'application/json;as=Table;v=v1;g=meta.k8s.io',
    ';;,=',
  ),
  body: fc.oneof(
    fc.json(),
    fc.string(),
    objectLike.map((value) => JSON.stringify(value)),
    operations.map((value) => JSON.stringify(value)),
  ),
});

describe('anything that a client may send', () => {
  test('is answered, and never by an internal error', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, path, query, type, accept, body }) => {
        const response = await fetch(
          `${http.url}${path.startsWith('/') ? path : `/${path}`}?${new URLSearchParams(query)}`,
          {
            method,
            headers: { 'content-type': type, accept },
            ...(method !== 'GET' && { body }),
          },
        );
        const text = await response.text();
        expect(text).not.toContain('InternalError');
        expect(response.status).toBeGreaterThanOrEqual(200);
      }),
      { numRuns: 1_500 },
    );
    await alive();
  });
});
