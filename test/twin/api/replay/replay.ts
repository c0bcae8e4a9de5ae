/** Replays a file of recorded exchanges, entry by entry, and says where this server answers otherwise. */
import { parse as parseYaml } from 'yaml';
import { type Answer, RecordedCluster, requestOf, type Stream } from './cluster.ts';
import { baseOf, Correspondence, compare, type Difference } from './compare.ts';
import { type Exchange, entriesOf, type RecordedRequest } from './recording.ts';
import { runSequence } from './sequence.ts';

/** One run through a file. */
export interface Replay {
  readonly cluster: RecordedCluster;
  readonly known: Correspondence;
  /** Sends a recorded request in the words of this cluster. */
  send(request: RecordedRequest): Answer;
  /** Opens the stream of an entry now; it is compared when the entry's turn comes. */
  open(name: string): void;
}

/** What has to happen that is not among the entries. */
export interface Script {
  readonly prepare: (replay: Replay) => void;
  /** Before an entry, by its name. */
  readonly before?: Readonly<Record<string, (replay: Replay) => void>>;
  /** Right after the watches of a sequence are open. */
  readonly inside?: Readonly<Record<string, (replay: Replay) => void>>;
  /** Virtual milliseconds between two entries; 100 unless given. */
  readonly pauseMs?: number;
  /** The part of a recorded answer that is compared, given the own one. */
  readonly reduce?: Readonly<Record<string, (recorded: unknown, own: unknown) => { recorded: unknown; own: unknown }>>;
  /** Bodies that the recorder changed after they were sent: what was sent, from what was written down. */
  readonly sent?: Readonly<Record<string, (body: Record<string, unknown>) => unknown>>;
}

export interface Result {
  readonly name: string;
  readonly differences: readonly Difference[];
}

/** How long a stream stays open that the recorder closed. */
const OPEN_MS = 500;

export function replayExchanges(file: string, script: Script): Result[] {
  const all = entriesOf(file);
  const entries = all.filter((entry): entry is Exchange => entry.kind === undefined);
  const replay = newReplay(entries);
  script.prepare(replay);
  const results: Result[] = [];
  for (const entry of all) {
    if (entry.kind === 'kubectl') continue;
    script.before?.[entry.name]?.(replay);
    if (entry.kind === 'sequence') {
      results.push({ name: entry.name, differences: runSequence(replay, entry, script.inside?.[entry.name]) });
      continue;
    }
    const sent = script.sent?.[entry.name];
    const request = sent === undefined ? entry.request : { ...entry.request, body: sent(entry.request.body as never) };
    results.push({ name: entry.name, differences: step(replay, { ...entry, request }, script.reduce?.[entry.name]) });
    replay.cluster.run(script.pauseMs ?? 100);
  }
  return results;
}

interface OpenReplay extends Replay {
  /** Is this request answered with a stream here, or refused as one? */
  readonly isStream: (request: RecordedRequest) => boolean;
  readonly streams: Map<string, Stream>;
}

export function newReplay(entries: readonly Exchange[] = []): OpenReplay {
  const cluster = new RecordedCluster();
  const known = new Correspondence();
  const streams = new Map<string, Stream>();
  const translated = ({
    path,
    body,
    headers,
  }: RecordedRequest): { path: string; body: string | undefined; headers: Record<string, string> } => {
    meetNames(cluster, known, path);
    const at = known.translate(path);
    const text =
      body === undefined || body === null
        ? undefined
        : typeof body === 'string'
          ? body
          : JSON.stringify(ownBooks(cluster, at, body));
    return {
      path: at,
      body: text === undefined ? undefined : known.translate(text),
      headers: Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [name, known.get('etag', value) ?? value]),
      ),
    };
  };
  return {
    cluster,
    known,
    streams,
    isStream: ({ method, path, headers }) => cluster.server.isWatch(requestOf(method, path, undefined, headers ?? {})),
    send: (request) => {
      const { path, body, headers } = translated(request);
      return cluster.call(request.method, path, body, headers);
    },
    open: (name) => {
      const entry = entries.find((one) => one.name === name)!;
      const { path, headers } = translated(entry.request);
      streams.set(name, cluster.watch(path, headers));
    },
  };
}

type Reduce = (recorded: unknown, own: unknown) => { recorded: unknown; own: unknown };

function step(replay: OpenReplay, entry: Exchange, reduce?: Reduce): Difference[] {
  const { response } = entry;
  if (response.stream !== undefined) return stepStream(replay, entry);
  if (typeof response.body === 'string' && response.body.startsWith('{"type":')) return stepStream(replay, entry);
  const own = replay.send(entry.request);
  if (reduce === undefined) return compareAnswer(response, own, replay.known);
  const part = reduce(response.body, own.body);
  return compareAnswer({ ...response, body: part.recorded }, { ...own, body: part.own }, replay.known);
}

