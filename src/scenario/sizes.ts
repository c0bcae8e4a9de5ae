/** Sizes that fit each other: what no cluster could be made of, whatever is migrated on it. */
import { durationMs } from '../time/duration.ts';
import { type Network, overlap, parseNetwork } from './network.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioInput } from './schema.ts';

export interface SizeProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Label values, and so kubernetes.io/hostname, have at most 63 characters (apimachinery pkg/util/validation). */
const MAX_NODE_NAME = 63;
/** A container's host name (Linux, HOST_NAME_MAX); kind's load balancer is `NAME-external-load-balancer`. */
const MAX_HOST_NAME = 64;
/** kubelet's default for --max-pods. */
const MAX_PODS = 110;
/**
 * kubeadm, cmd/kubeadm/app/constants: MaximumBitsForServiceSubnet 20. Its minimum of ten addresses, a /28, has no room for the
 * Services of Kubernetes, Calico, Cilium and the probes together.
 */
const SERVICE_PREFIXES = {
  min: 12,
  max: 27,
  why: 'kubeadm refuses larger ones, and the Services do not fit into smaller ones',
};
/**
 * kubeadm, cmd/kubeadm/app/apis/kubeadm/validation: a pod subnet holds a /24, the default of node-cidr-mask-size, and is at most
 * PodSubnetNodeMaskMaxDiff (16) bits larger than that.
 */
const POD_PREFIXES = { min: 8, max: 24, why: 'kubeadm refuses others' };

/** Every size of a scenario that cannot be. */
export function sizeProblems(scenario: Scenario, input: ScenarioInput): SizeProblem[] {
  return [
    ...names(scenario),
    ...nodes(scenario),
    ...prefixes(scenario, input),
    ...disjoint(scenario),
    ...pool(scenario, input),
    ...replicas(scenario),
    ...samples(scenario),
  ];
}

function names({ cluster }: Scenario): SizeProblem[] {
  const longest = (role: string, count: number): number => `-${role}${count === 1 ? '' : count}`.length;
  const suffix = Math.max(longest('control-plane', cluster.controlPlanes), longest('worker', cluster.workers));
  const balancer = cluster.controlPlanes > 1 ? MAX_HOST_NAME - '-external-load-balancer'.length : MAX_HOST_NAME;
  const most = Math.min(MAX_NODE_NAME - suffix, balancer);
  if (cluster.name.length <= most) return [];
  return [
    {
      path: ['cluster', 'name'],
      message: `at most ${most} characters are wanted, not ${cluster.name.length}: the names of this cluster's containers would be too long`,
    },
  ];
}

function nodes({ cluster }: Scenario): SizeProblem[] {
  const network = parseNetwork(cluster.nodeSubnet);
  const balancer = cluster.controlPlanes > 1 ? 1 : 0;
  // Network address, gateway and broadcast address are nobody's.
  const room = network === undefined ? 0 : network.size - 3 - balancer;
  const wanted = cluster.workers + cluster.controlPlanes;
  if (wanted <= room) return [];
  return [
    {
      path: ['cluster', 'nodeSubnet'],
      message: `${cluster.nodeSubnet} has room for ${Math.max(0, room)} nodes, the cluster has ${wanted}; take a larger network or fewer workers`,
    },
  ];
}

function prefixes({ cluster }: Scenario, input: ScenarioInput): SizeProblem[] {
  const found: SizeProblem[] = [];
  const check = (path: string[], text: string, { min, max, why }: typeof POD_PREFIXES): void => {
    const prefix = parseNetwork(text)?.prefix ?? min;
    if (prefix >= min && prefix <= max) return;
    found.push({ path, message: `a prefix from /${min} to /${max} is wanted, not ${text}: ${why}` });
  };
  check(['cluster', 'serviceSubnet'], cluster.serviceSubnet, SERVICE_PREFIXES);
  const podSubnet = input.cluster?.podSubnet === undefined ? ['calico', 'cidr'] : ['cluster', 'podSubnet'];
  check(podSubnet, cluster.podSubnet, POD_PREFIXES);
  return found;
}

