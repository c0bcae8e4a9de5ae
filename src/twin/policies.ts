/** Brings NetworkPolicies from the API to the network, which asks them wherever a CNI enforces. */
import type { Namespace, NetworkPolicy } from '../kube/objects.ts';
import { networkPolicies } from './network/network-policy.ts';
import type { World } from './world.ts';

const POLICIES = 'networkpolicies.networking.k8s.io';
/** From the change of an object to the agents' new rules (observed: well below 8 s). */
const ENFORCED_AFTER_MS = 400;

/** Keeps the network's policies in step with the objects; before a change takes effect the old ones still answer. */
export function enforceNetworkPolicies(world: World): void {
  const { store, network, time } = world;
  let pending = false;
  const enforce = (): void => {
    pending = false;
    const policies = store.list<NetworkPolicy>(POLICIES);
    const labels = new Map(
      store.list<Namespace>('namespaces').map(({ metadata }) => [metadata.name, metadata.labels ?? {}] as const),
    );
    const source = { policies: () => policies, namespaceLabels: (name: string) => labels.get(name) ?? {} };
    network.setPolicies(policies.length === 0 ? undefined : networkPolicies(source));
  };
  const schedule = (): void => {
    if (pending) return;
    pending = true;
    time.after(ENFORCED_AFTER_MS, enforce);
  };
  store.onChange(POLICIES, schedule);
  store.onChange<Namespace>('namespaces', ({ object, previous }) => {
    if (JSON.stringify(object.metadata.labels) !== JSON.stringify(previous?.metadata.labels)) schedule();
  });
}
