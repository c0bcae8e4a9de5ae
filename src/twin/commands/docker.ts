/** `docker` as the twin answers it: engine 28.0.4, and the words of docs/decisions/0003-commands-on-nodes.md. */
import type { CommandResult } from '../../host/host.ts';
import type { Cluster } from '../node/cluster.ts';
import { answer, failure, notModelled, type Sleep, type TwinCommand } from './command.ts';
import { execOnNode } from './docker-exec.ts';

const SERVER_VERSION = '28.0.4';
/** A call of the command line: its start, the daemon, the answer. */
const CALL_MS = [25, 60] as const;
/** Between the container's start and the return of `docker restart`. */
const RESTARTED_MS = 150;

export interface DockerDoors {
  readonly cluster: Cluster;
  readonly sleep: Sleep;
}

export function dockerCommand(doors: DockerDoors): TwinCommand {
  const random = doors.cluster.world.random('commands/docker');
  return async (args, { signal }): Promise<CommandResult> => {
    await doors.sleep(random.integer(...CALL_MS), signal);
    const [verb, ...rest] = args;
    const words = rest.join(' ');
    if (verb === 'version' && words === '--format {{.Server.Version}}') return answer(`${SERVER_VERSION}\n`);
    if (verb === 'inspect' && rest.length === 3 && words.startsWith('--type container '))
      return inspect(doors, rest[2]!);
    if (verb === 'restart' && rest.length === 3 && /^-t \d+ /.test(words)) return restart(doors, rest[2]!, signal);
    if (verb === 'exec' && rest.length > 1 && !rest[0]!.startsWith('-')) {
      const machine = doors.cluster.machines.get(rest[0]!);
      if (machine === undefined) {
        return doors.cluster.loadBalancer?.name === rest[0]
          ? notModelled(`docker exec ${words}`)
          : noSuchContainer(rest[0]!);
      }
      if (!machine.containerRunning) {
        return failure(`Error response from daemon: container ${machine.containerId} is not running\n`);
      }
      return execOnNode({ ...doors, random, machine }, rest.slice(1), signal);
    }
    return notModelled(`docker ${args.join(' ')}`);
  };
}

const noSuchContainer = (name: string, stdout = ''): CommandResult =>
  failure(`Error response from daemon: No such container: ${name}\n`, 1, stdout);

async function restart(doors: DockerDoors, name: string, signal: AbortSignal): Promise<CommandResult> {
  const machine = doors.cluster.machines.get(name);
  if (machine === undefined) {
    return doors.cluster.loadBalancer?.name === name
      ? notModelled(`docker restart ${name} (kind's load balancer)`)
      : noSuchContainer(name);
  }
  await doors.sleep(machine.restart() + RESTARTED_MS, signal);
  return answer(`${name}\n`);
}

function inspect({ cluster }: DockerDoors, name: string): CommandResult {
  const balancer = cluster.loadBalancer?.name === name ? cluster.loadBalancer : undefined;
  const machine = cluster.machines.get(name);
  const container =
    machine !== undefined
      ? {
          id: machine.containerId,
          role: machine.role,
          running: machine.containerRunning,
          status: machine.containerStatus,
          startedAt: machine.startedAt(),
          finishedAt: machine.finishedAt,
          address: machine.address,
          image: `kindest/node:v${machine.kubernetesVersion}`,
        }
      : balancer && {
          id: balancer.containerId,
          role: 'external-load-balancer',
          running: true,
          status: 'running',
          startedAt: balancer.startedAt,
          finishedAt: undefined,
          address: balancer.address,
          image: 'docker.io/envoyproxy/envoy:v1.36.2',
        };
  if (container === undefined) return noSuchContainer(name, '[]\n');
  const document = {
    Id: container.id,
    State: {
      Status: container.status,
      Running: container.running,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: container.running ? 4242 : 0,
      ExitCode: container.running ? 0 : 130,
      Error: '',
      StartedAt: dockerTime(container.startedAt),
      FinishedAt: container.finishedAt === undefined ? '0001-01-01T00:00:00Z' : dockerTime(container.finishedAt),
    },
    Name: `/${name}`,
    RestartCount: 0,
    Config: {
      Hostname: name,
      Image: container.image,
      Labels: { 'io.x-k8s.kind.cluster': cluster.name, 'io.x-k8s.kind.role': container.role },
    },
    NetworkSettings: { Networks: { kind: { IPAddress: container.running ? container.address : '' } } },
  };
  return answer(`${JSON.stringify([document], null, 4)}\n`);
}

/** docker writes nanoseconds. */
const dockerTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '000000Z');
