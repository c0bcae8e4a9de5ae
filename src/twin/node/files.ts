/**
 * The file system of a kind node. `/run` and `/tmp` are tmpfs and empty after every start of the container; everything
 * else survives, also `/var`, which is a volume (kind, docker/provision.go and images/base/entrypoint).
 */
import type { Cancel, NodeFile, NodeFiles, SimulatedTime } from '../world.ts';

/** Directories that exist in kind's node image even when nothing is in them. */
const DIRECTORIES = new Set([
  '/etc/cni/net.d',
  '/opt/cni/bin',
  '/etc/kubernetes',
  '/etc/kubernetes/manifests',
  '/run',
  '/tmp',
]);

/** Plugins of the reference CNI project in kind's node image (images/base/Dockerfile). */
const BUNDLED_PLUGINS = ['host-local', 'loopback', 'portmap', 'ptp'];

export class MachineFiles implements NodeFiles {
  readonly #time: SimulatedTime;
  readonly #files = new Map<string, NodeFile>();
  readonly #refused = new Set<string>();
  readonly #hooks = new Map<string, Set<(name: string) => void>>();

  constructor(time: SimulatedTime) {
    this.#time = time;
    for (const plugin of BUNDLED_PLUGINS) this.write(`/opt/cni/bin/${plugin}`, '', 0o755);
  }

  /** From now on the file system lets nobody write this path or rename anything to it, until the result is called. */
  refuseWrites(path: string): Cancel {
    const where = real(path);
    this.#refused.add(where);
    return () => void this.#refused.delete(where);
  }

  read(path: string): NodeFile | undefined {
    return this.#files.get(real(path));
  }

  write(path: string, content: string, mode = 0o644): void {
    const where = real(path);
    this.#mayWrite(where);
    this.#files.set(where, { content, mode, modifiedAt: this.#time.now() });
    this.#changed(where);
  }

  remove(path: string): boolean {
    const where = real(path);
    if (!this.#files.delete(where)) return false;
    this.#changed(where);
    return true;
  }

  rename(from: string, to: string): boolean {
    const file = this.#files.get(real(from));
    if (file === undefined) return false;
    this.#mayWrite(real(to));
    this.#files.delete(real(from));
    this.#files.set(real(to), file);
    this.#changed(real(from));
    this.#changed(real(to));
    return true;
  }

  list(directory: string): string[] {
    const prefix = `${real(directory)}/`;
    const names = new Set<string>();
    for (const path of this.#files.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0]!);
    }
    return [...names].sort();
  }

  /** Does a directory exist? */
  isDirectory(path: string): boolean {
    return DIRECTORIES.has(real(path)) || this.list(path).length > 0;
  }

  watch(directory: string, hook: (name: string) => void): Cancel {
    const where = real(directory);
    const hooks = this.#hooks.get(where) ?? new Set();
    hooks.add(hook);
    this.#hooks.set(where, hooks);
    return () => void hooks.delete(hook);
  }

  /** The container starts: its tmpfs mounts are new. */
  emptyTmpfs(): void {
    for (const path of [...this.#files.keys()]) {
      if (path.startsWith('/run/') || path.startsWith('/tmp/')) this.#files.delete(path);
    }
  }

  #mayWrite(path: string): void {
    if (this.#refused.has(path)) throw new Error(`open ${path}: operation not permitted`);
  }

  #changed(path: string): void {
    for (const [directory, hooks] of this.#hooks) {
      if (!path.startsWith(`${directory}/`)) continue;
      for (const hook of [...hooks]) hook(path.slice(directory.length + 1));
    }
  }
}

/** `/var/run` is a link to `/run`; no trailing or doubled slashes. */
function real(path: string): string {
  const clean = path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  return clean === '/var/run' || clean.startsWith('/var/run/') ? clean.slice(4) : clean;
}
