/** Reads from the cluster what live rules look at, before Cilium is installed. */

import { parse } from 'yaml';
import { ADDRESS_ANNOTATION } from '../cni/calico.ts';
import { formatCidr, parseCidr } from '../cni/cidr.ts';
import { felixConfigurations, installations, ipamBlocks, ipPools } from '../cni/resources.ts';
import type { KubeApi } from '../kube/api.ts';
import type { KubeObject } from '../kube/objects.ts';
import {
  calicoNetworkPolicies,
  configMaps,
  globalNetworkPolicies,
  networkPolicies,
  nodes,
  podDisruptionBudgets,
  pods,
} from '../kube/resources.ts';
import type { ClusterFacts, ScenarioFacts } from './rule.ts';

/** @throws KubeError, ApiUnreachable */
export async function clusterFacts(api: KubeApi, facts: ScenarioFacts, signal: AbortSignal): Promise<ClusterFacts> {
  const all = async <T>(resource: Parameters<typeof api.list<T>>[0]): Promise<readonly T[]> =>
    (await api.list(resource, { signal })).items;
  const blocks = new Map<string, string[]>();
  for (const { spec } of await all(ipamBlocks)) {
    const node = /^host:(.+)$/.exec(spec.affinity ?? '')?.[1];
    if (node !== undefined) blocks.set(node, [...(blocks.get(node) ?? []), spec.cidr].sort());
  }
  const clusterNodes = await all(nodes);
  const subnets = clusterNodes.flatMap(({ metadata }) => {
    const subnet = parseCidr(metadata.annotations?.[ADDRESS_ANNOTATION] ?? '');
    return subnet === undefined ? [] : [formatCidr(subnet)];
  });
  const kubeadm = (await all(configMaps)).find(
    ({ metadata }) => metadata.namespace === 'kube-system' && metadata.name === 'kubeadm-config',
  );
  const networking = (
    parse(kubeadm?.data?.ClusterConfiguration ?? '') as { networking?: Record<string, string> } | null
  )?.networking;
  return {
    ...facts,
    installation: (await all(installations)).find(({ metadata }) => metadata.name === 'default'),
    felix: (await all(felixConfigurations)).find(({ metadata }) => metadata.name === 'default'),
    pools: await all(ipPools),
    blocks,
    nodeSubnets: [...new Set(subnets)].sort(),
    podSubnet: networking?.podSubnet ?? null,
    serviceSubnet: networking?.serviceSubnet ?? null,
    clusterNodes,
    pods: await all(pods),
    networkPolicies: (await all(networkPolicies)) as unknown as readonly KubeObject[],
    calicoPolicies: [...(await all(calicoNetworkPolicies)), ...(await all(globalNetworkPolicies))] as KubeObject[],
    podDisruptionBudgets: (await all(podDisruptionBudgets)) as unknown as readonly KubeObject[],
  };
}
