/**
 * The tool cache in the layout of @actions/tool-cache 4.0.0 (src/tool-cache.ts): `ROOT/ID/VERSION/ARCH/…` and, when that is
 * whole, an empty file `ARCH.complete` beside it. Written anew here, as its own `cacheFile` removes the directory first:
 * whoever is running the tool from it at that moment loses it.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { arch, homedir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../time/clock.ts';
import { findProgram } from '../find-program.ts';

const STAGING = '.rehearse-staging-';
/** A staging directory that is older belongs to a process that was killed. */
const ABANDONED_MS = 24 * 3_600_000;

/**
 * On a runner where it says; otherwise in the user's cache (XDG base directory specification: a relative path is ignored), never
 * anywhere else.
 */
export function cacheRoot(environment: Readonly<Record<string, string | undefined>>): string {
  const { RUNNER_TOOL_CACHE: runner, XDG_CACHE_HOME: xdg } = environment;
  if (runner !== undefined && runner !== '') return path.resolve(runner);
  const cache = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(environment.HOME || homedir(), '.cache');
  return path.join(cache, 'rehearse/tools');
}

export class ToolCache {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The program of a whole entry, or undefined. */
  find(id: string, version: string, program: string): string | undefined {
    const directory = this.#entry(id, version);
    return existsSync(`${directory}.complete`) ? findProgram(path.join(directory, program), undefined) : undefined;
  }

  /** An empty directory in the file system of the cache, to be made what {@link add} takes. */
  async staging(clock: Clock): Promise<{ readonly directory: string } & AsyncDisposable> {
    await mkdir(this.#root, { recursive: true });
    await this.#removeAbandoned(clock);
    const directory = await mkdtemp(path.join(this.#root, STAGING));
    return {
      directory,
      [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
    };
  }

  /**
   * Puts a program into the cache and returns its path there. A reader sees the whole entry or none; of several that add the
   * same one at the same time, one does and all end with it.
   * @param staged the program's file in a staging directory; it is moved
   */
  async add(id: string, version: string, staged: string): Promise<string> {
    const program = path.basename(staged);
    const entry = this.#entry(id, version);
    await mkdir(path.dirname(entry), { recursive: true });
    const whole = await mkdtemp(path.join(path.dirname(staged), 'entry-'));
    // mkdtemp makes it private; on a runner others use the cache too.
    await chmod(whole, 0o755);
    await rename(staged, path.join(whole, program));
    await onDisk(path.join(whole, program));
    // Not whole, and none of ours: these appear together with their mark.
    if (this.find(id, version, program) === undefined) await this.#discard(entry, path.dirname(staged));
    // The mark first, so that the one step that makes the entry visible makes it whole.
    await (await open(`${entry}.complete`, 'w')).close();
    try {
      await rename(whole, entry);
    } catch (error) {
      const another = isOccupied(error) ? this.find(id, version, program) : undefined;
      if (another === undefined) throw error;
    }
    return path.join(entry, program);
  }

  /** Takes a damaged entry out of the cache, into a staging directory. */
  async remove(id: string, version: string, staging: string): Promise<void> {
    await this.#discard(this.#entry(id, version), staging);
  }

  async #discard(entry: string, staging: string): Promise<void> {
    await rm(`${entry}.complete`, { force: true });
    try {
      await rename(entry, path.join(await mkdtemp(path.join(staging, 'discarded-')), 'entry'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #entry(id: string, version: string): string {
    return path.join(this.#root, id, version, arch());
  }

  async #removeAbandoned(clock: Clock): Promise<void> {
    for (const name of await readdir(this.#root)) {
      if (!name.startsWith(STAGING)) continue;
      const directory = path.join(this.#root, name);
      const made = await stat(directory).catch(() => undefined);
      if (made !== undefined && clock.now() - made.mtimeMs > ABANDONED_MS) {
        await rm(directory, { recursive: true, force: true });
      }
    }
  }
}

const isOccupied = (error: unknown): boolean =>
  ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** A machine that loses its power would else keep a name without the bytes. */
async function onDisk(file: string): Promise<void> {
  await using opened = await open(file, 'r+');
  await opened.sync();
}
