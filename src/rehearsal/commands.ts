/** The words spoken to `kind`, `helm` and `docker`; exactly those of docs/decisions/0003-commands-on-nodes.md. */
import { CILIUM_NAMESPACE, HELM_REPOSITORY, RELEASE } from '../cni/cilium.ts';
import { CNI_DIRECTORY, type KernelState } from '../cni/leftovers.ts';
import { type CommandResult, type Host, NOT_MODELLED } from '../host/host.ts';
import { CommandFailed, CommandUnusable, lastLines } from './outcome.ts';

/** A look at a node; nothing of it takes longer on a healthy machine, starved ones included. */
const LOOK_MS = 30_000;

export interface ContainerState {
  readonly running: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Address in each Docker network. */
  readonly addresses: readonly string[];
}

export class Commands {
  readonly #host: Host;
  readonly #signal: AbortSignal;
  readonly #kubeconfig: string;
  readonly #simulated: boolean;
  #restarts: Promise<unknown> = Promise.resolve();

  constructor(options: { host: Host; signal: AbortSignal; kubeconfig: string; simulated: boolean }) {
    this.#host = options.host;
    this.#signal = options.signal;
    this.#kubeconfig = options.kubeconfig;
    this.#simulated = options.simulated;
  }

  /**
   * Runs a command that must succeed. Paths of this machine are left out of the error.
   * @throws CommandFailed, CommandNotFound, CommandTimedOut
   */
  async run(command: string, args: readonly string[], timeoutMs: number, stdin?: string): Promise<string> {
    const result = await this.try(command, args, timeoutMs, stdin);
    if (result.exitCode !== 0) throw this.#failed(command, args, result);
    return result.stdout;
  }

