/**
 * The one implementation of the Kubernetes port. The same code runs on the twin and on kind: only the transport below it
 * differs. Every call is counted by the clock at its outermost promise (docs/decisions/0001-virtual-time.md).
 */
import { type Clock, DeadlineExceeded } from '../time/clock.ts';
import {
  ApiUnreachable,
  type CallOptions,
  type DeleteOptions,
  type KubeApi,
  KubeError,
  type ListOptions,
  type ObjectList,
  type ObjectRef,
  type PatchType,
  type ProxyAnswer,
  type Resource,
  type WatchEvent,
  type WatchOptions,
} from './api.ts';
import type { KubeObject } from './objects.ts';
import { apiVersionOf } from './resources.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

/** Under this name our writes stand in managedFields. */
export const FIELD_MANAGER = 'cni-rehearsal';
const TIMEOUT_MS = 30_000;
/** The API server sends a bookmark every 60 s (recorded); a watch that stays silent much longer has lost its server. */
const SILENCE_MS = 150_000;

const CONTENT_TYPES: Record<PatchType | 'apply', string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

interface Call {
  readonly method: ApiRequest['method'];
  readonly path: string;
  readonly query?: Record<string, string | undefined>;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly options?: CallOptions | undefined;
}

/** The port over a connection. Closing the transport is the caller's. */
export function createKubeApi({ clock, transport }: { clock: Clock; transport: Transport }): KubeApi {
  const send = (call: Call): Promise<ApiResponse> =>
    clock.track(async (issue) => {
      const timeoutMs = call.options?.timeoutMs ?? TIMEOUT_MS;
      using limit = clock.deadline(timeoutMs, call.options?.signal);
      try {
        return await transport.request(requestOf(call, issue, limit.signal));
      } catch (error) {
        throw explain(error, call, call.options?.signal);
      }
    });

  const ask = async <T>(call: Call): Promise<T> => {
    const response = await send(call);
    if (response.status >= 300) throw errorOf(response, call);
    return parse<T>(response.body, call);
  };

  const answer = async (call: Call): Promise<ProxyAnswer> => {
    const { status, body, headers } = await send(call);
    return proxyAnswer({ status, body, headers }, call);
  };

  return {
    get: (resource, ref, options) => ask({ method: 'GET', path: objectPath(resource, ref), options }),

    list: async <T>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>> => {
      const list = await ask<{ items: T[] | null; metadata: { resourceVersion: string } }>({
        method: 'GET',
        path: collectionPath(resource, options?.namespace),
        query: { labelSelector: options?.labelSelector, fieldSelector: options?.fieldSelector },
        options,
      });
      return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion };
    },

    watch: (resource, options, onEvent) => watch(clock, transport, resource, options, onEvent),

    create: (resource, object, options) =>
      ask({
        method: 'POST',
        path: collectionPath(resource, namespaceOf(object)),
        query: { fieldManager: FIELD_MANAGER },
        contentType: 'application/json',
        body: withType(resource, object),
        options,
      }),

    apply: (resource, object, options) =>
      ask({
        method: 'PATCH',
        path: objectPath(resource, { name: object.metadata.name, namespace: object.metadata.namespace }),
        query: { fieldManager: FIELD_MANAGER, force: 'true' },
        contentType: CONTENT_TYPES.apply,
        body: withType(resource, object),
        options,
      }),

    patch: (resource, ref, type, body, options) =>
      ask({
        method: 'PATCH',
        path: objectPath(resource, ref) + (options?.subresource === undefined ? '' : `/${options.subresource}`),
        query: { fieldManager: FIELD_MANAGER },
        contentType: CONTENT_TYPES[type],
        body,
        options,
      }),

    delete: async (resource, ref, options: DeleteOptions = {}) => {
      await ask({
        method: 'DELETE',
        path: objectPath(resource, ref),
        contentType: 'application/json',
        body: {
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          propagationPolicy: options.propagation ?? 'Background',
          ...(options.gracePeriodSeconds !== undefined && { gracePeriodSeconds: options.gracePeriodSeconds }),
          ...(options.uid !== undefined && { preconditions: { uid: options.uid } }),
        },
        options,
      });
    },

    evict: async (pod, options) => {
      await ask({
        method: 'POST',
        path: `${podPath(pod)}/eviction`,
        contentType: 'application/json',
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: pod.name, namespace: pod.namespace },
          ...(pod.uid !== undefined && { deleteOptions: { preconditions: { uid: pod.uid } } }),
        },
        options,
      });
    },

    proxyPod: (pod, path, options) => {
      const [pathOnly = '', search = ''] = path.replace(/^\//, '').split('?', 2);
      return answer({
        method: 'GET',
        path: `${podPath({ ...pod, name: `${pod.name}:${pod.port}` })}/proxy/${pathOnly}`,
        query: Object.fromEntries(new URLSearchParams(search)),
        options,
      });
    },

    raw: async (path, options) => {
      const [pathOnly = '', search = ''] = path.split('?', 2);
      const call: Call = {
        method: 'GET',
        path: pathOnly,
        query: Object.fromEntries(new URLSearchParams(search)),
        options,
      };
      const { status, body } = await send(call);
      return { status, body };
    },
  };
}

