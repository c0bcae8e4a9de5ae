/** A registry of images on loopback, which Docker asks without TLS, that has none and says so in a way of choice. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Refusal = 'no such image' | 'too many requests' | 'unavailable' | 'denied';

/** As Docker Hub and the registry's specification word it (opencontainers/distribution-spec, error codes). */
const ANSWERS: Readonly<Record<Refusal, { status: number; body: object | string }>> = {
  'no such image': { status: 404, body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] } },
  'too many requests': {
    status: 429,
    body: { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] },
  },
  unavailable: { status: 503, body: '<html>try later</html>' },
  denied: { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] } },
};

export interface Registry extends AsyncDisposable {
  /** As in `127.0.0.1:5000`. */
  readonly host: string;
}

export async function startRegistry(refusal: Refusal): Promise<Registry> {
  const { status, body } = ANSWERS[refusal];
  const server = createServer((request, response) => {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (request.url === '/v2/') {
      response.end('{}');
      return;
    }
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
