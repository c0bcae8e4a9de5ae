/** Can this machine carry the cluster? Every answer with its remedy. Pure. */
import semver from 'semver';
import { type Cidr, overlaps, parseCidr } from '../../cni/cidr.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { MachineFinding, MachineProblem, MachineReport } from '../machine.ts';
import type { WantedImage } from './image-plan.ts';
import type { DockerFacts, MachineFacts } from './machine-facts.ts';
import { diskNeed, INOTIFY_ADVICE, inotifyNeed, memoryNeed } from './sizes.ts';

export interface MachineJudgement extends MachineReport {
  /** Images of Deployments may go onto every node as well. */
  readonly roomForAll: boolean;
  /** The kubelet must be told that cgroup v1 will do. */
  readonly cgroupV1: boolean;
  /** What `docker save` must be told, because Docker's images have several platforms. */
  readonly platform: string | undefined;
}

/** From this version of Docker's API on `docker save` takes a platform (Docker 28). */
const SAVE_PLATFORM_API = '1.48.0';
/** First minor whose kubelet refuses cgroup v1 unless told otherwise (kubernetes pkg/kubelet/apis/config). */
const NO_CGROUP_V1 = 35;
/** Not this machine's loopback. */
const ELSEWHERE = /^(tcp|ssh|https?):\/\/([^@/]*@)?(?!localhost\b|127\.|\[::1\])/;
/** Of what an estimate says, what must be there at least. */
const TOLERANCE = 0.85;

export function judgeMachine(
  facts: MachineFacts,
  scenario: Scenario,
  images: readonly WantedImage[],
): MachineJudgement {
  const problems: MachineProblem[] = [];
  const findings: MachineFinding[] = [];
  const nothing = { roomForAll: false, cgroupV1: false, platform: undefined };
  const { docker } = facts;
  if (!['', 'docker'].includes(facts.kindProvider)) {
    problems.push(
      toolProblem(
        `KIND_EXPERIMENTAL_PROVIDER is ${facts.kindProvider}, and nodes are reached by docker alone: unset it, and use Docker`,
      ),
    );
  }
  if (typeof docker === 'string') return { problems: [...problems, noDocker(docker)], findings, ...nothing };
  if (ELSEWHERE.test(facts.endpoint)) {
    problems.push(
      toolProblem(
        `Docker runs on another machine (${facts.endpoint}), and kind publishes the API server on 127.0.0.1 there: rehearse on that one`,
      ),
    );
  }
  if (docker.rootless) {
    problems.push(
      toolProblem(
        'Docker runs rootless, and agents of Calico and Cilium need rights that it lacks: use a rootful Docker',
      ),
    );
  }
  const nodes = scenario.cluster.controlPlanes + scenario.cluster.workers;
  const disk = judgeDisk(facts, docker, nodes, images);
  const memory = judgeMemory(facts, docker, scenario);
  const cgroups = judgeCgroups(docker, scenario);
  for (const part of [disk, memory, judgeInotify(facts, nodes), judgeNetworks(facts, scenario), cgroups]) {
    problems.push(...part.problems);
    findings.push(...part.findings);
  }
  if (docker.containerdImages) findings.push(containerdStore(docker));
  if (facts.platform !== 'linux') findings.push(notChecked(facts.platform, docker));
  return {
    problems,
    findings,
    roomForAll: disk.roomForAll,
    cgroupV1: cgroups.cgroupV1,
    platform: docker.containerdImages && savesPlatforms(facts.dockerApi) ? platformOf(docker) : undefined,
  };
}

/** Ports that nodes publish on the machine. */
export function judgePorts(taken: MachineFacts['portsTaken']): MachineProblem[] {
  return taken.map(({ port, by }) => ({
    verdict: 'error',
    reason: 'provision-failed',
    message: `port ${port} of this machine, on which the cluster publishes a probe, is held by ${by}: end that (ss -ltnp shows programs, docker ps containers)`,
  }));
}

interface Part {
  readonly problems: readonly MachineProblem[];
  readonly findings: readonly MachineFinding[];
}

const toolProblem = (message: string): MachineProblem => ({ verdict: 'error', reason: 'tool-failed', message });

