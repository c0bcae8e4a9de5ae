/** The machine on which kind makes the cluster: its preconditions, its images, and what a run leaves on it. */
import type { KindConfigExtras } from '../../cni/kind-config.ts';
import { NODE_PORTS, nodeImageOf } from '../../cni/kind-config.ts';
import type { Host } from '../../host/host.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Clock } from '../../time/clock.ts';
import {
  type ImageGroup,
  type Machine,
  MachineFailure,
  type MachineFinding,
  type MachineProblem,
  type MachineReport,
} from '../machine.ts';
import { loadBalancerImage, wantedImages } from './image-plan.ts';
import { ARCHIVES_ON_NODES, ImageStore } from './image-store.ts';
import { raiseInotify } from './inotify.ts';
import { lookAtMachine, lookAtPorts, type Machinery } from './machine-facts.ts';
import { judgeMachine, judgePorts, type MachineJudgement } from './preconditions.ts';
import { judgeLeftover, type Leftover, type RunDirectory, readMarker, removeMarked, startOf } from './run-directory.ts';
import { toolsFor, type WantedTools } from './tools.ts';

const LOOK_MS = 30_000;
const DELETE_MS = 180_000;
/** How often it is looked for new containers while kind makes them. */
const WATCH_MS = 1_000;

export interface KindMachineOptions {
  readonly scenario: Scenario;
  readonly host: Host;
  readonly clock: Clock;
  readonly machinery: Machinery;
  readonly directory: RunDirectory;
  /** Where markers of runs lie. */
  readonly state: string;
  readonly mirrors: readonly string[];
  readonly tools: WantedTools;
  /** Read by the host at each command; filled when the tools are set up. */
  readonly toolPaths: Map<string, string>;
  /** Awaited before `kind create cluster`. */
  readonly beforeCreate: (() => Promise<void>) | undefined;
}

export class KindMachine implements Machine {
  readonly #options: KindMachineOptions;
  readonly #store: ImageStore;
  /** Ends what goes on by itself. */
  readonly #closing = new AbortController();
  /** Under which name this machine has it. */
  #nodeImage: string | undefined;
  #judgement: MachineJudgement | undefined;

