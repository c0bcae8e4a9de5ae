/** How much memory and disk a rehearsal's cluster takes. Estimates: kind publishes no figures (kind issue 485). Pure. */
import type { Scenario } from '../../scenario/scenario.ts';
import type { WantedImage } from './image-plan.ts';

const MB = 1_000_000;

/**
 * Megabytes of an image unpacked, by the last part of its name: what `docker image ls` shows of recent releases, rounded
 * up. Only sums of them are used, and only to tell in time that a disk cannot do.
 */
const UNPACKED: Readonly<Record<string, number>> = {
  node: 400,
  cni: 210,
  'pod2daemon-flexvol': 15,
  csi: 25,
  'node-driver-registrar': 30,
  typha: 90,
  'kube-controllers': 130,
  apiserver: 120,
  goldmane: 110,
  whisker: 60,
  'whisker-backend': 90,
  operator: 110,
  cilium: 720,
  'operator-generic': 120,
  'cilium-envoy': 200,
  goldpinger: 60,
};
const OTHERS = 150;
/** kindest/node; its layers are shared by all nodes. */
const NODE_IMAGE = 1_100;
/** What a node writes besides images: etcd, logs, sockets, the unpacked root of containers. */
const NODE_OWN = 300;

/** Of both CNIs, kubelet and static pods; a control plane besides them an API server and an etcd. */
const CONTROL_PLANE_MEMORY = 1_400;
const WORKER_MEMORY = 800;

export interface DiskNeed {
  /** Bytes with the images of DaemonSets on every node. */
  readonly least: number;
  /** Bytes with those of Deployments there as well. */
  readonly all: number;
}

export const unpackedBytes = (image: string): number =>
  (UNPACKED[image.split('/').at(-1)!.split(/[:@]/)[0]!] ?? OTHERS) * MB;

/**
 * Of an image a node keeps the snapshot, and of the largest one there are an archive on the machine and its layers on a
 * node for a while. What kubelets pull by themselves comes with its compressed layers.
 */
export function diskNeed(images: readonly WantedImage[], nodes: number): DiskNeed {
  const sum = (list: readonly WantedImage[]): number =>
    list.reduce((total, { image }) => total + unpackedBytes(image), 0);
  const everywhere = images.filter(({ on }) => on === 'every-node');
  const somewhere = images.filter(({ on }) => on === 'somewhere');
  const largest = Math.max(0, ...images.map(({ image }) => unpackedBytes(image)));
  const base = NODE_IMAGE * MB + nodes * NODE_OWN * MB + 2 * largest;
  return {
    least: base + nodes * sum(everywhere) + Math.min(nodes, 2) * sum(somewhere),
    all: base + nodes * sum(images),
  };
}

/** Bytes. */
export function memoryNeed({ controlPlanes, workers }: Scenario['cluster']): number {
  return (controlPlanes * CONTROL_PLANE_MEMORY + workers * WORKER_MEMORY) * MB;
}

/** Limits of inotify; they are the machine's, not a container's. */
export interface InotifyLimits {
  readonly instances: number;
  readonly watches: number;
}

/** kind's own advice (kind.sigs.k8s.io known issues, "too many open files"). */
export const INOTIFY_ADVICE: InotifyLimits = { instances: 512, watches: 524_288 };

/**
 * What this many nodes take at least: three do with the default of 128 instances and four may not any more (kind issues
 * 2586 and 2744; cluster-api issue 6678 met it at nine with Calico).
 */
export function inotifyNeed(nodes: number): InotifyLimits {
  return {
    instances: Math.min(INOTIFY_ADVICE.instances, nodes * 40),
    watches: Math.min(INOTIFY_ADVICE.watches, nodes * 16_384),
  };
}
