/**
 * A Docker engine for one test file: own containerd, socket, data and state below one directory, no bridge, no packet filter
 * rules, no setting of the kernel touched. It shares nothing with an engine that runs on the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endGroup, startedGroup } from '../../src/host/process-group.ts';
import { realHost } from '../../src/host/real-host.ts';
import { WallClock } from '../../src/time/wall-clock.ts';
import { gone } from './processes.ts';
import { dockerPrograms } from './real-binaries.ts';

const clock = new WallClock();

export interface PrivateDocker {
  /** What commands need to speak to it: DOCKER_HOST and a PATH with its client. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** The engine, or why there can be none here, in words for the name of a skipped test. */
export async function privateDocker(): Promise<PrivateDocker | string> {
  const programs = dockerPrograms();
  if (programs === undefined) return 'dockerd is not there: npm run debian-binaries';
  if (process.getuid?.() !== 0) return 'dockerd needs root';
  // Short: the path of a socket has at most 107 bytes.
  const directory = mkdtempSync(path.join(tmpdir(), 'rehearse-docker-'));
  const engine = new Engine(directory, [...programs, process.env.PATH].join(path.delimiter));
  try {
    await engine.start();
    return engine;
  } catch (error) {
    await engine.stop();
    return `dockerd does not run here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

class Engine implements PrivateDocker {
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #started: { readonly child: ChildProcess; readonly group: Disposable }[] = [];

  constructor(directory: string, searchPath: string) {
    this.#directory = directory;
    const config = this.#at('client');
    mkdirSync(config);
    // No context, no credentials and no proxy of whoever runs the test.
    this.environment = { PATH: searchPath, DOCKER_HOST: `unix://${this.#at('docker.sock')}`, DOCKER_CONFIG: config };
  }

  async start(): Promise<void> {
    const socket = this.#at('containerd.sock');
    const settings = [
      'version = 2',
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `root = "${this.#at('containerd')}"`,
      `state = "${this.#at('containerd-state')}"`,
      '[grpc]',
      `address = "${socket}"`,
    ];
    writeFileSync(this.#at('containerd.toml'), `${settings.join('\n')}\n`);
    writeFileSync(this.#at('dockerd.json'), '{}\n');
    this.#spawn('containerd', ['--config', this.#at('containerd.toml')]);
    this.#spawn('dockerd', [
      ...['--config-file', this.#at('dockerd.json'), '--containerd', socket],
      ...['--host', this.environment.DOCKER_HOST!, '--pidfile', this.#at('dockerd.pid')],
      ...['--data-root', this.#at('data'), '--exec-root', this.#at('exec'), '--storage-driver', 'vfs'],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
    ]);
    const host = realHost({ clock, environment: this.environment });
    using limit = clock.deadline(60_000);
    for (;;) {
      const { exitCode } = await host.run('docker', ['version'], { timeoutMs: 10_000 });
      if (exitCode === 0) return;
      const ended = this.#started.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
      if (ended !== undefined || limit.signal.aborted) throw new Error(this.#lastWords());
      await clock.sleep(100);
    }
  }

  async stop(): Promise<void> {
    // dockerd before the containerd that it speaks to.
    for (const { child, group } of this.#started.reverse()) {
      if (child.pid === undefined) continue;
      endGroup(child.pid, 'SIGTERM');
      await gone(child.pid).catch(() => endGroup(child.pid!, 'SIGKILL'));
      group[Symbol.dispose]();
    }
    this.#started.length = 0;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #spawn(name: string, args: readonly string[]): void {
    const log = openSync(this.#at(`${name}.log`), 'w');
    const env = { ...process.env, ...this.environment };
    const child = spawn(name, args, { env, detached: true, stdio: ['ignore', log, log] });
    child.on('error', () => undefined);
    closeSync(log);
    this.#started.push({ child, group: startedGroup(child.pid) });
  }

  #at(name: string): string {
    return path.join(this.#directory, name);
  }

  #lastWords(): string {
    const lines = ['containerd', 'dockerd'].flatMap((name) => {
      const text = readFileSync(this.#at(`${name}.log`), 'utf8').trim();
      return text === '' ? [] : [`${name}: ${text.split('\n').at(-1)!.slice(-200)}`];
    });
    return lines.join('; ');
  }
}
