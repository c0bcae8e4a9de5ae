/** Typha's autoscaler: looks every 10 s, counts schedulable Linux nodes (tigera/operator pkg/common/autoscale.go, v1.29.3 to v1.42.3). */
import type { Deployment, Node } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { SYSTEM } from '../render/common.ts';
import { RESOURCES } from '../types.ts';

export const TYPHA_PERIOD = 10_000;

export function typhaReplicasFor(nodes: number): number {
  if (nodes <= 2) return 1;
  return nodes <= 4 ? 2 : Math.max(3, Math.floor(nodes / 200) + 2);
}

/** Cordoned nodes do not count, so every cordon of a cluster of five moves Typha. */
export function expectedTyphaReplicas(world: World): number {
  const nodes = world.store
    .list<Node>('nodes')
    .filter((node) => !node.spec?.unschedulable && (node.metadata.labels?.['kubernetes.io/os'] ?? 'linux') === 'linux');
  return typhaReplicasFor(nodes.length);
}

export function scaleTypha(world: World): void {
  const ref = { name: 'calico-typha', namespace: SYSTEM };
  const present = world.store.get<Deployment>(RESOURCES.deployments, ref.name, ref.namespace);
  if (!present || present.metadata.deletionTimestamp) return;
  const replicas = expectedTyphaReplicas(world);
  if (present.spec?.replicas === replicas) return;
  world.store.update<Deployment>(RESOURCES.deployments, ref, (draft) => {
    draft.spec!.replicas = replicas;
  });
}
