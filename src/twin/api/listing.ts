/** Lists: what a resourceVersion, a limit and a continue token ask for (recorded in files 04, 05 and 13). */
import type { KubeObject } from '../../kube/objects.ts';
import { matcher, namespaceFilter } from './matching.ts';
import type { ListMeta } from './representation.ts';
import type { Route } from './route.ts';
import { parseFieldSelector } from './selectors.ts';
import {
  badRequest,
  expired,
  type FieldProblem,
  fieldForbidden,
  invalidOptions,
  type StatusError,
  unsupported,
  versionTooLarge,
} from './status.ts';
import type { Store } from './store.ts';
import { keyOf } from './table.ts';

type Query = ReadonlyMap<string, string>;

export interface Page {
  readonly objects: KubeObject[];
  readonly meta: ListMeta;
}

/** One page, in the order of namespace and name. @throws StatusError 400, 410, 422, 504 */
export function listPage(route: Route, query: Query, store: Store, view: (object: KubeObject) => KubeObject): Page {
  checkListOptions(query);
  const asked = numberIn(query, 'limit') ?? 0;
  const token = query.get('continue') ?? '';
  const from = query.get('resourceVersion') ?? '';
  if (token !== '' && from !== '' && from !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const start = token === '' ? undefined : readToken(token);
  const now = store.resourceVersion();
  const version = versionAsked(from, store);
  const exact = query.get('resourceVersionMatch') === 'Exact' ? version : undefined;
  const at = start === undefined ? exact : start.version < 0 ? undefined : start.version;
  if (at !== undefined && at > now) throw versionTooLarge(at, now);
  const all = at === undefined ? current(route, query, store) : store.listAt(route.info.name, at, route.namespace);
  if (all === undefined) throw start === undefined ? expired(TOO_OLD) : expiredToken(start.key);
  const after = start === undefined ? all : all.slice(firstAfter(all, start.key, route));
  const matches = matcher(route, query);
  const selects = query.has('labelSelector') || query.has('fieldSelector');
  const found = after.filter(matches).map(view);
  // With resourceVersion=0 the limit is ignored (recorded): the watch cache gives everything.
  const limit = from === '0' && token === '' ? 0 : asked;
  const resourceVersion = String(at ?? now);
  if (limit <= 0 || found.length <= limit) return { objects: found, meta: { resourceVersion } };
  const objects = found.slice(0, limit);
  const next = writeToken(Number(resourceVersion), placeIn(objects.at(-1)!, route));
  const remaining = found.length - limit;
  return {
    objects,
    meta: { resourceVersion, continue: next, ...(!selects && { remainingItemCount: remaining }) },
  };
}

function current(route: Route, query: Query, store: Store): KubeObject[] {
  const { info, namespace } = route;
  const { nodeName } = parseFieldSelector(query.get('fieldSelector'), info);
  if (nodeName !== undefined && nodeName !== '') return store.podsOnNode(nodeName) as unknown as KubeObject[];
  return store.list<KubeObject>(info.name, namespaceFilter(namespace));
}

/** A number in a query. @throws StatusError 400 in the words of Go */
export function numberIn(query: Query, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** The version that a read must not be older than. @throws StatusError 400, or 504 when it lies in the future */
export function versionAsked(from: string, store: Store): number | undefined {
  if (from === '' || from === '0') return undefined;
  if (!/^\d+$/.test(from)) {
    const wrong = `Invalid value: ${JSON.stringify(from)}: strconv.ParseUint: parsing ${JSON.stringify(from)}: invalid syntax`;
    throw badRequest(`invalid resource version: resourceVersion: ${wrong}`);
  }
  const version = Number(from);
  if (version > store.resourceVersion()) throw versionTooLarge(version, store.resourceVersion());
  return version;
}

const MATCHES = ['Exact', 'NotOlderThan', ''];

function checkListOptions(query: Query): void {
  const refuse = (problem: FieldProblem): never => {
    throw invalidOptions('ListOptions', problem);
  };
  const match = query.get('resourceVersionMatch') ?? '';
  const from = query.get('resourceVersion') ?? '';
  if (query.has('sendInitialEvents')) {
    refuse(fieldForbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match === '') return;
  if (from === '') {
    refuse(
      fieldForbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    );
  }
  if (!MATCHES.includes(match)) refuse(unsupported('resourceVersionMatch', match, MATCHES));
  if (query.has('continue')) {
    refuse(fieldForbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
  }
  if (match === 'Exact' && from === '0') {
    const text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    refuse(fieldForbidden('resourceVersionMatch', text));
  }
}

interface Token {
  /** -1: at the newest version, whatever it is. */
  readonly version: number;
  /** Where to go on: behind this key. */
  readonly key: string;
}

/** Relative to the namespace of the list, as etcd's keys are to the list's prefix. */
function placeIn(object: KubeObject, { namespace }: Route): string {
  const { metadata } = object;
  return namespace === undefined ? keyOf(metadata.name, metadata.namespace) : metadata.name;
}

const writeToken = (version: number, key: string, slash = '/'): string =>
  Buffer.from(`{"v":"meta.k8s.io/v1","rv":${version},"start":${JSON.stringify(`${slash}${key}\u0000`)}}`).toString(
    'base64url',
  );

function readToken(token: string): Token {
  const refuse = (why: string): StatusError => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const text = Buffer.from(token, 'base64url').toString('latin1');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(`invalid character '${text[0] ?? ''}' looking for beginning of value`);
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== 'meta.k8s.io/v1') throw refuse(`server does not recognize this encoded version "${String(v ?? '')}"`);
  if (typeof start !== 'string' || start === '') throw refuse('encoded start key empty');
  if (typeof rv !== 'number' || rv === 0) throw refuse('incorrect encoded start resourceVersion');
  const key = start.replace(/^\//, '').replace(/\0$/, '');
  if (key.split('/').includes('..')) throw refuse('encoded start key is not clean');
  return { version: rv, key };
}

function firstAfter(objects: readonly KubeObject[], key: string, route: Route): number {
  const at = objects.findIndex((object) => placeIn(object, route) > key);
  return at < 0 ? objects.length : at;
}

const TOO_OLD = 'The resourceVersion for the provided list is too old.';

function expiredToken(key: string): StatusError {
  const text =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  // Recorded: this token has no leading slash.
  return expired(text, writeToken(-1, key, ''));
}