async function watch<T>(
  clock: Clock,
  transport: Transport,
  resource: Resource<T>,
  options: WatchOptions,
  onEvent: (event: WatchEvent<T>) => void,
): Promise<void> {
  const call: Call = {
    method: 'GET',
    path: collectionPath(resource, options.namespace),
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    },
  };
  if (options.signal?.aborted === true) return;
  const ticket = clock.openWatch();
  // The ticket is closed at the moment of the abort, not when the transport has noticed it: lines on their way must no
  // longer hold time.
  const stop = (): void => ticket.close();
  options.signal?.addEventListener('abort', stop, { once: true });
  let failure: Error | undefined;
  const ended = new AbortController();
  const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
  let heardAt = clock.monotonic();
  const onLine = (line: string): void => {
    heardAt = clock.monotonic();
    try {
      if (signal.aborted || line === '') return;
      const event = parse<{ type: string; object: KubeObject }>(line, call);
      if (event.type === 'ERROR') {
        failure = statusError(event.object as unknown as StatusBody, call);
        return;
      }
      onEvent(
        event.type === 'BOOKMARK'
          ? { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' }
          : ({ type: event.type, object: event.object } as unknown as WatchEvent<T>),
      );
    } catch (error) {
      // A handler that fails ends its watch and nobody else's.
      failure ??= error instanceof Error ? error : new Error(String(error));
      ended.abort(failure);
    } finally {
      ticket.handled();
    }
  };
  const guard = async (): Promise<void> => {
    while (!signal.aborted) {
      const rest = heardAt + SILENCE_MS - clock.monotonic();
      if (rest <= 0) {
        failure = new ApiUnreachable(`the watch was silent for ${SILENCE_MS / 1000} s`, requestText(call));
        ended.abort(failure);
        return;
      }
      await clock.sleep(rest, signal).catch(() => undefined);
    }
  };
  const guarded = guard();
  try {
    const request = requestOf(call, ticket.issue, signal);
    const refused = await transport.stream({ ...request, watch: ticket.id }, () => ticket.opened(), onLine);
    if (failure !== undefined) throw failure;
    if (refused !== undefined) throw errorOf(refused, call);
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (aborted(options.signal)) return;
    throw error instanceof KubeError ? error : explain(error, call, options.signal);
  } finally {
    options.signal?.removeEventListener('abort', stop);
    ticket.close();
    ended.abort();
    await guarded;
  }
}

function requestOf(call: Call, issue: number, signal: AbortSignal): ApiRequest {
  const query = new Map<string, string>();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, value);
  return {
    method: call.method,
    path: call.path,
    query,
    headers: {
      accept: 'application/json',
      'user-agent': FIELD_MANAGER,
      ...(call.contentType !== undefined && { 'content-type': call.contentType }),
    },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    signal,
    issue,
  };
}

