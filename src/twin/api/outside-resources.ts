/** Paths that are about the API server itself: health, version, discovery, the index of paths. */
import { AGGREGATED_TYPE, aggregatedDiscovery, discovery, wantsAggregated } from './discovery.ts';
import { openApi } from './openapi.ts';
import { negotiate } from './representation.ts';
import type { ServerAnswer, ServerRequest } from './server.ts';
import type { Store } from './store.ts';

/** What is checked behind /readyz, as far as the twin has it. */
const CHECKS = ['ping', 'log', 'etcd', 'informer-sync', 'shutdown'];
const HEALTH = ['/healthz', '/livez', '/readyz'];

const text = (status: number, body: string): ServerAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

const json = (body: object, headers: Readonly<Record<string, string>> = {}): ServerAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: `${JSON.stringify(body)}\n`,
});

/** The two documents that are always laid out. */
const laidOut = (body: object): ServerAnswer => ({ ...json({}), body: JSON.stringify(body, null, 2) });

/** The answer to a GET of such a path; undefined for any other. @throws StatusError 406 */
export function outsideResources(
  request: ServerRequest,
  store: Store,
  kubernetesVersion: string,
): ServerAnswer | undefined {
  const { path, query, headers } = request;
  const health = HEALTH.find((one) => path === one || path.startsWith(`${one}/`));
  if (health !== undefined) {
    const check = path.slice(health.length + 1);
    if (check !== '' && !CHECKS.includes(check)) return text(404, '404 page not found\n');
    if (!query.has('verbose')) return text(200, 'ok');
    return text(200, `${CHECKS.map((name) => `[+]${name} ok\n`).join('')}${health.slice(1)} check passed\n`);
  }
  if (path === '/') return laidOut({ paths: pathsOf(store) });
  if (path.startsWith('/openapi/')) return openApi(request, store, kubernetesVersion);
  const both = wantsAggregated(headers.accept) ? aggregatedDiscovery(path, store) : undefined;
  if (both !== undefined) {
    const tag = { etag: both.etag };
    if (headers['if-none-match'] === both.etag) return { status: 304, headers: tag, body: '' };
    return json(both.body, { ...tag, 'content-type': AGGREGATED_TYPE });
  }
  const found = discovery(path, store, kubernetesVersion);
  if (found === undefined) return undefined;
  negotiate(headers.accept, query, 'status');
  return path.startsWith('/version') ? laidOut(found) : json(found);
}

function pathsOf(store: Store): string[] {
  const paths = new Set(['/api', '/api/v1', '/apis', '/apis/', '/openapi/v3', '/version']);
  for (const { group, versions } of store.registry.all()) {
    if (group === '') continue;
    paths.add(`/apis/${group}`);
    for (const version of versions) paths.add(`/apis/${group}/${version}`);
  }
  for (const health of HEALTH)
    for (const check of ['', ...CHECKS]) paths.add(check === '' ? health : `${health}/${check}`);
  return [...paths].sort();
}
