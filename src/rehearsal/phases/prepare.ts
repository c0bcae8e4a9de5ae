/** Phase 4: what Calico is, what Cilium will be, and Calico kept off Cilium's interfaces. */
import {
  ADDRESS_ANNOTATION,
  AUTODETECTION_ENV,
  AUTODETECTION_PATCH,
  CALICO_NODE,
  DEFAULT_VXLAN_PORT,
  NODE_INTERNAL_IP_METHOD,
  poolEncapsulation,
} from '../../cni/calico.ts';
import { choosePodCidr, chooseTunnelPort, NoFreeCidr } from '../../cni/choose.ts';
import { formatCidr, parseCidr } from '../../cni/cidr.ts';
import { clusterNameFor, finalValues, initialValues, tunnelPortOf } from '../../cni/cilium.ts';
import { changedValues, valueAt } from '../../cni/merge.ts';
import { felixConfigurations, installations, ipamBlocks, ipPools } from '../../cni/resources.ts';
import type { DaemonSet } from '../../kube/objects.ts';
import { daemonSets, nodes } from '../../kube/resources.ts';
import { degradedStatuses, waitForCalicoAtRest } from '../calico-at-rest.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { readCniDirectories } from '../cni-directory.ts';
import type { CalicoFound } from '../found.ts';
import { RehearsalFailure } from '../outcome.ts';
import { find } from '../patient-api.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';

export const prepare: PhaseRunner = async (rehearsal) => {
  const { journal, scenario, found } = rehearsal;
  await journal.inStep('read-cluster', async () => {
    found.calico = await readCalico(rehearsal);
    for (const [node, files] of await readCniDirectories(rehearsal)) {
      rehearsal.emit({
        type: 'node',
        node,
        moment: 'before',
        cni: 'calico',
        podCIDRs: found.calico.blocks.get(node) ?? [],
        cniFiles: [...files.keys()],
      });
    }
    chooseCilium(rehearsal, found.calico);
  });
  if (scenario.migration.setAutodetection !== 'keep') {
    await journal.inStep('autodetection', () => setAutodetection(rehearsal));
  }
  await reachCheckpoint(rehearsal, ['prepared']);
  await faultyPools(rehearsal);
  // Read once more: every start of calico-node writes its files anew.
  for (const [node, files] of await readCniDirectories(rehearsal)) found.cniBefore.set(node, files);
};

/** A fault may want pools that only the cluster can tell, such as those around Calico's blocks in use. */
async function faultyPools(rehearsal: Rehearsal): Promise<void> {
  const { faults, scenario, found } = rehearsal;
  for (const { fault, args } of faults.planned) {
    if (fault.kind !== 'configuration' || fault.pools === undefined) continue;
    found.calico = await readCalico(rehearsal);
    const podCIDR = fault.pools(found.calico, args, scenario);
    if (podCIDR.join() === found.cilium?.podCidrs.join()) continue;
    const { emit, plan } = rehearsal;
    const changed = { ...scenario, cilium: { ...scenario.cilium, podCIDR } };
    chooseCilium({ scenario: changed, found, emit, plan }, found.calico);
  }
}

/** Pools, blocks, port and the nodes' subnet as the cluster has them, whatever the scenario asked for. */
async function readCalico(rehearsal: Rehearsal): Promise<CalicoFound> {
  const { api } = rehearsal;
  const pools = (await api.list(ipPools)).items.filter((pool) => pool.spec.disabled !== true);
  const blocks = new Map<string, string[]>();
  for (const block of (await api.list(ipamBlocks)).items) {
    const node = /^host:(.+)$/.exec(block.spec.affinity ?? '')?.[1];
    if (node !== undefined) blocks.set(node, [...(blocks.get(node) ?? []), block.spec.cidr].sort());
  }
  const felix = await find(api, felixConfigurations, { name: 'default' });
  const subnets = new Set<string>();
  for (const node of (await api.list(nodes)).items) {
    const subnet = parseCidr(node.metadata.annotations?.[ADDRESS_ANNOTATION] ?? '');
    if (subnet) subnets.add(formatCidr(subnet));
  }
  return {
    pools: pools.map((pool) => pool.spec.cidr),
    encapsulation: poolEncapsulation(pools[0]?.spec ?? {}),
    vxlanPort: felix?.spec?.vxlanPort ?? DEFAULT_VXLAN_PORT,
    blocks,
    nodeSubnets: [...subnets].sort(),
  };
}

