/** The life of CustomResourceDefinitions: established soon after creation, gone only after their last instance. */
import type { CustomResourceDefinition, KubeObject } from '../../kube/objects.ts';
import type { ResourceName } from '../world.ts';
import { stamp } from './object-rules.ts';
import { infoOfDefinition, resourceName } from './registry.ts';
import type { Store } from './store.ts';

const DEFINITIONS: ResourceName = 'customresourcedefinitions.apiextensions.k8s.io';

/** Put on a definition when it is deleted (apiextensions-apiserver, registry/customresourcedefinition/etcd.go). */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** The real controllers need some tens of milliseconds; the exact time is of no consequence, that there is one is. */
const ESTABLISH_MS = 30;
/** Recorded: after the last instance is gone the definition follows about 2 s later. */
const CLEANUP_MS = 2_000;

interface DefinitionCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
}

const condition = (type: string, status: string, reason: string, message: string, now: number) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: stamp(now),
});

function withCondition(conditions: readonly DefinitionCondition[], one: DefinitionCondition): DefinitionCondition[] {
  return [...conditions.filter((other) => other.type !== one.type), one];
}

const conditionsOf = (object: KubeObject): DefinitionCondition[] =>
  ((object.status as { conditions?: DefinitionCondition[] } | undefined)?.conditions ?? []) as DefinitionCondition[];

/** A definition as its deletion leaves it: terminating, its instances still there. */
export function terminating(definition: KubeObject, now: number): KubeObject {
  const pending = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon';
  const one = condition('Terminating', 'True', 'InstanceDeletionPending', pending, now);
  const conditions = withCondition(conditionsOf(definition), one);
  return { ...definition, status: { ...(definition.status as object | undefined), conditions } };
}

/** Serves the resources of definitions in the store. */
export function serveCustomResources(store: Store): void {
  const { time } = store;
  /** Definitions whose instances are being deleted, by the instances' resource. */
  const cleaning = new Map<ResourceName, string>();

  const establish = (name: string, uid: string | undefined): void => {
    store.update<KubeObject>(
      DEFINITIONS,
      { name, uid },
      (draft) => {
        const { spec } = draft as unknown as CustomResourceDefinition;
        const now = time.now();
        const accepted = condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found', now);
        const initial = 'the initial names have been accepted';
        const established = condition('Established', 'True', 'InitialNamesAccepted', initial, now);
        draft.status = {
          ...(draft.status as object | undefined),
          conditions: withCondition(withCondition(conditionsOf(draft), accepted), established),
          acceptedNames: spec.names,
          storedVersions: spec.versions.filter((version) => version.storage).map((version) => version.name),
        };
      },
      { subresource: 'status' },
    );
  };

  const finish = (name: string, resource: ResourceName): void => {
    if (store.list(resource).length > 0) return;
    cleaning.delete(resource);
    store.update<KubeObject>(DEFINITIONS, { name }, (draft) => {
      const left = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
      draft.metadata.finalizers = left;
    });
  };

  const clean = (name: string, resource: ResourceName): void => {
    const instances = store.list(resource);
    for (const { metadata } of instances) {
      store.remove(resource, { name: metadata.name, namespace: metadata.namespace });
    }
    if (instances.length === 0) {
      // Without instances there is nothing to wait for (recorded: delete-crd).
      finish(name, resource);
      return;
    }
    store.update<KubeObject>(
      DEFINITIONS,
      { name },
      (draft) => {
        const text = 'CustomResource deletion is in progress';
        const one = condition('Terminating', 'True', 'InstanceDeletionInProgress', text, time.now());
        draft.status = { ...(draft.status as object | undefined), conditions: withCondition(conditionsOf(draft), one) };
      },
      { subresource: 'status' },
    );
  };

  store.onChange(DEFINITIONS, ({ type, object, previous }) => {
    const { name, uid, deletionTimestamp } = object.metadata;
    const definition = object as unknown as CustomResourceDefinition;
    const resource = resourceName(definition.spec.group, definition.spec.names.plural);
    if (type === 'ADDED') time.after(ESTABLISH_MS, () => establish(name, uid));
    else if (type === 'DELETED') store.registry.remove(resource);
    else if (deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined) {
      cleaning.set(resource, name);
      time.after(ESTABLISH_MS, () => clean(name, resource));
    } else if (conditionsOf(object).some((one) => one.type === 'Established' && one.status === 'True')) {
      store.registry.add(infoOfDefinition(definition));
    }
  });
  store.onChange('*', ({ type, resource }) => {
    const name = type === 'DELETED' ? cleaning.get(resource) : undefined;
    if (name !== undefined && store.list(resource).length === 0) time.after(CLEANUP_MS, () => finish(name, resource));
  });
}
