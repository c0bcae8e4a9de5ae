import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { DebianArchive } from './sources.ts';
import { KeyMissing, Suite } from './suite.ts';

/** Opens suites in their order; keys that an older Debian lacks are taken from the suite before, which has verified them. */
export class Suites {
  readonly #order: readonly string[];
  readonly #directory: string;
  readonly #opened = new Map<string, Promise<Suite>>();
  #archive: DebianArchive;

  constructor(order: readonly string[], archive: DebianArchive, directory: string) {
    this.#order = order;
    this.#archive = archive;
    this.#directory = directory;
  }

  get(name: string): Promise<Suite> {
    const opened = this.#opened.get(name) ?? this.#open(name);
    this.#opened.set(name, opened);
    return opened;
  }

  async #open(name: string): Promise<Suite> {
    const fresh = (what: string): Promise<string> => mkdtemp(path.join(this.#directory, `${what}-`));
    try {
      return await Suite.open(name, this.#archive, await fresh(name));
    } catch (error) {
      const before = this.#order[this.#order.indexOf(name) - 1];
      if (!(error instanceof KeyMissing) || before === undefined) throw error;
      const keys = await fresh('keys');
      await (await this.get(before)).unpack(['debian-archive-keyring'], keys);
      const folder = path.join(keys, 'usr/share/keyrings');
      const file = (await readdir(folder)).find((each) => /^debian-archive-keyring\.(gpg|pgp)$/.test(each));
      if (file === undefined) throw error;
      this.#archive = { ...this.#archive, signedBy: [path.join(folder, file)] };
      return Suite.open(name, this.#archive, await fresh(name));
    }
  }
}