function noDocker(why: string): MachineProblem {
  if (/permission denied/i.test(why)) {
    return toolProblem(
      `the Docker daemon lets this user not in (${why}): add the user to the group docker, or run as one who may`,
    );
  }
  return toolProblem(
    `the Docker daemon does not answer (${why}): start it (systemctl start docker), or point DOCKER_HOST to one`,
  );
}

function judgeDisk(
  facts: MachineFacts,
  docker: DockerFacts,
  nodes: number,
  images: readonly WantedImage[],
): Part & { roomForAll: boolean } {
  const { diskFree } = facts;
  if (diskFree === null) return { problems: [], findings: [], roomForAll: false };
  const need = diskNeed(images, nodes);
  const text = `${gigabytes(diskFree)} are free where Docker keeps its data (${docker.rootDirectory}), and ${nodes} nodes with both CNIs take about ${gigabytes(need.least)}`;
  const remedy = 'make room (docker system df; on GitHub runners remove SDKs), or rehearse with fewer nodes';
  const roomForAll = diskFree > need.all;
  if (diskFree < need.least * TOLERANCE) {
    return {
      problems: [{ verdict: 'error', reason: 'disk-full', message: `${text}: ${remedy}` }],
      findings: [],
      roomForAll,
    };
  }
  const findings = diskFree < need.least ? [warning('disk-space', `${text}; should it not do, ${remedy}`)] : [];
  return { problems: [], findings, roomForAll };
}

function judgeMemory(facts: MachineFacts, docker: DockerFacts, scenario: Scenario): Part {
  const need = memoryNeed(scenario.cluster);
  const { controlPlanes, workers } = scenario.cluster;
  const takes = `${controlPlanes} + ${workers} nodes with both CNIs take about ${gigabytes(need)}`;
  if (docker.memory > 0 && docker.memory < need * TOLERANCE) {
    const message = `Docker has ${gigabytes(docker.memory)} of memory, and ${takes}: rehearse with fewer nodes, or on a larger machine`;
    return { problems: [{ verdict: 'error', reason: 'provision-failed', message }], findings: [] };
  }
  const available = Math.min(
    facts.memoryAvailable ?? Number.POSITIVE_INFINITY,
    docker.memory || Number.POSITIVE_INFINITY,
  );
  if (available >= need) return { problems: [], findings: [] };
  return {
    problems: [],
    findings: [
      warning('memory', `${gigabytes(available)} of memory are available now, and ${takes}; containers may be killed`),
    ],
  };
}

function judgeInotify(facts: MachineFacts, nodes: number): Part {
  const { inotify } = facts;
  if (inotify === null) return { problems: [], findings: [] };
  const need = inotifyNeed(nodes);
  if (inotify.instances >= need.instances && inotify.watches >= need.watches) return { problems: [], findings: [] };
  return {
    problems: [
      {
        verdict: 'error',
        reason: 'provision-failed',
        message: `inotify allows ${inotify.instances} instances and ${inotify.watches} watches a user, too few for ${nodes} nodes ("too many open files"): ${inotifyRemedy(inotify)}`,
      },
    ],
    findings: [],
  };
}

/** The line that raises what is too low, and lowers nothing. */
export function inotifyRemedy(now: { readonly instances: number; readonly watches: number }): string {
  const { instances, watches } = raisedInotify(now);
  return `sudo sysctl fs.inotify.max_user_instances=${instances} fs.inotify.max_user_watches=${watches}`;
}

export function raisedInotify(now: { readonly instances: number; readonly watches: number }): {
  instances: number;
  watches: number;
} {
  return {
    instances: Math.max(now.instances, INOTIFY_ADVICE.instances),
    watches: Math.max(now.watches, INOTIFY_ADVICE.watches),
  };
}

/**
 * The networks of pods and Services against the ones that the machine has. Those of kind's own network are the nodes':
 * an overlap breaks the cluster. Any other only takes addresses from the nodes' sight.
 */
