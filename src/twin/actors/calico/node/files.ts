/** Files that calico-node leaves on its node for the CNI plugin; they survive a restart of the node. */
import type { Machine } from '../../../world.ts';

export const NODENAME_FILE = '/var/lib/calico/nodename';
export const MTU_FILE = '/var/lib/calico/mtu';

/** MTU of a pod's veth: what Felix wrote, else the kernel's default of a conflist with `mtu: 0`. */
export function vethMtu(machine: Machine): number {
  return Number(machine.files.read(MTU_FILE)?.content ?? '1500');
}