const encode = encodeURIComponent;

/** A function, so that the compiler does not take an earlier look at the signal for the present one. */
const aborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

function collectionPath(resource: Resource<unknown>, namespace: string | undefined): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const inside = resource.namespaced && namespace !== undefined ? `/namespaces/${encode(namespace)}` : '';
  return `${root}${inside}/${resource.plural}`;
}

function objectPath(resource: Resource<unknown>, ref: ObjectRef): string {
  if (resource.namespaced && ref.namespace === undefined) {
    throw new Error(`${resource.kind} ${ref.name} needs a namespace`);
  }
  return `${collectionPath(resource, ref.namespace)}/${encode(ref.name)}`;
}

function podPath(pod: ObjectRef): string {
  if (pod.namespace === undefined) throw new Error(`pod ${pod.name} needs a namespace`);
  // The colon between name and port stays as it is: the API server splits the path segment at it.
  return `/api/v1/namespaces/${encode(pod.namespace)}/pods/${encode(pod.name).replace('%3A', ':')}`;
}

function namespaceOf(object: unknown): string | undefined {
  return (object as KubeObject).metadata.namespace;
}

function withType(resource: Resource<unknown>, object: unknown): KubeObject {
  const { apiVersion, kind, ...rest } = object as KubeObject;
  return { apiVersion: apiVersion ?? apiVersionOf(resource), kind: kind ?? resource.kind, ...rest } as KubeObject;
}

const requestText = (call: Call): string => `${call.method} ${call.path}`;

function parse<T>(text: string, call: Call): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    // A cut body is a broken connection, whatever status came before it.
    throw new ApiUnreachable('the API sent an answer that is not complete JSON', requestText(call), { cause: error });
  }
}

interface StatusBody {
  readonly kind?: string;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
}

/** The Status in the body of an answer; undefined: the body is none (text of a proxy, a page). */
export function statusIn(body: string): StatusBody | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const parsed = JSON.parse(body) as StatusBody & { apiVersion?: string };
    return parsed.kind === 'Status' && parsed.apiVersion === 'v1' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function statusError(status: StatusBody, call: Call): KubeError {
  return new KubeError(status.code ?? 500, status.reason ?? '', status.message ?? '', requestText(call));
}

function errorOf(response: ApiResponse, call: Call): KubeError {
  const status = statusIn(response.body);
  if (status !== undefined) return statusError({ ...status, code: status.code ?? response.status }, call);
  // Unknown groups and unavailable aggregated APIs answer plain text (recorded: `404 page not found`).
  return new KubeError(response.status, '', response.body.trim(), requestText(call));
}

/**
 * What came through the pod proxy. An answer of the pod resolves whatever its status is; a failure Status in the body is
 * the API server's own word about the pod (unknown, no address, connection refused) and rejects.
 */
function proxyAnswer(response: ApiResponse, call: Call): ProxyAnswer {
  if (response.status >= 400) {
    const status = statusIn(response.body);
    if (status !== undefined) throw statusError({ ...status, code: status.code ?? response.status }, call);
  }
  return { status: response.status, body: response.body };
}

/** Codes with which a connection fails on the way: which of them comes first is a race and says nothing. */
const CONNECTION_LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
]);

function explain(error: unknown, call: Call, signal: AbortSignal | undefined): Error {
  if (signal?.aborted === true) return reasonOf(signal);
  if (error instanceof ApiUnreachable || error instanceof KubeError) return error;
  const text = requestText(call);
  if (error instanceof DeadlineExceeded) {
    return new ApiUnreachable(`no answer within ${error.limitMs / 1000} s`, text, { cause: error });
  }
  const code = codeOf(error);
  const message =
    code !== undefined && CONNECTION_LOST.has(code)
      ? 'the connection was refused or lost'
      : error instanceof Error
        ? error.message
        : String(error);
  return new ApiUnreachable(message, text, { cause: error });
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}
