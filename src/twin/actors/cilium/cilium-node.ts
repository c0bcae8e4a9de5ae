/** The agent's own CiliumNode: creation, addresses, and where its pod CIDR comes from. */
import type { Node } from '../../../kube/objects.ts';
import type { Random } from '../../../time/random.ts';
import type { Machine, World } from '../../world.ts';
import { contains, parseCidr, toAddress } from './cidr.ts';
import type { AgentConfig } from './config.ts';
import { CILIUM_NODES, type CiliumNode } from './objects.ts';
import { type CiliumNodeState, ciliumState } from './state.ts';

/**
 * Creates the CiliumNode in the recorded shape when it is missing; else gives it the labels that its Node has now, as every
 * start of the agent does (recorded: the migration's label is on it after the switch). False when its Node cannot be read.
 */
export function ensureCiliumNode(world: World, machine: Machine, config: AgentConfig): boolean {
  const node = world.store.get<Node>('nodes', machine.name);
  if (node === undefined) return false;
  if (world.store.get(CILIUM_NODES, machine.name) !== undefined) {
    world.store.update<CiliumNode>(CILIUM_NODES, { name: machine.name }, (draft) => {
      draft.metadata.labels = { ...node.metadata.labels };
    });
    return true;
  }
  const fromKubernetes = config.ipam === 'kubernetes' ? (node.spec?.podCIDRs ?? []) : [];
  world.store.create<CiliumNode>(CILIUM_NODES, {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNode',
    metadata: {
      name: machine.name,
      labels: { ...node.metadata.labels },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: machine.name, uid: node.metadata.uid ?? '' }],
    },
    spec: {
      addresses: [{ ip: machine.address, type: 'InternalIP' }],
      'alibaba-cloud': {},
      azure: {},
      bootid: ciliumState(world).bootId,
      encryption: {},
      eni: {},
      health: {},
      ingress: {},
      ipam: { ...(fromKubernetes.length > 0 ? { podCIDRs: [...fromKubernetes] } : {}), pools: {} },
    },
    status: { 'alibaba-cloud': {}, azure: {}, eni: {}, ipam: { 'operator-status': {} } },
  });
  return true;
}

/** A free address of the pod CIDRs, drawn at random; never the first or last one. Undefined when all are taken. */
export function drawAddress(
  random: Random,
  podCidrs: readonly string[],
  taken: ReadonlySet<string>,
): string | undefined {
  for (const text of podCidrs) {
    const cidr = parseCidr(text);
    const last = cidr.size - 2;
    if (last < 1) continue;
    for (let attempt = 0; attempt < 64; attempt++) {
      const address = toAddress(cidr.base + random.integer(1, last));
      if (!taken.has(address)) return address;
    }
    // Nearly full: what is left, in order.
    for (let offset = 1; offset <= last; offset++) {
      const address = toAddress(cidr.base + offset);
      if (!taken.has(address)) return address;
    }
  }
  return undefined;
}

/**
 * Router and health address: those of the CiliumNode where they still lie in its pod CIDRs (kept over restarts and reboots,
 * recorded), else new ones. Writes them back.
 */
export function claimOwnAddresses(
  world: World,
  state: CiliumNodeState,
  config: AgentConfig,
  random: Random,
  taken: ReadonlySet<string>,
): void {
  const node = world.store.get<CiliumNode>(CILIUM_NODES, state.node)!;
  state.podCidrs = [...(node.spec.ipam.podCIDRs ?? [])];
  const inside = (address: string | undefined): address is string =>
    address !== undefined && state.podCidrs.some((cidr) => contains(parseCidr(cidr), address));
  const oldRouter = node.spec.addresses.find((entry) => entry.type === 'CiliumInternalIP')?.ip;
  const oldHealth = node.spec.health?.ipv4;
  const used = new Set(taken);
  const router = inside(oldRouter) ? oldRouter : drawAddress(random, state.podCidrs, used);
  if (router !== undefined) used.add(router);
  state.routerIp = router;
  if (!config.endpointHealthChecking) state.healthIp = undefined;
  else state.healthIp = inside(oldHealth) ? oldHealth : drawAddress(random, state.podCidrs, used);
  const internal = node.spec.addresses.find((entry) => entry.type === 'InternalIP')!;
  world.store.update<CiliumNode>(CILIUM_NODES, { name: state.node }, (draft) => {
    draft.spec.addresses = [internal, ...(router === undefined ? [] : [{ ip: router, type: 'CiliumInternalIP' }])];
    draft.spec.health = state.healthIp === undefined ? {} : { ipv4: state.healthIp };
  });
}
