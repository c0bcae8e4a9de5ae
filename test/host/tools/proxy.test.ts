/** Through a proxy, and past it. */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findProgram } from '../../../src/host/find-program.ts';
import { setUpTools } from '../../../src/host/tools/set-up.ts';
import { WallClock } from '../../../src/time/wall-clock.ts';
import { asset, assetPath, Publisher, sha256 } from './publisher.ts';

const run = promisify(execFile);
const portOf = (server: Server | TlsServer): number => (server.address() as AddressInfo).port;

/** A proxy that knows only one way for every name: to this port of loopback. */
async function startProxy(target: number, options: { authorization?: string } = {}) {
  const seen: string[] = [];
  const allowed = (given: string | undefined): boolean =>
    options.authorization === undefined || given === options.authorization;
  const proxy = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    if (!allowed(incoming.headers['proxy-authorization'])) {
      outgoing.writeHead(407).end();
      return;
    }
    const { pathname } = new URL(incoming.url!);
    const onward = request({ host: '127.0.0.1', port: target, path: pathname, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    onward.end();
  });
  proxy.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    if (!allowed(incoming.headers['proxy-authorization'])) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const onward = connect(target, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    for (const [one, other] of [
      [onward, socket],
      [socket, onward],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    seen,
    url: `http://127.0.0.1:${portOf(proxy)}`,
    close: async () => {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

let directory: string;
let publisher: Publisher;
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-proxy-'));
  publisher = await Publisher.start();
  publisher.publish('kind', '0.31.0');
});
afterEach(async () => {
  await publisher[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const at = assetPath('kind', '0.31.0');

function setUp(base: string, variables: Record<string, string>) {
  return setUpTools(
    { kind: { version: '0.31.0' } },
    {
      clock: new WallClock(),
      signal: new AbortController().signal,
      log: () => undefined,
      environment: { PATH: '/usr/bin:/bin', RUNNER_TOOL_CACHE: directory, ...variables },
      downloadBaseUrl: base,
    },
  );
}

describe('http', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('%s: names are looked up by the proxy', async (variable) => {
    const proxy = await startProxy(publisher.port);
    try {
      await setUp('http://tools.example', { [variable]: proxy.url });
      expect(proxy.seen).toEqual([`GET http://tools.example${at}.sha256sum`, `GET http://tools.example${at}`]);
    } finally {
      await proxy.close();
    }
  });

  test('NO_PROXY is gone past', async () => {
    const proxy = await startProxy(publisher.port);
    try {
      await setUp(publisher.url, { HTTP_PROXY: proxy.url, NO_PROXY: 'localhost,127.0.0.1' });
      expect(proxy.seen).toEqual([]);
      expect(publisher.count(at)).toBe(1);
    } finally {
      await proxy.close();
    }
  });

  test('a name and a password for the proxy', async () => {
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    const proxy = await startProxy(publisher.port, { authorization });
    try {
      const refused = setUp('http://tools.example', { HTTP_PROXY: proxy.url });
      await expect(refused).rejects.toMatchObject({
        cause: 'network',
        message: expect.stringContaining('write name and password into the variable'),
      });
      expect(proxy.seen).toHaveLength(1);
      await setUp('http://tools.example', { HTTP_PROXY: proxy.url.replace('//', '//me:secret@') });
    } finally {
      await proxy.close();
    }
  });
});

const openssl = findProgram('openssl', process.env.PATH);
describe.skipIf(openssl === undefined)('https (openssl makes the certificate)', () => {
  let secure: TlsServer;
  let certificate: string;
  beforeEach(async () => {
    certificate = path.join(directory, 'certificate.pem');
    const key = path.join(directory, 'key.pem');
    const subject = ['-subj', '/CN=tools.example', '-addext', 'subjectAltName=DNS:tools.example'];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate];
    execFileSync(openssl!, [...args, ...subject], { stdio: 'ignore' });
    const bytes = asset('kind', '0.31.0');
    secure = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (incoming, response) => {
      response.end(incoming.url === at ? bytes : `${sha256(bytes)}  ${path.basename(at)}\n`);
    });
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
  });
  afterEach(async () => {
    secure.closeAllConnections();
    secure.close();
    await once(secure, 'close');
  });

  test('HTTPS_PROXY tunnels, and NODE_EXTRA_CA_CERTS is trusted', async () => {
    const proxy = await startProxy(portOf(secure));
    try {
      const program = path.join(import.meta.dirname, 'tools-program.ts');
      const env = {
        PATH: '/usr/bin:/bin',
        RUNNER_TOOL_CACHE: path.join(directory, 'cache'),
        HTTPS_PROXY: proxy.url,
        NODE_EXTRA_CA_CERTS: certificate,
        TEST_BASE_URL: 'https://tools.example',
      };
      const { stdout } = await run(process.execPath, [program], { env });
      expect(JSON.parse(stdout)).toMatchObject({ says: 'kind v0.31.0 go1.26.3 linux/amd64\n' });
      expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT tools.example:443']));
    } finally {
      await proxy.close();
    }
  });

  test('a tunnel that the proxy refuses without a name', async () => {
    const proxy = await startProxy(portOf(secure), { authorization: 'Basic x' });
    try {
      await expect(setUp('https://tools.example', { HTTPS_PROXY: proxy.url })).rejects.toMatchObject({
        cause: 'network',
        message: expect.stringContaining('write name and password into the variable'),
      });
      expect(proxy.seen).toHaveLength(1);
    } finally {
      await proxy.close();
    }
  });

  test('a certificate that nobody vouches for is no reason to try again, and the remedy is named', async () => {
    const refused = setUp(`https://127.0.0.1:${portOf(secure)}`, {});
    await expect(refused).rejects.toMatchObject({
      cause: 'network',
      message: expect.stringContaining('name its authority in NODE_EXTRA_CA_CERTS'),
    });
  });
});
