/** Phase 6: node by node from Calico to Cilium; workers in batches, control planes last and one at a time. */
import { AGENT_SELECTOR, CILIUM_NAMESPACE, MIGRATION_LABEL } from '../../cni/cilium.ts';
import { CALICO_CONFLIST, CILIUM_CONFLIST } from '../../cni/leftovers.ts';
import type { Pod } from '../../kube/objects.ts';
import { deployments, nodes, pods } from '../../kube/resources.ts';
import { PROBE_NAMESPACE, probeSelector } from '../../probe/manifests.ts';
import { reachCheckpoint } from '../checkpoint.ts';
import { activeConfig } from '../cni-directory.ts';
import { cordon, drain, uncordon } from '../drain.ts';
import { restartNode } from '../node-restart.ts';
import { unlessNotFound } from '../patient-api.ts';
import type { PlannedNode } from '../plan.ts';
import { legacyPods, recycle } from '../recycle.ts';
import { nodeNames, type PhaseRunner, type Rehearsal, together } from '../rehearsal.ts';
import { deploymentPending, isReady, whyNotReady } from '../rollout.ts';
import { missingShares, shareOf, surplusToDelete } from '../spread.ts';

export const migrate: PhaseRunner = async (rehearsal) => {
  const { journal, plan, scenario } = rehearsal;
  for (const [index, batch] of plan.batches.entries()) {
    const ids = (kind: string): string[] => batch.map(({ name }) => `${kind}/${name}`);
    await together(batch, ({ name }) =>
      journal.inStep(`drain/${name}`, async () => {
        await cordon(rehearsal, name);
        await drain(rehearsal, name);
      }),
    );
    await reachCheckpoint(rehearsal, ids('drained'));
    await together(batch, ({ name }) => journal.inStep(`agent/${name}`, () => switchAgent(rehearsal, name)));
    await together(batch, (node) =>
      journal.inStep(`recycle/${node.name}`, async () => {
        if (scenario.migration.recycle === 'node') await restartNode(rehearsal, node);
        else await recycle(rehearsal, await legacyPods(rehearsal, [node.name]));
      }),
    );
    await reachCheckpoint(rehearsal, ids('switched'));
    await together(batch, ({ name }) =>
      journal.inStep(`uncordon/${name}`, async () => {
        await uncordon(rehearsal, name);
        journal.inHand.delete(name);
        journal.migrated.add(name);
      }),
    );
    // One after the other: each needs the counts that the one before has left.
    for (const node of batch) {
      const scaled = index === 0 && node === batch[0];
      await journal.inStep(`spread/${node.name}`, () => spread(rehearsal, node, scaled));
    }
    await reachCheckpoint(rehearsal, ids('migrated'));
  }
};

/**
 * Label, then a new agent *pod*: its init container merges the CiliumNodeConfig, and a node is matched only if it bears
 * the label by then. The DaemonSet's status still shows the old numbers right after the deletion, so the new pod's uid
 * is waited for.
 */
async function switchAgent(rehearsal: Rehearsal, node: string): Promise<void> {
  const { api, journal, limits } = rehearsal;
  await api.patch(nodes, { name: node }, 'merge', { metadata: { labels: { [MIGRATION_LABEL]: 'true' } } });
  journal.inHand.set(node, 'labelled');
  journal.changed('patched', `Node ${node}`, `label ${MIGRATION_LABEL}=true`);
  const selection = {
    namespace: CILIUM_NAMESPACE,
    labelSelector: AGENT_SELECTOR,
    fieldSelector: `spec.nodeName=${node}`,
  };
  const old = (await api.list(pods, selection)).items;
  for (const pod of old) {
    const { name, namespace, uid } = pod.metadata;
    // Repeated after an outage it may find that the first one was carried out.
    await unlessNotFound(() => api.delete(pods, { name, namespace }, uid === undefined ? {} : { uid }));
    journal.podRemoved(pod, 'deleted', 'to start with the CiliumNodeConfig');
  }
  const oldUids = new Set(old.map((pod) => pod.metadata.uid));
  await rehearsal.wait({
    what: `the new Cilium agent of ${node} to be Ready`,
    resource: pods,
    ...selection,
    timeoutMs: limits.agent,
    pending: (agents) => {
      if (agents.some((pod) => oldUids.has(pod.metadata.uid))) return 'the old one is terminating';
      const agent = agents.find((pod) => pod.metadata.deletionTimestamp === undefined);
      if (!agent) return 'it does not exist yet';
      return isReady(agent) ? null : `${agent.metadata.name} is not Ready: ${whyNotReady(agent)}`;
    },
  });
  await waitForTakeOver(rehearsal, node);
  journal.inHand.set(node, 'switched');
}

