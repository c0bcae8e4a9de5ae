/**
 * The release of a tag: node scripts/release.ts check | publish
 *
 * `check` refuses a tag that does not fit package.json, CHANGELOG.md and main, and sets the outputs `version` and `npm-tag` (empty:
 * nothing goes to a registry). `publish` makes the GitHub release and moves the major tag. Variables: GITHUB_REF_NAME, GITHUB_SHA,
 * and for `publish` GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_TOKEN. Exit code: 0; 1 refused; 3 the environment.
 */
import { readFileSync } from 'node:fs';
import { $ } from 'zx';
import { GitHub } from '../src/nightly/github.ts';
import { WallClock } from '../src/time/wall-clock.ts';
import { EnvironmentProblem, script, stepOutput, stepSummary, wanted } from './lib/environment.ts';
import { type Release, releaseOf } from './lib/release.ts';

const git = $({ quiet: true });

/** @returns the release, or null when it is refused */
async function checked(): Promise<Release | null> {
  const [tag, sha] = [wanted(process.env, 'GITHUB_REF_NAME'), wanted(process.env, 'GITHUB_SHA')];
  const { version, private: isPrivate } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    version: string;
    private?: boolean;
  };
  const tags = (await git`git tag --list`).lines();
  const onMain = (await git({ nothrow: true })`git merge-base --is-ancestor ${sha} origin/main`).exitCode === 0;
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  const found = releaseOf({ tag, packageVersion: version, isPrivate: isPrivate === true, tags, changelog, onMain });
  if ('release' in found) return found.release;
  for (const problem of found.problems) process.stderr.write(`${problem}\n`);
  return null;
}

async function publish(release: Release): Promise<void> {
  const { env } = process;
  const github = new GitHub({
    ...{ apiUrl: wanted(env, 'GITHUB_API_URL'), repository: wanted(env, 'GITHUB_REPOSITORY') },
    ...{ token: wanted(env, 'GITHUB_TOKEN'), clock: new WallClock() },
  });
  const { version, notes, majorTag, prerelease, latest } = release;
  await github.release(`v${version}`, notes, { prerelease, latest });
  if (majorTag !== null) await github.moveTag(majorTag, wanted(env, 'GITHUB_SHA'));
  stepSummary(env, `# v${version}\n\n${majorTag === null ? 'No major tag was moved.' : `${majorTag} points here.`}\n`);
}

await script(async () => {
  const [what] = process.argv.slice(2);
  if (what !== 'check' && what !== 'publish') throw new EnvironmentProblem('usage: release.ts check|publish');
  const release = await checked();
  if (release === null) return 1;
  if (what === 'publish') await publish(release);
  stepOutput(process.env, 'version', release.version);
  stepOutput(process.env, 'npm-tag', release.npmTag ?? '');
  process.stdout.write(`${release.version}\n`);
  return 0;
});
