/** One suite of a Debian archive, read by an apt of its own: the machine's configuration and state are not touched. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { $ } from 'zx';
import type { DebianArchive } from './sources.ts';

/** Keys that the archive is signed with are not among ours: those of an older Debian know the next one's only after an update. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
}

export class Suite {
  readonly name: string;
  readonly #directory: string;

  private constructor(name: string, directory: string) {
    this.name = name;
    this.#directory = directory;
  }

  /**
   * Fetches the list of packages; its signature is verified by apt.
   * @param directory an empty one
   * @throws KeyMissing; zx's error with what apt said
   */
  static async open(name: string, archive: DebianArchive, directory: string): Promise<Suite> {
    for (const each of ['lists/partial', 'archives/partial', 'none']) {
      await mkdir(path.join(directory, each), { recursive: true });
    }
    const at = (file: string): string => path.join(directory, file);
    await writeFile(at('status'), '');
    const signedBy = archive.signedBy.length === 0 ? [] : [`Signed-By: ${archive.signedBy.join(' ')}`];
    const stanza = ['Types: deb', `URIs: ${archive.uri}`, `Suites: ${name}`, 'Components: main', ...signedBy, ''];
    await writeFile(at('debian.sources'), stanza.join('\n'));
    const settings = {
      'Dir::State': directory,
      'Dir::State::lists': at('lists'),
      'Dir::State::status': at('status'),
      'Dir::Cache': directory,
      'Dir::Etc::sourcelist': at('debian.sources'),
      'Dir::Etc::sourceparts': at('none'),
      'Dir::Etc::preferences': at('no-preferences'),
      'Dir::Etc::preferencesparts': at('none'),
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
      'Acquire::http::Timeout': '30',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
      // Its files are in our directory, which apt's own user may not enter.
      'APT::Sandbox::User': 'root',
      // A part that could not be fetched is a failure.
      'APT::Update::Error-Mode': 'any',
    };
    const text = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
    await writeFile(at('apt.conf'), `${text.join('\n')}\n`);
    const suite = new Suite(name, directory);
    const updated = await suite.#apt(['update'], directory);
    if (updated.exitCode === 0) return suite;
    if (/NO_PUBKEY|EXPKEYSIG|Missing key/i.test(updated.stderr)) throw new KeyMissing(lastLine(updated.stderr));
    throw new Error(`apt-get update for ${name}: ${lastLine(updated.stderr)}`);
  }

  /** Whether the suite has such a package. */
  async has(name: string): Promise<boolean> {
    const { stdout } = await this.#aptCache(['--names-only', 'search', `^${name}$`]);
    return stdout.trim() !== '';
  }

  /** Fetches packages and unpacks them, one over the other, into a directory; returns the version of the first. */
  async unpack(packages: readonly string[], into: string): Promise<string> {
    const downloads = path.join(this.#directory, `debs-${packages[0]}`);
    await mkdir(downloads);
    const { exitCode, stderr } = await this.#apt(['download', ...packages], downloads);
    if (exitCode !== 0) throw new Error(`apt-get download from ${this.name}: ${lastLine(stderr)}`);
    await mkdir(into, { recursive: true });
    let version = '';
    for (const file of await readdir(downloads)) {
      const deb = path.join(downloads, file);
      const quiet = $({ quiet: true, timeout: '60s' });
      const fields = (await quiet`dpkg-deb --field ${deb} Package Version`).stdout;
      if (fields.includes(`Package: ${packages[0]}\n`)) version = /^Version: (.+)$/m.exec(fields)![1]!;
      await quiet`dpkg-deb --extract ${deb} ${into}`;
    }
    return version;
  }

  #apt(args: readonly string[], cwd: string) {
    const env = { ...process.env, APT_CONFIG: path.join(this.#directory, 'apt.conf'), LC_ALL: 'C' };
    return $({ quiet: true, nothrow: true, timeout: '150s', cwd, env })`apt-get -q ${args}`;
  }

  #aptCache(args: readonly string[]) {
    const env = { ...process.env, APT_CONFIG: path.join(this.#directory, 'apt.conf'), LC_ALL: 'C' };
    return $({ quiet: true, nothrow: true, timeout: '60s', env })`apt-cache ${args}`;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ') || 'it said nothing';
}
