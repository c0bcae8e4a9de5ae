/** Whose addresses are whose: Cilium's pools and everything that they must keep clear of. */
import { installationFor } from '../cni/calico.ts';
import { choosePodCidr, NoFreeCidr } from '../cni/choose.ts';
import { overlaps, parseCidr } from '../cni/cidr.ts';
import { valueAt } from '../cni/merge.ts';
import type { Json, JsonObject } from '../scenario/scenario.ts';
import type { ClusterFacts, ScenarioFacts } from './rule.ts';
import { poolsOf } from './scenario-facts.ts';
import { written } from './written.ts';

/** A range of IPv4 addresses with its owner. */
export interface Range {
  readonly cidr: string;
  readonly kind: 'calico' | 'pods' | 'services' | 'nodes';
  /** For people: `Calico's pool`. */
  readonly what: string;
  /** The key or the object that says so. */
  readonly where: string;
}

/** A pool that the scenario's Installation asks for. */
export interface AskedPool {
  readonly cidr: string;
  readonly encapsulation: string;
  /** No pod gets an address of it. */
  readonly disabled: boolean;
  readonly where: string;
}

/** The spec of the Installation as it will be applied. */
export function installationSpec({ scenario }: ScenarioFacts): JsonObject {
  return installationFor(scenario.calico).spec as JsonObject;
}

/** Calico's pools as the Installation has them, the user's over ours. */
export function askedPools(facts: ScenarioFacts): AskedPool[] {
  const theirs = valueAt(facts.scenario.calico.installation, 'calicoNetwork.ipPools') !== undefined;
  const pools = valueAt(installationSpec(facts), 'calicoNetwork.ipPools');
  return (Array.isArray(pools) ? pools : []).flatMap((pool, index) => {
    const { cidr, encapsulation, disableNewAllocations } = (pool ?? {}) as Record<string, Json>;
    if (typeof cidr !== 'string') return [];
    const path = theirs ? `calico.installation.calicoNetwork.ipPools.${index}.cidr` : 'calico.cidr';
    return [
      {
        cidr,
        // What the operator writes where it is left out (tigera/operator v1.29.3 to v1.42.3, core_controller.go).
        encapsulation: typeof encapsulation === 'string' && encapsulation !== '' ? encapsulation : 'IPIP',
        disabled: disableNewAllocations === true,
        where: facts.at(path),
      },
    ];
  });
}

/** What the scenario takes besides Cilium's own pools. */
export function rangesAsked(facts: ScenarioFacts): Range[] {
  const { cluster } = facts.scenario;
  const key = (kind: Range['kind'], what: string, name: keyof typeof cluster): Range => ({
    cidr: written(cluster[name]),
    kind,
    what,
    where: facts.at(`cluster.${name}`),
  });
  return [
    ...askedPools(facts)
      .filter(({ disabled }) => !disabled)
      .map(({ cidr, where }): Range => ({ cidr, kind: 'calico', what: "Calico's pool", where })),
    key('pods', "the cluster's pod subnet", 'podSubnet'),
    key('services', "the Services' subnet", 'serviceSubnet'),
    // Real nodes get their addresses from Docker: only the cluster tells.
    ...(facts.provider === 'twin' ? [key('nodes', "the nodes' subnet", 'nodeSubnet')] : []),
  ];
}

/** What the cluster has taken. A disabled pool counts no more than its blocks: it is a remedy against masquerading. */
export function rangesFound(facts: ClusterFacts): Range[] {
  const kubeadm = (kind: Range['kind'], what: string, subnet: string | null): Range[] =>
    (subnet ?? '')
      .split(',')
      .filter((cidr) => cidr !== '')
      .map((cidr) => ({ cidr, kind, what, where: 'ConfigMap kube-system/kubeadm-config' }));
  return [
    ...facts.pools
      .filter(({ spec }) => spec.disabled !== true)
      .map(
        ({ spec, metadata }): Range => ({
          cidr: spec.cidr,
          kind: 'calico',
          what: "Calico's pool",
          where: `IPPool ${metadata.name}`,
        }),
      ),
    ...[...facts.blocks].flatMap(([node, blocks]) =>
      blocks.map(
        (cidr): Range => ({
          cidr,
          kind: 'calico',
          what: "Calico's block",
          where: `IPAMBlock ${cidr.replace(/[./]/g, '-')} of ${node}`,
        }),
      ),
    ),
    ...kubeadm('pods', "the cluster's pod subnet", facts.podSubnet),
    ...kubeadm('services', "the Services' subnet", facts.serviceSubnet),
    ...facts.nodeSubnets.map(
      (cidr): Range => ({ cidr, kind: 'nodes', what: "the nodes' subnet", where: "the nodes' addresses" }),
    ),
  ];
}

/** Do the texts overlap as IPv4 CIDRs? What is none overlaps nothing. */
export function overlap(a: string, b: string): boolean {
  const [left, right] = [parseCidr(a), parseCidr(b)];
  return left !== undefined && right !== undefined && overlaps(left, right);
}

/** One of Cilium's pools, and the key that names it. */
export interface CiliumPool {
  readonly cidr: string;
  readonly where: string;
}

/** Does Cilium give out addresses of pools of its own? */
export function hasOwnPools(values: JsonObject): boolean {
  const mode = valueAt(values, 'ipam.mode');
  return mode === 'cluster-pool' || mode === 'multi-pool';
}

/** Cilium's pools of the install, and those that the final values add; empty while they are not chosen. */
export function ciliumPools(facts: ScenarioFacts): CiliumPool[] {
  const { initial, final } = facts.values;
  const first = hasOwnPools(initial) ? (facts.podCidrs ?? []) : [];
  const later = hasOwnPools(final) ? (poolsOf(final) ?? []).filter((cidr) => !first.includes(cidr)) : [];
  return [
    ...first.map((cidr, index) => ({ cidr, where: facts.at(poolKey(facts, index)) })),
    ...later.map((cidr) => ({ cidr, where: facts.at(`cilium.finalValues.${POOL_LIST}`) })),
  ];
}

const POOL_LIST = 'ipam.operator.clusterPoolIPv4PodCIDRList';

/** The key that a pool of the install stands in. */
export function poolKey({ scenario, values }: ScenarioFacts, index = 0): string {
  if (valueAt(values.initial, 'ipam.mode') === 'multi-pool') {
    return 'cilium.values.ipam.operator.autoCreateCiliumPodIPPools';
  }
  if (valueAt(scenario.cilium.values, POOL_LIST) !== undefined) return `cilium.values.${POOL_LIST}`;
  return (scenario.cilium.podCIDR?.length ?? 0) > 1 ? `cilium.podCIDR.${index}` : 'cilium.podCIDR';
}

/** Prefix length of a node's block. */
export function maskSizeOf(values: JsonObject): number {
  return Number(valueAt(values, 'ipam.operator.clusterPoolIPv4MaskSize') ?? 24);
}

/** The key that says it. */
export function maskSizeKey({ scenario }: ScenarioFacts): string {
  const path = 'ipam.operator.clusterPoolIPv4MaskSize';
  return valueAt(scenario.cilium.values, path) === undefined ? 'cilium.maskSize' : `cilium.values.${path}`;
}

/** What phase `prepare` would choose: a pool with room for every node, disjoint from all of these; undefined: there is none. */
export function freePool(taken: readonly string[], nodes: number, maskSize: number): string | undefined {
  try {
    return choosePodCidr(taken, nodes, maskSize);
  } catch (error) {
    if (error instanceof NoFreeCidr) return undefined;
    throw error;
  }
}
