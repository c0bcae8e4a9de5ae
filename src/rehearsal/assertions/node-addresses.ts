/**
 * Calico uses the node's own address. Nothing else shows it when it picked `cilium_host`: pairs stay green by double
 * encapsulation and calico-node stays Ready (observed).
 */
import { ADDRESS_ANNOTATION } from '../../cni/calico.ts';
import type { Node } from '../../kube/objects.ts';
import { nodes } from '../../kube/resources.ts';
import { type Assertion, judged, type Problem } from './assertion.ts';

export function addressProblems(list: readonly Node[]): Problem[] {
  return list.flatMap(({ metadata, status }): Problem[] => {
    const internal = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const calico = metadata.annotations?.[ADDRESS_ANNOTATION];
    if (calico === undefined) return [{ subject: metadata.name, text: `no annotation ${ADDRESS_ANNOTATION}` }];
    if (calico.split('/')[0] === internal) return [];
    const text = `Calico uses ${calico}, the InternalIP is ${internal}`;
    return [{ subject: metadata.name, text, reason: 'wrong-address' }];
  });
}

export const nodeAddresses: Assertion = async ({ rawApi }) => {
  const list = (await rawApi.list(nodes)).items;
  return judged(
    'node-addresses',
    "Calico's address of every node is its InternalIP",
    addressProblems(list),
    `${list.length} nodes agree`,
  );
};
