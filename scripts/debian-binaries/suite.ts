/** One suite of a Debian archive, read by an apt of its own: the machine's configuration and state are not touched. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { $ } from 'zx';
import type { DebianArchive } from './sources.ts';

/** Keys that the archive is signed with are not among ours: those of an older Debian know the next one's only after an update. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
}

const AGELESS = ['Acquire::Check-Valid-Until "false";', 'Acquire::Check-Date "false";'];

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
      // None of the machine's: its hooks act on its own state.
      'Dir::Etc::main': at('no-configuration'),
      'Dir::Etc::parts': at('none'),
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
      // Its files are in our directory, which apt's own user may not enter.
      'APT::Sandbox::User': 'root',
      // A part that could not be fetched is a failure.
      'APT::Update::Error-Mode': 'any',
    };
    const lines = [
      ...(await machineTransport()),
      ...Object.entries(settings).map(([key, value]) => `${key} "${value}";`),
    ];
    await writeFile(at('apt.conf'), `${lines.join('\n')}\n`);
    const suite = new Suite(name, directory);
    let updated = await suite.#apt(['update'], directory);
    if (updated.exitCode !== 0 && /is (expired|not valid yet)/.test(updated.stderr)) {
      console.error(
        `${name}: ${lastLine(updated.stderr)} A mirror that stands still is good enough for tests: again without`,
      );
      console.error(`${name}: a look at its age; its signature is verified as before.`);
      await writeFile(at('apt.conf'), `${[...lines, ...AGELESS].join('\n')}\n`);
      updated = await suite.#apt(['update'], directory);
    }
    if (updated.exitCode === 0) return suite;
    if (/NO_PUBKEY|EXPKEYSIG|Missing key/i.test(updated.stderr)) throw new KeyMissing(lastLine(updated.stderr));
    throw new Error(`apt-get update for ${name}: ${lastLine(updated.stderr)}`);
  }

  /** Those of the packages that the suite has. */
  async having(names: readonly string[]): Promise<ReadonlySet<string>> {
    const { stdout } = await this.#run('apt-cache', ['madison', ...names], '60s');
    return new Set([...stdout.matchAll(/^\s*(\S+) \|/gm)].map(([, name]) => name!));
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
    return this.#run('apt-get', ['-q', ...args], '150s', cwd);
  }

  #run(command: string, args: readonly string[], timeout: '60s' | '150s', cwd = this.#directory) {
    const env = { ...process.env, APT_CONFIG: path.join(this.#directory, 'apt.conf'), LC_ALL: 'C' };
    return $({ quiet: true, nothrow: true, timeout, cwd, env })`${command} ${args}`;
  }
}

/** How the machine's apt gets to archives, its proxies and the like. */
async function machineTransport(): Promise<string[]> {
  const { stdout } = await $({ quiet: true, timeout: '30s' })`apt-config dump`;
  return stdout.split('\n').filter((line) => /^Acquire::(https?::\S+|ForceIPv[46]) "[^"]+";$/.test(line));
}

function lastLine(text: string): string {
  return text.trim().split('\n').slice(-3).join(' / ') || 'it said nothing';
}
