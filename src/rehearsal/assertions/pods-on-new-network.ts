/** Every pod of the pod network has a CiliumEndpoint and an address in its own node's Cilium CIDRs that no other pod has. */
import { anyHolds } from '../../cni/cidr.ts';
import { type CiliumEndpoint, type CiliumNode, ciliumEndpoints, ciliumNodes } from '../../cni/resources.ts';
import type { Pod } from '../../kube/objects.ts';
import { pods } from '../../kube/resources.ts';
import { isOnPodNetwork, podName } from '../rollout.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

/** Judges the pods that are placed on a node, in `all` among the whole cluster's, by their endpoints and nodes. */
export function networkProblems(
  list: readonly Pod[],
  endpoints: readonly CiliumEndpoint[],
  nodes: readonly CiliumNode[],
  all: readonly Pod[] = list,
): Problem[] {
  const holders = holdersOf(all);
  const byName = new Map(endpoints.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]));
  const cidrs = new Map(nodes.map((node) => [node.metadata.name, node.spec?.ipam?.podCIDRs ?? []]));
  return list.filter(isOnPodNetwork).flatMap((pod): Problem[] => {
    const subject = podName(pod);
    const node = pod.spec?.nodeName ?? '';
    const ip = pod.status?.podIP;
    if (!ip) return [{ subject, text: `has no address on ${node} (${pod.status?.phase ?? 'no status'})` }];
    const endpoint = byName.get(subject);
    if (!endpoint) return [{ subject, text: `${ip} on ${node} has no CiliumEndpoint` }];
    const own = cidrs.get(node) ?? [];
    if (!anyHolds(own, ip)) {
      return [
        { subject, text: `${ip} on ${node} lies outside ${own.join(', ') || 'any CIDR'}`, reason: 'wrong-address' },
      ];
    }
    // Where pools overlap, Calico's pod of the same address answers in its place: probes and pings alike are good.
    const other = holders.get(ip)?.find((each) => podName(each) !== subject);
    if (other) {
      const text = `${ip} on ${node} is the address of ${podName(other)} on ${other.spec?.nodeName} as well`;
      return [{ subject, text, reason: 'wrong-address' }];
    }
    const held = endpoint.status?.networking?.addressing?.flatMap(({ ipv4 }) => ipv4 ?? []) ?? [];
    return held.includes(ip)
      ? []
      : [{ subject, text: `its CiliumEndpoint has ${held.join(', ') || 'none'}, not ${ip}` }];
  });
}

/** Pods by address. */
function holdersOf(all: readonly Pod[]): Map<string, Pod[]> {
  const holders = new Map<string, Pod[]>();
  for (const pod of all.filter(isOnPodNetwork)) {
    const ip = pod.status?.podIP;
    if (ip) holders.set(ip, [...(holders.get(ip) ?? []), pod]);
  }
  return holders;
}

export const podsOnNewNetwork: Assertion = async ({ rawApi }, checkpoint) => {
  // While the migration goes on only the node in hand is judged, later all of them.
  const here = checkpoint.phase === 'migrate' ? checkpoint.node : null;
  const all = (await rawApi.list(pods)).items.filter((pod) => pod.spec?.nodeName);
  const list = here === null ? all : all.filter((pod) => pod.spec?.nodeName === here);
  const endpoints = (await rawApi.list(ciliumEndpoints)).items;
  const nodes = (await rawApi.list(ciliumNodes)).items;
  return judged(
    'pods-on-new-network',
    `every pod of the pod network${here === null ? '' : ` on ${here}`} is attached by Cilium, inside its node's CIDRs, with an address of its own`,
    networkProblems(list, endpoints, nodes, all),
    `${list.filter(isOnPodNetwork).length} pods are`,
  );
};
