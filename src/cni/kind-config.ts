/** The kind cluster that the scenario asks for. */
import { stringify } from 'yaml';
import type { Scenario } from '../scenario/scenario.ts';
import { nodeImage } from '../scenario/versions.ts';

/** NodePorts of the probes' Services, published as the walk-through does. */
export const NODE_PORTS = { nodepinger: 32042, goldpinger: 32043 } as const;

export interface ClusterNode {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
}

/** `kind-control-plane`, `kind-worker`, `kind-worker2`, …: the first of a role has no number (kind providers/common/namer.go). */
export function clusterNodes(cluster: Scenario['cluster']): ClusterNode[] {
  const named = (role: ClusterNode['role'], count: number): ClusterNode[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${cluster.name}-${role}${index === 0 ? '' : index + 1}`,
      role,
    }));
  return [...named('control-plane', cluster.controlPlanes), ...named('worker', cluster.workers)];
}

/**
 * The node image: the scenario's, else kind's own for the version, by digest where it is known, because kind builds tags
 * anew (kind release notes; data/kubernetes-images.json).
 */
export function nodeImageOf({ image, version }: Scenario['kubernetes']): string {
  const plain = version.replace(/^v/, '');
  return image ?? nodeImage(plain) ?? `kindest/node:v${plain}`;
}

/** What a machine adds to the configuration. */
export interface KindConfigExtras {
  /** Where the node image comes from instead of its own registry. */
  readonly nodeImage?: string;
  /** A directory of the machine that every node sees, for image archives; read only. */
  readonly archives?: { readonly hostPath: string; readonly containerPath: string };
  /** Lets the kubelet start on cgroup v1, which it refuses from Kubernetes 1.35 on. */
  readonly cgroupV1?: boolean;
}

/**
 * kind's configuration as YAML. The port mappings stand on the first control plane only: on several nodes Docker cannot
 * publish the same port twice, and kind's validation does not notice (kind v0.32.0).
 */
export function kindConfig(scenario: Scenario, extras: KindConfigExtras = {}): string {
  const image = extras.nodeImage ?? nodeImageOf(scenario.kubernetes);
  let published = false;
  const nodes = clusterNodes(scenario.cluster).map(({ role }) => {
    const ports =
      role === 'control-plane' && !published
        ? { extraPortMappings: Object.values(NODE_PORTS).map((port) => ({ containerPort: port, hostPort: port })) }
        : {};
    published = true;
    const mounts = extras.archives ? { extraMounts: [{ ...extras.archives, readOnly: true }] } : {};
    return { role, image, ...ports, ...mounts };
  });
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes,
    networking: {
      disableDefaultCNI: true,
      podSubnet: scenario.cluster.podSubnet,
      serviceSubnet: scenario.cluster.serviceSubnet,
      // The machine's own search list would be every pod's.
      dnsSearch: [],
    },
    kubeadmConfigPatches: [...ETCD_WITHOUT_FSYNC, ...(extras.cgroupV1 === true ? [KUBELET_ON_CGROUP_V1] : [])].map(
      (patch) => stringify(patch),
    ),
  });
}

/**
 * etcd that does not wait for the disk: slow disks of CI machines fail whole clusters (kind issue 485), and a rehearsal's
 * cluster need not survive a power cut. kind writes kubeadm's v1beta3 up to Kubernetes 1.35 and v1beta4, where arguments
 * are a list, from 1.36 on; of patches that name a version only the fitting one is applied (kind pkg/cluster/internal/kubeadm
 * and patch, v0.33.0).
 */
const ETCD_WITHOUT_FSYNC = [
  {
    apiVersion: 'kubeadm.k8s.io/v1beta3',
    kind: 'ClusterConfiguration',
    etcd: { local: { extraArgs: { 'unsafe-no-fsync': 'true' } } },
  },
  {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    etcd: { local: { extraArgs: [{ name: 'unsafe-no-fsync', value: 'true' }] } },
  },
] as const;

/** kubernetes pkg/kubelet/apis/config, FailCgroupV1: true by default from 1.35. */
const KUBELET_ON_CGROUP_V1 = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  failCgroupV1: false,
} as const;
