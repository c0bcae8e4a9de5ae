/** `-manage-crds`: from 3.30 the operator makes every CRD of its release that is missing, as long as it lives (#9518). */
import type { KubeObject } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { calicoCrds, parseCrd } from '../data.ts';
import type { Release } from '../release.ts';
import { RESOURCES } from '../types.ts';

export interface CrdKeeper {
  /** Makes what is missing; a CRD that is still terminating is made again once it is gone. */
  ensure(): void;
}

export function crdKeeper(world: World, release: Release): CrdKeeper {
  /** CRDs as they were seen in the cluster: making one again from memory needs no parsing of the release's megabytes. */
  const seen = new Map<string, KubeObject>();
  const clean = (crd: KubeObject): KubeObject => ({
    apiVersion: crd.apiVersion!,
    kind: crd.kind!,
    metadata: { name: crd.metadata.name, ...(crd.metadata.labels ? { labels: crd.metadata.labels } : {}) },
    spec: structuredClone(crd.spec),
  });
  return {
    ensure: () => {
      for (const [name, document] of calicoCrds(release.version)) {
        const present = world.store.get(RESOURCES.crds, name);
        if (present) seen.set(name, present);
        else world.store.create(RESOURCES.crds, clean(seen.get(name) ?? parseCrd(document)));
      }
    },
  };
}
