/**
 * What the embedded API server does in a second: `npm run bench:api`. Lists over real HTTP, writes through the server, events
 * through watches. Nothing is asserted: a machine under load is slower, and a test that asserts a time is sometimes red.
 */
import { connect } from 'node:net';
import { randomStream } from '../src/time/random.ts';
import { VirtualClock } from '../src/time/virtual-clock.ts';
import { serveHttp } from '../src/twin/api/http-server.ts';
import { createApiServer, type ServerRequest } from '../src/twin/api/server.ts';
import { createObjectStore } from '../src/twin/api/store.ts';

const NODES = 1_000;
const PODS = 10_000;
const WRITES = 20_000;
const WATCHES = 20;

const clock = new VirtualClock({ epoch: Date.UTC(2026, 0, 1) });
const store = createObjectStore({ time: clock, random: randomStream(1, 'store') });
const server = createApiServer({ store, kubernetesVersion: '1.36.2' });
const http = await serveHttp({ clock, server });

store.create('namespaces', { metadata: { name: 'n' } });
store.create('serviceaccounts', { metadata: { name: 'default', namespace: 'n' } });
for (let i = 0; i < NODES; i++) {
  const name = `node-${i}`;
  const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    reason: 'KubeletReady',
    message: 'kubelet is posting ready status',
  }));
  store.create('nodes', { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, status: { conditions } });
}
for (let i = 0; i < PODS; i++) {
  store.create('pods', {
    metadata: { name: `pod-${i}`, namespace: 'n', labels: { app: `app-${i % 50}` } },
    spec: { nodeName: `node-${i % NODES}`, containers: [{ name: 'c', image: 'example.com/app:1' }] },
    status: { phase: 'Running', podIP: '10.0.0.1' },
  });
}

const seconds = (since: number): number => (performance.now() - since) / 1_000;
const per = (count: number, since: number): string => `${Math.round(count / seconds(since)).toLocaleString('en')}/s`;

async function list(path: string, what: string): Promise<void> {
  for (const turn of ['first', 'again']) {
    const since = performance.now();
    const text = await (await fetch(`${http.url}${path}`)).text();
    const size = (text.length / 2 ** 20).toFixed(1);
    console.log(`${what}, ${turn}: ${Math.round(seconds(since) * 1_000)} ms, ${size} MiB`);
  }
}

function request(
  method: ServerRequest['method'],
  path: string,
  body: unknown,
  type = 'application/json',
): ServerRequest {
  return { method, path, query: new Map(), headers: { 'content-type': type }, body: JSON.stringify(body) };
}

function writes(): void {
  const maps = '/api/v1/namespaces/n/configmaps';
  let since = performance.now();
  for (let i = 0; i < WRITES; i++)
    server.handle(request('POST', maps, { metadata: { name: `c${i}` }, data: { k: '1' } }));
  console.log(`creates: ${per(WRITES, since)}`);
  since = performance.now();
  for (let i = 0; i < WRITES; i++) {
    server.handle(request('PATCH', `${maps}/c${i}`, { data: { k: '2' } }, 'application/merge-patch+json'));
  }
  console.log(`merge patches: ${per(WRITES, since)}`);
  since = performance.now();
  for (let i = 0; i < WRITES; i++) {
    const status = { conditions: [{ type: 'Ready', status: i % 2 === 0 ? 'True' : 'False' }] };
    server.handle(
      request('PATCH', `/api/v1/namespaces/n/pods/pod-${i % PODS}/status`, { status }, 'application/merge-patch+json'),
    );
  }
  console.log(`status patches of pods: ${per(WRITES, since)}`);
}

async function events(): Promise<void> {
  const path = '/api/v1/namespaces/n/configmaps';
  const version = store.resourceVersion();
  let seen = 0;
  const done = Promise.withResolvers<void>();
  const changes = 5_000;
  const sockets = Array.from({ length: WATCHES }, () => {
    const socket = connect(Number(new URL(http.url).port), '127.0.0.1', () =>
      socket.write(`GET ${path}?watch=1&resourceVersion=${version} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    );
    socket.on('data', (data: Buffer) => {
      for (let at = data.indexOf('"type":"'); at >= 0; at = data.indexOf('"type":"', at + 1)) seen += 1;
      if (seen >= changes * WATCHES) done.resolve();
    });
    return socket;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const since = performance.now();
  for (let i = 0; i < changes; i++) {
    store.update('configmaps', { name: `c${i}`, namespace: 'n' }, (draft) => {
      draft.data = { k: `w${i}` };
    });
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // Marks split between two packets are not counted: the wait has an end of its own.
  await Promise.race([done.promise, new Promise((resolve) => setTimeout(resolve, 10_000))]);
  console.log(
    `watch events over ${WATCHES} sockets: ${per(seen, since)} (${seen.toLocaleString('en')} of ${(changes * WATCHES).toLocaleString('en')})`,
  );
  for (const socket of sockets) socket.destroy();
}

try {
  await list('/api/v1/nodes', `${NODES} nodes`);
  await list('/api/v1/pods', `${PODS} pods`);
  await list('/api/v1/pods?limit=500', '500 pods of them');
  writes();
  await events();
} finally {
  await http.close();
}
