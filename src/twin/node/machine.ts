/** One kind node: a docker container that boots systemd, containerd and a kubelet. */
import type { Random } from '../../time/random.ts';
import type { Cancel, Machine, World } from '../world.ts';
import type { AddressPool } from './addresses.ts';
import type { ApiHealth } from './api-health.ts';
import { MachineFiles } from './files.ts';
import { hexId } from './ids.ts';
import { ImageStore } from './image-store.ts';
import { Kubelet, type NodeRemains } from './kubelet.ts';
import type { PodRegistry } from './pod-registry.ts';

/** What machines share. */
export interface NodeEnvironment {
  readonly world: World;
  readonly api: ApiHealth;
  readonly pods: PodRegistry;
  readonly addresses: AddressPool;
}

/** Credentials of the kubelet, written when kubeadm has initialised or joined the node. */
export const KUBELET_CONF = '/etc/kubernetes/kubelet.conf';

/**
 * Observed milliseconds: `docker restart` returned after 1 to 1.5 s for a worker and 11 to 12 s for a control plane,
 * whose systemd waits for its pods; a kubelet reported about 7 s after its container had started.
 */
const STOP = { worker: [600, 1_300], 'control-plane': [10_000, 12_000] } as const;
const BOOT = { worker: [6_200, 7_600], 'control-plane': [4_800, 6_800] } as const;

export class TwinMachine implements Machine {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** Name of the kind cluster. */
  readonly cluster: string;
  readonly kubernetesVersion: string;
  /** docker's id of the container, kept over restarts. */
  readonly containerId: string;
  readonly files: MachineFiles;
  readonly images: ImageStore;
  /** Units that systemd does not start when the container boots; on disk, so they survive restarts. */
  readonly disabledUnits = new Set<string>();
  /** The container runs without them. */
  #idle = false;
  readonly #env: NodeEnvironment;
  readonly #random: Random;
  #address = '';
  #state: 'created' | 'running' | 'exited' = 'created';
  #startedAt = 0;
  #finishedAt: number | undefined;
  #kubelet: Kubelet | undefined;
  #remains: NodeRemains = new Map();
  #pending: Cancel | undefined;

  constructor(
    env: NodeEnvironment,
    options: { name: string; role: 'control-plane' | 'worker'; cluster: string; kubernetesVersion: string },
  ) {
    this.#env = env;
    this.name = options.name;
    this.role = options.role;
    this.cluster = options.cluster;
    this.kubernetesVersion = options.kubernetesVersion;
    this.#random = env.world.random(`machine/${this.name}`);
    this.containerId = hexId(this.#random);
    this.files = new MachineFiles(env.world.time);
    this.images = new ImageStore(env.world.time);
  }

  get address(): string {
    return this.#address;
  }

  get kubelet(): Kubelet | undefined {
    return this.#kubelet;
  }

  /** docker's view: the container runs (its processes may still be booting). */
  get containerRunning(): boolean {
    return this.#state === 'running';
  }

  /** docker's State.Status. */
  get containerStatus(): string {
    return this.#state;
  }

  get finishedAt(): number | undefined {
    return this.#finishedAt;
  }

  running(): boolean {
    return this.#kubelet !== undefined;
  }

  /** Does the kubelet run? */
  kubeletRunning(): boolean {
    return this.#kubelet !== undefined;
  }

  startedAt(): number {
    return this.#startedAt;
  }

  /** Has kubeadm given this node its credentials? */
  joined(): boolean {
    return this.files.read(KUBELET_CONF) !== undefined;
  }

  /** kubeadm has initialised or joined the node. */
  join(): void {
    this.files.write(KUBELET_CONF, `# kubelet of ${this.name}\n`, 0o600);
    this.#kubelet?.join();
  }

  /** Starts the container; the kubelet follows when the node has booted. */
  start(): void {
    if (this.#state === 'running') return;
    const { world, addresses } = this.#env;
    this.files.emptyTmpfs();
    this.#address = addresses.take();
    world.network.addNode(this.name, this.#address, addresses.subnet);
    this.#state = 'running';
    this.#startedAt = world.time.now();
    this.#boot();
  }

  /** `systemctl start` of containerd and kubelet; nothing where they run, or are about to. */
  startUnits(): void {
    if (this.#state === 'running' && this.#idle && this.#kubelet === undefined) this.#boot();
  }

  #boot(): void {
    const { world } = this.#env;
    // Without containerd the kubelet ends as soon as it starts, and without the kubelet nobody starts a container.
    this.#idle = this.disabledUnits.size > 0;
    if (this.#idle) return;
    const [least, most] = BOOT[this.role];
    this.#pending = world.time.after(this.#random.integer(least, most), () => {
      const found = world.time.now() - this.#random.integer(1_000, 1_800);
      for (const { remains } of this.#remains.values()) {
        for (const record of [...remains.init, ...remains.main]) record.lose(found);
      }
      this.#kubelet = new Kubelet(this.#env, this, this.#remains);
    });
  }

  /** Kills every process and takes the network namespace away. */
  stop(): void {
    if (this.#state !== 'running') return;
    const { world, addresses } = this.#env;
    this.#pending?.();
    if (this.#kubelet !== undefined) this.#remains = this.#kubelet.stop();
    this.#kubelet = undefined;
    this.#state = 'exited';
    this.#finishedAt = world.time.now();
    world.network.removeNode(this.name);
    addresses.release(this.#address);
  }

  /** @returns milliseconds until the container runs again. */
  restart(): number {
    this.stop();
    const [least, most] = STOP[this.role];
    const ms = this.#random.integer(least, most);
    this.#pending?.();
    this.#pending = this.#env.world.time.after(ms, () => this.start());
    return ms;
  }
}