  constructor(options: KindMachineOptions) {
    this.#options = options;
    const { host, clock, scenario, mirrors, directory } = options;
    this.#store = new ImageStore({
      ...{ host, clock, mirrors, archives: directory.archives },
      images: wantedImages(scenario),
      allowMissing: scenario.preflight.allow.includes('image-missing'),
    });
  }

  async setUpTools(signal: AbortSignal): Promise<readonly MachineFinding[]> {
    const { scenario, tools, toolPaths, clock, machinery } = this.#options;
    const { paths, findings } = await toolsFor({
      ...{ scenario, clock, signal },
      wanted: tools,
      environment: machinery.env,
    });
    for (const [name, path] of paths) toolPaths.set(name, path);
    return findings;
  }

  async check(signal: AbortSignal): Promise<MachineReport> {
    const { host, machinery, scenario } = this.#options;
    const look = { host, machinery, signal };
    const images = wantedImages(scenario);
    let facts = await lookAtMachine(look);
    const raised = await raiseInotify(facts, scenario, look);
    if (raised !== undefined) facts = { ...facts, inotify: raised.limits };
    const judgement = judgeMachine(facts, scenario, images);
    this.#judgement = judgement;
    const findings = [...judgement.findings, ...(raised === undefined ? [] : [raised.finding])];
    if (judgement.problems.length > 0) return { problems: judgement.problems, findings };
    const leftover = await this.#clearLeftover(signal);
    if (leftover.problem) return { problems: [leftover.problem], findings };
    if (leftover.finding) findings.push(leftover.finding);
    return { problems: judgePorts(await lookAtPorts(look, Object.values(NODE_PORTS))), findings };
  }

  async pullNodeImage(signal: AbortSignal): Promise<void> {
    const { scenario } = this.#options;
    const { kubernetes, cluster } = scenario;
    const image = nodeImageOf(kubernetes);
    const usual = nodeImageOf({ ...kubernetes, image: null }) === image;
    const what = usual ? `kubernetes.version ${kubernetes.version}` : 'kubernetes.image';
    this.#nodeImage = await this.#store.pullFirst(image, what, signal);
    if (cluster.controlPlanes > 1) {
      const { stdout } = await this.#options.host.run('kind', ['version'], { timeoutMs: LOOK_MS, signal });
      await this.#store.pullFirst(loadBalancerImage(stdout), 'the load balancer of several control planes', signal);
    }
    const { roomForAll = false, platform } = this.#judgement ?? {};
    const going = AbortSignal.any([signal, this.#closing.signal]);
    await this.#store.start({ roomForAll, ...(platform !== undefined && { platform }) }, going);
  }

  async beforeCreate(): Promise<KindConfigExtras> {
    await this.#options.beforeCreate?.();
    this.#options.directory.mark();
    return {
      nodeImage: this.#nodeImage ?? nodeImageOf(this.#options.scenario.kubernetes),
      archives: { hostPath: this.#options.directory.archives, containerPath: ARCHIVES_ON_NODES },
      cgroupV1: this.#judgement?.cgroupV1 ?? false,
    };
  }

  async watchCreation(signal: AbortSignal): Promise<void> {
    const { clock, directory } = this.#options;
    const going = AbortSignal.any([signal, this.#closing.signal]);
    try {
      for (;;) {
        directory.owns(await this.#containers(going));
        await clock.sleep(WATCH_MS, going);
      }
    } catch (error) {
      if (!going.aborted) throw error;
    }
    // Once more: the last ones may have come since.
    directory.owns(await this.#containers());
  }

  async #containers(signal?: AbortSignal): Promise<string[]> {
    const { host, scenario } = this.#options;
    const label = `label=io.x-k8s.kind.cluster=${scenario.cluster.name}`;
    const args = ['ps', '--all', '--quiet', '--no-trunc', '--filter', label];
    const { stdout } = await host.run('docker', args, { timeoutMs: LOOK_MS, ...(signal && { signal }) });
    return stdout
      .split('\n')
      .filter((id) => id !== '')
      .sort();
  }

  async loadImages(
    group: ImageGroup,
    nodes: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly MachineFinding[]> {
    return this.#store.load(group, nodes, AbortSignal.any([signal, this.#closing.signal]));
  }

  deleted(): void {
    this.#options.directory.remove();
  }

  kept(): string {
    const { directory, scenario } = this.#options;
    directory.keep();
    const { name } = scenario.cluster;
    return `the cluster ${name} is kept: kubectl --kubeconfig ${directory.kubeconfig} get nodes; when you are done: ${this.deleteCommand()}`;
  }

  deleteCommand(): string {
    return `kind delete cluster --name ${this.#options.scenario.cluster.name}`;
  }

  /** Ends the pulls, and removes what they left; what is not deleted stays marked, and a later run clears it away. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the run has ended'));
    await this.#store.close();
    if (!this.#options.directory.marked) this.#options.directory.remove();
  }

  /** A cluster of our name: deleted where a dead run of ours has left it, else in the way. */
  async #clearLeftover(signal: AbortSignal): Promise<{ problem?: MachineProblem; finding?: MachineFinding }> {
    const { host, scenario, state } = this.#options;
    const { name } = scenario.cluster;
    const containers = await this.#containers(signal);
    const marker = readMarker(state, name);
    if (containers.length === 0) {
      const lives = marker !== undefined && (await this.#lives(marker));
      if (lives) return { problem: inTheWay(name, { kind: 'alive', pid: marker.pid }) };
      if (marker) removeMarked(state, marker);
      return {};
    }
    const leftover = judgeLeftover(marker, containers, marker !== undefined && (await this.#lives(marker)));
    if (leftover.kind !== 'ours') return { problem: inTheWay(name, leftover) };
    const { exitCode, stderr } = await host.run(
      'kind',
      ['delete', 'cluster', '--name', name, '--kubeconfig', `${leftover.marker.directory}/kubeconfig`],
      { timeoutMs: DELETE_MS, signal },
    );
    if (exitCode !== 0) {
      throw new MachineFailure({
        verdict: 'error',
        reason: 'tool-failed',
        message: `the cluster ${name} of an earlier run could not be deleted (${stderr.trim().split('\n').at(-1)}): ${this.deleteCommand()}`,
      });
    }
    removeMarked(state, leftover.marker);
    return {
      finding: {
        id: 'leftover-deleted',
        severity: 'info',
        message: `a cluster ${name} of an earlier run, which had ended without deleting it, was deleted`,
        subjects: [name],
      },
    };
  }

  async #lives({ pid, started }: { pid: number; started: string }): Promise<boolean> {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // It runs, and is another user's.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
    }
    const now = startOf(await this.#options.machinery.readText(`/proc/${pid}/stat`));
    return started === '' || now === '' || started === now;
  }
}

function inTheWay(name: string, leftover: Leftover): MachineProblem {
  const remedy = `delete it (kind delete cluster --name ${name}) or set cluster.name`;
  const message =
    leftover.kind === 'alive'
      ? `another rehearsal (process ${leftover.pid}) has the cluster ${name} on this machine: wait for it, or set cluster.name`
      : leftover.kind === 'kept'
        ? `the kind cluster ${name} was kept by an earlier run: ${remedy}`
        : `a kind cluster named ${name} exists already and is not ours: ${remedy}`;
  return { verdict: 'refused', reason: 'scenario-invalid', message };
}
