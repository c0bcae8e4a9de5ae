/** Open watches: what was before, then live events, bookmarks and the end that every stream has. */
import type { KubeObject } from '../../kube/objects.ts';
import type { Cancel, StoreEvent } from '../world.ts';
import { numberIn } from './listing.ts';
import { matcher, namespaceFilter } from './matching.ts';
import { apiVersion } from './registry.ts';
import type { Renderer } from './representation.ts';
import type { Route } from './route.ts';
import type { Match } from './selectors.ts';
import { fieldForbidden, invalidOptions, StatusError, statusBody, unsupported } from './status.ts';
import type { Store } from './store.ts';

/** Where the lines of one watch go. All are called synchronously, from within a write or a timer. */
export interface WatchSink {
  /** The headers: the watch is accepted. */
  open(): void;
  /** One line without its newline. */
  line(text: string): void;
  /** `over`: a clean end; `lost`: the connection broke because the API server is gone. */
  end(how: 'over' | 'lost'): void;
}

export interface WatchRequest {
  readonly route: Route;
  readonly query: ReadonlyMap<string, string>;
  readonly view: (object: KubeObject) => KubeObject;
  readonly renderer: Renderer;
}

export interface WatchHub {
  /** @throws StatusError when the watch is refused; nothing was written to the sink then. */
  open(request: WatchRequest, sink: WatchSink): Cancel;
  /** Ends every watch as a dying server does. */
  dropAll(): void;
}

/** Recorded: the first bookmark after 60 s, then every 60 s. */
const BOOKMARK_MS = 60_000;
/** Recorded: the last bookmark comes before the deadline of a watch that lasts longer than a minute. */
const LAST_BOOKMARK_MS = 1_250;
/** Recorded: after initial events one ordinary bookmark follows the first live event. */
const EXTRA_BOOKMARK_MS = 250;
/** kube-apiserver draws 30 to 60 minutes (--min-request-timeout); the lower end is where clients must be ready. */
const LONGEST_MS = 1_800_000;

interface Watch {
  readonly resource: string;
  readonly take: (event: StoreEvent) => void;
  readonly close: (how: 'over' | 'lost' | undefined) => void;
}

/** Watches over a store. */
export function createWatchHub(store: Store): WatchHub {
  const open = new Set<Watch>();
  // Watches of one resource are found without looking at all others: a busy run has hundreds.
  const byResource = new Map<string, Set<Watch>>();
  store.onChange('*', (event) => {
    const watches = byResource.get(event.resource);
    if (watches !== undefined) for (const watch of [...watches]) watch.take(event);
  });
  const register = (watch: Watch): void => {
    open.add(watch);
    let same = byResource.get(watch.resource);
    if (same === undefined) {
      same = new Set();
      byResource.set(watch.resource, same);
    }
    same.add(watch);
  };

  return {
    open: ({ route, query, view, renderer }, sink) => {
      const { info, version } = route;
      const matches = matcher(route, query);
      const start = startOf(query);
      const seconds = numberIn(query, 'timeoutSeconds') ?? 0;
      const bookmarks = query.get('allowWatchBookmarks') === 'true';
      const type = { kind: info.kind, apiVersion: apiVersion(info.group, version) };
      const write = (kind: string, object: KubeObject): void =>
        sink.line(`{"type":"${kind}","object":${renderer.event(view(object))}}`);
      const bookmark = (annotations?: Record<string, string>): void => {
        const metadata = { resourceVersion: String(store.resourceVersion()), ...(annotations && { annotations }) };
        sink.line(JSON.stringify({ type: 'BOOKMARK', object: { ...type, metadata, ...ZERO_VALUES[info.name] } }));
      };
      sink.open();

      const timers = new Set<Cancel>();
      const later = (ms: number, action: () => void): void => {
        const cancel = store.time.after(ms, () => {
          timers.delete(cancel);
          action();
        });
        timers.add(cancel);
      };
      let extra = false;
      const watch: Watch = {
        resource: info.name,
        take: (event) => {
          const line = transition(event, matches);
          if (line === undefined) return;
          write(line.type, line.object);
          if (!extra) return;
          extra = false;
          later(EXTRA_BOOKMARK_MS, bookmark);
        },
        close: (how) => {
          if (!open.delete(watch)) return;
          byResource.get(watch.resource)?.delete(watch);
          for (const cancel of timers) cancel?.();
          if (how !== undefined) sink.end(how);
        },
      };
      register(watch);

      if (start.initial) {
        for (const object of store.list<KubeObject>(info.name, namespaceFilter(route.namespace))) {
          if (matches(object)) write('ADDED', object);
        }
        if (start.endMark && bookmarks) {
          bookmark({ 'k8s.io/initial-events-end': 'true' });
          extra = true;
        }
      } else if (start.from !== undefined) {
        const missed = store.eventsSince(info.name, start.from);
        if (missed === undefined) {
          const text = `too old resource version: ${start.from} (${store.resourceVersion()})`;
          const body = statusBody(new StatusError(410, 'Expired', text));
          sink.line(JSON.stringify({ type: 'ERROR', object: body }));
          watch.close('over');
          return () => undefined;
        }
        for (const { event } of missed) watch.take(event);
      }

      if (bookmarks) {
        const regular = (): void => {
          bookmark();
          later(BOOKMARK_MS, regular);
        };
        later(BOOKMARK_MS, regular);
        if (seconds * 1000 > BOOKMARK_MS) later(seconds * 1000 - LAST_BOOKMARK_MS, bookmark);
      }
      later(seconds > 0 ? seconds * 1000 : LONGEST_MS, () => watch.close('over'));
      return () => watch.close(undefined);
    },
    dropAll: () => {
      for (const watch of [...open]) watch.close('lost');
    },
  };
}

