/**
 * The embedded API server: a synchronous function from request to response over the store, and watches. One request is
 * one atomic step. It knows no sockets; see in-process-transport.ts and http-server.ts.
 */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { ApiRequest, ApiResponse } from '../../kube/transport.ts';
import { NetworkNotModelled } from '../network/packet.ts';
import type { Cancel, ResourceName } from '../world.ts';
import { deleteCollection, deleteObject } from './deleting.ts';
import { listPage, versionAsked } from './listing.ts';
import { createdInV1 } from './old-autoscaler.ts';
import { outsideResources } from './outside-resources.ts';
import { proxyToPod } from './pod-proxy.ts';
import { encoded, type Form, negotiate, negotiateWatch, type Renderer, rendererOf } from './representation.ts';
import { review } from './reviews.ts';
import { asWatch, PathNotFound, parseRoute, type Route } from './route.ts';
import { proxyToService } from './service-proxy.ts';
import {
  badRequest,
  methodNotAllowed,
  noSuchResource,
  notFound,
  notModelled,
  StatusError,
  statusBody,
} from './status.ts';
import type { Store } from './store.ts';
import { bindPod, evictPod, finalizeNamespace, readScale, writeScale } from './subresources.ts';
import { isUnservedSubresource } from './unserved.ts';
import { createWatchHub, type WatchSink } from './watch-hub.ts';
import { createObject, patchObject, putObject, type WriteContext, type Written } from './writing.ts';

export type { WatchSink } from './watch-hub.ts';

/** A request without what only the transport needs. */
export type ServerRequest = Omit<Pick<ApiRequest, 'method' | 'path' | 'query' | 'headers' | 'body'>, 'method'> & {
  readonly method: ApiRequest['method'] | 'HEAD' | 'OPTIONS';
};

/** An answer; each warning is a header line of its own. */
export interface ServerAnswer extends ApiResponse {
  readonly warnings?: readonly string[];
}

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
  handle(request: ServerRequest): ServerAnswer;
  /** Opens a watch on the sink, or returns the refusal. */
  watch(request: ServerRequest, sink: WatchSink): { readonly cancel: Cancel } | { readonly refused: ServerAnswer };
  /** Breaks every open watch; to be called when an API server's process ends. */
  dropConnections(): void;
}

/** An API server over a store. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store } = options;
  const hub = createWatchHub(store);
  const available = options.available ?? ((): boolean => true);
  const viewOf = (route: Route) => (object: KubeObject) => options.view?.(route.info.name, object) ?? object;

  const answer = (request: ServerRequest): ServerAnswer => {
    refuseOthers(request);
    if (request.method === 'GET' || request.method === 'HEAD') {
      const plain = outsideResources(request, store, options.kubernetesVersion);
      if (plain !== undefined) return plain;
    }
    const judged = review(request, () => store.time.now());
    if (judged !== undefined) return json(201, JSON.stringify(judged));
    const handle = (one: ServerRequest): ServerAnswer =>
      dispatch(one, parseRoute(one.path, store.registry), options, viewOf);
    return createdInV1(request, handle) ?? handle(request);
  };

  return {
    available,
    isWatch: (request) => request.method === 'GET' && watchedRoute(request, store) !== undefined,
    handle: (request) => {
      const found = deprecated(
        guarded(() => answer(request), request.path, store),
        request.path,
        store,
      );
      return request.method === 'HEAD' ? { ...found, body: '' } : found;
    },
    watch: (request, sink) => {
      let cancel: Cancel | undefined;
      const refused = guarded(
        () => {
          refuseOthers(request);
          const { query, headers } = request;
          const route = watchedRoute(request, store) ?? parseRoute(request.path, store.registry);
          const renderer = rendererOf(negotiateWatch(headers.accept, query), route, store);
          cancel = hub.open({ route, query, view: viewOf(route), renderer }, sink);
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

/** The route of a request that is answered with a stream. On the path of one object the parameter is ignored (recorded). */
function watchedRoute({ path, query }: ServerRequest, store: Store): Route | undefined {
  const value = query.get('watch');
  const asked = value !== undefined && value !== '0' && value !== 'false';
  try {
    const legacy = asWatch(path);
    if (legacy !== undefined) return parseRoute(legacy, store.registry);
    if (!asked) return undefined;
    const route = parseRoute(path, store.registry);
    return route.name === undefined ? route : undefined;
  } catch {
    return undefined;
  }
}

/** Everybody is the administrator; to act as somebody else would need the roles that are not modelled. */
function refuseOthers({ headers }: ServerRequest): void {
  if (headers['impersonate-user'] !== undefined) throw notModelled('impersonation');
}