/** A service or a node with the address of a pod: the cluster is broken before anything is migrated. */
function disjoint({ cluster, calico }: Scenario): SizeProblem[] {
  const network = calico.installation.calicoNetwork as { readonly ipPools?: unknown } | null | undefined;
  const ownPools = typeof network === 'object' && network?.ipPools !== undefined;
  const all: readonly { readonly path: readonly string[]; readonly text: string }[] = [
    { path: ['cluster', 'serviceSubnet'], text: cluster.serviceSubnet },
    { path: ['cluster', 'nodeSubnet'], text: cluster.nodeSubnet },
    ...(ownPools ? [] : [{ path: ['calico', 'cidr'], text: calico.cidr }]),
  ];
  return all.flatMap(({ path, text }, index) =>
    all.slice(0, index).flatMap((other) => {
      const [a, b] = [parseNetwork(text), parseNetwork(other.text)];
      if (a === undefined || b === undefined || !overlap(a, b)) return [];
      return [{ path, message: `${text} overlaps ${other.path.join('.')} (${other.text}); take disjoint networks` }];
    }),
  );
}

function pool({ cilium }: Scenario, input: ScenarioInput): SizeProblem[] {
  const networks = (cilium.podCIDR ?? []).flatMap((text) => parseNetwork(text) ?? []);
  const operator = (cilium.values.ipam as { readonly operator?: Record<string, unknown> } | null | undefined)?.operator;
  const fromValues = operator?.clusterPoolIPv4MaskSize !== undefined;
  return networks.flatMap((network, index) => {
    const path = ['cilium', 'podCIDR', ...(Array.isArray(input.cilium?.podCIDR) ? [index] : [])];
    const other = networks.slice(0, index).find((before: Network) => overlap(before, network));
    if (other !== undefined) return [{ path, message: `${network.text} overlaps ${other.text} of the same list` }];
    if (fromValues || network.prefix <= cilium.maskSize) return [];
    return [
      {
        path,
        message: `${network.text} is smaller than one node's part of it: cilium.maskSize is ${cilium.maskSize}, at least ${network.prefix} is wanted`,
      },
    ];
  });
}

function replicas({ probes, cluster }: Scenario): SizeProblem[] {
  const { replicas: first, replicasAfterFirstNode: later } = probes.goldpinger;
  const most = MAX_PODS * (cluster.workers + cluster.controlPlanes);
  const path = (key: string): string[] => ['probes', 'goldpinger', key];
  if (first > most) {
    return [
      {
        path: path('replicas'),
        message: `at most ${most} are wanted, not ${first}: a node runs up to ${MAX_PODS} pods`,
      },
    ];
  }
  if (later > most) {
    return [
      {
        path: path('replicasAfterFirstNode'),
        message: `at most ${most} are wanted, not ${later}: a node runs up to ${MAX_PODS} pods`,
      },
    ];
  }
  if (later >= first) return [];
  return [
    {
      path: path('replicasAfterFirstNode'),
      message: `at least probes.goldpinger.replicas (${first}) is wanted, not ${later}`,
    },
  ];
}

/** A checkpoint that cannot become green in its time, were the network perfect. */
function samples({ gate, probes }: Scenario): SizeProblem[] {
  const intervalMs = probes.interval === null ? 2_000 : durationMs(probes.interval);
  const leastMs = (gate.freshSamples - 1) * intervalMs;
  if (durationMs(gate.settleTimeout) > leastMs) return [];
  return [
    {
      path: ['gate', 'settleTimeout'],
      message: `more than ${leastMs / 1_000}s is wanted, not ${gate.settleTimeout}: ${gate.freshSamples} samples take that long at an interval of ${intervalMs / 1_000}s`,
    },
  ];
}
