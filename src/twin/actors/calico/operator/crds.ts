/** `-manage-crds`: from 3.30 the operator makes every CRD of its release that is missing, as long as it lives (#9518). */
import type { KubeObject } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { calicoCrds } from '../data.ts';
import type { Release } from '../release.ts';
import { RESOURCES } from '../types.ts';

export interface CrdKeeper {
  /** Makes what is missing; a CRD that is still terminating is made again once it is gone. */
  ensure(): void;
}

export function crdKeeper(world: World, release: Release): CrdKeeper {
  return {
    ensure: () => {
      for (const [name, crd] of calicoCrds(release.version)) {
        if (world.store.get(RESOURCES.crds, name)) continue;
        world.store.create<KubeObject>(RESOURCES.crds, structuredClone(crd));
      }
    },
  };
}
