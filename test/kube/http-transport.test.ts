/** The connection to a real API server, as kind's is: TLS both ways, on loopback, whatever proxies the machine has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiUnreachable } from '../../src/kube/api.ts';
import { createKubeApi } from '../../src/kube/client.ts';
import { createHttpTransport } from '../../src/kube/http-transport.ts';
import { nodes } from '../../src/kube/resources.ts';
import { waitFor } from '../../src/kube/wait.ts';
import { WallClock } from '../../src/time/wall-clock.ts';

const TLS = new URL('../fixtures/tls/', import.meta.url);
const pem = (name: string): Buffer => readFileSync(new URL(name, TLS));

let directory: string;
let server: Server;
let sockets: Set<Socket>;
let connections: number;
let answer: (path: string, end: (body: string) => void, line: (text: string) => void) => void;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'transport-'));
  sockets = new Set();
  connections = 0;
  answer = (_, end) => end('{"items":[],"metadata":{"resourceVersion":"1"}}');
  server = createServer(
    { key: pem('server.key'), cert: pem('server.crt'), ca: pem('ca.crt'), requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      answer(
        request.url ?? '',
        (body) => response.end(body),
        (text) => response.write(`${text}\n`),
      );
    },
  );
  server.on('secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) await close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

/** As `kind create cluster` writes it. */
function kubeconfig(): string {
  const { port } = server.address() as AddressInfo;
  const file = path.join(directory, 'kubeconfig');
  const base64 = (name: string): string => pem(name).toString('base64');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'kind-kind',
      clusters: [
        {
          name: 'kind-kind',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64('ca.crt') },
        },
      ],
      contexts: [{ name: 'kind-kind', context: { cluster: 'kind-kind', user: 'kind-kind' } }],
      users: [
        {
          name: 'kind-kind',
          user: { 'client-certificate-data': base64('client.crt'), 'client-key-data': base64('client.key') },
        },
      ],
    }),
  );
  return file;
}

async function connected() {
  const transport = await createHttpTransport({ kubeconfig: kubeconfig() });
  closers.push(() => transport.close());
  return createKubeApi({ clock: new WallClock(), transport });
}

describe('the connection to an API server', () => {
  it('keeps its connection for requests that follow each other', async () => {
    const api = await connected();
    for (let i = 0; i < 20; i++) await api.list(nodes);
    // A second one may open where the first is not free yet; without the cache there is one a request.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('goes past the proxies of the machine', async () => {
    let asked = 0;
    const proxy = createTcpServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => void proxy.close(() => resolve())));
    const { port } = proxy.address() as AddressInfo;
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']) {
      vi.stubEnv(name, `http://127.0.0.1:${port}`);
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const api = await connected();
    expect((await api.list(nodes)).items).toEqual([]);
    expect(asked).toBe(0);
  });

  it('refuses a server that its authority does not vouch for', async () => {
    const file = kubeconfig();
    const config = JSON.parse(readFileSync(file, 'utf8')) as { clusters: { cluster: Record<string, string> }[] };
    config.clusters[0]!.cluster['certificate-authority-data'] = pem('client.crt').toString('base64');
    writeFileSync(file, JSON.stringify(config));
    const transport = await createHttpTransport({ kubeconfig: file });
    closers.push(() => transport.close());
    const api = createKubeApi({ clock: new WallClock(), transport });
    await expect(api.list(nodes)).rejects.toThrow(ApiUnreachable);
  });

  it('lets a wait survive the loss of its watch', async () => {
    const node = (name: string) => ({ metadata: { name, resourceVersion: '5' } });
    let watches = 0;
    let lists = 0;
    answer = (url, end, line) => {
      if (!url.includes('watch=true')) {
        lists += 1;
        // What happened while nobody watched shows in the next list.
        end(JSON.stringify({ items: lists > 1 ? [node('a')] : [], metadata: { resourceVersion: String(lists) } }));
        return;
      }
      watches += 1;
      line(JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '2' } } }));
      if (watches === 1) for (const socket of sockets) socket.destroy();
      else line(JSON.stringify({ type: 'ADDED', object: node('b') }));
    };
    const found = await waitFor({
      api: await connected(),
      clock: new WallClock(),
      what: 'node b',
      resource: nodes,
      signal: AbortSignal.timeout(20_000),
      until: (items) => items.some(({ metadata }) => metadata.name === 'b') || 'not yet',
    });
    expect(found.map(({ metadata }) => metadata.name)).toContain('b');
    expect(watches).toBeGreaterThan(1);
  });

  it('says that a server is away when it is', async () => {
    const api = await connected();
    await api.list(nodes);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await expect(api.list(nodes)).rejects.toThrow(/refused or lost/);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
});