export function compareAnswer(recorded: Exchange['response'], own: Answer, known: Correspondence): Difference[] {
  return [
    ...(recorded.status === own.status ? [] : [{ path: 'status', recorded: recorded.status, own: own.status }]),
    ...compareHeaders(recorded.headers ?? {}, own.headers, known),
    ...(recorded.body === undefined ? [] : compare(bodyIn(recorded), own.body ?? '', known, 'body')),
  ];
}

function bodyIn({ headers, body }: Exchange['response']): unknown {
  return headers?.['Content-Type'] === 'application/yaml' ? parseYaml(String(body)) : (body ?? '');
}

const HEADERS = ['Content-Type', 'Location', 'Allow', 'Retry-After', 'Warning', 'ETag'];

function compareHeaders(
  recorded: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
  known: Correspondence,
): Difference[] {
  const listed = (value: unknown): string[] =>
    value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
  return HEADERS.flatMap((name) => {
    const left = listed(recorded[name]);
    const right = listed(own[name.toLowerCase()]);
    if (name === 'ETag' && left[0] !== undefined && right[0] !== undefined) known.agree('etag', left[0], right[0]);
    const equal = name === 'ETag' ? left.length === right.length : left.join('\n') === right.join('\n');
    return equal ? [] : [{ path: `headers.${name}`, recorded: left, own: right }];
  });
}

function stepStream(replay: OpenReplay, entry: Exchange): Difference[] {
  const { response } = entry;
  const { cluster, known } = replay;
  if (!replay.streams.has(entry.name) && !replay.isStream(entry.request)) {
    const { body } = replay.send(entry.request);
    return compare(response.stream?.[0]?.line, body, known, 'body');
  }
  if (!replay.streams.has(entry.name)) {
    replay.open(entry.name);
    const last = response.stream?.at(-1)?.t ?? 0;
    cluster.run(response.endedAt === undefined ? last * 1_000 + OPEN_MS : response.endedAt * 1_000 + 50);
  }
  const own = replay.streams.get(entry.name)!;
  own.cancel();
  if (own.refused !== undefined) {
    const body = response.stream?.[0]?.line ?? response.body;
    return compareAnswer({ status: response.status, body: body ?? undefined }, own.refused, known).filter(
      ({ path }) => !path.startsWith('headers'),
    );
  }
  const differences: Difference[] =
    response.status === 200 ? [] : [{ path: 'status', recorded: response.status, own: 200 }];
  if ((response.endedAt === undefined) !== (own.endedAt === undefined)) {
    differences.push({ path: 'endedAt', recorded: response.endedAt, own: own.endedAt });
  }
  const recorded = response.stream?.map(({ line }) => line) ?? linesOf(response.body);
  differences.push(...compare(recorded, own.lines, known, 'lines'));
  return differences;
}

/** A body that brings managedFields along has them from an answer; their times are ours, not the recording's. */
function ownBooks(cluster: RecordedCluster, path: string, body: unknown): unknown {
  const { metadata } = body as { metadata?: { managedFields?: { manager?: string }[] } };
  if (metadata?.managedFields?.[0]?.manager === undefined) return body;
  const own = cluster.call('GET', path.split('?')[0]!).body as { metadata?: { managedFields?: unknown } };
  return { ...(body as object), metadata: { ...metadata, managedFields: own.metadata?.managedFields } };
}

/** A stream that was recorded as the text that it is. */
const linesOf = (body: unknown): unknown[] =>
  typeof body === 'string'
    ? body
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
    : [];

/** Drawn names that a path or body speaks of before any answer has: the first of this cluster's with the same base. */
export function meetNames(cluster: RecordedCluster, known: Correspondence, path: string): void {
  const parts = path.split('?')[0]!.split('/');
  const at = parts.indexOf('namespaces');
  if (at < 0 || parts.length < at + 4) return;
  const [, namespace = '', plural = '', name = ''] = parts.slice(at);
  const base = baseOf(name);
  if (base === undefined) return;
  const resource = ['pods', 'replicasets.apps'].find((one) => one.split('.')[0] === plural);
  if (resource === undefined) return;
  const { store } = cluster.world;
  // A name that a request has had before stands for one pod for good, gone or not.
  const seen = known.get('asked', `${namespace}/${name}`) !== undefined;
  known.agree('asked', `${namespace}/${name}`, `${namespace}/${name}`);
  if (seen) return;
  const mapped = known.get('name', name) ?? name;
  if (
    store.get(resource, mapped, namespace)?.metadata.deletionTimestamp === undefined &&
    store.get(resource, mapped, namespace) !== undefined
  )
    return;
  // Which of a controller's pods went before is nobody's promise: any that is still there will do.
  const alive = store
    .list(resource, { namespace })
    .filter((one) => baseOf(one.metadata.name) === base && one.metadata.deletionTimestamp === undefined);
  const own = alive.find((one) => !known.isTaken('name', one.metadata.name)) ?? alive[0];
  if (own !== undefined && (mapped === name || store.get(resource, mapped, namespace) === undefined)) {
    known.rebind('name', name, own.metadata.name);
  }
}
