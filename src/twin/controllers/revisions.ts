/** ControllerRevisions: the history of a template (pkg/controller/history). */
import type { KubeObject } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import { canonicalOf, controllerReference, type Owner, ownedBy } from './common.ts';
import { templateHash } from './hash.ts';
import type { Labels } from './selectors.ts';

interface ControllerRevision extends KubeObject {
  data: unknown;
  revision: number;
}

const RESOURCE = 'controllerrevisions.apps';

const historyOf = (world: World, namespace: string, uid: string): ControllerRevision[] =>
  world.store
    .list<ControllerRevision>(RESOURCE, { namespace })
    .filter((one) => ownedBy(one, uid))
    .sort((a, b) => a.revision - b.revision);

const DATA = new WeakMap<object, object>();

/** What a ControllerRevision keeps of a template; made once for each template of the store. */
function revisionData(template: object): object {
  let data = DATA.get(template);
  if (data === undefined) {
    data = { spec: { template: { ...template, $patch: 'replace' } } };
    DATA.set(template, data);
  }
  return data;
}

/**
 * The hash label of the owner's present template. A new template gets a new revision; going back to an old one gives
 * that one the next number (recorded: ds-image-back).
 */
export function currentRevision(
  world: World,
  owner: Owner,
  namespace: string,
  template: object,
  labels: Labels | undefined,
  annotations?: Readonly<Record<string, string>>,
): string {
  const history = historyOf(world, namespace, owner.uid);
  const latest = history.at(-1)?.revision ?? 0;
  const data = revisionData(template);
  const text = canonicalOf(data);
  const same = history.find((one) => canonicalOf(one.data as object) === text);
  if (same === undefined) {
    const hash = templateHash(template);
    world.store.create<ControllerRevision>(RESOURCE, {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.name}-${hash}`,
        namespace,
        labels: { ...labels, 'controller-revision-hash': hash },
        ...(annotations && { annotations: { ...annotations } }),
        ownerReferences: [controllerReference(owner)],
      },
      data,
      revision: latest + 1,
    });
    return hash;
  }
  if (same.revision < latest) {
    world.store.update<ControllerRevision>(RESOURCE, { name: same.metadata.name, namespace }, (draft) => {
      draft.revision = latest + 1;
    });
  }
  return same.metadata.labels?.['controller-revision-hash'] ?? '';
}

/** Deletes the oldest revisions that no pod carries and that go beyond the limit. */
export function trimHistory(
  world: World,
  owner: Owner,
  namespace: string,
  inUse: ReadonlySet<string>,
  limit: number,
): void {
  const unused = historyOf(world, namespace, owner.uid).filter(
    (one) => !inUse.has(one.metadata.labels?.['controller-revision-hash'] ?? ''),
  );
  for (const old of unused.slice(0, Math.max(0, unused.length - limit))) {
    world.store.remove(RESOURCE, { name: old.metadata.name, namespace });
  }
}
