/** The words that `docker exec` runs on a node; each is exactly one of docs/decisions/0003-commands-on-nodes.md. */
import type { CommandResult } from '../../host/host.ts';
import type { Random } from '../../time/random.ts';
import type { Source } from '../network/network.ts';
import type { Cluster } from '../node/cluster.ts';
import type { TwinMachine } from '../node/machine.ts';
import { answer, failure, notModelled, type Sleep } from './command.ts';
import { crictl } from './docker-crictl.ts';
import { curl } from './docker-curl.ts';
import { changeLinks, linksAsJson, routesAsJson } from './docker-ip.ts';
import { iptables } from './docker-iptables.ts';
import { systemctl } from './docker-systemctl.ts';

export interface NodeDoors {
  readonly cluster: Cluster;
  readonly machine: TwinMachine;
  readonly sleep: Sleep;
  readonly random: Random;
}

/** Starting a process in the container. */
const EXEC_MS = [40, 110] as const;

export async function execOnNode(
  doors: NodeDoors,
  args: readonly string[],
  signal: AbortSignal,
): Promise<CommandResult> {
  await doors.sleep(doors.random.integer(...EXEC_MS), signal);
  const { machine, cluster } = doors;
  const unknown = (): CommandResult => notModelled(`docker exec ${machine.name} ${args.join(' ')}`);
  // The container may have been stopped since the call.
  const network = cluster.world.network.node(machine.name);
  if (network === undefined) return failure('', 137);
  const [program = '', ...rest] = args;
  const words = rest.join(' ');
  switch (program) {
    case 'ls':
      return rest[0] === '-1A' && rest.length === 2 ? list(machine, rest[1]!) : unknown();
    case 'cat':
      return rest.length === 1 && !rest[0]!.startsWith('-') ? cat(machine, rest[0]!) : unknown();
    case 'rm':
      return rest[0] === '-f' && rest.length > 1 ? remove(machine, rest.slice(1)) : unknown();
    case 'ip':
      if (words === '-json -details link show') return answer(linksAsJson(network));
      if (words === '-json -4 route show table main') return answer(routesAsJson(network));
      return changeLinks(network, rest) ?? unknown();
    case 'iptables-save':
      return rest.length === 0 ? answer(network.iptablesSave()) : unknown();
    case 'iptables':
    case 'ip6tables':
      return iptables(doors, program, { node: machine.name }, rest) ?? unknown();
    case 'systemctl':
      return systemctl(machine, rest) ?? unknown();
    case 'crictl':
      return crictl(doors, rest) ?? unknown();
    case 'curl':
      return (await curl(doors, { node: machine.name }, rest, signal)) ?? unknown();
    case 'nsenter': {
      const inside = rest[3];
      if (rest[0] !== '--target' || rest[2] !== '--net') return unknown();
      if (inside !== 'curl' && inside !== 'iptables' && inside !== 'ip6tables') return unknown();
      const source = namespaceOf(doors, Number(rest[1]));
      if (source === undefined) {
        return failure(`nsenter: cannot open /proc/${rest[1]}/ns/net: No such file or directory\n`);
      }
      if (inside !== 'curl') return iptables(doors, inside, source, rest.slice(4)) ?? unknown();
      return (await curl(doors, source, rest.slice(4), signal)) ?? unknown();
    }
    default:
      return unknown();
  }
}

function list(machine: TwinMachine, directory: string): CommandResult {
  if (!machine.files.isDirectory(directory)) {
    return failure(`ls: cannot access '${directory}': No such file or directory\n`, 2);
  }
  return answer(
    machine.files
      .list(directory)
      .map((name) => `${name}\n`)
      .join(''),
  );
}

function cat(machine: TwinMachine, path: string): CommandResult {
  const file = machine.files.read(path);
  if (file !== undefined) return answer(file.content);
  const why = machine.files.isDirectory(path) ? 'Is a directory' : 'No such file or directory';
  return failure(`cat: ${path}: ${why}\n`);
}

function remove(machine: TwinMachine, paths: readonly string[]): CommandResult {
  for (const path of paths) {
    if (machine.files.read(path) === undefined && machine.files.isDirectory(path)) {
      return failure(`rm: cannot remove '${path}': Is a directory\n`);
    }
    machine.files.remove(path);
  }
  return answer('');
}

/** The network namespace of a sandbox's process. */
function namespaceOf({ cluster, machine }: NodeDoors, pid: number): Source | undefined {
  const worker = cluster.pods.on(machine.name).find((one) => one.sandbox?.pid === pid);
  if (worker === undefined) return undefined;
  return worker.pod.spec?.hostNetwork === true ? { node: machine.name } : { podUid: worker.pod.metadata.uid ?? '' };
}
