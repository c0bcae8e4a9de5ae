/** Where an overlap of addresses must show, by the addresses that the run drew: arithmetic, no verdict. */
import { anyHolds } from '../cni/cidr.ts';
import type { RunRecord, Snapshot, SnapshotPod } from './fault.ts';

/** An address that cannot work. */
export interface Stranded {
  /** `pod default/goldpinger-…`, `health endpoint`. */
  readonly what: string;
  readonly node: string;
  readonly ip: string;
}

export interface Caught {
  readonly checkpoint: string;
  readonly stranded: readonly Stranded[];
}

/** The first checkpoint at which there are addresses that cannot work; undefined: there never were any. */
export function firstCaught(
  run: RunRecord,
  strandedIn: (snapshot: Snapshot) => readonly Stranded[],
): Caught | undefined {
  const passed = new Set<string>();
  for (const snapshot of run.snapshots ?? []) {
    if (snapshot.after !== null) passed.add(snapshot.after);
    const checkpoint = snapshot.after ?? run.checkpoints.find((id) => !passed.has(id)) ?? run.checkpoints.at(-1)!;
    const stranded = strandedIn(snapshot);
    if (stranded.length > 0) return { checkpoint, stranded };
  }
  return undefined;
}

/** Calico's own workloads are no business of the migration's, so nobody judges whether they come up on Cilium. */
const CALICO_NAMESPACES = /^(calico-system|calico-apiserver|tigera-operator)\//;

/** A pod without a port only calls: what it sends is masqueraded, so its own address harms nobody. */
const isCalled = ({ name, ports }: SnapshotPod): boolean => ports.length > 0 && !CALICO_NAMESPACES.test(name);

/**
 * Cilium's addresses that lie in one of Calico's blocks: every node has a route for the block that is longer than the one for
 * the CiliumNode's pod CIDR, so packets to them go to the block's node, which drops them (recorded: a pod at
 * 192.168.128.84 stays 0/1, and every pair to it fails).
 */
export function strandedInBlocks({ pods, ciliumNodes, blocks }: Snapshot): Stranded[] {
  const cidrs = blocks.map(({ cidr }) => cidr);
  return [
    ...ciliumNodes
      .filter(({ health }) => health !== '' && anyHolds(cidrs, health))
      .map(({ name, health }) => ({ what: 'health endpoint', node: name, ip: health })),
    ...pods
      .filter((pod) => pod.managed && pod.ip !== '' && isCalled(pod) && anyHolds(cidrs, pod.ip))
      .map(({ name, node, ip }) => ({ what: `pod ${name}`, node, ip })),
  ];
}

/** Which Services pods call that are judged, by a label; nothing else would tell that they cannot. */
const CALLS: readonly { readonly label: readonly [string, string]; readonly services: readonly string[] }[] = [
  { label: ['app', 'nodepinger'], services: ['default/kubernetes'] },
  { label: ['app', 'goldpinger'], services: ['default/kubernetes'] },
  { label: ['app', 'servicepinger'], services: ['default/kubernetes', 'kube-system/kube-dns'] },
  { label: ['k8s-app', 'kube-dns'], services: ['default/kubernetes'] },
];

function callsOf({ labels }: SnapshotPod): readonly string[] {
  return CALLS.find(({ label: [key, value] }) => labels[key] === value)?.services ?? [];
}

/**
 * Pods of Cilium that drew a ClusterIP. One that calls this Service calls itself, and nobody listens. For others address and
 * port must be the Service's: kube-proxy translates both together (iptables mode: `-d IP/32 -p tcp --dport PORT`), and
 * Cilium does likewise, so that an address alone collides with nothing.
 */
export function strandedOnServices({ pods, services }: Snapshot): Stranded[] {
  return pods
    .filter((pod) =>
      services.some(
        ({ name, address, ports }) =>
          pod.managed &&
          address === pod.ip &&
          (callsOf(pod).includes(name) || ports.some((port) => pod.ports.includes(port))),
      ),
    )
    .map(({ name, node, ip }) => ({ what: `pod ${name}`, node, ip }));
}