/** Before 1.16 an agent may be Ready without its file; the directory itself is asked in any case. */
async function waitForTakeOver(rehearsal: Rehearsal, node: string): Promise<void> {
  await rehearsal.poll({
    what: `Cilium to take over the CNI directory of ${node}`,
    everyMs: 1_000,
    timeoutMs: rehearsal.limits.agent,
    look: async () => {
      const files = await rehearsal.commands.cniFiles(node);
      if (activeConfig(files) !== CILIUM_CONFLIST) return `the directory holds ${files.join(', ')}`;
      return files.includes(CALICO_CONFLIST) ? `${CALICO_CONFLIST} was not renamed` : null;
    },
  });
}

/**
 * The scheduler never moves running pods: without this the switched node would carry no goldpinger pod and its
 * checkpoint would say nothing about it.
 */
async function spread(rehearsal: Rehearsal, node: PlannedNode, scale: boolean): Promise<void> {
  const { api, journal, scenario } = rehearsal;
  const name = 'goldpinger';
  const { replicas, replicasAfterFirstNode } = scenario.probes.goldpinger;
  if (scale && replicasAfterFirstNode !== replicas) {
    const body = { spec: { replicas: replicasAfterFirstNode } };
    await api.patch(deployments, { namespace: PROBE_NAMESPACE, name }, 'merge', body, { subresource: 'scale' });
    journal.changed('patched', `Deployment ${PROBE_NAMESPACE}/${name}`, `replicas ${replicasAfterFirstNode}`);
    rehearsal.observer.expectReplicas(replicasAfterFirstNode);
  }
  await waitForGoldpinger(rehearsal);
  // Each replacement goes to one of the emptiest nodes, in a batch perhaps to another than this one: look again each time.
  let look = await goldpingers(rehearsal);
  const wanted = look.alive.length;
  for (let rounds = missingShares(look.counts); rounds > 0; rounds--) {
    const [full] = surplusToDelete(look.counts, node.name).keys();
    if (full === undefined) break;
    const candidates = look.alive.filter((pod) => pod.spec?.nodeName === full);
    // The youngest first: the oldest carry the connections that have lasted longest.
    candidates.sort((a, b) => (String(a.metadata.creationTimestamp) < String(b.metadata.creationTimestamp) ? 1 : -1));
    const pod = candidates[0]!;
    const { name: pinger, namespace, uid } = pod.metadata;
    await unlessNotFound(() => api.delete(pods, { name: pinger, namespace }, uid === undefined ? {} : { uid }));
    journal.podRemoved(pod, 'deleted', `surplus of ${full}, so that ${node.name} gets its share`);
    await mustBeReady(rehearsal, wanted);
    look = await goldpingers(rehearsal);
  }
  await mustBeReady(rehearsal, shareOf(wanted, look.counts.size), node.name);
}

/** goldpinger's pods that are not going, and how many of them each schedulable node has. */
async function goldpingers(rehearsal: Rehearsal): Promise<{ alive: Pod[]; counts: Map<string, number> }> {
  const selection = { namespace: PROBE_NAMESPACE, labelSelector: probeSelector('goldpinger') };
  const alive = (await rehearsal.api.list(pods, selection)).items.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined,
  );
  const counts = new Map((await schedulableNodes(rehearsal)).map((each) => [each, 0]));
  for (const pod of alive) {
    const on = pod.spec?.nodeName ?? '';
    if (counts.has(on)) counts.set(on, (counts.get(on) ?? 0) + 1);
  }
  return { alive, counts };
}

async function schedulableNodes(rehearsal: Rehearsal): Promise<string[]> {
  const known = new Set(nodeNames(rehearsal));
  const list = await rehearsal.api.list(nodes);
  return list.items
    .filter((node) => node.spec?.unschedulable !== true)
    .flatMap(({ metadata: { name } }) => (known.has(name) ? [name] : []));
}

async function waitForGoldpinger(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.wait({
    what: 'goldpinger to be available',
    resource: deployments,
    namespace: PROBE_NAMESPACE,
    name: 'goldpinger',
    timeoutMs: rehearsal.limits.agent,
    pending: (found) => deploymentPending(found[0]),
  });
}

/** A deleted pod counts as available for a moment; the pods themselves have the last word. */
async function mustBeReady(rehearsal: Rehearsal, wanted: number, node?: string): Promise<void> {
  await rehearsal.wait({
    what: node === undefined ? `${wanted} goldpinger pods` : `${node} to carry its share of ${wanted} goldpinger pods`,
    resource: pods,
    namespace: PROBE_NAMESPACE,
    labelSelector: probeSelector('goldpinger'),
    ...(node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` }),
    timeoutMs: rehearsal.limits.agent,
    pending: (found) => {
      const ready = found.filter((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod)).length;
      return ready >= wanted ? null : `${ready} are Ready`;
    },
  });
}
