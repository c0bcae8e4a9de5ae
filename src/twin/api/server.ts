/**
 * The embedded API server: a synchronous function from request to response over the store, and watches. One request is
 * one atomic step. It knows no sockets; see in-process-transport.ts and http-server.ts.
 */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { ApiRequest, ApiResponse } from '../../kube/transport.ts';
import { NetworkNotModelled } from '../network/packet.ts';
import type { Cancel, ResourceName } from '../world.ts';
import { discovery } from './discovery.ts';
import { objectText } from './json.ts';
import { proxyToPod } from './pod-proxy.ts';
import { apiVersion } from './registry.ts';
import { PathNotFound, parseRoute, type Route } from './route.ts';
import { parseFieldSelector } from './selectors.ts';
import { methodNotAllowed, noSuchResource, notFound, notModelled, StatusError, statusBody } from './status.ts';
import type { Store } from './store.ts';
import { bindPod, evictPod, finalizeNamespace, readScale, writeScale } from './subresources.ts';
import { createWatchHub, matcher, namespaceFilter, type WatchSink } from './watch-hub.ts';
import { createObject, deleteObject, patchObject, putObject, type WriteContext } from './writing.ts';

export type { WatchSink } from './watch-hub.ts';

/** A request without what only the transport needs. */
export type ServerRequest = Pick<ApiRequest, 'method' | 'path' | 'query' | 'headers' | 'body'>;

/** What came of an attempt to reach a pod from the API server. */
export type ProxyOutcome =
  | { readonly status: number; readonly body: string }
  /** As Go words it: `dial tcp 10.0.0.1:8080: connect: connection refused`. */
  | { readonly error: string };

export interface ApiServerOptions {
  readonly store: Store;
  /** Exact version, such as 1.34.11, for /version. */
  readonly kubernetesVersion: string;
  /** GET to a port of a pod as the API server's node reaches it; the path has no leading slash and keeps its query. */
  readonly proxy?: (pod: Pod, port: number, path: string) => ProxyOutcome;
  /** Does any API server serve? Asked before every request. */
  readonly available?: () => boolean;
  /** The object as it is read at this moment, for fields that nobody writes all the time (lease and heartbeat times). */
  readonly view?: (resource: ResourceName, object: KubeObject) => KubeObject;
}

export interface ApiServer {
  /** False: connections are refused. */
  available(): boolean;
  /** Is this request answered with a stream? */
  isWatch(request: ServerRequest): boolean;
  handle(request: ServerRequest): ApiResponse;
  /** Opens a watch on the sink, or returns the refusal. */
  watch(request: ServerRequest, sink: WatchSink): { readonly cancel: Cancel } | { readonly refused: ApiResponse };
  /** Breaks every open watch; to be called when an API server's process ends. */
  dropConnections(): void;
}

/** An API server over a store. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store } = options;
  const hub = createWatchHub(store);
  const available = options.available ?? ((): boolean => true);
  const viewOf = (route: Route) => (object: KubeObject) => options.view?.(route.info.name, object) ?? object;

  const answer = (request: ServerRequest): ApiResponse => {
    const { path, method } = request;
    const plain = method === 'GET' ? outsideResources(path, options) : undefined;
    if (plain !== undefined) return plain;
    return dispatch(request, parseRoute(path, store.registry), options, viewOf);
  };

  return {
    available,
    isWatch: (request) => {
      const value = request.query.get('watch');
      if (request.method !== 'GET' || value === undefined || value === '0' || value === 'false') return false;
      // On the path of one object the parameter is ignored (recorded).
      return isCollection(request.path, store);
    },
    handle: (request) => guarded(() => answer(request), request.path, store),
    watch: (request, sink) => {
      let cancel: Cancel | undefined;
      const refused = guarded(
        () => {
          const route = parseRoute(request.path, store.registry);
          cancel = hub.open(route, request.query, viewOf(route), sink);
          return json(200, '');
        },
        request.path,
        store,
      );
      return cancel === undefined ? { refused } : { cancel };
    },
    dropConnections: () => hub.dropAll(),
  };
}

function isCollection(path: string, store: Store): boolean {
  try {
    return parseRoute(path, store.registry).name === undefined;
  } catch {
    return false;
  }
}

/** Runs a handler and turns what it throws into the answer of a real API server. */
function guarded(handler: () => ApiResponse, path: string, store: Store): ApiResponse {
  try {
    return handler();
  } catch (error) {
    if (error instanceof StatusError) return status(error);
    if (error instanceof PathNotFound) return unknownPath(path, store);
    if (error instanceof NetworkNotModelled) {
      return status(notModelled(error.message));
    }
    throw error;
  }
}

const json = (code: number, body: string): ApiResponse => ({
  status: code,
  headers: { 'content-type': 'application/json' },
  body,
});

const text = (code: number, body: string): ApiResponse => ({
  status: code,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

function status(error: StatusError): ApiResponse {
  const answer = json(error.code, JSON.stringify(statusBody(error)));
  const wait = error.details?.retryAfterSeconds;
  return wait === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(wait) } };
}

