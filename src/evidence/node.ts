/**
 * One node from inside: its CNI directory, network, containers and journals. The words are those of
 * docs/decisions/0003-commands-on-nodes.md; what the twin has no model of it answers with 64.
 */
import { CNI_DIRECTORY, isCniConfig } from '../cni/leftovers.ts';
import { type Host, NOT_MODELLED } from '../host/host.ts';
import { type Door, type Item, LookFailed } from './items.ts';

const LIMIT_MS = 10_000;

export interface NodeLook {
  readonly host: Host;
  readonly node: string;
  readonly door: Door;
  /** Is Cilium's agent asked? */
  readonly agent: boolean;
  /** The API does not answer: the logs of the node's containers are read from its runtime. */
  readonly runtimeLogs: boolean;
  readonly onJournal: (file: string, text: string) => void;
}

/** Prints the tail of the logs of what makes the network, with a heading each; all that there is when the API is away. */
const RUNTIME_LOGS =
  'for id in $(crictl ps --all --quiet); do crictl ps --all --id "$id" | tail -n 1; crictl logs --tail 200 "$id" 2>&1; done';

/**
 * Cilium's own word of itself; before 1.15 its program was called cilium (cilium/cilium 1.15 release notes). An agent that is not
 * well says so and ends with 1 (cilium-dbg/cmd/status.go), which is no reason to throw away what it said.
 */
const asCilium = (words: string): string =>
  `id=$(crictl ps --name '^cilium-agent$' --quiet | head -n 1); test -n "$id" || { echo 'no cilium-agent runs here' >&2; exit 1; }; ` +
  `said=$(crictl exec --sync "$id" cilium-dbg ${words} 2>&1) || case $said in *'executable file not found'*) ` +
  `said=$(crictl exec --sync "$id" cilium ${words} 2>&1);; esac; printf '%s\\n' "$said"`;

export function nodeItems(look: NodeLook): Item[] {
  const { node, door, agent, runtimeLogs } = look;
  const item = (file: string, what: string, gather: Item['gather'], more: Partial<Item> = {}): Item => ({
    ...{ what: `${node}: ${what}`, file: `nodes/${node}/${file}`, limitMs: LIMIT_MS, door, gather },
    ...more,
  });
  const command = (file: string, what: string, ...words: string[]): Item =>
    item(file, what, (signal) => onNode(look, words, signal));
  const journal = (unit: string, lines: number): Item => {
    const file = `journal-${unit}.log`;
    const words = ['journalctl', '--unit', unit, '--no-pager', '--output', 'short-iso', '--lines', String(lines)];
    return item(file, `journal of ${unit}`, (signal) => onNode(look, words, signal), {
      onText: (text) => look.onJournal(`nodes/${node}/${file}`, text),
    });
  };
  return [
    item('cni.txt', 'CNI directory', (signal) => cniDirectory(look, signal)),
    item('routes.txt', 'routes of all tables', (signal) =>
      either(look, signal, ['ip', 'route', 'show', 'table', 'all'], ['ip', '-json', '-4', ...MAIN_TABLE]),
    ),
    item('links.txt', 'links and addresses', (signal) =>
      either(look, signal, ['ip', '-details', 'address', 'show'], ['ip', '-json', '-details', 'link', 'show']),
    ),
    command('rules.txt', 'policy routing', 'ip', 'rule', 'show'),
    command('iptables.txt', 'NAT and filter rules', 'iptables-save'),
    ...(agent
      ? [
          command('cilium-status.txt', 'cilium-dbg status', 'sh', '-c', asCilium('status --verbose')),
          command('cilium-endpoints.txt', 'cilium-dbg endpoint list', 'sh', '-c', asCilium('endpoint list')),
        ]
      : []),
    command('containers.txt', 'containers', 'crictl', 'ps', '--all'),
    journal('kubelet', 2_000),
    journal('containerd', 500),
    // Without the mounts of every pod.
    command('disk.txt', 'disks', 'df', '-h', '/', '/var', '/run'),
    ...(runtimeLogs ? [command('logs.txt', 'logs of its containers', 'sh', '-c', RUNTIME_LOGS)] : []),
    inspectItem(look.host, node, door),
  ];
}

