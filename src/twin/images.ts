/**
 * What registries have, how long a pull takes, and what kind's node image brings along. For the repositories that the
 * rehearsal installs from, a tag exists when it is in the table; any other image exists.
 */
import { hash32 } from '../time/random.ts';
import { ciliumImages } from './chart/data.ts';
import { repositoryOf } from './node/programs.ts';

/** calico version → operator version: projectcalico/calico, manifests/tigera-operator.yaml at each tag. */
const CALICO: Readonly<Record<string, string>> = {
  'v3.25.1': 'v1.29.3',
  'v3.28.5': 'v1.34.13',
  'v3.29.7': 'v1.36.16',
  'v3.30.7': 'v1.38.13',
  'v3.31.7': 'v1.40.15',
  'v3.32.1': 'v1.42.3',
};

/** Published too, and named by no version that has data here; the others are in data/cilium/images.json. */
const OTHER_ENVOY = 'v1.33.4-1752151664-7c2edb0b44cf95f326d628b837fcdd845102ba68';

/** bloomberg/goldpinger, releases; tags carry a `v` up to 3.8.0. */
const GOLDPINGER = 'v3.7.0 v3.8.0 3.9.0 3.10.0 3.10.1 3.10.2 3.10.3 3.11.0 3.11.2 3.11.3 3.11.4'.split(' ');

interface Repository {
  readonly tags: readonly string[] | (() => readonly string[]);
  /** Compressed size, rounded; decides the time of a pull. */
  readonly megabytes: number;
}

const calico = (megabytes: number): Repository => ({ tags: Object.keys(CALICO), megabytes });
/** Agent and operator carry the chart's version: cilium/charts, values.yaml of each version. */
const cilium = (megabytes: number): Repository => ({
  tags: () => Object.keys(ciliumImages()).map((version) => `v${version}`),
  megabytes,
});
const envoyTags = (): string[] => [...Object.values(ciliumImages()).map(({ envoy }) => tagOf(envoy.ref)!), OTHER_ENVOY];

const REPOSITORIES: Readonly<Record<string, Repository>> = {
  'calico/node': calico(130),
  'calico/cni': calico(70),
  'calico/typha': calico(33),
  'calico/kube-controllers': calico(40),
  'calico/apiserver': calico(45),
  'calico/csi': calico(12),
  'calico/node-driver-registrar': calico(14),
  'calico/pod2daemon-flexvol': calico(8),
  'calico/goldmane': calico(40),
  'calico/whisker': calico(25),
  'calico/whisker-backend': calico(30),
  'tigera/operator': { tags: Object.values(CALICO), megabytes: 28 },
  'cilium/cilium': cilium(230),
  'cilium/operator-generic': cilium(38),
  'cilium/cilium-envoy': { tags: envoyTags, megabytes: 60 },
  'bloomberg/goldpinger': { tags: GOLDPINGER, megabytes: 18 },
};

/** Images in kindest/node that need no pull (kind, pkg/build/nodeimage). */
const PRELOADED = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'etcd',
  'pause',
  'coredns/coredns',
  'kindest/local-path-provisioner',
  'kindest/local-path-helper',
]);

/** Tag of a reference; `latest` where it has neither tag nor digest, undefined where it has a digest only. */
export function tagOf(image: string): string | undefined {
  const [name, digest] = image.split('@');
  const tag = name!.split('/').pop()!.split(':')[1];
  return tag ?? (digest === undefined ? 'latest' : undefined);
}

/** Is the image part of kind's node image? */
export const isPreloaded = (image: string): boolean => PRELOADED.has(repositoryOf(image));

/** Does a registry have the image? */
export function imageExists(image: string): boolean {
  if (repositoryOf(image) === 'kindest/node') return nodeImageVersion(image) !== undefined;
  const known = REPOSITORIES[repositoryOf(image)];
  const tag = tagOf(image);
  if (known === undefined || tag === undefined) return true;
  return (typeof known.tags === 'function' ? known.tags() : known.tags).includes(tag);
}

/** Milliseconds for one pull over the network: a round trip or two, then about 30 MB/s of compressed layers. */
export function pullMilliseconds(image: string): number {
  const repository = repositoryOf(image);
  const megabytes = REPOSITORIES[repository]?.megabytes ?? 10 + (hash32(repository) % 40);
  return 900 + megabytes * 33;
}

/** Node images that a kind release announced, by Kubernetes version (kind, pkg/apis/config/defaults and release notes). */
const NODE_IMAGES = new Set(
  [
    '1.37.0 1.36.4 1.36.2 1.36.1 1.36.0 1.35.8 1.35.5 1.35.1 1.35.0',
    '1.34.11 1.34.8 1.34.3 1.34.0 1.33.12 1.33.7 1.33.4 1.33.1 1.32.11 1.32.8 1.32.5 1.32.2',
    '1.31.14 1.31.12 1.31.9 1.31.6 1.30.13 1.30.10 1.29.14 1.29.12 1.28.15',
  ]
    .join(' ')
    .split(' '),
);

/** Kubernetes version of a `kindest/node` image; undefined when there is no such tag. */
export function nodeImageVersion(image: string): string | undefined {
  const version = (tagOf(image) ?? '').replace(/^v/, '');
  return repositoryOf(image) === 'kindest/node' && NODE_IMAGES.has(version) ? version : undefined;
}

/** Versions of the add-ons in a node image, by Kubernetes minor (kubeadm constants; kind's base image). */
export interface AddOnVersions {
  readonly coredns: string;
  readonly etcd: string;
  readonly pause: string;
}

const ADD_ONS: Readonly<Record<number, AddOnVersions>> = {
  31: { coredns: 'v1.11.3', etcd: '3.5.24-0', pause: '3.10' },
  32: { coredns: 'v1.11.3', etcd: '3.5.24-0', pause: '3.10' },
  33: { coredns: 'v1.12.0', etcd: '3.5.24-0', pause: '3.10' },
  34: { coredns: 'v1.12.1', etcd: '3.6.5-0', pause: '3.10.1' },
  35: { coredns: 'v1.13.1', etcd: '3.6.6-0', pause: '3.10.1' },
  36: { coredns: 'v1.14.2', etcd: '3.6.8-0', pause: '3.10.1' },
};

/** Add-ons of a Kubernetes version; of the nearest known minor when that one is not in the table. */
export function addOnVersions(kubernetesVersion: string): AddOnVersions {
  const minor = Number(kubernetesVersion.split('.')[1]);
  const known = Object.keys(ADD_ONS).map(Number);
  const nearest = Math.min(Math.max(minor, Math.min(...known)), Math.max(...known));
  return ADD_ONS[nearest]!;
}
