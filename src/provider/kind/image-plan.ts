/** Which images a rehearsal on kind starts, and how each comes to the nodes. Pure. */

import { clusterNameFor, finalValues, initialValues } from '../../cni/cilium.ts';
import { calicoImages, ciliumImages, type StartedImage } from '../../cni/images.ts';
import { parseManifests } from '../../kube/manifests.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { ImageGroup } from '../machine.ts';

export interface WantedImage extends StartedImage {
  readonly group: ImageGroup;
  /** What names it, for messages: `Cilium 1.19.6`. */
  readonly what: string;
  /** A workload's: whoever wrote it knows where it comes from. */
  readonly users: boolean;
}

/** Every image once, in the order in which it is needed. */
export function wantedImages(scenario: Scenario): WantedImage[] {
  const { calico, cilium, probes, workloads } = scenario;
  const wanted: WantedImage[] = [
    ...calicoImages(calico.version, calico.installation).map((image) => ({
      ...image,
      group: 'calico' as const,
      what: `Calico ${calico.version}`,
      users: false,
    })),
    { image: probes.image, on: 'every-node', group: 'rest', what: 'probes.image', users: false },
    ...imagesOfCilium(scenario).map((image) => ({
      ...image,
      group: 'rest' as const,
      what: `Cilium ${cilium.version}`,
      users: false,
    })),
    ...workloads.flatMap(({ file, manifest }) =>
      imagesIn(manifest).map((image) => ({
        ...{ image, on: 'somewhere' as const },
        ...{ group: 'rest' as const, what: file, users: true },
      })),
    ),
  ];
  const first = new Map<string, WantedImage>();
  for (const one of wanted) if (!first.has(one.image)) first.set(one.image, one);
  return [...first.values()];
}

/** With the initial values and with the final ones: a newer agent may come with the latter. */
function imagesOfCilium({ cluster, cilium, finish }: Scenario): StartedImage[] {
  const initial = initialValues({
    clusterName: clusterNameFor(cluster.name),
    podCidrs: cilium.podCIDR,
    maskSize: cilium.maskSize,
    tunnelProtocol: cilium.tunnelProtocol,
    tunnelPort: cilium.tunnelPort,
    values: cilium.values,
  });
  const final = finalValues(initial, finish.policyEnforcement, cilium.finalValues);
  return [initial, final].flatMap((values) => ciliumImages(cilium.version, values));
}

/** Images of all containers in a manifest, wherever its kinds keep their pod template; none where it cannot be read. */
export function imagesIn(manifest: string): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (/^(containers|initContainers)$/.test(key) && Array.isArray(inner)) {
        for (const { image } of inner as { image?: unknown }[]) if (typeof image === 'string') found.push(image);
      } else {
        walk(inner);
      }
    }
  };
  try {
    walk(parseManifests(manifest));
  } catch {
    // What cannot be read is refused with its place when it is applied.
  }
  return found;
}

/** What decides where an image comes from. */
export interface Supply {
  /** Is it on the machine already, built or pulled by somebody? A kubelet may not be able to pull it at all. */
  readonly isLocal: (image: string) => boolean;
  /** Kubelets cannot reach the registries. */
  readonly mirrored: boolean;
  /** There is room for the Deployments' images on every node as well. */
  readonly roomForAll: boolean;
}

/**
 * `load`: pulled once on the machine and loaded into every node. `kubelet`: whichever node needs it pulls it.
 *
 * A DaemonSet's image is needed on every node. A Deployment's is loaded too where that is cheap, because a drain moves
 * its pods to nodes that have not had it. Loading by tag satisfies no reference with a digest.
 */
export function supplyOf({ image, on, users }: WantedImage, supply: Supply): 'load' | 'kubelet' {
  if (image.includes('@')) return 'kubelet';
  if (on === 'every-node' || supply.mirrored || supply.isLocal(image)) return 'load';
  return !users && supply.roomForAll ? 'load' : 'kubelet';
}

/**
 * Where a mirror has an image. `PREFIX` stands for all registries and gets the whole reference below it, `REGISTRY=PREFIX`
 * for one of them, whose name it replaces.
 * @param mirrors as the user wrote them
 */
export function mirroredImage(image: string, mirrors: readonly string[]): string {
  const full = withRegistry(image);
  const slash = full.indexOf('/');
  const registry = full.slice(0, slash);
  for (const mirror of mirrors) {
    const [from, to] = mirror.includes('=') ? mirror.split('=', 2) : [undefined, mirror];
    const prefix = to!.replace(/\/+$/, '');
    if (from === registry) return `${prefix}/${full.slice(slash + 1)}`;
  }
  const all = mirrors.find((mirror) => !mirror.includes('='));
  return all === undefined ? image : `${all.replace(/\/+$/, '')}/${full}`;
}

/** With the registry that a short reference means (distribution/reference, docker.io and its `library`). */
function withRegistry(image: string): string {
  const [head = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]/.test(head) || head === 'localhost' ? image : `docker.io/${image}`;
}

/**
 * The image of the load balancer in front of several control planes: HAProxy up to kind 0.31, Envoy from 0.32 on (kind
 * pkg/cluster/internal/loadbalancer/const.go at v0.20.0 to v0.33.0). kind itself pulls what is not this one.
 * @param version what `kind version` says
 */
export function loadBalancerImage(version: string): string {
  const minor = Number(/v?0\.(\d+)\./.exec(version)?.[1] ?? '99');
  return minor < 32 ? 'docker.io/kindest/haproxy:v20230606-42a2262b' : 'docker.io/envoyproxy/envoy:v1.36.2';
}
