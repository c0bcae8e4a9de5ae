/** What the contract is held against: the embedded cluster, or any cluster that a kubeconfig names. */
import { KubeConfig } from '@kubernetes/client-node';
import { createHttpTransport } from '../../src/kube/http-transport.ts';
import type { ApiRequest } from '../../src/kube/transport.ts';
import { RecordedCluster } from '../twin/api/replay/cluster.ts';

export type JsonMap = Record<string, unknown>;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the cases look into bodies of many kinds
  readonly body: any;
}

export interface Target {
  readonly call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** The events of a watch until `enough` of them are there or the time is over. */
  readonly watch: (
    path: string,
    enough: (events: readonly WatchEvent[]) => boolean,
    act?: () => Promise<void>,
  ) => Promise<WatchEvent[]>;
  /** Lets the cluster work for a while. */
  readonly pause: (ms: number) => Promise<void>;
  /** Do kubelets run, so that pods become Ready and end? */
  readonly kubelets: boolean;
  readonly close: () => Promise<void>;
}

export interface WatchEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly object: any;
}

const WATCH_MS = 30_000;
const STEP_MS = 100;

/** The twin with its controllers and a kubelet that only pretends, in virtual time. */
export function embeddedTarget(): Target {
  const cluster = new RecordedCluster({ forOnlookers: true });
  const pause = (ms: number): Promise<void> => {
    cluster.run(ms);
    return Promise.resolve();
  };
  return {
    call: (method, path, body, headers) => {
      const answer = cluster.call(method, path, body, { ...(body !== undefined && JSON_TYPE), ...headers });
      // The next request of a client comes a little later.
      cluster.run(5);
      return Promise.resolve(answer);
    },
    watch: async (path, enough, act) => {
      const stream = cluster.watch(path);
      await act?.();
      for (let waited = 0; waited < WATCH_MS && !enough(stream.lines as WatchEvent[]); waited += STEP_MS)
        cluster.run(STEP_MS);
      stream.cancel();
      return stream.refused === undefined
        ? (stream.lines as WatchEvent[])
        : [{ type: 'REFUSED', object: stream.refused.body }];
    },
    pause,
    kubelets: true,
    close: () => Promise.resolve(),
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** A cluster behind a kubeconfig. */
export async function clusterTarget(kubeconfig: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const transport = await createHttpTransport({ kubeconfig: config });
  const requestOf = (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): ApiRequest => {
    const [plain = '', search = ''] = path.split('?', 2);
    return {
      method: method as ApiRequest['method'],
      path: plain,
      query: new Map(new URLSearchParams(search)),
      headers: { accept: 'application/json', ...(body !== undefined && JSON_TYPE), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      issue: 0,
      signal: signal ?? AbortSignal.timeout(30_000),
    };
  };
  const call: Target['call'] = async (method, path, body, headers = {}) => {
    const answer = await transport.request(requestOf(method, path, body, headers));
    return { status: answer.status, body: parsed(answer.body) };
  };
  const nodes = (await call('GET', '/api/v1/nodes')).body as {
    items: { status?: { conditions?: { type: string; status: string }[] } }[];
  };
  return {
    call,
    watch: async (path, enough, act) => {
      const events: WatchEvent[] = [];
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), WATCH_MS);
      const opened = Promise.withResolvers<void>();
      const streaming = transport.stream(requestOf('GET', path, undefined, {}, stop.signal), opened.resolve, (line) => {
        events.push(JSON.parse(line) as WatchEvent);
        if (enough(events)) stop.abort();
      });
      const ended = streaming.then(
        (refused) => refused && void events.push({ type: 'REFUSED', object: parsed(refused.body) }),
        (error: unknown) => {
          if (!stop.signal.aborted) throw error;
        },
      );
      try {
        await Promise.race([opened.promise, ended]);
        await act?.();
        await ended;
      } finally {
        clearTimeout(timer);
        stop.abort();
      }
      return events;
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    kubelets: nodes.items.some(
      (node) => node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true,
    ),
    close: () => transport.close(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
