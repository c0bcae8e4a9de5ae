/** Deletes the instances of a CustomResourceDefinition that is being deleted, then lets it go (apiextensions-apiserver, finalizer controller). */
import type { CustomResourceDefinition } from '../../kube/objects.ts';
import { clone, refOf, setCondition } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { workQueue } from './work-queue.ts';

const RESOURCE = 'customresourcedefinitions.apiextensions.k8s.io';
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
/** Recorded: the definition follows its last instance about 2 s later. */
const AFTERWARDS_MS = 2_000;
const LOOK_MS = 1_000;

export function startCrdFinalizer(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  /** Definitions that had instances when their deletion began. */
  const emptied = new Map<string, number>();

  const reconcile = (key: string): void => {
    const crd = store.get<CustomResourceDefinition>(RESOURCE, refOf(key).name);
    if (crd?.metadata.deletionTimestamp === undefined || !crd.metadata.finalizers?.includes(CRD_FINALIZER)) {
      emptied.delete(key);
      return;
    }
    const resource = `${crd.spec.names.plural}.${crd.spec.group}`;
    const instances = store.has(resource) ? store.list(resource) : [];
    if (instances.length > 0) {
      emptied.set(key, time.now());
      condition(crd, 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
      for (const { metadata } of instances) {
        if (metadata.deletionTimestamp !== undefined) continue;
        store.remove(resource, { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid });
      }
      queue.add(key, LOOK_MS);
      return;
    }
    const since = emptied.get(key);
    if (since !== undefined && time.now() < since + AFTERWARDS_MS) {
      queue.add(key, since + AFTERWARDS_MS - time.now());
      return;
    }
    emptied.delete(key);
    store.update<CustomResourceDefinition>(RESOURCE, { name: crd.metadata.name, uid: crd.metadata.uid }, (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((one) => one !== CRD_FINALIZER);
    });
  };

  const condition = (crd: CustomResourceDefinition, reason: string, message: string): void => {
    store.update<CustomResourceDefinition>(
      RESOURCE,
      { name: crd.metadata.name, uid: crd.metadata.uid },
      (draft) => {
        const conditions = clone(draft.status?.conditions ?? []);
        setCondition(conditions, { type: 'Terminating', status: 'True', reason, message }, time.now());
        draft.status = { ...draft.status, conditions } as NonNullable<CustomResourceDefinition['status']>;
      },
      { subresource: 'status' },
    );
  };

  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const crd of store.list<CustomResourceDefinition>(RESOURCE)) queue.add(crd.metadata.name);
  });
  store.onChange<CustomResourceDefinition>(RESOURCE, ({ type, object }) => {
    if (type !== 'DELETED' && object.metadata.deletionTimestamp !== undefined) queue.add(object.metadata.name);
  });
}