/** An aggregated API answers for its group, or 503 while its server is away; any other unknown path is plain text. */
function unknownPath(path: string, store: Store): ApiResponse {
  const [, root, group, version] = path.split('/');
  if (root === 'apis' && group !== undefined && version !== undefined) {
    const service = store.get<KubeObject>('apiservices.apiregistration.k8s.io', `${version}.${group}`);
    const conditions = (service?.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions;
    if (conditions?.some((one) => one.type === 'Available' && one.status === 'True') === true) {
      return status(notModelled(`the aggregated API ${version}.${group}`));
    }
    if (service !== undefined) return text(503, 'service unavailable\n');
  }
  return text(404, '404 page not found\n');
}

function outsideResources(path: string, options: ApiServerOptions): ApiResponse | undefined {
  if (path === '/readyz' || path === '/livez' || path === '/healthz') return text(200, 'ok');
  const found = discovery(path, options.store, options.kubernetesVersion);
  return found === undefined ? undefined : json(200, JSON.stringify(found));
}

function dispatch(
  request: ServerRequest,
  route: Route,
  options: ApiServerOptions,
  viewOf: (route: Route) => (object: KubeObject) => KubeObject,
): ApiResponse {
  const { store } = options;
  const { info, name, subresource } = route;
  const { method } = request;
  const context: WriteContext = { store, route, request };
  const one = (code: number, object: KubeObject): ApiResponse => {
    const type = { kind: object.kind ?? info.kind, apiVersion: object.apiVersion ?? '' };
    const own =
      object.kind === info.kind ? { kind: info.kind, apiVersion: apiVersion(info.group, route.version) } : type;
    return json(code, objectText(object, own));
  };

  if (subresource !== undefined && subresource !== 'status') {
    const key = `${info.name}/${subresource}`;
    if (info.scale && subresource === 'scale') {
      if (method === 'GET') return one(200, readScale(context));
      if (method === 'PATCH' || method === 'PUT') return one(200, writeScale(context));
      throw methodNotAllowed();
    }
    if (key === 'pods/eviction' || key === 'pods/binding') {
      if (method !== 'POST') throw methodNotAllowed();
      const done = key === 'pods/eviction' ? evictPod(context) : bindPod(context);
      return json(201, JSON.stringify(done));
    }
    if (key === 'namespaces/finalize' && method === 'PUT') return one(200, finalizeNamespace(context));
    if (key === 'pods/proxy') {
      if (method !== 'GET') throw notModelled(`${method} through the pod proxy`);
      return proxyToPod(route, request, store, options.proxy);
    }
    if (['pods/log', 'pods/exec', 'pods/attach', 'pods/portforward', 'services/proxy', 'nodes/proxy'].includes(key)) {
      throw notModelled(key);
    }
    throw noSuchResource();
  }
  if (subresource === 'status' && !info.status) throw noSuchResource();

  if (name === undefined) {
    if (method === 'GET') return json(200, listText(request, route, store, viewOf(route)));
    if (method === 'POST' && (!info.namespaced || route.namespace !== undefined)) {
      return one(201, createObject(context));
    }
    if (method === 'DELETE') throw notModelled('deletion of collections');
    throw methodNotAllowed();
  }
  switch (method) {
    case 'GET': {
      const object = store.get<KubeObject>(info.name, name, route.namespace);
      if (object === undefined) throw notFound(info, name);
      return one(200, viewOf(route)(object));
    }
    case 'PUT': {
      const { object, created } = putObject(context);
      return one(created ? 201 : 200, object);
    }
    case 'PATCH': {
      const { object, created } = patchObject(context);
      return one(created ? 201 : 200, object);
    }
    case 'DELETE': {
      if (subresource !== undefined) throw methodNotAllowed();
      const left = deleteObject(context);
      return left.kind === 'Status' ? json(200, JSON.stringify(left)) : one(200, left as KubeObject);
    }
    case 'POST':
      throw methodNotAllowed();
    default:
      // HEAD and OPTIONS reach this over HTTP.
      throw methodNotAllowed();
  }
}

function listText(
  request: ServerRequest,
  route: Route,
  store: Store,
  view: (object: KubeObject) => KubeObject,
): string {
  const { info, version, namespace } = route;
  const { query } = request;
  if (query.get('resourceVersionMatch') === 'Exact') throw notModelled('lists of an exact resourceVersion');
  const matches = matcher(route, query);
  const { nodeName } = parseFieldSelector(query.get('fieldSelector'), info);
  const candidates =
    nodeName !== undefined
      ? (store.podsOnNode(nodeName) as unknown as KubeObject[])
      : store.list<KubeObject>(info.name, namespaceFilter(namespace));
  const type = { kind: info.kind, apiVersion: apiVersion(info.group, version) };
  // Items of built-in lists carry no type, those of custom resources do.
  const itemType = info.schemas === undefined ? undefined : type;
  const items = candidates.filter(matches).map((object) => objectText(view(object), itemType));
  const head = JSON.stringify({
    kind: `${info.kind}List`,
    apiVersion: type.apiVersion,
    metadata: { resourceVersion: String(store.resourceVersion()) },
  });
  return `${head.slice(0, -1)},"items":[${items.join(',')}]}`;
}
