/** What the controller manager gives every node: a pod network of its own and a time to live (pkg/controller/nodeipam, ttl). */
import type { Node } from '../../kube/objects.ts';
import type { ControlPlane } from './control-plane.ts';
import { workQueue } from './work-queue.ts';

/** --node-cidr-mask-size, default for IPv4. */
const MASK = 24;
const TTL = 'node.alpha.kubernetes.io/ttl';

/** The first free network of `/24` in a range such as 192.168.0.0/16; undefined when all are taken. */
export function freeNetwork(range: string, taken: ReadonlySet<string>): string | undefined {
  const [base = '', bits = '16'] = range.split('/');
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - MASK);
  for (let index = 0; index < 2 ** (MASK - Number(bits)); index++) {
    const at = first + index * size;
    const network = `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')}/${MASK}`;
    if (!taken.has(network)) return network;
  }
  return undefined;
}

/** Nodes that kubelets register bring their network along; one that a client makes gets it here. */
export function startNodeIpam(plane: ControlPlane): void {
  const { world } = plane;
  const { store } = world;
  const reconcile = (name: string): void => {
    const node = store.get<Node>('nodes', name);
    if (node === undefined || node.metadata.deletionTimestamp !== undefined) return;
    const taken = new Set(store.list<Node>('nodes').map((one) => one.spec?.podCIDR ?? ''));
    store.update<Node>('nodes', { name, uid: node.metadata.uid }, (draft) => {
      draft.metadata.annotations = { ...draft.metadata.annotations };
      draft.metadata.annotations[TTL] ??= '0';
      if (draft.spec?.podCIDR !== undefined) return;
      const network = freeNetwork(world.config.podSubnet, taken);
      if (network !== undefined) draft.spec = { ...draft.spec, podCIDR: network, podCIDRs: [network] };
    });
  };
  const queue = workQueue(plane, reconcile);
  plane.onElected(() => {
    for (const node of store.list<Node>('nodes')) queue.add(node.metadata.name);
  });
  store.onChange<Node>('nodes', ({ type, object }) => {
    if (type === 'ADDED') queue.add(object.metadata.name);
  });
}
