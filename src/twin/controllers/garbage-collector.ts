/** The garbage collector: dependents follow their owners by uid; foreground and orphan finalizers (pkg/controller/garbagecollector). */
import type { ControlPlane } from './control-plane.ts';
import type { Entry, ObjectIndex } from './object-index.ts';
import { workQueue } from './work-queue.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export function startGarbageCollector(plane: ControlPlane, index: ObjectIndex): void {
  const { store } = plane.world;
  const refOf = ({ object }: Entry) => ({
    name: object.metadata.name,
    namespace: object.metadata.namespace,
    uid: object.metadata.uid,
  });

  const dropFinalizer = (entry: Entry, finalizer: string): void => {
    store.update(entry.resource, refOf(entry), (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    });
  };

  /** An owner that waits for its dependents, or lets them go. */
  const settleOwner = (entry: Entry): void => {
    const { metadata } = entry.object;
    if (metadata.deletionTimestamp === undefined) return;
    const finalizers = metadata.finalizers ?? [];
    const dependents = index.dependents(metadata.uid ?? '');
    if (finalizers.includes(ORPHAN)) {
      for (const dependent of dependents) {
        store.update(dependent.resource, refOf(dependent), (draft) => {
          const left = (draft.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== metadata.uid);
          if (left.length > 0) draft.metadata.ownerReferences = left;
          else delete draft.metadata.ownerReferences;
        });
      }
      dropFinalizer(entry, ORPHAN);
    } else if (finalizers.includes(FOREGROUND)) {
      const blocking = dependents.filter(({ object }) =>
        object.metadata.ownerReferences?.some((owner) => owner.uid === metadata.uid && owner.blockOwnerDeletion),
      );
      if (blocking.length === 0) dropFinalizer(entry, FOREGROUND);
      else for (const dependent of dependents) queue.add(dependent.object.metadata.uid ?? '');
    }
  };

  /** A dependent whose owners are all absent, or all wait for it, goes. */
  const settleDependent = (entry: Entry): void => {
    const { metadata } = entry.object;
    const owners = metadata.ownerReferences ?? [];
    if (owners.length === 0 || metadata.deletionTimestamp !== undefined) return;
    const states = owners.map((owner) => {
      const found = index.get(owner.uid)?.object;
      if (found === undefined) return 'absent';
      const waits =
        found.metadata.deletionTimestamp !== undefined && found.metadata.finalizers?.includes(FOREGROUND) === true;
      return waits ? 'waiting' : 'solid';
    });
    if (states.includes('solid')) return;
    const foreground = states.includes('waiting') && index.dependents(metadata.uid ?? '').length > 0;
    store.remove(entry.resource, refOf(entry), { propagation: foreground ? 'Foreground' : 'Background' });
  };

  const queue = workQueue(plane, (uid) => {
    const entry = index.get(uid);
    if (entry === undefined) return;
    settleOwner(entry);
    const still = index.get(uid);
    if (still !== undefined) settleDependent(still);
  });
  index.onEvent((type, { object }) => {
    const uid = object.metadata.uid ?? '';
    if (type === 'DELETED') {
      for (const dependent of index.dependents(uid)) queue.add(dependent.object.metadata.uid ?? '');
      // A waiting owner may have lost its last dependent.
      for (const owner of object.metadata.ownerReferences ?? []) {
        if (index.get(owner.uid)?.object.metadata.deletionTimestamp !== undefined) queue.add(owner.uid);
      }
      return;
    }
    const finalizers = object.metadata.finalizers;
    const leaving =
      object.metadata.deletionTimestamp !== undefined &&
      (finalizers?.includes(FOREGROUND) || finalizers?.includes(ORPHAN));
    const lost = object.metadata.ownerReferences?.some((owner) => index.get(owner.uid) === undefined);
    if (leaving || lost) queue.add(uid);
  });
  plane.onElected(() => {
    for (const { object } of index.owned()) {
      queue.add(object.metadata.uid ?? '');
      for (const owner of object.metadata.ownerReferences ?? []) queue.add(owner.uid);
    }
  });
}
