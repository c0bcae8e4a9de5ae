/** Applying manifests, server-side: Calico's largest CRD does not fit the annotation of a client-side apply. */
import { KubeError, type Resource } from '../kube/api.ts';
import { discoverResource } from '../kube/discover.ts';
import type { KubeObject } from '../kube/objects.ts';
import { resourceForObject, resourcesOfDefinitions } from '../kube/resources.ts';
import type { Rehearsal } from './rehearsal.ts';

export { parseManifests } from '../kube/manifests.ts';

/** How long a new definition may take until its kind is served (kubernetes: the handler lists by an informer of its own). */
const SERVED_MS = 30_000;
const PAUSE_MS = 500;

type Applying = Pick<Rehearsal, 'api' | 'journal' | 'clock' | 'signal'>;

/** The cluster has no such kind, and none of the objects brings its definition. */
export class KindNotServed extends Error {
  override readonly name = 'KindNotServed';
  readonly apiVersion: string;
  constructor(apiVersion: string, kind: string) {
    super(`this cluster does not serve ${kind} of ${apiVersion}; apply its CustomResourceDefinition first`);
    this.apiVersion = apiVersion;
  }
}

/** `Deployment default/goldpinger`. */
export function objectName(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/**
 * Applies objects in their order. Definitions among them make their kinds known to the objects that follow, and in
 * `known` to later calls; a kind that is not known is looked for in the cluster.
 * `quiet`: no event for each; a release's manifest has dozens.
 * @throws KindNotServed, KubeError
 */
export async function applyAll(
  rehearsal: Applying,
  objects: readonly KubeObject[],
  quiet = false,
  known: Resource<unknown>[] = [],
): Promise<void> {
  known.push(...resourcesOfDefinitions(objects));
  for (const object of objects) {
    const resource = await resourceOf(rehearsal, object, known);
    await onceServed(rehearsal, () => rehearsal.api.apply(resource, inNamespace(resource, object)));
    if (!quiet) rehearsal.journal.changed('applied', objectName(object));
  }
}

/**
 * Calls until the kind is served: one whose definition is a moment old, Established even, may still be answered with the
 * page of an unknown path, and with several API servers by each of them for itself.
 */
export async function onceServed<T>({ clock, signal }: Applying, call: () => Promise<T>): Promise<T> {
  const until = clock.monotonic() + SERVED_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isUnserved(error) || clock.monotonic() > until) throw error;
      await clock.sleep(PAUSE_MS, signal);
    }
  }
}

/** An API that does not serve a path answers with a page, not with a Status. */
export function isUnserved(error: unknown): error is KubeError {
  return error instanceof KubeError && error.code === 404 && error.reason === '';
}

async function resourceOf(
  { api }: Applying,
  { apiVersion = '', kind = '' }: KubeObject,
  known: readonly Resource<unknown>[],
): Promise<Resource<KubeObject>> {
  try {
    return resourceForObject(apiVersion, kind, known);
  } catch {
    const found = await discoverResource(api, apiVersion, kind);
    if (found === undefined) throw new KindNotServed(apiVersion, kind);
    return found;
  }
}

/** A namespaced object without a namespace goes to `default`, as kubectl puts it. */
function inNamespace(resource: Resource<unknown>, object: KubeObject): KubeObject {
  if (!resource.namespaced || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}
