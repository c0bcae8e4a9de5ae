/** How the operator writes objects: it makes what is missing and corrects what deviates from its rendering. */
import type { KubeObject, ObjectMeta } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';

export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };

/** Is everything that `wanted` says also said by `present`? What the API or a user added besides is left alone. */
function says(present: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(present) && present.length === wanted.length && wanted.every((item, i) => says(present[i], item))
    );
  }
  if (wanted !== null && typeof wanted === 'object') {
    if (present === null || typeof present !== 'object') return false;
    return Object.entries(wanted).every(([key, value]) => says((present as Record<string, unknown>)[key], value));
  }
  return present === wanted;
}

export function ownerReference(owner: KubeObject): NonNullable<ObjectMeta['ownerReferences']>[number] {
  return {
    apiVersion: owner.apiVersion!,
    kind: owner.kind!,
    name: owner.metadata.name,
    uid: owner.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface Rendered {
  readonly resource: string;
  readonly object: KubeObject;
}

/** Fields of an object besides metadata and status. */
const BODY = ['spec', 'data', 'rules', 'roleRef', 'subjects', 'automountServiceAccountToken'];

type TemplateSpec = { template?: { metadata?: { annotations?: Record<string, string> } }; replicas?: number };

/**
 * Makes or corrects an object. Annotations of the pod template that others set (a roll-out restart) are kept; Typha's
 * replicas belong to its autoscaler and are only written at creation.
 */
export function ensure(world: World, { resource, object }: Rendered, owner: KubeObject): void {
  const { name, namespace } = object.metadata;
  const wanted: KubeObject & { metadata: ObjectMeta } = {
    ...object,
    metadata: { ...object.metadata, ownerReferences: [ownerReference(owner)] },
  };
  const present = world.store.get(resource, name, namespace);
  if (!present) {
    world.store.create(resource, wanted);
    return;
  }
  if (present.metadata.deletionTimestamp) return;
  const spec = wanted.spec as TemplateSpec | undefined;
  const keepReplicas = name === 'calico-typha' && spec?.replicas !== undefined;
  const body = keepReplicas
    ? { ...wanted, spec: { ...spec, replicas: (present.spec as TemplateSpec).replicas } }
    : wanted;
  const finalizers = wanted.metadata.finalizers;
  const same =
    says(present, {
      ...body,
      metadata: { labels: wanted.metadata.labels, ownerReferences: wanted.metadata.ownerReferences },
    }) &&
    (finalizers === undefined || says(present.metadata.finalizers ?? [], finalizers));
  if (same) return;
  world.store.update(resource, { name, namespace }, (draft) => {
    const annotations = (draft.spec as TemplateSpec | undefined)?.template?.metadata?.annotations;
    for (const field of BODY) if (field in body) draft[field] = structuredClone((body as KubeObject)[field]);
    const template = (draft.spec as TemplateSpec | undefined)?.template;
    if (annotations && template) {
      template.metadata = { ...template.metadata, annotations: { ...annotations, ...template.metadata?.annotations } };
    }
    draft.metadata.labels = { ...draft.metadata.labels, ...wanted.metadata.labels };
    draft.metadata.ownerReferences = wanted.metadata.ownerReferences;
    if (finalizers !== undefined) draft.metadata.finalizers = [...finalizers];
  });
}

/** Deletes an object when it is there and not yet being deleted. @returns whether it still exists */
export function discard(world: World, resource: string, name: string, namespace?: string): boolean {
  const present = world.store.get(resource, name, namespace);
  if (!present) return false;
  if (!present.metadata.deletionTimestamp)
    world.store.remove(resource, { name, namespace }, { propagation: 'Background' });
  return world.store.get(resource, name, namespace) !== undefined;
}

/** Changes the finalizers of an object: `add` and `remove` by name. */
export function changeFinalizers(
  world: World,
  resource: string,
  ref: { name: string; namespace?: string | undefined },
  change: { add?: readonly string[]; remove?: readonly string[] },
): void {
  const present = world.store.get(resource, ref.name, ref.namespace);
  if (!present) return;
  const before = present.metadata.finalizers ?? [];
  const kept = before.filter((name) => !change.remove?.includes(name));
  // The API forbids new finalizers on an object that is being deleted.
  const added = present.metadata.deletionTimestamp ? [] : (change.add ?? []).filter((name) => !kept.includes(name));
  if (kept.length === before.length && added.length === 0) return;
  world.store.update(resource, ref, (draft) => {
    draft.metadata.finalizers = [...kept, ...added];
  });
}