function judgeNetworks(facts: MachineFacts, scenario: Scenario): Part {
  const problems: MachineProblem[] = [];
  const findings: MachineFinding[] = [];
  for (const { path, cidr, text } of cidrsOf(scenario)) {
    for (const { name, subnets } of facts.networks) {
      const clash = subnets.find((subnet) => meets(cidr, subnet));
      if (clash === undefined) continue;
      if (name === facts.kindNetwork) {
        problems.push({
          verdict: 'refused',
          reason: 'scenario-invalid',
          message: `${path} (${text}) overlaps ${clash}, the Docker network ${name} in which the nodes are: write another ${path}, or let kind make the network anew (docker network rm ${name})`,
        });
      } else {
        findings.push(
          warning(
            'network-overlap',
            `${path} (${text}) overlaps ${clash}, the Docker network ${name}: nodes will not reach what is in it`,
            [path],
          ),
        );
      }
    }
    const ofDocker = (other: string): boolean => facts.networks.some(({ subnets }) => subnets.includes(other));
    const route = (facts.routes ?? []).find((other) => meets(cidr, other.cidr) && !ofDocker(other.cidr));
    if (route === undefined) continue;
    findings.push(
      warning(
        'network-overlap',
        `${path} (${text}) overlaps ${route.cidr}, which this machine reaches through ${route.device}: nodes will not reach those addresses; should a name server or a proxy be among them, write another ${path}`,
        [path],
      ),
    );
  }
  return { problems, findings };
}

function cidrsOf({ cluster, calico, cilium }: Scenario): { path: string; text: string; cidr: Cidr }[] {
  const texts: [string, string][] = [
    ['cluster.podSubnet', cluster.podSubnet],
    ...(calico.cidr === cluster.podSubnet ? [] : [['calico.cidr', calico.cidr] as [string, string]]),
    ['cluster.serviceSubnet', cluster.serviceSubnet],
    ...(cilium.podCIDR ?? []).map((text): [string, string] => ['cilium.podCIDR', text]),
  ];
  return texts.flatMap(([path, text]) => {
    const cidr = parseCidr(text);
    return cidr === undefined ? [] : [{ path, text, cidr }];
  });
}

function meets(cidr: Cidr, other: string): boolean {
  const parsed = parseCidr(other);
  return parsed !== undefined && overlaps(cidr, parsed);
}

function judgeCgroups({ cgroupVersion }: DockerFacts, { kubernetes }: Scenario): Part & { cgroupV1: boolean } {
  const minor = semver.coerce(kubernetes.version)?.minor ?? 0;
  if (cgroupVersion !== '1') return { problems: [], findings: [], cgroupV1: false };
  const told =
    minor >= NO_CGROUP_V1
      ? `, which the kubelet of ${kubernetes.version} refuses unless told otherwise; it is told`
      : '';
  return {
    problems: [],
    findings: [
      warning(
        'cgroup-v1',
        `this machine has cgroup v1${told}. Kubernetes gives it up; socket load-balancing of Cilium needs cgroup v2: boot with systemd.unified_cgroup_hierarchy=1`,
      ),
    ],
    cgroupV1: minor >= NO_CGROUP_V1,
  };
}

const containerdStore = ({ serverVersion }: DockerFacts): MachineFinding => ({
  id: 'containerd-image-store',
  severity: 'info',
  message: `Docker ${serverVersion} keeps its images in containerd: archives are written for one platform (kind issue 3795)`,
  subjects: [],
});

const notChecked = (platform: string, { operatingSystem }: DockerFacts): MachineFinding => ({
  id: 'machine-not-checked',
  severity: 'info',
  message: `on ${platform} (${operatingSystem}) disk space, inotify limits and routes are inside Docker's own machine and were not checked`,
  subjects: [],
});

function savesPlatforms(api: string): boolean {
  const version = semver.coerce(api);
  return version !== null && semver.gte(version, SAVE_PLATFORM_API);
}

const platformOf = ({ architecture }: DockerFacts): string =>
  `linux/${architecture === 'aarch64' || architecture === 'arm64' ? 'arm64' : 'amd64'}`;

const warning = (id: string, message: string, subjects: readonly string[] = []): MachineFinding => ({
  id,
  severity: 'warning',
  message,
  subjects,
});

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
