/** What a path asks for. */

import type { Registry, ResourceInfo } from './registry.ts';
import { noSuchResource, notModelled } from './status.ts';
import { isUnservedGroup, isUnservedResource } from './unserved.ts';

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

/**
 * @throws PathNotFound for an unknown group, StatusError 404 for an unknown version or resource of a served one, StatusError
 * 501 for what Kubernetes has and the twin does not
 */
export function parseRoute(path: string, registry: Registry): Route {
  const parts = decoded(path);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') throw new PathNotFound();
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[core ? 1 : 2] ?? '';
  let rest = parts.slice(core ? 2 : 3);
  if (isUnservedGroup(group) && !registry.servesGroup(group)) throw notModelled(`the API group ${group}`);
  if (!registry.servesGroup(group)) throw new PathNotFound();

  let namespace: string | undefined;
  const inside = rest[0] === 'namespaces' && rest.length >= 3;
  // namespaces/NAME/status and /finalize belong to the Namespace itself.
  if (inside && !(core && ['status', 'finalize'].includes(rest[2] ?? '') && rest.length === 3)) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural = '', name, subresource, ...more] = rest;
  const info = registry.find(group, version, plural);
  if (info === undefined && isUnservedResource(group, version, plural)) {
    throw notModelled(`${plural}${group === '' ? '' : `.${group}`} ${version}`);
  }
  if (info === undefined || namespace === '' || (namespace !== undefined && !info.namespaced)) throw noSuchResource();
  const named = name === '' ? undefined : name;
  if (info.namespaced && namespace === undefined && named !== undefined) throw noSuchResource();
  return { info, version, namespace, name: named, subresource, rest: more.join('/') };
}

function decoded(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw new PathNotFound();
  }
}

/** The old form of watches, `/api/v1/watch/...`, as the path that is watched; undefined for other paths. */
export function asWatch(path: string): string | undefined {
  const match = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\/watch(\/.+)$/.exec(path);
  return match === null ? undefined : `${match[1]}${match[2]}`;
}
