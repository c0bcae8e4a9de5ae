/** The narrow port to the Kubernetes API. Every caller of the API, on the twin and on kind, goes through this. */
import type { KubeObject } from './objects.ts';

/** A kind of object and where the API serves it; `T` is the object's type. Constants in `resources.ts`. */
export interface Resource<T = KubeObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural as in the URL. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set; carries the object's type. */
  readonly __type?: T;
}

export interface ObjectRef {
  readonly name: string;
  /** Required for namespaced resources. */
  readonly namespace?: string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the call fails with {@link ApiUnreachable}; 30 s unless given. */
  readonly timeoutMs?: number | undefined;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when left out. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ObjectList<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions extends ListOptions {
  /** Where to go on; as given by a list, an event or a bookmark. */
  readonly resourceVersion: string;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Delete only the object with this uid (409 otherwise). */
  readonly uid?: string;
}

export type PatchType = 'merge' | 'json' | 'strategic';

export interface ProxyAnswer {
  readonly status: number;
  readonly body: string;
}

export interface KubeApi {
  /** @throws KubeError (404 when it does not exist), ApiUnreachable */
  get<T>(resource: Resource<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** One consistent list, with kind and apiVersion of each item left as the API sends them. */
  list<T>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /**
   * Watches until the signal aborts (resolves), or the stream ends (resolves) or fails (rejects).
   * The handler is called synchronously, line by line.
   * @throws KubeError with code 410 when the resourceVersion is too old, ApiUnreachable
   */
  watch<T>(resource: Resource<T>, options: WatchOptions, onEvent: (event: WatchEvent<T>) => void): Promise<void>;
  create<T>(resource: Resource<T>, object: T, options?: CallOptions): Promise<T>;
  /** Server-side apply as field manager `cni-rehearsal`, with force. */
  apply<T>(resource: Resource<T>, object: KubeObject, options?: CallOptions): Promise<T>;
  patch<T>(
    resource: Resource<T>,
    ref: ObjectRef,
    type: PatchType,
    body: unknown,
    options?: CallOptions & { readonly subresource?: 'status' | 'scale' },
  ): Promise<T>;
  delete(resource: Resource<unknown>, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Evicts a pod of exactly this uid. @throws KubeError: 429 when a budget forbids it, 404 when gone. */
  evict(pod: ObjectRef & { readonly uid?: string }, options?: CallOptions): Promise<void>;
  /** GET through the API server's pod proxy. An answer of the pod, whatever its status, resolves; `proxyError` of the API server rejects as KubeError. */
  proxyPod(pod: ObjectRef & { readonly port: number }, path: string, options?: CallOptions): Promise<ProxyAnswer>;
  /** GET of a path outside the resources, such as `/readyz` or `/version`. */
  raw(path: string, options?: CallOptions): Promise<ProxyAnswer>;
}

/** The API answered, and the answer is an error. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status. */
  readonly code: number;
  /** `reason` of the Status object, such as NotFound, Conflict, Expired. */
  readonly reason: string;
  readonly request: string;
  constructor(code: number, reason: string, message: string, request: string) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.request = request;
  }
}

/** The API did not answer: connection refused or reset, time-out, TLS. Says nothing about any object. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
  readonly request: string;
  constructor(message: string, request: string, options?: ErrorOptions) {
    super(message, options);
    this.request = request;
  }
}
