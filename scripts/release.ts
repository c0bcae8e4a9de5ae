/**
 * The release of a tag: node scripts/release.ts check | publish FILES
 *
 * `check` refuses a tag that does not fit package.json, CHANGELOG.md and main, and sets the outputs `version` and `npm-tag` (empty:
 * nothing goes to a registry). `publish` makes the GitHub release with every file of the directory FILES, and moves the major tag. Variables:
 * GITHUB_REF_NAME, GITHUB_SHA, GITHUB_REPOSITORY, and for `publish` GITHUB_API_URL, GITHUB_TOKEN. Exit code: 0; 1 refused; 3 the environment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'zx';
import { GitHub, type ReleaseFile } from '../src/nightly/github.ts';
import { WallClock } from '../src/time/wall-clock.ts';
import { EnvironmentProblem, script, stepOutput, stepSummary, wanted } from './lib/environment.ts';
import { type Release, releaseOf } from './lib/release.ts';

const git = $({ quiet: true });

/** @returns the release, or null when it is refused */
async function checked(): Promise<Release | null> {
  const [tag, sha] = [wanted(process.env, 'GITHUB_REF_NAME'), wanted(process.env, 'GITHUB_SHA')];
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly version: string;
    readonly private?: boolean;
    readonly repository?: string | { readonly url?: string };
  };
  const { version: packageVersion, repository } = manifest;
  const inManifest = { packageVersion, isPrivate: manifest.private === true };
  const repositories = {
    packageRepository: (typeof repository === 'string' ? repository : repository?.url) ?? null,
    repository: wanted(process.env, 'GITHUB_REPOSITORY'),
  };
  const tags = (await git`git tag --list`).lines();
  const onMain = (await git({ nothrow: true })`git merge-base --is-ancestor ${sha} origin/main`).exitCode === 0;
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  const found = releaseOf({ tag, ...inManifest, ...repositories, tags, changelog, onMain });
  if ('release' in found) return found.release;
  for (const problem of found.problems) process.stderr.write(`${problem}\n`);
  return null;
}

async function publish(release: Release, files: readonly ReleaseFile[]): Promise<void> {
  const { env } = process;
  const github = new GitHub({
    ...{ apiUrl: wanted(env, 'GITHUB_API_URL'), repository: wanted(env, 'GITHUB_REPOSITORY') },
    ...{ token: wanted(env, 'GITHUB_TOKEN'), clock: new WallClock() },
  });
  const { version, notes, majorTag, prerelease, latest } = release;
  await github.release(`v${version}`, notes, { prerelease, latest }, files);
  if (majorTag !== null) await github.moveTag(majorTag, wanted(env, 'GITHUB_SHA'));
  stepSummary(env, `# v${version}\n\n${majorTag === null ? 'No major tag was moved.' : `${majorTag} points here.`}\n`);
}

/** @throws EnvironmentProblem where there is none: a release without what was attested is none */
function filesIn(directory: string): ReleaseFile[] {
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    throw new EnvironmentProblem(`${directory}: ${(error as Error).message}`, { cause: error });
  }
  if (names.length === 0) throw new EnvironmentProblem(`${directory}: there is no file to release`);
  return names.map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
}

await script(async () => {
  const [what, directory] = process.argv.slice(2);
  if (what !== 'check' && (what !== 'publish' || directory === undefined)) {
    throw new EnvironmentProblem('usage: release.ts check | publish FILES');
  }
  const files = what === 'publish' ? filesIn(directory!) : [];
  const release = await checked();
  if (release === null) return 1;
  if (what === 'publish') await publish(release, files);
  stepOutput(process.env, 'version', release.version);
  stepOutput(process.env, 'npm-tag', release.npmTag ?? '');
  process.stdout.write(`${release.version}\n`);
  return 0;
});