const MAIN_TABLE = ['route', 'show', 'table', 'main'];

/** The container as Docker has it: state, exit code, addresses, memory limits, whether it was killed. */
export function inspectItem(host: Host, container: string, door: Door): Item {
  return {
    ...{ what: `${container}: docker inspect`, file: `nodes/${container}/inspect.json`, limitMs: LIMIT_MS, door },
    gather: (signal) => looked(host, ['inspect', '--type', 'container', container], signal),
  };
}

/** What kind's load balancer in front of several control planes says. */
export function balancerItems(host: Host, container: string, door: Door): Item[] {
  const logs: Item = {
    ...{ what: `${container}: log`, file: `nodes/${container}/log.txt`, limitMs: LIMIT_MS, door },
    gather: (signal) => looked(host, ['logs', '--tail', '300', container], signal, true),
  };
  return [inspectItem(host, container, door), logs];
}

/** The machine below the nodes. */
export function machineItems(host: Host, cluster: string, door: Door): Item[] {
  const filter = `label=io.x-k8s.kind.cluster=${cluster}`;
  const item = (file: string, what: string, words: readonly string[]): Item => ({
    ...{ what, file: `machine/${file}`, limitMs: LIMIT_MS, door },
    gather: (signal) => looked(host, words, signal),
  });
  return [
    item('containers.txt', "the cluster's containers", ['ps', '--all', '--no-trunc', '--filter', filter]),
    item('docker-info.txt', 'docker info', ['info']),
  ];
}

async function looked(host: Host, words: readonly string[], signal: AbortSignal, both = false): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run('docker', words, { timeoutMs: LIMIT_MS, signal });
  if (exitCode !== 0) throw new LookFailed(exitCode, stderr);
  return both ? `${stdout}${stderr}` : stdout;
}

async function onNode({ host, node, door }: NodeLook, words: readonly string[], signal: AbortSignal): Promise<string> {
  const text = await looked(host, ['exec', node, ...words], signal);
  door.answered();
  return text;
}

/** The text for people where there is one; the words that the assertions use where the embedded node knows only those. */
async function either(
  look: NodeLook,
  signal: AbortSignal,
  words: readonly string[],
  known: readonly string[],
): Promise<string> {
  try {
    return await onNode(look, words, signal);
  } catch (error) {
    if (!(error instanceof LookFailed && error.exitCode === NOT_MODELLED)) throw error;
  }
  const text = await onNode(look, known, signal);
  return `${JSON.stringify(JSON.parse(text), null, 1)}\n`;
}

/** A CNI directory has a handful. */
const MOST_FILES = 40;

/** Names and contents; of files that are no CNI configuration the names only: calico-kubeconfig holds a token. */
async function cniDirectory(look: NodeLook, signal: AbortSignal): Promise<string> {
  const names = (await onNode(look, ['ls', '-1A', CNI_DIRECTORY], signal)).split('\n').filter((name) => name !== '');
  const parts: string[] = [];
  for (const name of names.sort().slice(0, MOST_FILES)) {
    const isConfig = isCniConfig(name.replace(/\.cilium_bak$/, ''));
    const content = isConfig ? await onNode(look, ['cat', `${CNI_DIRECTORY}/${name}`], signal) : '';
    parts.push(`== ${name}${isConfig ? `\n${content.trimEnd()}` : ' (not read)'}\n`);
  }
  if (names.length > MOST_FILES) parts.push(`and ${names.length - MOST_FILES} more\n`);
  return parts.length === 0 ? `${CNI_DIRECTORY} is empty\n` : parts.join('\n');
}