  /**
   * Runs a command and hands back whatever it answered.
   * @throws CommandFailed when the twin does not model it: that is no answer.
   */
  async try(command: string, args: readonly string[], timeoutMs: number, stdin?: string): Promise<CommandResult> {
    const result = await this.#host.run(command, args, {
      timeoutMs,
      signal: this.#signal,
      ...(stdin === undefined ? {} : { stdin }),
    });
    if (this.#simulated && result.exitCode === NOT_MODELLED) throw this.#failed(command, args, result);
    return result;
  }

  #failed(command: string, args: readonly string[], result: CommandResult): CommandFailed {
    const words = [command, ...args].map((word) => (word === this.#kubeconfig ? 'KUBECONFIG' : word)).join(' ');
    return new CommandFailed(words, result.exitCode, result.stderr.replaceAll(this.#kubeconfig, 'KUBECONFIG'));
  }

  /** Versions of the tools by name; a tool that is missing is an error. */
  async toolVersions(): Promise<Record<string, string>> {
    const kind = await this.run('kind', ['version'], LOOK_MS);
    const docker = await this.dockerVersion();
    const helm = await this.run('helm', ['version', '--template', '{{.Version}}'], LOOK_MS);
    return {
      kind: /v?(\d+\.\d+\.\d+\S*)/.exec(kind)?.[1] ?? versionText(kind),
      docker,
      helm: versionText(helm).replace(/^v/, ''),
    };
  }

  /** Of the engine: an error where only the client is there. */
  async dockerVersion(): Promise<string> {
    return versionText(await this.run('docker', ['version', '--format', '{{.Server.Version}}'], LOOK_MS));
  }

  async clusters(): Promise<string[]> {
    return (await this.run('kind', ['get', 'clusters'], LOOK_MS)).split('\n').filter((name) => name !== '');
  }

  /** `--retain`: a failed creation stays for diagnosis; we delete it ourselves. */
  async createCluster(name: string, config: string, timeoutMs: number): Promise<void> {
    const args = ['create', 'cluster', '--name', name, '--config', '-', '--kubeconfig', this.#kubeconfig, '--retain'];
    await this.run('kind', args, timeoutMs, config);
  }

  async installCilium(version: string, values: string, timeoutMs: number): Promise<void> {
    await this.run(
      'helm',
      [
        ...['upgrade', '--install', RELEASE, 'cilium', '--repo', HELM_REPOSITORY, '--version', version],
        ...['--namespace', CILIUM_NAMESPACE, '--kubeconfig', this.#kubeconfig, '--values', '-'],
      ],
      timeoutMs,
      values,
    );
  }

  /** Undefined: there is no such container. */
  async container(node: string): Promise<ContainerState | undefined> {
    const result = await this.try('docker', ['inspect', '--type', 'container', node], LOOK_MS);
    if (result.exitCode !== 0) {
      if (/no such (container|object)/i.test(result.stderr)) return undefined;
      throw new CommandFailed(`docker inspect --type container ${node}`, result.exitCode, result.stderr);
    }
    const container = containerOf(result.stdout);
    if (container === undefined) {
      throw new CommandUnusable(`docker inspect ${node} answered with no container: ${lastLines(result.stdout)}`);
    }
    return {
      running: container.State?.Running === true,
      startedAt: Date.parse(container.State?.StartedAt ?? ''),
      addresses: Object.values(container.NetworkSettings?.Networks ?? {}).flatMap((network) =>
        network.IPAddress ? [network.IPAddress] : [],
      ),
    };
  }

  /**
   * Restarts a node's container. Of several at once each waits for the one before to run again: Docker frees an address
   * at the stop and hands out the lowest free one, so two that are down together may swap theirs (moby/libnetwork 1038).
   * `before` is called right before the command. systemd needs longer than Docker's default of 10 s to halt.
   */
  async restartNode(node: string, before: () => void = () => undefined): Promise<void> {
    const mine = this.#restarts.then(async () => {
      before();
      await this.run('docker', ['restart', '-t', '30', node], 120_000);
    });
    this.#restarts = mine.catch(() => undefined);
    await mine;
  }

  async onNode(node: string, args: readonly string[]): Promise<string> {
    return this.run('docker', ['exec', node, ...args], LOOK_MS);
  }

  /** Names in the CNI directory, in the order in which the runtime looks at them. */
  async cniFiles(node: string): Promise<string[]> {
    return (await this.onNode(node, ['ls', '-1A', CNI_DIRECTORY]))
      .split('\n')
      .filter((name) => name !== '')
      .sort();
  }

  async readFile(node: string, file: string): Promise<string> {
    return this.onNode(node, ['cat', file]);
  }

  async removeFiles(node: string, files: readonly string[]): Promise<void> {
    if (files.length > 0) await this.onNode(node, ['rm', '-f', ...files]);
  }

  async links(node: string): Promise<string> {
    return this.onNode(node, ['ip', '-json', '-details', 'link', 'show']);
  }

  async routes(node: string): Promise<string> {
    return this.onNode(node, ['ip', '-json', '-4', 'route', 'show', 'table', 'main']);
  }

  async kernel(node: string): Promise<KernelState> {
    const links = await this.links(node);
    const routes = await this.routes(node);
    return { links, routes, iptables: await this.onNode(node, ['iptables-save']) };
  }

  /** HTTP status of a GET from the node itself, past any proxy; otherwise curl's message. */
  async httpStatus(node: string, url: string, seconds: number): Promise<{ status: number; error: string }> {
    const curl = ['curl', '--silent', '--show-error', ...(url.startsWith('https:') ? ['--insecure'] : [])];
    const rest = ['--noproxy', '*', '--max-time', String(seconds), '--output', '/dev/null'];
    const result = await this.try(
      'docker',
      ['exec', node, ...curl, ...rest, '--write-out', '%{http_code}', url],
      (seconds + 10) * 1_000,
    );
    if (result.exitCode !== 0) return { status: 0, error: lastLines(result.stderr) || `curl exit ${result.exitCode}` };
    return { status: Number(result.stdout.trim()), error: '' };
  }

  /** Body of a GET from the node itself; undefined with curl's message when there is none. */
  async httpBody(node: string, url: string, seconds: number): Promise<{ body: string | undefined; error: string }> {
    const curl = ['curl', '--silent', '--show-error', '--noproxy', '*', '--max-time', String(seconds), url];
    const result = await this.try('docker', ['exec', node, ...curl], (seconds + 10) * 1_000);
    if (result.exitCode !== 0) return { body: undefined, error: lastLines(result.stderr) || `exit ${result.exitCode}` };
    return { body: result.stdout, error: '' };
  }
}

/** A version as a tool says it; what is longer than any version is cut. */
const versionText = (text: string): string => lastLines(text).slice(0, 60);

interface Inspected {
  readonly State?: { Running?: boolean; StartedAt?: string };
  readonly NetworkSettings?: { Networks?: Record<string, { IPAddress?: string }> };
}

/** Undefined: the text is not what `docker inspect` answers. */
function containerOf(text: string): Inspected | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const first: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
    return typeof first === 'object' && first !== null ? first : undefined;
  } catch {
    return undefined;
  }
}

/** Deletes a cluster; used after the verdict, so it takes the host and no signal of the run. */
export async function deleteCluster(host: Host, name: string, kubeconfig: string): Promise<void> {
  const args = ['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig];
  const result = await host.run('kind', args, { timeoutMs: 180_000 });
  if (result.exitCode !== 0) throw new CommandFailed('kind delete cluster', result.exitCode, result.stderr);
}
