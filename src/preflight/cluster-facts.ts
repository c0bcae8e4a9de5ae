/**
 * What the provisioned cluster shows, read before Cilium is installed. A list that failed is a failed call and never an
 * empty list; only kinds that a Calico release may lack count as none when the API does not serve them.
 */
import { parse } from 'yaml';
import { ADDRESS_ANNOTATION } from '../cni/calico.ts';
import { anyHolds, formatCidr, parseCidr } from '../cni/cidr.ts';
import { felixConfigurations, installations, ipamBlocks, ipPools } from '../cni/resources.ts';
import { type CallOptions, type KubeApi, KubeError, type Resource } from '../kube/api.ts';
import type { KubeObject, Node } from '../kube/objects.ts';
import {
  apiVersionOf,
  calicoPolicyKinds,
  configMaps,
  networkPolicies,
  nodes,
  podDisruptionBudgets,
  pods,
} from '../kube/resources.ts';
import type { ClusterFacts, ScenarioFacts } from './rule.ts';

/**
 * Reads the cluster.
 * @param facts what is known from the scenario; part of the answer
 * @throws KubeError, ApiUnreachable when a read fails; Error when kubeadm's configuration cannot be read
 */
export async function clusterFacts(api: KubeApi, facts: ScenarioFacts, signal: AbortSignal): Promise<ClusterFacts> {
  const options = { signal };
  const clusterNodes = (await api.list(nodes, options)).items;
  const networking = await kubeadmNetworking(api, options);
  return {
    ...facts,
    installation: await absentIfNotFound(() => api.get(installations, { name: 'default' }, options)),
    felix: await absentIfNotFound(() => api.get(felixConfigurations, { name: 'default' }, options)),
    pools: (await api.list(ipPools, options)).items,
    blocks: await blocksByNode(api, options),
    nodeSubnets: nodeSubnets(clusterNodes),
    podSubnet: networking.podSubnet ?? null,
    serviceSubnet: networking.serviceSubnet ?? null,
    clusterNodes,
    pods: (await api.list(pods, options)).items,
    networkPolicies: await namedList(api, networkPolicies, options),
    calicoPolicies: await calicoPolicies(api, options),
    podDisruptionBudgets: await namedList(api, podDisruptionBudgets, options),
  };
}

/** Blocks that nobody owns, or that belong to no node (`virtual:` forms), are no node's. */
async function blocksByNode(api: KubeApi, options: CallOptions): Promise<Map<string, readonly string[]>> {
  const blocks = new Map<string, readonly string[]>();
  for (const { spec } of (await api.list(ipamBlocks, options)).items) {
    const node = /^host:(.+)$/.exec(spec.affinity ?? '')?.[1];
    if (node !== undefined) blocks.set(node, [...(blocks.get(node) ?? []), spec.cidr].sort());
  }
  return blocks;
}

/**
 * Subnets of the nodes: Calico writes each node's address with its prefix. A node without that annotation, or with one
 * that is not its own address (calico-node took another interface), counts by its InternalIP where no subnet holds it.
 */
function nodeSubnets(clusterNodes: readonly Node[]): string[] {
  const addresses = clusterNodes.flatMap(
    (node) => node.status?.addresses?.flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])) ?? [],
  );
  const subnets = new Set<string>();
  for (const { metadata } of clusterNodes) {
    const subnet = parseCidr(metadata.annotations?.[ADDRESS_ANNOTATION] ?? '');
    if (subnet !== undefined) subnets.add(formatCidr(subnet));
  }
  const own = [...subnets].filter((subnet) => addresses.some((address) => anyHolds([subnet], address)));
  const alone = addresses.filter((address) => parseCidr(`${address}/32`) !== undefined && !anyHolds(own, address));
  return [...new Set([...own, ...alone.map((address) => `${address}/32`)])].sort();
}

/** `networking` of the ClusterConfiguration that kubeadm keeps in the cluster; empty where kubeadm did not make it. */
async function kubeadmNetworking(
  api: KubeApi,
  options: CallOptions,
): Promise<{ podSubnet?: string; serviceSubnet?: string }> {
  const ref = { namespace: 'kube-system', name: 'kubeadm-config' };
  const text = (await absentIfNotFound(() => api.get(configMaps, ref, options)))?.data?.ClusterConfiguration;
  if (text === undefined) return {};
  let configuration: { networking?: { podSubnet?: unknown; serviceSubnet?: unknown } } | null;
  try {
    configuration = parse(text) as typeof configuration;
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new Error(`ConfigMap kube-system/kubeadm-config: ClusterConfiguration is no YAML: ${why}`, { cause: error });
  }
  const { podSubnet, serviceSubnet } = configuration?.networking ?? {};
  return {
    ...(typeof podSubnet === 'string' && podSubnet !== '' && { podSubnet }),
    ...(typeof serviceSubnet === 'string' && serviceSubnet !== '' && { serviceSubnet }),
  };
}

/** Calico's policies and what they refer to. Which kinds there are depends on the release (data/calico, CRDs). */
async function calicoPolicies(api: KubeApi, options: CallOptions): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  for (const resource of calicoPolicyKinds) {
    found.push(...((await absentIfNotFound(() => namedList(api, resource, options))) ?? []));
  }
  return found;
}

/** Items of a list of built-in kinds come without their kind. */
async function namedList(api: KubeApi, resource: Resource<unknown>, options: CallOptions): Promise<KubeObject[]> {
  const { items } = await api.list(resource as Resource<KubeObject>, options);
  return items.map((item) => ({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind }));
}

/** The answer; undefined when the object does not exist, or its kind is not served. */
async function absentIfNotFound<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof KubeError && error.code === 404) return undefined;
    throw error;
  }
}
