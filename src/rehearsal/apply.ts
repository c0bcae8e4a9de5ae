/** Applying manifests, server-side: Calico's largest CRD does not fit the annotation of a client-side apply. */
import type { Resource } from '../kube/api.ts';
import type { KubeObject } from '../kube/objects.ts';
import { resourceForObject, resourcesOfDefinitions } from '../kube/resources.ts';
import type { Rehearsal } from './rehearsal.ts';

export { parseManifests } from '../kube/manifests.ts';

/** `Deployment default/goldpinger`. */
export function objectName(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/**
 * Applies objects in their order. Definitions among them make their kinds known to the objects that follow.
 * `quiet`: no event for each; a release's manifest has dozens.
 */
export async function applyAll(
  rehearsal: Pick<Rehearsal, 'api' | 'journal'>,
  objects: readonly KubeObject[],
  quiet = false,
): Promise<void> {
  const more = resourcesOfDefinitions(objects);
  for (const object of objects) {
    const resource = resourceForObject(object.apiVersion ?? '', object.kind ?? '', more);
    await rehearsal.api.apply(resource, inNamespace(resource, object));
    if (!quiet) rehearsal.journal.changed('applied', objectName(object));
  }
}

/** A namespaced object without a namespace goes to `default`, as kubectl puts it. */
function inNamespace(resource: Resource<unknown>, object: KubeObject): KubeObject {
  if (!resource.namespaced || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}