/** Runs a handler and turns what it throws into the answer of a real API server. */
function guarded(handler: () => ServerAnswer, path: string, store: Store): ServerAnswer {
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

const ENDPOINTS = /^\/api\/v1\/(namespaces\/[^/]+\/)?endpoints(\/|$)/;

/** Every answer about Endpoints warns (since 1.33). */
function deprecated(answer: ServerAnswer, path: string, store: Store): ServerAnswer {
  if (!ENDPOINTS.test(path) || (store.registry.get('endpoints')?.minor ?? 0) < 33) return answer;
  const text = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice';
  return { ...answer, warnings: [...(answer.warnings ?? []), warningLine(text)] };
}

const json = (code: number, body: string, type = 'application/json'): ServerAnswer => ({
  status: code,
  headers: { 'content-type': type },
  // Go's encoder ends every document with a line feed; YAML has it already.
  body: type === 'application/json' && !body.endsWith('\n') ? `${body}\n` : body,
});

const text = (code: number, body: string): ServerAnswer => ({
  status: code,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

function status(error: StatusError): ServerAnswer {
  const answer = json(error.code, JSON.stringify(statusBody(error)));
  const wait = error.details?.retryAfterSeconds;
  return wait === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(wait) } };
}

/** An aggregated API answers for its group, or 503 while its server is away; any other unknown path is plain text. */
function unknownPath(path: string, store: Store): ServerAnswer {
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

function dispatch(
  request: ServerRequest,
  route: Route,
  options: ApiServerOptions,
  viewOf: (route: Route) => (object: KubeObject) => KubeObject,
): ServerAnswer {
  const { store } = options;
  const { info, name, subresource } = route;
  const { method, headers, query } = request;
  const context: WriteContext = { store, route, request };

  if (subresource !== undefined && subresource !== 'status') return dispatchSubresource(context, options);
  if (subresource === 'status' && !info.status) throw noSubresource(route);
  const collection = name === undefined;
  if (method === 'HEAD' || method === 'OPTIONS') throw methodNotAllowed();
  const form = negotiate(headers.accept, query, collection && method !== 'POST' ? 'list' : 'one', goListType(route));
  const out = answers(form, rendererOf(form, route, store));

  if (collection) {
    if (method === 'GET') {
      const { objects, meta } = listPage(route, query, store, viewOf(route));
      return out.text(200, out.renderer.list(objects, meta));
    }
    if (method === 'POST' && (!info.namespaced || route.namespace !== undefined)) {
      return out.written(createObject(context), 201);
    }
    // Namespaces know no deletion of a collection, and nobody deletes across namespaces.
    const deletes =
      method === 'DELETE' && info.name !== 'namespaces' && (!info.namespaced || route.namespace !== undefined);
    if (!deletes) throw methodNotAllowed();
    const { objects, meta } = deleteCollection(context);
    return out.text(200, out.renderer.list(objects, meta));
  }
  switch (method) {
    case 'GET': {
      versionAsked(query.get('resourceVersion') ?? '', store);
      const object = store.get<KubeObject>(info.name, name, route.namespace);
      if (object === undefined) throw notFound(info, name);
      return out.text(200, out.renderer.one(viewOf(route)(object)));
    }
    case 'PUT':
      return out.written(putObject(context), 200);
    case 'PATCH':
      return out.written(patchObject(context), 200);
    case 'DELETE': {
      if (subresource !== undefined) throw methodNotAllowed();
      const left = deleteObject(context);
      return left.kind === 'Status'
        ? json(200, JSON.stringify(left))
        : out.text(200, out.renderer.one(left as KubeObject));
    }
    case 'POST':
      throw methodNotAllowed();
    default:
      return method satisfies never;
  }
}

/** The Go type of a list, as one message names it: `core.ConfigMapList`. */
function goListType({ info }: Route): string | undefined {
  if (info.schemas !== undefined) return undefined;
  return `${info.group === '' ? 'core' : info.group.split('.')[0]}.${info.kind}List`;
}

/** How objects of a request are sent. */
function answers(form: Form, renderer: Renderer) {
  const send = (code: number, body: string): ServerAnswer => {
    const { body: out, type } = encoded(body, form);
    return json(code, out, type);
  };
  return {
    renderer,
    text: send,
    written: ({ object, created = false, warnings = [] }: Written, code: number): ServerAnswer => {
      const answer = send(created ? 201 : code, renderer.one(object));
      return warnings.length === 0 ? answer : { ...answer, warnings: warnings.map(warningLine) };
    },
  };
}

/** The value of a Warning header (RFC 7234, code 299). */
const warningLine = (text: string): string => `299 - ${JSON.stringify(text)}`;

/** Built-in kinds do not know the path; custom resources are looked for and not found (recorded). */
const noSubresource = ({ info, name }: Route): StatusError =>
  info.schemas === undefined ? noSuchResource() : notFound(info, name ?? '');

/** What the API server finds wrong before it would ask a kubelet; those it cannot reach here (501). */
function beforeKubelet({ store, route, request }: WriteContext, key: string): StatusError {
  const { info, namespace, name = '' } = route;
  if (store.get(info.name, name, namespace) === undefined) return notFound(info, name);
  const streams = key === 'pods/exec' || key === 'pods/attach';
  if (streams && request.headers.upgrade === undefined) return badRequest('Upgrade request required');
  return notModelled(key);
}

function dispatchSubresource(context: WriteContext, options: ApiServerOptions): ServerAnswer {
  const { store, route, request } = context;
  const { info, subresource } = route;
  const { method, headers, query } = request;
  const key = `${info.name}/${subresource}`;
  const one = (code: number, object: KubeObject): ServerAnswer => {
    const form = negotiate(headers.accept, query, 'one');
    return answers(form, rendererOf(form, route, store)).text(code, rendererOf(form, route, store).one(object));
  };
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
  if (key === 'namespaces/finalize') {
    if (method !== 'PUT') throw methodNotAllowed();
    return one(200, finalizeNamespace(context));
  }
  if (key === 'pods/proxy' || key === 'services/proxy') {
    if (method !== 'GET') throw notModelled(`${method} through the ${key === 'pods/proxy' ? 'pod' : 'service'} proxy`);
    return (key === 'pods/proxy' ? proxyToPod : proxyToService)(route, request, store, options.proxy);
  }
  if (isUnservedSubresource(info.name, subresource ?? '')) throw beforeKubelet(context, key);
  throw noSubresource(route);
}
