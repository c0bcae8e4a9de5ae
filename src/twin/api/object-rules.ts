/** What the API server alone decides about an object's metadata: identity, generation, deletion. */
import type { KubeObject, ObjectMeta, Pod } from '../../kube/objects.ts';
import { equalJson, isMap, type JsonMap } from './json.ts';
import type { ResourceInfo } from './registry.ts';
import { fieldForbidden, invalidObject } from './status.ts';

/** RFC 3339 in whole seconds. */
export const stamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const OWNED = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** Metadata of an update: the fields that only the server writes stay as they are. */
export function updatedMetadata(current: KubeObject, next: KubeObject, info: ResourceInfo): ObjectMeta {
  const old = current.metadata as JsonMap;
  const metadata: JsonMap = { ...(next.metadata as JsonMap) };
  for (const field of OWNED) metadata[field] = old[field];
  delete metadata.selfLink;
  if (old.deletionTimestamp !== undefined) {
    const before = new Set(current.metadata.finalizers ?? []);
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
    if (added.length > 0) {
      const list = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
      const problem = fieldForbidden('metadata.finalizers', text);
      // The generic check and that of the kind both say so (recorded).
      throw invalidObject(info, current.metadata.name, info.schemas === undefined ? [problem, problem] : [problem]);
    }
  }
  if (Array.isArray(metadata.finalizers) && metadata.finalizers.length === 0) delete metadata.finalizers;
  return metadata as ObjectMeta;
}

/**
 * Only the status of `next`, on top of the current object. The strategies of built-in kinds put back the spec only, so labels
 * and annotations go along (a Deployment's labels do not; recorded); of a custom resource nothing but the status.
 */
export function statusUpdate(current: KubeObject, next: KubeObject, info: ResourceInfo): KubeObject {
  const { labels, annotations, managedFields } = next.metadata;
  const follow = info.schemas === undefined;
  const metadata = {
    ...current.metadata,
    managedFields,
    ...(follow && { annotations }),
    ...(follow && info.name !== 'deployments.apps' && { labels }),
  };
  return { ...current, metadata: metadata as KubeObject['metadata'], status: next.status };
}

/** Does this change count as one of the desired state? Both objects share what is unchanged. */
export function movesGeneration(info: ResourceInfo, before: KubeObject, after: KubeObject): boolean {
  switch (info.generation) {
    case 'none':
      return false;
    case 'spec':
      return (before.spec !== after.spec && !isBinding(info, before, after)) || webhooksChanged(before, after);
    case 'spec-and-annotations':
      return before.spec !== after.spec || before.metadata.annotations !== after.metadata.annotations;
    case 'custom': {
      const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
      fields.delete('metadata');
      if (info.status) fields.delete('status');
      for (const field of fields) if (before[field] !== after[field]) return true;
      return false;
    }
    default:
      return info.generation satisfies never;
  }
}

/** A pod that is given its node: the binding is no change of what is wanted (recorded: ds-create). */
function isBinding(info: ResourceInfo, before: KubeObject, after: KubeObject): boolean {
  if (info.name !== 'pods') return false;
  const { nodeName: old, ...rest } = (before.spec ?? {}) as JsonMap;
  const { nodeName, ...same } = (after.spec ?? {}) as JsonMap;
  return (old ?? '') === '' && nodeName !== undefined && equalJson(rest, same);
}

function webhooksChanged(before: KubeObject, after: KubeObject): boolean {
  return before.webhooks !== after.webhooks;
}

export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** The DaemonSet's count of template changes, kept in an annotation (apps/v1 has no field for it any more). */
export function templateGeneration(before: KubeObject | undefined, after: KubeObject): void {
  const annotations = (after.metadata.annotations ?? {}) as Record<string, string>;
  if (before === undefined) {
    annotations[TEMPLATE_GENERATION] ??= '1';
  } else {
    const old = Number(before.metadata.annotations?.[TEMPLATE_GENERATION] ?? '1');
    const same = equalJson(
      (before.spec as JsonMap | undefined)?.template,
      (after.spec as JsonMap | undefined)?.template,
    );
    annotations[TEMPLATE_GENERATION] = String(same ? old : old + 1);
  }
  after.metadata.annotations = annotations;
}

/** Seconds that a pod gets to end (pkg/registry/core/pod/strategy.go CheckGracefulDelete). */
export function gracePeriod(pod: Pod, asked: number | undefined): number {
  const phase = pod.status?.phase;
  if (pod.spec?.nodeName === undefined || pod.spec.nodeName === '') return 0;
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

/** Does anything still hold an object that is being deleted? */
export function isHeld(object: KubeObject): boolean {
  if ((object.metadata.finalizers ?? []).length > 0) return true;
  if ((object.metadata.deletionGracePeriodSeconds ?? 0) > 0) return true;
  // A Namespace is held by its own list, which only /finalize empties.
  const spec = object.spec;
  return object.kind === 'Namespace' && isMap(spec) && Array.isArray(spec.finalizers) && spec.finalizers.length > 0;
}
