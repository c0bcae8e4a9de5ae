/** `kind` as the twin answers it: version 0.33.0, and the words of docs/decisions/0003-commands-on-nodes.md. */
import type { CommandResult } from '../../host/host.ts';
import type { Cluster } from '../node/cluster.ts';
import { answer, failure, notModelled, type Sleep, type TwinCommand } from './command.ts';
import { ConfigError, type KindConfig, NotModelled, readKindConfig } from './kind-config.ts';
import { createCluster } from './kind-create.ts';

const VERSION = 'kind v0.33.0 go1.26.1 linux/amd64';

export interface KindDoors {
  readonly cluster: Cluster;
  readonly sleep: Sleep;
  /** A kubeconfig was written to, or removed from, this path. */
  readonly kubeconfig: (path: string, written: boolean) => void;
}

export function kindCommand(doors: KindDoors): TwinCommand {
  return async (args, { stdin, signal }): Promise<CommandResult> => {
    const words = args.join(' ');
    if (words === 'version') {
      await doors.sleep(20, signal);
      return answer(`${VERSION}\n`);
    }
    if (words === 'get clusters') {
      await doors.sleep(60, signal);
      return doors.cluster.name === undefined
        ? answer('', 'No kind clusters found.\n')
        : answer(`${doors.cluster.name}\n`);
    }
    const flags = readFlags(args.slice(2));
    if (flags === undefined) return notModelled(`kind ${words}`);
    if (args[0] === 'create' && args[1] === 'cluster') return create(doors, flags, stdin, signal, words);
    if (args[0] === 'delete' && args[1] === 'cluster') return remove(doors, flags, signal);
    return notModelled(`kind ${words}`);
  };
}

interface Flags {
  readonly name: string | undefined;
  readonly config: string | undefined;
  readonly kubeconfig: string;
}

/** undefined when there is a word that the twin does not know. */
function readFlags(args: readonly string[]): Flags | undefined {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [word, inline] = args[i]!.split(/=(.*)/s);
    if (word === '--retain' && inline === undefined) continue;
    const flag = word === '-n' ? '--name' : word!;
    if (!['--name', '--config', '--kubeconfig'].includes(flag)) return undefined;
    const value = inline ?? args[++i];
    if (value === undefined) return undefined;
    values.set(flag, value);
  }
  return {
    name: values.get('--name'),
    config: values.get('--config'),
    kubeconfig: values.get('--kubeconfig') ?? '~/.kube/config',
  };
}

async function create(
  doors: KindDoors,
  flags: Flags,
  stdin: string,
  signal: AbortSignal,
  words: string,
): Promise<CommandResult> {
  if (flags.config !== '-') return notModelled(`kind ${words} (a configuration that is not on stdin)`);
  let config: KindConfig;
  try {
    config = readKindConfig(stdin);
  } catch (error) {
    if (error instanceof NotModelled) return notModelled(`kind create cluster: ${error.message}`);
    if (error instanceof ConfigError) return failure(`ERROR: failed to create cluster: ${error.message}\n`);
    throw error;
  }
  const name = flags.name ?? config.name;
  if (!/^[a-z0-9.-]+$/.test(name)) {
    return failure(
      `ERROR: failed to create cluster: '${name}' is not a valid cluster name, cluster names must match \`^[a-z0-9.-]+$\`\n`,
    );
  }
  const { cluster } = doors;
  if (cluster.name === name) {
    await doors.sleep(60, signal);
    return failure(`ERROR: failed to create cluster: node(s) already exist for a cluster with the name "${name}"\n`);
  }
  if (cluster.used) return notModelled('kind create cluster: a second cluster in one world');
  const { podSubnet, serviceSubnet } = cluster.world.config;
  if (config.podSubnet !== podSubnet || config.serviceSubnet !== serviceSubnet) {
    return notModelled(`kind create cluster: pod and service subnets other than ${podSubnet} and ${serviceSubnet}`);
  }
  const result = await createCluster(cluster, { ...config, name }, flags.kubeconfig, doors.sleep, signal);
  if (result.exitCode === 0) doors.kubeconfig(flags.kubeconfig, true);
  return result;
}

async function remove(doors: KindDoors, flags: Flags, signal: AbortSignal): Promise<CommandResult> {
  const name = flags.name ?? 'kind';
  const text = `Deleting cluster "${name}" ...\n`;
  await doors.sleep(150, signal);
  doors.kubeconfig(flags.kubeconfig, false);
  if (doors.cluster.name !== name) return answer('', text);
  const machines = [...doors.cluster.machines.keys()].sort();
  await doors.sleep(800 + 400 * machines.length, signal);
  doors.cluster.delete();
  return answer('', `${text}Deleted nodes: [${machines.map((machine) => JSON.stringify(machine)).join(' ')}]\n`);
}
