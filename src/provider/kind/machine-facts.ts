/** Looks at the machine: what Docker, the kernel and the network say of it. Judges nothing. */
import { readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { formatAddress } from '../../cni/cidr.ts';
import type { Host } from '../../host/host.ts';
import type { InotifyLimits } from './sizes.ts';

/** What `docker info` says, as far as it matters. */
export interface DockerFacts {
  readonly serverVersion: string;
  /** `x86_64`, `aarch64`. */
  readonly architecture: string;
  readonly operatingSystem: string;
  readonly cgroupVersion: string;
  readonly rootDirectory: string;
  /** Bytes. */
  readonly memory: number;
  /** Images are kept in containerd (default of new installations from Docker 29 on). */
  readonly containerdImages: boolean;
  readonly rootless: boolean;
}

export interface DockerNetwork {
  readonly name: string;
  readonly subnets: readonly string[];
}

/** null where it could not be looked at: another system, no right to. */
export interface MachineFacts {
  readonly platform: string;
  /** A text: why Docker does not answer. */
  readonly docker: DockerFacts | string;
  /** Highest version of Docker's API that both sides speak, such as `1.48`. */
  readonly dockerApi: string;
  /** Where the daemon is reached, by DOCKER_HOST or by the context in use; empty where that is not known. */
  readonly endpoint: string;
  readonly networks: readonly DockerNetwork[];
  /** Bytes that are free where Docker keeps its data. */
  readonly diskFree: number | null;
  /** Bytes that programs could have now. */
  readonly memoryAvailable: number | null;
  readonly inotify: InotifyLimits | null;
  /** Destinations of the machine's own routes but the default one. */
  readonly routes: readonly { readonly cidr: string; readonly device: string }[] | null;
  /** Ports that something holds, with who it is where that is known. */
  readonly portsTaken: readonly { readonly port: number; readonly by: string }[];
  /** `KIND_EXPERIMENTAL_PROVIDER`, empty unless set. */
  readonly kindProvider: string;
  /** Name of the Docker network that kind uses. */
  readonly kindNetwork: string;
}

/** The machine's files and ports, for tests to stand in for. */
export interface Machinery {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Numeric user; undefined where there is no such thing. */
  readonly uid: number | undefined;
  /** undefined: there is no such file, or it may not be read. */
  readText(path: string): Promise<string | undefined>;
  /** Bytes; undefined: there is no such directory here. */
  freeBytes(path: string): Promise<number | undefined>;
  /** Can a program listen there on all addresses? */
  portIsFree(port: number): Promise<boolean>;
}

export function thisMachinery(env: Machinery['env']): Machinery {
  return {
    platform: process.platform,
    env,
    uid: process.getuid?.(),
    readText: (path) => readFile(path, 'utf8').catch(() => undefined),
    freeBytes: async (path) => {
      try {
        const { bavail, bsize } = await statfs(path);
        return bavail * bsize;
      } catch {
        return undefined;
      }
    },
    portIsFree: (port) =>
      new Promise((resolve) => {
        const server = createServer();
        server.once('error', () => resolve(false));
        server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
      }),
  };
}

const LOOK_MS = 30_000;
const INOTIFY = '/proc/sys/fs/inotify/max_user_';

export interface LookOptions {
  readonly host: Host;
  readonly machinery: Machinery;
  readonly signal: AbortSignal;
}

/** @throws CommandNotFound when there is no docker */
export async function lookAtMachine({ host, machinery, signal }: LookOptions): Promise<MachineFacts> {
  const ask = (args: readonly string[]) => host.run('docker', args, { timeoutMs: LOOK_MS, signal });
  const info = await ask(['info', '--format', '{{json .}}']);
  const docker = info.exitCode === 0 ? dockerFacts(info.stdout) : lastLine(info.stderr || info.stdout);
  const linux = machinery.platform === 'linux';
  const up = typeof docker !== 'string';
  const said = async (...args: string[]): Promise<string> => (up ? (await ask(args)).stdout.trim() : '');
  return {
    platform: machinery.platform,
    docker,
    dockerApi: await said('version', '--format', '{{.Client.APIVersion}}'),
    endpoint: await said('context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'),
    networks: up ? await networks(ask) : [],
    diskFree: up && linux ? ((await machinery.freeBytes(docker.rootDirectory)) ?? null) : null,
    memoryAvailable: linux ? memoryAvailable(await machinery.readText('/proc/meminfo')) : null,
    inotify: linux ? await inotify(machinery) : null,
    routes: linux ? routesIn(await machinery.readText('/proc/net/route')) : null,
    portsTaken: [],
    kindProvider: machinery.env.KIND_EXPERIMENTAL_PROVIDER ?? '',
    kindNetwork: machinery.env.KIND_EXPERIMENTAL_DOCKER_NETWORK || 'kind',
  };
}

/** Which of the ports are held, and by which container where it is one. */
export async function lookAtPorts(
  { host, machinery, signal }: LookOptions,
  ports: readonly number[],
): Promise<MachineFacts['portsTaken']> {
  const { stdout } = await host.run('docker', ['ps', '--format', '{{.Names}}\t{{.Ports}}'], {
    timeoutMs: LOOK_MS,
    signal,
  });
  const published = stdout.split('\n').map((line) => line.split('\t'));
  const taken: { port: number; by: string }[] = [];
  for (const port of ports) {
    const container = published.find(([, text = '']) => publishes(text, port))?.[0];
    if (container !== undefined) taken.push({ port, by: `the container ${container}` });
    else if (!(await machinery.portIsFree(port))) taken.push({ port, by: 'another program' });
  }
  return taken;
}

/** Docker joins ports that follow each other: `0.0.0.0:32042-32043->32042-32043/tcp, 127.0.0.1:44767->6443/tcp`. */
function publishes(text: string, port: number): boolean {
  const ranges = text.matchAll(/:(\d+)(?:-(\d+))?->/g);
  return ranges.some(([, first, last = first]) => Number(first) <= port && port <= Number(last));
}

interface Info {
  readonly ServerVersion?: string;
  readonly Architecture?: string;
  readonly OperatingSystem?: string;
  readonly CgroupVersion?: string;
  readonly DockerRootDir?: string;
  readonly MemTotal?: number;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
  readonly SecurityOptions?: readonly string[] | null;
  readonly ServerErrors?: readonly string[];
}

/** @returns why it is none, where it is none */
export function dockerFacts(text: string): DockerFacts | string {
  let info: Info;
  try {
    info = JSON.parse(text) as Info;
  } catch {
    return `docker info answered what is no JSON: ${text.slice(0, 100)}`;
  }
  if (info.ServerErrors !== undefined && info.ServerErrors.length > 0) return info.ServerErrors.join('; ');
  return {
    serverVersion: info.ServerVersion ?? '',
    architecture: info.Architecture ?? '',
    operatingSystem: info.OperatingSystem ?? '',
    cgroupVersion: info.CgroupVersion ?? '',
    rootDirectory: info.DockerRootDir ?? '',
    memory: info.MemTotal ?? 0,
    containerdImages: (info.DriverStatus ?? []).some(
      ([key, value]) => key === 'driver-type' && value?.startsWith('io.containerd.snapshotter') === true,
    ),
    rootless: (info.SecurityOptions ?? []).some((option) => option.includes('name=rootless')),
  };
}

type Ask = (args: readonly string[]) => ReturnType<Host['run']>;

async function networks(ask: Ask): Promise<DockerNetwork[]> {
  const ids = (await ask(['network', 'ls', '--quiet', '--no-trunc'])).stdout.split('\n').filter((id) => id !== '');
  if (ids.length === 0) return [];
  const { exitCode, stdout } = await ask(['network', 'inspect', ...ids]);
  return exitCode === 0 ? networksIn(stdout) : [];
}

export function networksIn(text: string): DockerNetwork[] {
  const found = JSON.parse(text) as { Name: string; IPAM?: { Config?: { Subnet?: string }[] | null } }[];
  return found.map(({ Name, IPAM }) => ({
    name: Name,
    subnets: (IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet])),
  }));
}

function memoryAvailable(meminfo: string | undefined): number | null {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(meminfo ?? '')?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

async function inotify(machinery: Machinery): Promise<InotifyLimits | null> {
  const [instances, watches] = await Promise.all(
    ['instances', 'watches'].map(async (name) => Number(await machinery.readText(`${INOTIFY}${name}`))),
  );
  return instances && watches ? { instances, watches } : null;
}

/** IPv4 only: that is what the cluster has. Addresses there are hexadecimal, the lowest byte first. */
export function routesIn(table: string | undefined): MachineFacts['routes'] {
  if (table === undefined) return null;
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [device, destination, , flags, , , , mask] = line.trim().split(/\s+/);
      if (device === undefined || destination === undefined || mask === undefined) return [];
      const up = (Number.parseInt(flags ?? '0', 16) & 1) === 1;
      const prefix = [...swapped(mask).toString(2)].filter((bit) => bit === '1').length;
      return up && prefix > 0 ? [{ cidr: `${formatAddress(swapped(destination))}/${prefix}`, device }] : [];
    });
}

const swapped = (hex: string): number =>
  hex.match(/../g)?.reduceRight((value, byte) => value * 256 + Number.parseInt(byte, 16), 0) ?? 0;

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(-300) ?? '';
}
