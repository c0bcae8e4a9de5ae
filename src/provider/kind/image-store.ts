/**
 * The images' way to the nodes: pulled once on the machine while other work goes on, written into an archive, and imported
 * by each node from there. Nothing of it stays behind on the machine but what was there before.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type CommandResult, CommandTimedOut, type Host } from '../../host/host.ts';
import type { Clock } from '../../time/clock.ts';
import { type ImageGroup, MachineFailure, type MachineFinding } from '../machine.ts';
import { mirroredImage, supplyOf, type WantedImage } from './image-plan.ts';
import { pullCauseOf } from './pull-errors.ts';

/** Pauses between tries, milliseconds: registries ask for seconds, rate limits for more than we have. */
const PAUSES_MS = [2_000, 5_000, 10_000, 20_000];
const LOOK_MS = 30_000;
/** One pull, save or import; the largest image is half a gigabyte unpacked. */
const WORK_MS = 600_000;
/** Pulls at a time: more of them only share the same line. */
const PULLS = 2;
/** Nodes that import at a time: each has an image twice until it is unpacked. */
const IMPORTS = 2;
/** Where nodes see the archives. */
export const ARCHIVES_ON_NODES = '/cni-rehearsal';

export interface ImageStoreOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly images: readonly WantedImage[];
  readonly mirrors: readonly string[];
  /** A directory of ours that the nodes see as {@link ARCHIVES_ON_NODES}. */
  readonly archives: string;
  /** Not found is told, not refused (`preflight.allow: [image-missing]`). */
  readonly allowMissing: boolean;
}

/** What was found out about the machine before the first image. */
export interface StoreMachine {
  readonly roomForAll: boolean;
  /** Docker keeps images in containerd, and `docker save` knows platforms; undefined: it need not be told. */
  readonly platform?: string;
}

