/**
 * Real kind and kubectl of two versions each and a Docker engine, from Debian's packages, for the tests that talk to them:
 * unpacked below ~/.cache/rehearse, from the archive that the machine's own apt uses, signatures verified. Nothing is
 * installed and apt's state is not touched.
 *
 * npm run debian-binaries [-- --refresh]
 *
 * Exit code 1 when a set could not be had, after all others were tried; the tests that need it are then skipped by name.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findProgram } from '../src/host/find-program.ts';
import { binariesDirectory, type Recorded, readRecord, recordFile, SETS } from './debian-binaries/sets.ts';
import { debianArchive } from './debian-binaries/sources.ts';
import { Suites } from './debian-binaries/suites.ts';

const { values } = parseArgs({ options: { refresh: { type: 'boolean', default: false } } });

/** What the machine's apt reads, in its order. */
async function aptSources(): Promise<{ name: string; text: string }[]> {
  const parts = await readdir('/etc/apt/sources.list.d').catch(() => []);
  const names = ['/etc/apt/sources.list', ...parts.sort().map((name) => `/etc/apt/sources.list.d/${name}`)];
  const read = names.map(async (name) => ({ name, text: await readFile(name, 'utf8').catch(() => '') }));
  return Promise.all(read);
}

async function codename(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? 'stable';
}

/** Unpacks beside its place and renames, so that what is there is whole. */
async function setUp(set: (typeof SETS)[number], suites: Suites, own: string): Promise<string> {
  const suite = await suites.get(set.suite === 'own' ? own : set.suite);
  const has = await suite.having(set.packages.flat());
  const packages = set.packages.flatMap((names) => names.find((name) => has.has(name)) ?? []);
  if (!set.packages[0]!.some((name) => packages[0] === name))
    throw new Error(`${suite.name} has no ${set.packages[0]!.join(' or ')}`);
  const staging = await mkdtemp(path.join(binariesDirectory(), '.staging-'));
  try {
    const version = await suite.unpack(packages, staging);
    const minor = /^(?:\d+:)?(\d+\.\d+)/.exec(version)?.[1];
    if (minor === undefined) throw new Error(`version ${version} of ${packages[0]} has no major and minor`);
    const name = `${set.name}-${minor}`;
    const place = path.join(binariesDirectory(), name);
    await rm(place, { recursive: true, force: true });
    await rename(staging, place);
    return name;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  await mkdir(binariesDirectory(), { recursive: true });
  const before = values.refresh ? {} : await readRecord();
  const missing = SETS.filter(({ id }) => before[id] === undefined);
  for (const { id, label } of SETS) if (before[id] !== undefined) console.log(`${label}: ${before[id]}, there already`);
  if (missing.length === 0) return 0;

  const absent = ['apt-get', 'apt-cache', 'dpkg-deb'].filter(
    (name) => findProgram(name, process.env.PATH) === undefined,
  );
  const archive = absent.length > 0 ? undefined : debianArchive(await aptSources());
  if (archive === undefined) {
    const why = absent.length > 0 ? `${absent.join(', ')} not found` : "apt's sources name no archive of Debian";
    for (const { label } of missing) console.error(`${label}: not set up: ${why}`);
    return 1;
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'rehearse-apt-'));
  const record: Recorded = { ...before };
  let status = 0;
  try {
    const own = await codename();
    const suites = new Suites([...new Set([own, 'trixie', 'testing'])], archive, directory);
    for (const set of missing) {
      try {
        record[set.id] = await setUp(set, suites, own);
        console.log(`${set.label}: ${record[set.id]}`);
      } catch (error) {
        status = 1;
        console.error(`${set.label}: not set up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    // Renamed, so that a reader never sees half of it.
    await writeFile(`${recordFile()}.new`, `${JSON.stringify(record, null, 2)}\n`);
    await rename(`${recordFile()}.new`, recordFile());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return status;
}

process.exitCode = await main();
