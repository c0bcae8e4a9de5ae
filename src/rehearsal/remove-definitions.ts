/** Calico's CustomResourceDefinitions and all that is stored under them, removed; those of others stay. */
import { isCalicoCrdGroup } from '../cni/calico.ts';
import type { CustomResourceDefinition } from '../kube/objects.ts';
import { customResourceDefinitions } from '../kube/resources.ts';
import { unlessNotFound } from './patient-api.ts';
import type { Rehearsal } from './rehearsal.ts';
import { besides, drop } from './removing.ts';

/** Between two looks for definitions whose deletion stands still; a live one moves several times a second. */
const LOOK_MS = 3_000;
const ASKED_AGAIN = 'cni-rehearsal/deletion-asked-again';

export async function dropDefinitions(rehearsal: Rehearsal): Promise<void> {
  const { api, limits } = rehearsal;
  for (const crd of (await api.list(customResourceDefinitions)).items) {
    if (isCalicoCrdGroup(crd.spec.group)) await drop(rehearsal, customResourceDefinitions, crd.metadata.name);
  }
  await besides(rehearsal, askAgain, () =>
    rehearsal.wait({
      what: "Calico's CRDs to be gone",
      resource: customResourceDefinitions,
      timeoutMs: limits.remove,
      pending: (crds) => {
        const left = crds.filter((crd) => isCalicoCrdGroup(crd.spec.group));
        return left.length === 0 ? null : left.map(({ metadata }) => metadata.name).join(', ');
      },
    }),
  );
}

/**
 * Wakes deletions that have fallen asleep. The API server's finalizer tries again after a failure (`storage is
 * (re)initializing` right after a definition's storage was made), but when its next try meets its own write of the
 * condition before it has seen it, it leaves the definition to an event that it does not heed, until its informer's
 * resync after five minutes (kubernetes 1.36 apiextensions-apiserver crd_finalizer.go, sync and
 * updateCustomResourceDefinition; seen on 1.34.4). Any change outside the condition is heeded.
 */
export async function askAgain({ api, clock }: Pick<Rehearsal, 'api' | 'clock'>, signal: AbortSignal): Promise<void> {
  let asleep = new Map<string, string>();
  for (let round = 1; ; round++) {
    await clock.sleep(LOOK_MS, signal);
    const failed = (await api.list(customResourceDefinitions, { signal })).items.filter(deletionFailed);
    const now = new Map(failed.map(({ metadata }) => [metadata.name, metadata.resourceVersion ?? '']));
    for (const [name, version] of now) {
      if (asleep.get(name) !== version) continue;
      const body = { metadata: { annotations: { [ASKED_AGAIN]: String(round) } } };
      await unlessNotFound(() => api.patch(customResourceDefinitions, { name }, 'merge', body, { signal }));
    }
    asleep = now;
  }
}

function deletionFailed({ metadata, spec, status }: CustomResourceDefinition): boolean {
  const terminating = status?.conditions?.find(({ type }) => type === 'Terminating');
  return (
    isCalicoCrdGroup(spec.group) &&
    metadata.deletionTimestamp !== undefined &&
    (terminating?.reason === 'InstanceDeletionFailed' || terminating?.reason === 'InstanceDeletionCheck')
  );
}
