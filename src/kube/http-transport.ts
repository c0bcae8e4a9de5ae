/**
 * Real HTTP to an API server: client-node reads the kubeconfig, brings credentials and TLS; undici carries the requests.
 * client-node's typed clients are not used, see docs/decisions/0002-kubernetes-port.md.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { ApiUnreachable } from './api.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

export interface HttpTransportOptions {
  /** Path of a kubeconfig file, or a configuration that was loaded already. */
  readonly kubeconfig: string | KubeConfig;
  /**
   * True only for the embedded API server over loopback: hands on the place of each request in the order of issue
   * (`x-rehearsal-issue`) and the identity of watches (`twinWatch`).
   */
  readonly embedded?: boolean;
}

/** What client-node's authentication writes into; only the two methods that it calls. */
interface AuthenticationSink {
  setHeaderParam(name: string, value: string): void;
  setDispatcher(dispatcher: Dispatcher): void;
}

/** A private method of client-node's KubeConfig. */
interface DispatcherFactory {
  createDispatcher(...args: unknown[]): Dispatcher | undefined;
}

/** Opens nothing yet; the first request connects. `http:` servers are accepted when the cluster has skipTLSVerify. */
export async function createHttpTransport(options: HttpTransportOptions): Promise<Transport> {
  // client-node takes 0.4 s to import and only real connections need it.
  const [{ KubeConfig }, undici] = await Promise.all([import('./kube-config.ts'), import('undici')]);
  let config: KubeConfig;
  if (typeof options.kubeconfig === 'string') {
    config = new KubeConfig();
    config.loadFromFile(options.kubeconfig);
  } else {
    config = options.kubeconfig;
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || cluster === undefined) throw new Error('the kubeconfig names no current cluster');
  const server = cluster.server.replace(/\/+$/, '');
  if (server.startsWith('http:') && cluster.skipTLSVerify !== true) {
    throw new Error(`${server} is plain HTTP; its kubeconfig must say insecure-skip-tls-verify: true`);
  }

  // createDispatcher of client-node 2.0.1 makes a new Agent, and with it a new connection, for every request as soon as
  // any TLS option is set (always on kind). The first one is kept here and used for all.
  const dispatchers = config as unknown as DispatcherFactory;
  const make = dispatchers.createDispatcher.bind(config);
  let kept: Dispatcher | undefined;
  dispatchers.createDispatcher = (...args) => {
    kept ??= make(...args) ?? new undici.Agent();
    return kept;
  };

  const open = async (request: ApiRequest): Promise<Dispatcher.ResponseData> => {
    const headers: Record<string, string> = { ...request.headers };
    const sink: AuthenticationSink = {
      setHeaderParam: (name, value) => {
        headers[name.toLowerCase()] = value;
      },
      setDispatcher: () => undefined,
    };
    await config.applySecurityAuthentication(sink as Parameters<typeof config.applySecurityAuthentication>[0]);
    if (options.embedded === true) headers['x-rehearsal-issue'] = String(request.issue);
    request.signal?.throwIfAborted();
    return undici.request(urlOf(server, request, options.embedded === true), {
      method: request.method as Dispatcher.HttpMethod,
      headers,
      body: request.body ?? null,
      ...(kept !== undefined && { dispatcher: kept }),
      // Time limits are the caller's, on the caller's clock; a watch may rest for minutes.
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(request.signal !== undefined && { signal: request.signal }),
    });
  };

  return {
    request: async (request) => {
      try {
        return await responseOf(await open(request));
      } catch (error) {
        throw lost(error, request);
      }
    },
    stream: async (request, onOpen, onLine) => {
      try {
        const response = await open(request);
        if (response.statusCode !== 200) return await responseOf(response);
        onOpen();
        const lines = createLineSplitter(onLine);
        for await (const chunk of response.body) lines.push(chunk as Uint8Array);
        lines.end();
        return undefined;
      } catch (error) {
        if (request.signal?.aborted === true) return undefined;
        throw lost(error, request);
      }
    },
    close: async () => {
      await kept?.destroy();
    },
  };
}

function urlOf(server: string, request: ApiRequest, embedded: boolean): string {
  const search = new URLSearchParams([...request.query]);
  if (embedded && request.watch !== undefined) search.set('twinWatch', String(request.watch));
  const query = search.toString();
  return `${server}${request.path}${query === '' ? '' : `?${query}`}`;
}

async function responseOf(response: Dispatcher.ResponseData): Promise<ApiResponse> {
  const body = await response.body.text();
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: response.statusCode, headers, body };
}

function lost(error: unknown, request: ApiRequest): Error {
  if (request.signal?.aborted === true) return request.signal.reason as Error;
  if (error instanceof ApiUnreachable) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  // The client words it for people; the code inside the cause says what happened.
  return Object.assign(new Error(cause.message, { cause }), { code: (cause as { code?: string }).code });
}
