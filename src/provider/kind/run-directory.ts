/**
 * What a run keeps on the machine while its cluster lives: a private directory with the kubeconfig, and a marker by which
 * a later run knows whose the cluster is. A cluster is ours, and may be deleted, only if each of its containers stands in
 * a marker whose owner is dead.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MachineFailure } from '../machine.ts';

const OWN = 'cni-rehearsal';
export interface Marker {
  readonly cluster: string;
  /** Process that made the cluster. */
  readonly pid: number;
  /** When that process was started, as the kernel counts; empty where that cannot be known. Numbers come again, this not. */
  readonly started: string;
  /** The run's private directory. */
  readonly directory: string;
  /** Ids of the cluster's containers so far. */
  readonly containers: readonly string[];
  /** How many it has when it is whole. */
  readonly expected: number;
  /** The Docker network that was not there before; '': it was. */
  readonly network: string;
  /** Kept on purpose. */
  readonly kept: boolean;
}

/** `$XDG_STATE_HOME/cni-rehearsal`, `~/.local/state/cni-rehearsal`, or below the directory for temporary files. */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: state = '', HOME: home = '' } = env;
  if (path.isAbsolute(state)) return path.join(state, OWN);
  if (path.isAbsolute(home)) return path.join(home, '.local', 'state', OWN);
  return path.join(tmpdir(), `${OWN}-${process.getuid?.() ?? 0}`);
}

/**
 * Makes it, for this user alone. Somebody else's could name clusters of ours that are none.
 * @throws MachineFailure
 */
function ownDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(directory);
    if (uid === (process.getuid?.() ?? uid) && (mode & 0o022) === 0) return;
  } catch (error) {
    throw unusable(directory, error instanceof Error ? error.message : String(error));
  }
  throw unusable(directory, 'others may write there');
}

function unusable(directory: string, why: string): MachineFailure {
  const message = `${directory} cannot hold what a run needs while its cluster lives (${why}); set XDG_STATE_HOME to a directory of yours`;
  return new MachineFailure({ verdict: 'error', reason: 'tool-failed', message });
}

/** The directory of one run, mode 0700. */
export class RunDirectory {
  readonly #state: string;
  readonly #cluster: string;
  readonly #self: Pick<Marker, 'pid' | 'started'>;
  readonly directory: string;
  #marker: Marker | undefined;

  /** @throws MachineFailure */
  constructor(options: { state: string; cluster: string; self: Pick<Marker, 'pid' | 'started'> }) {
    this.#state = options.state;
    this.#cluster = options.cluster;
    this.#self = options.self;
    ownDirectory(this.#state);
    try {
      this.directory = mkdtempSync(path.join(this.#state, `${this.#cluster}-`));
      mkdirSync(this.archives, { mode: 0o755 });
    } catch (error) {
      throw unusable(this.#state, error instanceof Error ? error.message : String(error));
    }
  }

  get kubeconfig(): string {
    return path.join(this.directory, 'kubeconfig');
  }

  /** Nodes see this one: it is mounted into them. */
  get archives(): string {
    return path.join(this.directory, 'images');
  }

  get marked(): boolean {
    return this.#marker !== undefined;
  }

  /** From here on a cluster of this name is ours. */
  mark(cluster: Pick<Marker, 'expected' | 'network'>): void {
    const { directory } = this;
    const run = { cluster: this.#cluster, ...this.#self, directory };
    this.#write({ ...run, containers: [], ...cluster, kept: false });
  }

  owns(containers: readonly string[]): void {
    if (this.#marker && containers.join() !== this.#marker.containers.join())
      this.#write({ ...this.#marker, containers });
  }

  keep(): void {
    if (this.#marker) this.#write({ ...this.#marker, kept: true });
  }

  /** Nothing of the run is left: neither marker nor directory. */
  remove(): void {
    if (this.#marker) rmSync(markerFile(this.#state, this.#cluster), { force: true });
    this.#marker = undefined;
    rmSync(this.directory, { recursive: true, force: true });
  }

  #write(marker: Marker): void {
    writeMarker(this.#state, marker);
    this.#marker = marker;
  }
}

const markerFile = (state: string, cluster: string): string => path.join(state, `${cluster}.json`);

/** Whole or not at all: a run may be killed at any moment. */
function writeMarker(state: string, marker: Marker): void {
  const file = markerFile(state, marker.cluster);
  const half = `${file}.${marker.pid}`;
  writeFileSync(half, `${JSON.stringify(marker)}\n`, { mode: 0o600 });
  renameSync(half, file);
}

/** undefined: there is none, or it cannot be read, and then it proves nothing. */
export function readMarker(state: string, cluster: string): Marker | undefined {
  try {
    const marker = JSON.parse(readFileSync(markerFile(state, cluster), 'utf8')) as Marker;
    return marker.cluster === cluster && Array.isArray(marker.containers) ? marker : undefined;
  } catch {
    return undefined;
  }
}

/** The marker and the private directory of a dead run, if that lies where ours do. */
export function removeMarked(state: string, marker: Marker): void {
  rmSync(markerFile(state, marker.cluster), { force: true });
  if (path.dirname(marker.directory) === state) rmSync(marker.directory, { recursive: true, force: true });
}

/** When a process was started, in ticks since the boot (proc(5), field 22 of stat); empty where there is no such file. */
export function startOf(stat: string | undefined): string {
  // The second field is the program's name in parentheses, and may hold anything.
  return (
    stat
      ?.slice(stat.lastIndexOf(')') + 2)
      .split(' ')[19]
      ?.trim() ?? ''
  );
}

export type Leftover =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'alive'; readonly pid: number }
  | { readonly kind: 'kept'; readonly directory: string }
  | { readonly kind: 'ours'; readonly marker: Marker };

/**
 * Whose is a cluster that stands in the way?
 * @param containers ids of its containers now
 * @param ownerLives does the process that the marker names still run?
 */
export function judgeLeftover(
  marker: Marker | undefined,
  containers: readonly string[],
  ownerLives: boolean,
): Leftover {
  if (marker === undefined) return { kind: 'foreign' };
  if (ownerLives) return { kind: 'alive', pid: marker.pid };
  const known = new Set(marker.containers);
  if (!containers.every((id) => known.has(id))) return { kind: 'foreign' };
  return marker.kept ? { kind: 'kept', directory: marker.directory } : { kind: 'ours', marker };
}
