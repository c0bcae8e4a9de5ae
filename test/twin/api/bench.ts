/** Replays recorded exchanges of a real API server against the embedded one and normalises both answers. */
import { readFileSync } from 'node:fs';
import { randomStream } from '../../../src/time/random.ts';
import { type ApiServer, createApiServer, type ServerRequest } from '../../../src/twin/api/server.ts';
import { createObjectStore, type Store } from '../../../src/twin/api/store.ts';
import { type FakeTime, fakeTime } from './fake-time.ts';

export interface Entry {
  readonly name: string;
  readonly note?: string;
  readonly request: { method: string; path: string; headers?: Record<string, string>; body?: unknown };
  readonly response: { status: number; body?: unknown; stream?: { line: unknown }[] };
}

export function entries(file: string): Entry[] {
  const url = new URL(`../../fixtures/recorded-api/${file}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as Entry[]).filter((entry) => entry.request !== undefined);
}

export interface Bench {
  readonly store: Store;
  readonly server: ApiServer;
  readonly time: FakeTime;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): { status: number; body: unknown };
}

/** A store with an API server and time that a test moves. */
export function bench(): Bench {
  const time = fakeTime();
  const store = createObjectStore({ time, random: randomStream(1, 'store') });
  const server = createApiServer({ store, kubernetesVersion: '1.36.2' });
  return {
    store,
    server,
    time,
    call: (method, path, body, headers = {}) => {
      const response = server.handle(requestOf(method, path, body, headers));
      return { status: response.status, body: parsed(response.body) };
    },
  };
}

export function requestOf(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): ServerRequest {
  const [plain = '', search = ''] = path.split('?', 2);
  return {
    method: method as ServerRequest['method'],
    path: plain,
    query: new Map(new URLSearchParams(search)),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(body !== undefined && body !== null && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Values of the recording that are others here: uids, versions, drawn names and addresses. Learned from each pair of answers. */
export class Translation {
  readonly #pairs = new Map<string, string>();

  learn(recorded: unknown, own: unknown): void {
    if (Array.isArray(recorded) && Array.isArray(own)) {
      recorded.forEach((item, index) => void this.learn(item, own[index]));
      return;
    }
    if (typeof recorded !== 'object' || recorded === null || typeof own !== 'object' || own === null) return;
    for (const [key, value] of Object.entries(recorded)) {
      const mine = (own as Record<string, unknown>)[key];
      if (typeof value === 'string' && typeof mine === 'string') {
        if (key === 'uid' || key === 'resourceVersion') this.#pairs.set(value, mine);
      } else this.learn(value, mine);
    }
  }

  /** A request of the recording in the words of this server. */
  apply(text: string): string {
    let result = text;
    for (const [from, to] of this.#pairs) {
      result = from.includes('-')
        ? result.replaceAll(from, to)
        : result.replaceAll(`"resourceVersion":"${from}"`, `"resourceVersion":"${to}"`);
    }
    return result;
  }
}

const TIMES = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'lastTransitionTime',
  'lastHeartbeatTime',
  'lastUpdateTime',
  'lastProbeTime',
  'time',
  'renewTime',
  'timeAdded',
]);

/** Removes what differs between any two servers, by the rules in the fixtures' README. */
export function normalise(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item));
    if (key === 'managedFields') return applied(items as Record<string, unknown>[]);
    return items;
  }
  if (typeof value === 'object' && value !== null) {
    const result: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (TIMES.has(name)) continue;
      if (name === 'uid' || name === 'resourceVersion') result[name] = name;
      else if (name === 'fieldsV1') result[name] = withoutDots(field);
      else if (name === 'clusterIP' || name === 'clusterIPs')
        result[name] = JSON.stringify(field).includes('None') ? field : name;
      else {
        const inner = normalise(field, name);
        if (name === 'managedFields' && Array.isArray(inner) && inner.length === 0) continue;
        result[name] = inner;
      }
    }
    return result;
  }
  if (typeof value === 'string') {
    return value
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uid')
      .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-suffix')
      .replace(/^(gen-|g{58})[a-z0-9]{5}$/, '$1suffix')
      .replace(/in record \(\d+\)/, 'in record (version)');
  }
  return value;
}

/** Only what was applied is compared: what controllers of the recording owned, nobody writes here. */
function applied(entries: Record<string, unknown>[]): unknown[] {
  return entries
    .filter((entry) => entry.operation === 'Apply')
    .map((entry) => JSON.stringify(entry))
    .sort();
}

/** The member `.` of a map says when it was created whole; the embedded server keeps it for list elements only. */
function withoutDots(fields: unknown): unknown {
  if (typeof fields !== 'object' || fields === null) return fields;
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([step]) => step !== '.')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([step, below]) => [step, withoutDots(below)]),
  );
}
