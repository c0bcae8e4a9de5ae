/**
 * cilium-operator: one of them leads. The leader registers the CRDs, gives out pod CIDRs, tends taints and conditions, and
 * restarts unmanaged DNS pods. Its configuration is read once, at start. When the API stays away it loses the lease and exits
 * (recorded: exit code 255, restartCount 1).
 */
import type { ConfigMap, Lease, Node, Pod } from '../../../kube/objects.ts';
import type { Cancel, ContainerContext, Process } from '../../world.ts';
import { minorOfImage } from './config.ts';
import { registerCrds } from './crds.ts';
import { CILIUM_NODES, type CiliumNode } from './objects.ts';
import { allocatePodCidr, ClusterPool, holdExisting } from './operator-ipam.ts';
import { type NodeDuties, tendNode } from './operator-nodes.ts';
import { collectEndpoints, restartUnmanaged, watcherInterval } from './operator-pods.ts';
import { ciliumState } from './state.ts';

/** Leader election of the operator: retry, renew deadline, lease duration (cilium operator/option). */
const [RETRY_MS, RENEW_DEADLINE_MS, LEASE_MS] = [2_000, 10_000, 15_000];
const LEASE = 'cilium-operator-resource-lock';

/** The program of image `cilium/operator-generic`. */
export function operatorProgram(context: ContainerContext): Process {
  const { world, random, namespace } = context;
  const state = ciliumState(world);
  const cleanup: Cancel[] = [];
  const data = world.store.get<ConfigMap>('configmaps', 'cilium-config', namespace)?.data ?? {};
  const config = (key: string, fallback: string): string => data[key] ?? fallback;
  const duties: NodeDuties = {
    taintKey: config('agent-not-ready-taint-key', 'node.cilium.io/agent-not-ready'),
    setTaints: config('set-cilium-node-taints', 'false') === 'true',
    removeTaints: config('remove-cilium-node-taints', 'true') === 'true',
    setCondition: config('set-cilium-is-up-condition', 'true') === 'true',
    namespace,
  };
  let pool: ClusterPool | undefined;
  let reachedAt = world.time.now();

  const elect = (): void => {
    if (!world.apiAvailable()) {
      context.after(RETRY_MS, elect);
      return;
    }
    reachedAt = world.time.now();
    const { leader } = state;
    if (leader !== undefined && leader.podUid !== context.podUid && leader.expires > world.time.now()) {
      context.after(RETRY_MS, elect);
      return;
    }
    writeLease();
    renew();
    context.after(Math.round(random.between(200, 500)), lead);
  };

  const writeLease = (): void => {
    const holder = `${context.machine.name}-${context.podName.split('-').at(-1)}`;
    const now = new Date(world.time.now()).toISOString().replace('Z', '000Z');
    const ref = { name: LEASE, namespace };
    const spec = { holderIdentity: holder, leaseDurationSeconds: LEASE_MS / 1000, acquireTime: now, renewTime: now };
    const old = world.store.get<Lease>('leases.coordination.k8s.io', LEASE, namespace);
    if (old === undefined)
      world.store.create<Lease>('leases.coordination.k8s.io', {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { ...ref },
        spec: { ...spec, leaseTransitions: 0 },
      } as Lease & { [field: string]: unknown });
    else
      world.store.update<Lease & { [field: string]: unknown }>('leases.coordination.k8s.io', ref, (draft) => {
        draft.spec = { ...spec, leaseTransitions: (old.spec?.leaseTransitions ?? 0) + 1 };
      });
  };

  // Renewals are not written to the store: nobody reads them, and they would be most of all writes.
  const renew = (): void => {
    const now = world.time.now();
    if (world.apiAvailable()) reachedAt = now;
    else if (now - reachedAt >= RENEW_DEADLINE_MS) {
      context.exit(255, 'level=fatal msg="Leader election lost, shutting down"');
      return;
    }
    state.leader = { podUid: context.podUid, expires: reachedAt + LEASE_MS };
    context.after(RETRY_MS, renew);
  };

  const lead = (): void => {
    if (!world.apiAvailable()) {
      context.after(1000, lead);
      return;
    }
    if (config('skip-crd-creation', 'false') !== 'true') registerCrds(world, minorOfImage(context));
    whenServed(startDuties);
  };

  const whenServed = (then: () => void): void => {
    context.after(300, () => (world.store.has(CILIUM_NODES) ? then() : whenServed(then)));
  };

  const startDuties = (): void => {
    if (config('ipam', 'cluster-pool') === 'cluster-pool') {
      try {
        pool = new ClusterPool(
          config('cluster-pool-ipv4-cidr', '')
            .split(/[\s,]+/)
            .filter((cidr) => cidr !== ''),
          Number(config('cluster-pool-ipv4-mask-size', '24')),
        );
      } catch (error) {
        context.exit(1, `level=fatal msg="${(error as Error).message}"`);
        return;
      }
      holdExisting(world, pool);
      for (const node of world.store.list<CiliumNode>(CILIUM_NODES)) arrive(node.metadata.name);
    }
    for (const node of world.store.list<Node>('nodes')) tend(node.metadata.name, 0);
    follow();
    const interval = watcherInterval(config('unmanaged-pod-watcher-interval', '0'));
    if (interval > 0) watchUnmanaged(interval, new Map());
    collect();
  };

  /** At once when the API answers, else when it does again. */
  const withApi = (ms: number, action: () => void): void => {
    context.after(ms, () => (world.apiAvailable() ? action() : withApi(1000, action)));
  };

  const arrive = (name: string): void => {
    withApi(Math.round(random.between(100, 300)), () => {
      if (pool !== undefined) allocatePodCidr(world, pool, name);
    });
  };

  const pendingNodes = new Set<string>();
  const tend = (name: string, ms: number): void => {
    if (pendingNodes.has(name)) return;
    pendingNodes.add(name);
    withApi(ms, () => {
      pendingNodes.delete(name);
      tendNode(world, name, duties);
    });
  };

  const follow = (): void => {
    cleanup.push(
      world.store.onChange<CiliumNode>(CILIUM_NODES, (event) => {
        if (event.type === 'ADDED') arrive(event.object.metadata.name);
      }),
      world.store.onChange<Node>('nodes', (event) => {
        // Observed: CiliumIsUp is back about 2 s after Calico took the condition.
        if (event.type !== 'DELETED' && changesDuties(event.object, event.previous))
          tend(event.object.metadata.name, 1500);
      }),
      world.store.onChange<Pod>('pods', (event) => {
        const node = event.object.spec?.nodeName;
        if (node === undefined || event.object.metadata.labels?.['k8s-app'] !== 'cilium') return;
        if (event.object.metadata.namespace === namespace) tend(node, 200);
      }),
    );
  };

  const watchUnmanaged = (interval: number, restarted: Map<string, number>): void => {
    const selector = config('unmanaged-pod-watcher-selector', 'k8s-app=kube-dns');
    const round = (): void => {
      context.after(interval, round);
      if (world.apiAvailable()) restartUnmanaged(world, selector, restarted);
    };
    round();
  };

  const collect = (): void => {
    context.after(300_000, collect);
    if (world.apiAvailable()) collectEndpoints(world);
  };

  context.after(Math.round(random.between(400, 900)), elect);
  return {
    ports: [],
    probe: () => world.apiAvailable(),
    terminate: () => {
      // The lease is released on an orderly end.
      if (state.leader?.podUid === context.podUid) state.leader = undefined;
      return 200;
    },
    stopped: () => {
      for (const cancel of cleanup) cancel();
    },
  };
}

/** Only taints and NetworkUnavailable concern the operator; heartbeats and annotations do not. */
function changesDuties(node: Node, previous: Node | undefined): boolean {
  const view = (object: Node | undefined): string =>
    JSON.stringify([
      object?.spec?.taints,
      (object?.status?.conditions ?? []).find((condition) => condition.type === 'NetworkUnavailable'),
    ]);
  return view(node) !== view(previous);
}
