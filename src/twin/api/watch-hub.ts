/** Open watches: replay from a resourceVersion, then live events, bookmarks and the end that every stream has. */
import type { KubeObject } from '../../kube/objects.ts';
import type { Cancel, StoreEvent } from '../world.ts';
import { objectText } from './json.ts';
import { apiVersion } from './registry.ts';
import type { Route } from './route.ts';
import { type Match, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { StatusError, statusBody } from './status.ts';
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

export interface WatchHub {
  /** @throws StatusError when the watch is refused; nothing was written to the sink then. */
  open(
    route: Route,
    query: ReadonlyMap<string, string>,
    view: (object: KubeObject) => KubeObject,
    sink: WatchSink,
  ): Cancel;
  /** Ends every watch as a dying server does. */
  dropAll(): void;
}

/** Recorded: the first bookmark after 60 s, then every 60 s. */
const BOOKMARK_MS = 60_000;
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
    for (const watch of [...(byResource.get(event.resource) ?? [])]) watch.take(event);
  });

  return {
    open: (route, query, view, sink) => {
      const { info, version } = route;
      const type = { kind: info.kind, apiVersion: apiVersion(info.group, version) };
      const matches = matcher(route, query);
      const write = (kind: string, object: KubeObject): void =>
        sink.line(`{"type":"${kind}","object":${objectText(view(object), type)}}`);
      const from = query.get('resourceVersion') ?? '';
      if (!/^\d*$/.test(from)) {
        throw new StatusError(500, undefined, `strconv.ParseUint: parsing ${JSON.stringify(from)}: invalid syntax`);
      }
      if (query.has('sendInitialEvents') && query.get('sendInitialEvents') !== 'false') {
        throw new StatusError(501, 'NotModelled', 'not modelled by the twin: sendInitialEvents');
      }
      sink.open();

      const timers: Cancel[] = [];
      const watch: Watch = {
        resource: info.name,
        take: (event) => {
          const line = transition(event, matches);
          if (line !== undefined) write(line.type, line.object);
        },
        close: (how) => {
          if (!open.delete(watch)) return;
          byResource.get(watch.resource)?.delete(watch);
          for (const cancel of timers) cancel?.();
          if (how !== undefined) sink.end(how);
        },
      };
      open.add(watch);
      let same = byResource.get(info.name);
      if (same === undefined) {
        same = new Set();
        byResource.set(info.name, same);
      }
      same.add(watch);

      if (from === '' || from === '0') {
        for (const object of store.list<KubeObject>(info.name, namespaceFilter(route.namespace))) {
          if (matches(object)) write('ADDED', object);
        }
      } else {
        const missed = store.eventsSince(info.name, Number(from));
        if (missed === undefined) {
          const text = `too old resource version: ${from} (${store.resourceVersion()})`;
          const body = statusBody(new StatusError(410, 'Expired', text));
          sink.line(JSON.stringify({ type: 'ERROR', object: body }));
          watch.close('over');
          return () => undefined;
        }
        for (const { event } of missed) watch.take(event);
      }

      if (query.get('allowWatchBookmarks') === 'true') {
        const bookmark = (): void => {
          const resourceVersion = String(store.resourceVersion());
          sink.line(JSON.stringify({ type: 'BOOKMARK', object: { ...type, metadata: { resourceVersion } } }));
          timers[0] = store.time.after(BOOKMARK_MS, bookmark);
        };
        timers[0] = store.time.after(BOOKMARK_MS, bookmark);
      }
      const seconds = Number(query.get('timeoutSeconds') ?? '0');
      timers[1] = store.time.after(seconds > 0 ? seconds * 1000 : LONGEST_MS, () => watch.close('over'));
      return () => watch.close(undefined);
    },
    dropAll: () => {
      for (const watch of [...open]) watch.close('lost');
    },
  };
}

export const namespaceFilter = (namespace: string | undefined): { namespace?: string } =>
  namespace === undefined ? {} : { namespace };

/** All conditions of a list or watch. @throws StatusError 400 */
export function matcher(route: Route, query: ReadonlyMap<string, string>): Match {
  const labels = parseLabelSelector(query.get('labelSelector'));
  const fields = parseFieldSelector(query.get('fieldSelector'), route.info);
  const { namespace, name } = route;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    labels(object.metadata.labels ?? {}) &&
    fields.matches(object);
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
