/**
 * Who may talk to an API server that other programs can reach: whoever knows its token, by a name of this machine.
 *
 * The token stands at the head of the path (`http://127.0.0.1:PORT/TOKEN`), because clients send no bearer token over plain
 * HTTP (client-go 1.36, tools/clientcmd/client_config.go: "only try to read the auth information if we are secure"); those
 * that do may. The Host header is checked because a page in a browser can reach loopback under a name of its own (DNS
 * rebinding).
 */
import { timingSafeEqual } from 'node:crypto';
import type { ApiResponse } from '../../kube/transport.ts';

const LOCAL_HOSTS = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/** Of a request; header names in lower case. */
export interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The path that is meant, or the answer to a request that is not let in. */
export function admitted({ path, headers }: Asked, token: string): { path: string } | { refused: ApiResponse } {
  if (!LOCAL_HOSTS.test(headers.host ?? '')) {
    const body = 'this server answers for 127.0.0.1 and localhost only\n';
    return { refused: { status: 421, headers: { 'content-type': 'text/plain; charset=utf-8' }, body } };
  }
  const [, first = '', ...rest] = path.split('/');
  if (same(first, token)) return { path: `/${rest.join('/')}` };
  if (same(/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '', token)) return { path };
  return { refused: UNAUTHORIZED };
}

const UNAUTHORIZED: ApiResponse = {
  status: 401,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  }),
};

function same(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
