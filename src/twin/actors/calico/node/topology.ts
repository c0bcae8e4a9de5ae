/**
 * What every Felix learns from the datastore: pools, who owns which block, and where each node is. Computed once for all nodes
 * of a world and only again when something in it changed, so that a thousand Felixes do not each read everything.
 */
import type { Node } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { ANNOTATIONS, type FelixConfiguration, type IpamBlock, type IpPool, RESOURCES } from '../types.ts';

export interface TopologyNode {
  readonly name: string;
  /** With prefix, as annotated; undefined while calico-node has not run there. */
  readonly address: string | undefined;
  readonly vxlanTunnel: string | undefined;
  readonly ipipTunnel: string | undefined;
}

export interface Topology {
  /** Counts up with every change. */
  readonly generation: number;
  readonly pools: readonly IpPool[];
  readonly nodes: ReadonlyMap<string, TopologyNode>;
  /** CIDR of a block and its node. */
  readonly blocks: readonly { readonly cidr: string; readonly node: string }[];
  readonly vxlanPort: number;
  readonly vxlanVni: number;
}

/** Felix's defaults (felix/config, v3.25 to v3.32). */
const VXLAN_PORT = 4789;
const VXLAN_VNI = 4096;

export interface TopologySource {
  current(): Topology;
  /** Is called when the topology changed; may only schedule timers. */
  onChange(hook: () => void): () => void;
}

function annotationsOf(node: Node | undefined): string {
  const annotations = node?.metadata.annotations ?? {};
  return [
    annotations[ANNOTATIONS.address],
    annotations[ANNOTATIONS.vxlanTunnel],
    annotations[ANNOTATIONS.ipipTunnel],
  ].join();
}

export function topologySource(world: World): TopologySource {
  let generation = 0;
  let known: Topology | undefined;
  const hooks = new Set<() => void>();
  const changed = (): void => {
    known = undefined;
    generation += 1;
    for (const hook of hooks) hook();
  };
  const { store } = world;
  store.onChange<Node>('nodes', (event) => {
    const before = event.type === 'ADDED' ? undefined : annotationsOf(event.previous);
    const after = event.type === 'DELETED' ? undefined : annotationsOf(event.object);
    if (before !== after) changed();
  });
  // Allocations inside a block change all the time and move no route: only its existence and owner count.
  store.onChange<IpamBlock>(RESOURCES.blocks, (event) => {
    if (event.type !== 'MODIFIED' || event.object.spec.affinity !== event.previous?.spec.affinity) changed();
  });
  store.onChange(RESOURCES.pools, changed);
  store.onChange(RESOURCES.felix, changed);

  const compute = (): Topology => {
    const felix = store.has(RESOURCES.felix)
      ? store.get<FelixConfiguration>(RESOURCES.felix, 'default')?.spec
      : undefined;
    const blocks = store.has(RESOURCES.blocks) ? store.list<IpamBlock>(RESOURCES.blocks) : [];
    return {
      generation,
      pools: store.has(RESOURCES.pools) ? store.list<IpPool>(RESOURCES.pools) : [],
      nodes: new Map(
        store.list<Node>('nodes').map((node) => {
          const annotations = node.metadata.annotations ?? {};
          return [
            node.metadata.name,
            {
              name: node.metadata.name,
              address: annotations[ANNOTATIONS.address],
              vxlanTunnel: annotations[ANNOTATIONS.vxlanTunnel],
              ipipTunnel: annotations[ANNOTATIONS.ipipTunnel],
            },
          ];
        }),
      ),
      blocks: blocks.flatMap(({ spec }) =>
        spec.affinity?.startsWith('host:') ? [{ cidr: spec.cidr, node: spec.affinity.slice('host:'.length) }] : [],
      ),
      vxlanPort: felix?.vxlanPort ?? VXLAN_PORT,
      vxlanVni: felix?.vxlanVNI ?? VXLAN_VNI,
    };
  };
  return {
    current: () => {
      known ??= compute();
      return known;
    },
    onChange: (hook) => {
      hooks.add(hook);
      return () => hooks.delete(hook);
    },
  };
}

/** Pools of any state count for "inside Calico"; only enabled ones want devices. */
export function wantsVxlan(topology: Topology): boolean {
  return topology.pools.some((pool) => !pool.spec.disabled && (pool.spec.vxlanMode ?? 'Never') !== 'Never');
}

export function wantsIpip(topology: Topology): boolean {
  return topology.pools.some((pool) => !pool.spec.disabled && (pool.spec.ipipMode ?? 'Never') !== 'Never');
}
