/** Two nodes whose probes cannot talk: what comes from one is dropped by the probe pods of the other. */
import { ciliumNodes, ipamBlocks } from '../../cni/resources.ts';
import { KubeError } from '../../kube/api.ts';
import { nodes, pods } from '../../kube/resources.ts';
import { durationMs } from '../../time/duration.ts';
import type { Expectation, FaultWorld, InjectedFault } from '../fault.ts';
import { allMade, insertRule } from '../on-nodes.ts';
import { failedAt, Story } from '../story.ts';

/** The probes whose pairs are judged, and their namespace. */
const PROBES = 'app in (nodepinger,goldpinger)';
const NAMESPACE = 'default';

export const pairDrop: InjectedFault = {
  kind: 'injected',
  name: 'pair-drop',
  summary: 'the probe pods of one node drop what comes from another node',
  ends: '`failed` at the next checkpoint: both directions with `packets`, FROM → TO only with `new-connections`; healed in time: `passed` and told as disruption, or `failed` above `gate.maxDisruption`',
  mechanism:
    'iptables, in the network namespace of every nodepinger and goldpinger pod that node `to` has at that moment, drops TCP ' +
    "from node `from`: its address, its CiliumInternalIP (so Calico's pods are seen), its Calico blocks and its Cilium pod " +
    'CIDRs. mode=packets drops every packet, so answers to calls in the other direction die too; mode=new-connections drops ' +
    'only SYNs. Pods that come later have namespaces of their own without rules, and a pod that goes takes its rules along.',
  source:
    'iptables filter INPUT per network namespace; sources as recorded: CiliumInternalIP and node address by masquerading',
  providers: ['twin', 'kind'],
  arguments: {
    from: { help: 'the node whose packets are dropped', required: true },
    to: { help: 'the node whose probe pods drop them', required: true },
    mode: { help: 'what is dropped', required: true, values: ['packets', 'new-connections'] },
    at: { help: 'when it starts', otherwise: 'after the first migrated/*' },
    for: { help: 'how long', otherwise: 'as long as the pods live' },
  },
  refusedBy: null,
  starts: () => 'migrated/*',
  inject: async (world, args) => {
    const { from, to } = { from: args.from!, to: args.to! };
    if (from === to) throw new Error('pair-drop: from and to are the same node');
    const sources = await sourcesOf(world, from);
    const rules = sources.map((source) => {
      return ['-s', source, '-p', 'tcp', ...(args.mode === 'packets' ? [] : ['--syn']), '-j', 'DROP'];
    });
    const parts = (await probeNamespaces(world, to)).flatMap((inside) =>
      rules.map((rule) => () => insertRule(world, { node: to, program: 'iptables', inside }, rule)),
    );
    if (parts.length === 0) throw new Error(`pair-drop: ${to} has no probe pods yet`);
    return allMade(world, parts);
  },
  expected: (run): Expectation => {
    const story = new Story(run);
    const { from, to, mode, at = 'migrated/*' } = run.args;
    const { maxDisruption } = run.scenario.gate;
    const start = story.place(at);
    const sweep = start === undefined ? undefined : story.after(start)[0];
    if (start === undefined || sweep === undefined) return { outcome: 'passed' };
    const replaced = [`recycle/${to!}`, `restart/${to!}`].find((step) => story.stepWithin(step, start, sweep.place));
    const lasts = Math.min(
      run.args.for === undefined ? Number.POSITIVE_INFINITY : durationMs(run.args.for),
      replaced === undefined ? Number.POSITIVE_INFINITY : (story.momentOf(replaced) ?? 0) - (story.momentOf(at) ?? 0),
    );
    const patience = story.patience(at, sweep);
    const recovers = Number.isFinite(lasts) && (replaced !== undefined || patience === undefined || lasts < patience);
    if (!recovers) {
      return {
        outcome: failedAt(sweep),
        blame: {
          reasons: ['pairs-unhealthy'],
          pairs: (pair) =>
            (pair.from.node === from && pair.to.node === to) ||
            (mode === 'packets' && pair.from.node === to && pair.to.node === from),
        },
      };
    }
    if (maxDisruption === 'unlimited' || lasts <= durationMs(maxDisruption)) return { outcome: 'passed' };
    return { outcome: failedAt(sweep), blame: { reasons: ['disruption-exceeded'] } };
  },
};

/** Every source that packets of a node and of its pods can bear when they reach a pod of another node. */
async function sourcesOf({ api, signal }: FaultWorld, node: string): Promise<string[]> {
  const addresses = (await api.get(nodes, { name: node }, { signal })).status?.addresses ?? [];
  const own = addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => `${address}/32`);
  const cilium = await unlessUnknown(() => api.get(ciliumNodes, { name: node }, { signal }));
  const routers = (cilium?.spec?.addresses ?? []).filter(({ type }) => type === 'CiliumInternalIP');
  const blocks = (await unlessUnknown(() => api.list(ipamBlocks, { signal })))?.items ?? [];
  const found = [
    ...own,
    ...routers.flatMap(({ ip }) => (ip === undefined ? [] : [`${ip}/32`])),
    ...(cilium?.spec?.ipam?.podCIDRs ?? []),
    ...blocks.filter(({ spec }) => spec.affinity === `host:${node}`).map(({ spec }) => spec.cidr),
  ];
  return [...new Set(found.filter((cidr) => !cidr.includes(':')))];
}

/** The words that enter the network namespace of each probe pod that runs on a node. */
async function probeNamespaces({ api, signal, onNode }: FaultWorld, node: string): Promise<string[][]> {
  const list = await api.list(pods, {
    namespace: NAMESPACE,
    labelSelector: PROBES,
    fieldSelector: `spec.nodeName=${node}`,
    signal,
  });
  const found: string[][] = [];
  for (const { metadata, status } of list.items) {
    if (status?.podIP === undefined || status.podIP === '' || metadata.deletionTimestamp !== undefined) continue;
    const which = ['--namespace', NAMESPACE, '--name', `^${metadata.name}$`, '--state', 'ready', '--quiet'];
    const id = (await onNode(node, ['crictl', 'pods', ...which])).trim().split('\n')[0] ?? '';
    if (id === '') continue;
    const template = ['--output', 'go-template', '--template', '{{.info.pid}}'];
    const pid = (await onNode(node, ['crictl', 'inspectp', ...template, id])).trim();
    found.push(['nsenter', '--target', pid, '--net']);
  }
  return found;
}

/** undefined where the API has no such object, or no such kind any more. */
async function unlessUnknown<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof KubeError && error.code === 404) return undefined;
    throw error;
  }
}