/** Fills in what the scenario leaves open and makes the values of both moments. */
function chooseCilium(rehearsal: Pick<Rehearsal, 'scenario' | 'found' | 'emit' | 'plan'>, calico: CalicoFound): void {
  const { scenario, found, emit, plan } = rehearsal;
  const { cluster, cilium, finish } = scenario;
  const taken = [...calico.pools, cluster.podSubnet, cluster.serviceSubnet, ...calico.nodeSubnets];
  const podCidrs = cilium.podCIDR ?? [pick(() => choosePodCidr(taken, plan.nodes.length, cilium.maskSize))];
  const tunnelPort = cilium.tunnelPort ?? chooseTunnelPort(cilium.tunnelProtocol, [calico.vxlanPort]);
  const initial = initialValues({
    clusterName: clusterNameFor(cluster.name),
    podCidrs,
    maskSize: cilium.maskSize,
    tunnelProtocol: cilium.tunnelProtocol,
    tunnelPort,
    values: cilium.values,
  });
  const final = finalValues(initial, finish.policyEnforcement, cilium.finalValues);
  // The user's values win over the scenario's keys that they fill in.
  const merged = valueAt(initial, 'ipam.operator.clusterPoolIPv4PodCIDRList');
  const pools = Array.isArray(merged) ? merged.filter((cidr) => typeof cidr === 'string') : podCidrs;
  found.cilium = { podCidrs: pools, tunnelPort: tunnelPortOf(initial), initial, final };
  emit({ type: 'values', moment: 'initial', values: initial, changed: [] });
  emit({ type: 'values', moment: 'final', values: final, changed: changedValues(initial, final) });
}

function pick(choose: () => string): string {
  try {
    return choose();
  } catch (error) {
    if (!(error instanceof NoFreeCidr)) throw error;
    throw new RehearsalFailure('refused', 'scenario-invalid', error.message, { cause: error });
  }
}

/** The method that calico-node's template carries. */
function methodOf(set: DaemonSet | undefined): string | undefined {
  const env = set?.spec?.template.spec?.containers.flatMap((container) => container.env ?? []);
  return env?.find(({ name }) => name === AUTODETECTION_ENV)?.value;
}

/**
 * Patches the Installation and waits until the DaemonSet's template carries the method before its roll-out is waited
 * for: `rollout status` right after the patch would read the state before it. Nothing rolls where it was set before.
 */
async function setAutodetection(rehearsal: Rehearsal): Promise<void> {
  const { api, journal, limits } = rehearsal;
  await api.patch(installations, { name: 'default' }, 'merge', AUTODETECTION_PATCH);
  journal.changed('patched', 'Installation default', 'nodeAddressAutodetectionV4: NodeInternalIP');
  try {
    await rehearsal.wait({
      what: `calico-node's template to carry ${AUTODETECTION_ENV}=${NODE_INTERNAL_IP_METHOD}`,
      resource: daemonSets,
      ...CALICO_NODE,
      timeoutMs: limits.calico,
      pending: (sets) => {
        const method = methodOf(sets[0]);
        return method === NODE_INTERNAL_IP_METHOD ? null : `it carries ${method ?? 'none'}`;
      },
    });
    await waitForCalicoAtRest(rehearsal);
  } catch (error) {
    rehearsal.signal.throwIfAborted();
    const degraded = await degradedStatuses(rehearsal);
    if (degraded.length === 0) throw error;
    const why = degraded.map(({ name, why: text }) => `${name}: ${text}`).join('; ');
    throw new RehearsalFailure('failed', 'calico-degraded', `autodetection: Calico is Degraded: ${why}`, {
      cause: error,
    });
  }
}
