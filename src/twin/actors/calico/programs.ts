/** The smaller programs of the operator's population. */
import type { Pod } from '../../../kube/objects.ts';
import type { ContainerContext, Process, Program } from '../../world.ts';
import { allocationsOf, releaseWhere } from './ipam/blocks.ts';
import { SYSTEM } from './render/common.ts';
import { type IpamBlock, RESOURCES } from './types.ts';

/** A process that is ready some time after its start. */
function readyAfter(context: ContainerContext, ms: number, ports: readonly number[]): Process {
  let ready = false;
  context.after(ms, () => {
    ready = true;
  });
  return {
    ports,
    http: (_port, path) => (path === '/liveness' || ready ? { status: 200, body: 'ok' } : { status: 503, body: '' }),
    probe: (kind) => kind !== 'readiness' || ready,
  };
}

/** TYPHA_SHUTDOWNTIMEOUTSECS as the operator sets it, of which Typha uses 95 % (typha/pkg/syncserver). */
const SHUTDOWN_SECONDS = 0.95 * 300;
/** Felix, confd and the tunnel-address allocator of each node connect (count not verified). */
const CLIENTS_PER_NODE = 3;

/** Typha: on SIGTERM it drops one connection a second, faster where 285 s would not suffice. */
export const calicoTypha: Program = (context) => {
  const process = readyAfter(context, context.random.integer(1500, 3000), [5473, 9098]);
  return {
    ...process,
    terminate: () => {
      const pods = (app: string): number =>
        context.world.store
          .list<Pod>('pods', { namespace: SYSTEM, labels: { 'k8s-app': app } })
          .filter((pod) => pod.status?.phase === 'Running').length;
      const connections = Math.ceil((pods('calico-node') * CLIENTS_PER_NODE) / Math.max(1, pods('calico-typha')));
      return Math.min(Math.max(1, connections), SHUTDOWN_SECONDS) * 1_000;
    },
  };
};

const GC_PERIOD = 5 * 60_000;
/** leakGracePeriod (kube-controllers' default). */
const LEAK_GRACE = 15 * 60_000;

/** kube-controllers: gives back addresses whose pod is gone, after they have been leaks for 15 minutes. */
export const kubeControllers: Program = (context) => {
  const { world } = context;
  /** Handle to the moment at which it was first seen leaked. */
  const suspects = new Map<string, number>();
  const collect = (): void => {
    const now = world.time.now();
    const seen = new Set<string>();
    for (const block of world.store.list<IpamBlock>(RESOURCES.blocks)) {
      for (const { ip, attribute } of allocationsOf(block)) {
        const { namespace, pod: name } = attribute.secondary;
        // Tunnel addresses are only given back with their node.
        if (!name) continue;
        const pod = world.store.get<Pod>('pods', name, namespace);
        if (pod && (pod.status?.podIP === undefined || pod.status.podIP === ip)) continue;
        seen.add(attribute.handle_id);
        if (!suspects.has(attribute.handle_id)) suspects.set(attribute.handle_id, now);
      }
      const due = (handle: string): boolean => seen.has(handle) && now - (suspects.get(handle) ?? now) >= LEAK_GRACE;
      if (block.spec.attributes.some((attribute) => due(attribute.handle_id))) {
        releaseWhere(world, block, (attribute) => due(attribute.handle_id));
      }
    }
    for (const handle of [...suspects.keys()]) if (!seen.has(handle)) suspects.delete(handle);
  };
  const tick = (): void => {
    if (world.apiAvailable() && world.store.has(RESOURCES.blocks)) collect();
    context.after(GC_PERIOD, tick);
  };
  context.after(GC_PERIOD, tick);
  return readyAfter(context, context.random.integer(1500, 3000), []);
};

/** calico-apiserver: not ready at its first probe, so Ready 60 s after its start (walkthrough). */
export const calicoApiServer: Program = (context) => readyAfter(context, context.random.integer(2000, 4000), [5443]);

export const goldmane: Program = (context) => readyAfter(context, context.random.integer(800, 1500), [7443]);
export const whisker: Program = () => ({ ports: [8081] });
export const whiskerBackend: Program = () => ({ ports: [3002] });
/** The CSI driver and its registrar only serve sockets of the node. */
export const csi: Program = () => ({ ports: [] });
