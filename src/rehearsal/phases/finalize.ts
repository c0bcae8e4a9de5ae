/** Phase 8: Cilium in its final form, without the per-node configuration. */
import { AGENT, CILIUM_NAMESPACE, NODE_CONFIG_NAME, OPERATOR } from '../../cni/cilium.ts';
import { ciliumNodeConfigs, ciliumNodes } from '../../cni/resources.ts';
import { daemonSets, deployments } from '../../kube/resources.ts';
import { restartPatch } from '../../kube/rollout.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { readCniDirectories } from '../cni-directory.ts';
import { unlessNotFound } from '../patient-api.ts';
import type { PhaseRunner, Rehearsal } from '../rehearsal.ts';
import { upgradeRelease, waitForCilium } from './secondary.ts';

export const finalize: PhaseRunner = async (rehearsal) => {
  await rehearsal.journal.inStep('final-values', () => applyFinalValues(rehearsal));
  await reachCheckpoint(rehearsal, ['finalized']);
};

/**
 * Agents *and* operator are restarted: both read their ConfigMap at the start only, and the chart rolls neither unless
 * asked to. The CiliumNodeConfig goes last: without it an agent that still has the first values would give the CNI
 * directory up.
 */
async function applyFinalValues(rehearsal: Rehearsal): Promise<void> {
  const { journal, found, api, clock } = rehearsal;
  await upgradeRelease(rehearsal, found.cilium!.final);
  journal.changed('command', 'helm upgrade --install cilium', 'final values');
  found.values = found.cilium!.final;
  const body = restartPatch(clock.now());
  await api.patch(daemonSets, AGENT, 'strategic', body);
  await api.patch(deployments, OPERATOR, 'strategic', body);
  journal.changed('patched', `DaemonSet ${AGENT.namespace}/${AGENT.name}`, 'restart');
  journal.changed('patched', `Deployment ${OPERATOR.namespace}/${OPERATOR.name}`, 'restart');
  await waitForCilium(rehearsal);
  if (found.nodeConfigVersion !== null) {
    const ref = { namespace: CILIUM_NAMESPACE, name: NODE_CONFIG_NAME };
    await unlessNotFound(() => api.delete(ciliumNodeConfigs(found.nodeConfigVersion!), ref));
    journal.changed('deleted', `CiliumNodeConfig ${ref.namespace}/${ref.name}`);
  }
  await reportNodes(rehearsal);
}

/** What each node is on now, for the report. */
async function reportNodes(rehearsal: Rehearsal): Promise<void> {
  const list = await rehearsal.api.list(ciliumNodes);
  for (const [node, files] of await readCniDirectories(rehearsal)) {
    const cilium = list.items.find(({ metadata }) => metadata.name === node);
    rehearsal.emit({
      type: 'node',
      node,
      moment: 'after',
      cni: 'cilium',
      podCIDRs: cilium?.spec?.ipam?.podCIDRs ?? [],
      cniFiles: [...files.keys()],
    });
  }
}