/** What Go writes of an empty object beside its metadata: bookmarks are zero values of their kind (recorded). */
const ZERO_VALUES: Readonly<Record<string, object>> = {
  pods: { spec: { containers: null }, status: {} },
  'leases.coordination.k8s.io': { spec: {} },
  nodes: {
    spec: {},
    status: {
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: '',
        kernelVersion: '',
        osImage: '',
        containerRuntimeVersion: '',
        kubeletVersion: '',
        kubeProxyVersion: '',
        operatingSystem: '',
        architecture: '',
      },
    },
  },
  namespaces: { spec: {}, status: {} },
  services: { spec: {}, status: { loadBalancer: {} } },
};

interface Start {
  /** Everything that exists comes first, as ADDED. */
  readonly initial: boolean;
  /** A bookmark tells that the initial events are over. */
  readonly endMark: boolean;
  /** Events after this version; undefined: from now on. */
  readonly from: number | undefined;
}

function startOf(query: ReadonlyMap<string, string>): Start {
  const from = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const asked = query.get('sendInitialEvents');
  if (asked === undefined) {
    if (match !== '') {
      const text = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
      const problems = [fieldForbidden('resourceVersionMatch', text)];
      if (match !== 'NotOlderThan') problems.push(unsupported('resourceVersionMatch', match, ['NotOlderThan']));
      throw invalidOptions('ListOptions', ...problems);
    }
  } else if (match !== 'NotOlderThan') {
    const text = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    throw invalidOptions('ListOptions', fieldForbidden('resourceVersionMatch', text));
  }
  if (!/^\d*$/.test(from)) {
    const wrong = `strconv.ParseUint: parsing ${JSON.stringify(from)}: invalid syntax`;
    throw new StatusError(500, undefined, `resourceVersion: Invalid value: ${JSON.stringify(from)}: ${wrong}`);
  }
  const unset = from === '' || from === '0';
  if (asked === undefined) return { initial: unset, endMark: false, from: unset ? undefined : Number(from) };
  if (asked === 'true' || asked === '1' || asked === '') return { initial: true, endMark: true, from: undefined };
  return { initial: false, endMark: false, from: unset ? undefined : Number(from) };
}

/** What a watch with a selector sees of a change; leaving it is a DELETED with the old state and the new version (recorded). */
function transition(event: StoreEvent, matches: Match): { type: string; object: KubeObject } | undefined {
  const { type, object, previous } = event;
  if (type === 'ADDED') return matches(object) ? { type, object } : undefined;
  if (type === 'DELETED') return matches(object) ? { type, object } : undefined;
  const before = previous !== undefined && matches(previous);
  if (matches(object)) return { type: before ? 'MODIFIED' : 'ADDED', object };
  if (!before) return undefined;
  const { resourceVersion } = object.metadata;
  return {
    type: 'DELETED',
    object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } as KubeObject,
  };
}
