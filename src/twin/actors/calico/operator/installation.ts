/** Validation and defaulting of an Installation (tigera/operator pkg/controller/installation, v1.29.3 to v1.42.3; calico.md 1.3, 4). */
import type { ConfigMap, Node } from '../../../../kube/objects.ts';
import type { World } from '../../../world.ts';
import { covers, parseCidr } from '../ipv4.ts';
import type { Release } from '../release.ts';
import type { Autodetection, Installation, InstallationSpec, PoolRequest } from '../types.ts';

/** How many autodetection methods are asked for; `false` and null do not count. */
function methods(wanted: Autodetection): number {
  const { firstFound, ...others } = wanted;
  const { kubernetes, interface: device, skipInterface, canReach, cidrs } = others;
  return [firstFound === true, kubernetes != null, device, skipInterface, canReach, cidrs && cidrs.length > 0].filter(
    Boolean,
  ).length;
}

/** @returns the operator's message, or undefined when the Installation is valid */
export function validate(spec: InstallationSpec): string | undefined {
  const network = spec.calicoNetwork;
  if (network?.nodeAddressAutodetectionV4 && methods(network.nodeAddressAutodetectionV4) > 1) {
    return 'no more than one node address autodetection method can be specified per-family';
  }
  for (const pool of network?.ipPools ?? []) {
    const encapsulation = pool.encapsulation ?? 'IPIP';
    if (network?.bgp === 'Disabled' && encapsulation.startsWith('IPIP'))
      return 'IPIP encapsulation requires that BGP is enabled';
    if (network?.bgp === 'Disabled' && encapsulation === 'None')
      return 'Unencapsulated IP pools require that BGP is enabled';
    const size = pool.blockSize ?? 26;
    if (!pool.cidr.includes(':') && (size < 20 || size > 32 || size < parseCidr(pool.cidr).prefix)) {
      return `IP pool size is too small, must be equal or larger than the block size`;
    }
  }
  return undefined;
}

/** kubeadm's pod subnets; empty when this cluster was not made by kubeadm. */
export function podSubnets(world: World): string[] {
  const config = world.store.get<ConfigMap>('configmaps', 'kubeadm-config', 'kube-system')?.data?.ClusterConfiguration;
  const subnets = config && /^\s*podSubnet:\s*"?([^"\s]+)"?\s*$/m.exec(config)?.[1];
  return subnets ? subnets.split(',') : [];
}

/** @returns the operator's message when a pool lies outside of kubeadm's pod subnets */
export function outsidePodSubnet(world: World, pools: readonly PoolRequest[]): string | undefined {
  const subnets = podSubnets(world).filter((subnet) => !subnet.includes(':'));
  if (subnets.length === 0) return undefined;
  const outside = pools.find(
    (pool) => !pool.cidr.includes(':') && !subnets.some((subnet) => covers(parseCidr(subnet), parseCidr(pool.cidr))),
  );
  return (
    outside &&
    `IPPool ${outside.cidr} is not within the platform's configured pod network CIDR(s) [${subnets.join(' ')}]`
  );
}

/** Fills in what the operator writes back into `spec`. */
export function fillDefaults(world: World, release: Release, installation: Installation): void {
  const { spec } = installation;
  spec.variant ??= 'Calico';
  if (release.detectsKind && !spec.kubernetesProvider) {
    const nodes = world.store.list<Node>('nodes');
    if (nodes.some((node) => node.spec?.providerID?.startsWith('kind://'))) spec.kubernetesProvider = 'Kind';
  }
  spec.cni = { ...spec.cni, type: spec.cni?.type ?? 'Calico', ipam: { type: spec.cni?.ipam?.type ?? 'Calico' } };
  const network = { ...spec.calicoNetwork };
  network.bgp ??= 'Enabled';
  network.linuxDataplane ??= 'Iptables';
  network.hostPorts ??= 'Enabled';
  network.multiInterfaceMode ??= 'None';
  network.ipPools ??= podSubnets(world)
    .slice(0, 1)
    .map((cidr) => ({ cidr }));
  network.ipPools = network.ipPools.map((pool, i) => defaultPool(release, pool, i));
  const wanted = network.nodeAddressAutodetectionV4;
  if (network.ipPools.length > 0 && (!wanted || methods(wanted) === 0)) {
    network.nodeAddressAutodetectionV4 = { firstFound: true };
  }
  spec.calicoNetwork = network;
  spec.controlPlaneReplicas ??= 2;
  spec.flexVolumePath ??= '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/';
  spec.kubeletVolumePluginPath ??= '/var/lib/kubelet';
  spec.nodeUpdateStrategy ??= { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } };
}

/** An empty encapsulation means IPIP with the Calico CNI, not VXLAN. */
function defaultPool(release: Release, pool: PoolRequest, index: number): PoolRequest {
  const named = release.poolController
    ? { name: pool.name ?? (index === 0 ? 'default-ipv4-ippool' : pool.cidr.replace(/[./]/g, '-')) }
    : {};
  return {
    ...named,
    blockSize: 26,
    encapsulation: 'IPIP',
    natOutgoing: 'Enabled',
    nodeSelector: 'all()',
    ...(release.poolController
      ? { allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic', disableBGPExport: false }
      : {}),
    ...pool,
  };
}
