/**
 * Node heartbeats: each running kubelet renews its Lease every 10 s (kubelet: 40 s lease duration, a quarter of it).
 * One look a second over all nodes instead of a timer for each.
 */
import type { Lease, Node } from '../../kube/objects.ts';
import type { Machine } from '../world.ts';
import { microStamp } from './common.ts';
import type { ControlPlane } from './control-plane.ts';

export const LEASES = 'leases.coordination.k8s.io';
export const LEASE_NAMESPACE = 'kube-node-lease';
const RENEW_MS = 10_000;
const DURATION_SECONDS = 40;

/** A node's container may be up before its kubelet is. */
const kubeletRuns = (machine: Machine & { kubeletRunning?(): boolean }): boolean =>
  machine.running() && (machine.kubeletRunning?.() ?? true);

/** The kubelets speak for themselves, so they renew whether or not a controller manager leads. */
export function startLeases(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const renewed = new Map<string, { at: number; startedAt: number }>();

  const renew = (machine: Machine, node: Node): void => {
    renewed.set(machine.name, { at: time.now(), startedAt: machine.startedAt() });
    const renewTime = microStamp(time.now());
    const ref = { name: machine.name, namespace: LEASE_NAMESPACE };
    const found = store.update<Lease>(LEASES, ref, (draft) => {
      draft.spec = { ...draft.spec, renewTime };
    });
    if (found !== undefined || store.get('namespaces', LEASE_NAMESPACE) === undefined) return;
    store.create<Lease>(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...ref,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: machine.name, uid: node.metadata.uid! }],
      },
      spec: { holderIdentity: machine.name, leaseDurationSeconds: DURATION_SECONDS, renewTime },
    });
  };
  plane.onTick(() => {
    if (!world.apiAvailable()) return;
    for (const machine of [...world.machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (!kubeletRuns(machine)) continue;
      const last = renewed.get(machine.name);
      const due = last === undefined || last.startedAt !== machine.startedAt() || time.now() - last.at >= RENEW_MS;
      if (!due) continue;
      const node = store.get<Node>('nodes', machine.name);
      if (node !== undefined) renew(machine, node);
    }
  });
}