export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #local = new Set<string>();
  /** References on the machine that are there because of us. */
  readonly #ours = new Map<string, readonly string[]>();
  readonly #pulls = new Map<string, Promise<MachineFinding | undefined>>();
  #machine: StoreMachine = { roomForAll: false };
  #loaded: readonly WantedImage[] = [];
  #snapshotter: Promise<string> | undefined;
  #discards = true;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * Pulls one image that is needed at once and stays on the machine.
   * @param image under its own name, whatever mirrors there are
   * @returns the name under which it is here: a digest belongs to the repository that it was pulled from
   * @throws MachineFailure
   */
  async pullFirst(image: string, what: string, signal: AbortSignal): Promise<string> {
    const mirrored = mirroredImage(image, this.#options.mirrors);
    for (const name of new Set([image, mirrored])) if (await this.#isLocal(name, signal)) return name;
    await this.#pull(image, what, signal);
    this.#ours.delete(image);
    return image.includes('@') ? mirrored : image;
  }

  /** Begins to pull what will be loaded, in its order; the pulls go on by themselves until `signal` aborts. */
  async start(machine: StoreMachine, signal: AbortSignal): Promise<void> {
    this.#machine = machine;
    const { images, mirrors } = this.#options;
    for (const { image } of images) if (await this.#isLocal(image, signal)) this.#local.add(image);
    const supply = {
      isLocal: (image: string) => this.#local.has(image),
      mirrored: mirrors.length > 0,
      roomForAll: machine.roomForAll,
    };
    this.#loaded = images.filter((image) => supplyOf(image, supply) === 'load');
    const lanes: Promise<unknown>[] = Array.from({ length: PULLS }, () => Promise.resolve());
    for (const [index, wanted] of this.#loaded.entries()) {
      if (this.#local.has(wanted.image)) continue;
      const pull = lanes[index % PULLS]!.then(() => this.#wanted(wanted, signal));
      // Whoever loads the group hears of it.
      lanes[index % PULLS] = pull.catch(() => undefined);
      this.#pulls.set(wanted.image, pull);
    }
  }

  /** Waits for the pulls, which end with the signal of {@link start}, and removes what was pulled and never came to be loaded. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#pulls.values());
    const left = [...this.#ours.values()].flat();
    this.#ours.clear();
    if (left.length === 0) return;
    // The run has its verdict: what cannot be removed is only a little disk.
    await this.#docker(['image', 'rm', ...left], LOOK_MS, new AbortController().signal).catch(() => undefined);
  }

  /**
   * Imports the group's images into the nodes, one after the other, each as soon as it is here: so no more than one archive
   * lies about.
   * @throws MachineFailure
   */
  async load(group: ImageGroup, nodes: readonly string[], signal: AbortSignal): Promise<MachineFinding[]> {
    const findings: MachineFinding[] = [];
    for (const { image } of this.#loaded.filter((wanted) => wanted.group === group)) {
      const missing = await this.#pulls.get(image);
      signal.throwIfAborted();
      if (missing) findings.push(missing);
      else await this.#carry(image, group, nodes, signal);
    }
    return findings;
  }

  async #carry(image: string, name: string, nodes: readonly string[], signal: AbortSignal): Promise<void> {
    const archive = path.join(this.#options.archives, `${name}.tar`);
    try {
      await this.#save(image, archive, signal);
      await this.#forget(image, signal);
      await this.#inNodes(nodes, (node) => this.#import(node, archive, signal));
    } finally {
      await rm(archive, { force: true });
    }
  }

  async #wanted({ image, what }: WantedImage, signal: AbortSignal): Promise<MachineFinding | undefined> {
    try {
      await this.#pull(image, what, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof MachineFailure && this.#options.allowMissing)) throw error;
      const { reason, message } = error.problem;
      if (reason !== 'image-missing') throw error;
      return { id: 'image-missing', severity: 'warning', message, subjects: [image] };
    }
  }

  async #isLocal(image: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#docker(['image', 'inspect', '--format', '{{.Id}}', image], LOOK_MS, signal)).exitCode === 0;
  }

  async #pull(image: string, what: string, signal: AbortSignal): Promise<void> {
    const { clock, mirrors } = this.#options;
    const from = mirroredImage(image, mirrors);
    for (let attempt = 0; ; attempt++) {
      const stderr = await this.#pullOnce(from, signal);
      if (stderr === undefined) break;
      const { again, problem } = pullCauseOf(stderr);
      const pause = PAUSES_MS[attempt];
      if (!again || pause === undefined) throw new MachineFailure(problem(from, what));
      await clock.sleep(pause, signal);
    }
    this.#ours.set(image, from === image ? [image] : [image, from]);
    if (from !== image && !image.includes('@')) await this.#must(['tag', from, image], LOOK_MS, signal);
  }

  /** What docker said of its failure; undefined: the image is here. */
  async #pullOnce(image: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { exitCode, stderr } = await this.#docker(['pull', '--quiet', image], WORK_MS, signal);
      return exitCode === 0 ? undefined : stderr;
    } catch (error) {
      if (error instanceof CommandTimedOut) return error.message;
      throw error;
    }
  }

  async #save(image: string, archive: string, signal: AbortSignal): Promise<void> {
    const { platform } = this.#machine;
    // With images in containerd an archive names platforms whose layers nobody pulled (kind issue 3795).
    const only = platform === undefined ? [] : ['--platform', platform];
    await this.#must(['save', ...only, '--output', archive, image], WORK_MS, signal);
  }

  /** Some nodes at a time; all of them are let finish before the first error is thrown. */
  async #inNodes(nodes: readonly string[], work: (node: string) => Promise<void>): Promise<void> {
    const rest = [...nodes];
    const lane = async (): Promise<void> => {
      for (let node = rest.shift(); node !== undefined; node = rest.shift()) await work(node);
    };
    const results = await Promise.allSettled(Array.from({ length: IMPORTS }, lane));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #import(node: string, archive: string, signal: AbortSignal): Promise<void> {
    const file = `${ARCHIVES_ON_NODES}/${path.basename(archive)}`;
    const first = await this.#importFile(node, file, signal);
    if (first.exitCode === 0) return;
    // The daemon runs elsewhere, or shares no such directory (Docker Desktop, snaps): the archive is copied then.
    if (!/no such file or directory/i.test(first.stderr)) throw importFailed(node, first);
    const copy = `/var/cni-rehearsal-${path.basename(archive)}`;
    await this.#must(['cp', archive, `${node}:${copy}`], WORK_MS, signal);
    const second = await this.#importFile(node, copy, signal);
    await this.#docker(['exec', node, 'rm', '-f', copy], LOOK_MS, signal);
    if (second.exitCode !== 0) throw importFailed(node, second);
  }

  /**
   * Layers go once they are unpacked, else each node would keep every image twice. `ctr` of containerd 1.6 cannot; that of
   * 2.x can only with `--local` (containerd cmd/ctr/commands/images/import.go).
   */
  async #importFile(node: string, file: string, signal: AbortSignal): Promise<CommandResult> {
    this.#snapshotter ??= this.#snapshotterOf(node, signal);
    const snapshotter = `--snapshotter=${await this.#snapshotter}`;
    const ctr = ['exec', node, 'ctr', '--namespace=k8s.io', 'images', 'import'];
    if (this.#discards) {
      const discard = ['--local', '--discard-unpacked-layers'];
      const result = await this.#docker([...ctr, ...discard, snapshotter, file], WORK_MS, signal);
      if (result.exitCode === 0 || !/flag provided but not defined/i.test(result.stderr)) return result;
      this.#discards = false;
    }
    return this.#docker([...ctr, snapshotter, file], WORK_MS, signal);
  }

  async #snapshotterOf(node: string, signal: AbortSignal): Promise<string> {
    const { stdout } = await this.#docker(['exec', node, 'containerd', 'config', 'dump'], LOOK_MS, signal);
    return snapshotterIn(stdout);
  }

  /** What we pulled is in the archive now; what was there before us stays. */
  async #forget(image: string, signal: AbortSignal): Promise<void> {
    const ours = this.#ours.get(image) ?? [];
    this.#ours.delete(image);
    if (ours.length > 0) await this.#docker(['image', 'rm', ...ours], WORK_MS, signal);
  }

  #docker(args: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<CommandResult> {
    return this.#options.host.run('docker', args, { timeoutMs, signal });
  }

  async #must(args: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { exitCode, stderr } = await this.#docker(args, timeoutMs, signal);
    if (exitCode !== 0) throw failed(`docker ${args[0]}`, stderr);
  }
}

const importFailed = (node: string, { stderr, stdout }: CommandResult): MachineFailure =>
  failed(`importing images on ${node}`, stderr || stdout);

function failed(what: string, said: string): MachineFailure {
  const full = /no space left on device/i.test(said);
  const why = said.trim().split('\n').at(-1)?.slice(-300) ?? '';
  return new MachineFailure({
    verdict: 'error',
    reason: full ? 'disk-full' : 'tool-failed',
    message: `${what} failed: ${why}${full ? '; make room, or rehearse with fewer nodes' : ''}`,
  });
}

/** containerd's own where the configuration does not say (kind pkg/cluster/nodeutils/util.go, v0.33.0). */
export function snapshotterIn(config: string): string {
  const sections =
    /^\s*\[plugins\.['"](?:io\.containerd\.cri\.v1\.images['"]|io\.containerd\.grpc\.v1\.cri['"]\.containerd)\]\s*$/;
  let inside = false;
  for (const line of config.split('\n')) {
    if (/^\s*\[/.test(line)) inside = sections.test(line);
    const value = inside ? /^\s*snapshotter\s*=\s*['"]([^'"]+)['"]/.exec(line)?.[1] : undefined;
    if (value !== undefined) return value;
  }
  return 'overlayfs';
}
