/** What a path asks for. */

import type { Registry, ResourceInfo } from './registry.ts';
import { noSuchResource, StatusError } from './status.ts';

export interface Route {
  readonly info: ResourceInfo;
  /** The version in the path, which may differ from the stored one for custom resources. */
  readonly version: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource: the path of a proxy request, without a leading slash. */
  readonly rest: string;
}

/** Answers of paths that nothing serves are plain text (recorded). */
export class PathNotFound extends Error {}

/** @throws PathNotFound for an unknown group, StatusError 404 for an unknown version or resource of a served one */
export function parseRoute(path: string, registry: Registry): Route {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') throw new PathNotFound();
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[core ? 1 : 2] ?? '';
  let rest = parts.slice(core ? 2 : 3);
  if (!registry.servesGroup(group)) throw new PathNotFound();
  if (rest[0] === 'watch') throw new StatusError(501, 'NotModelled', 'not modelled by the twin: /watch/ paths');

  let namespace: string | undefined;
  const inside = rest[0] === 'namespaces' && rest.length >= 3;
  // namespaces/NAME/status and /finalize belong to the Namespace itself.
  if (inside && !(core && ['status', 'finalize'].includes(rest[2] ?? '') && rest.length === 3)) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural = '', name, subresource, ...more] = rest;
  const info = registry.find(group, version, plural);
  if (info === undefined || (namespace !== undefined && !info.namespaced)) throw noSuchResource();
  if (info.namespaced && namespace === undefined && name !== undefined) throw noSuchResource();
  return { info, version, namespace, name: name === '' ? undefined : name, subresource, rest: more.join('/') };
}
