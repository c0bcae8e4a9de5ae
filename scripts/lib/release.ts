/** What a tag releases, and what speaks against it. Pure. */
import semver from 'semver';

export interface ReleaseFacts {
  /** `v1.2.3`. */
  readonly tag: string;
  readonly packageVersion: string;
  /** `private` of package.json: nothing is published to a registry. */
  readonly isPrivate: boolean;
  /** `repository` of package.json; null: it has none. */
  readonly packageRepository: string | null;
  /** `owner/name`, where this runs. */
  readonly repository: string;
  /** All tags of the repository. */
  readonly tags: readonly string[];
  readonly changelog: string;
  /** Is the tagged commit part of main? */
  readonly onMain: boolean;
}

export interface Release {
  readonly version: string;
  readonly prerelease: boolean;
  /** `v1`, when it is to point here; null: it stays where it is. */
  readonly majorTag: string | null;
  /** The newest of all releases? */
  readonly latest: boolean;
  /** npm's dist-tag; null: nothing is published. */
  readonly npmTag: string | null;
  /** The changelog's section. */
  readonly notes: string;
}

/** @returns the release, or every reason against it, one sentence each */
export function releaseOf(
  facts: ReleaseFacts,
): { readonly release: Release } | { readonly problems: readonly string[] } {
  const { tag, packageVersion, isPrivate, packageRepository, repository, tags, changelog, onMain } = facts;
  const version = tag.slice(1);
  if (!tag.startsWith('v') || semver.valid(version) !== version) {
    return { problems: [`${tag} is no tag of a release: v1.2.3 or v1.2.3-rc.1 is wanted`] };
  }
  const notes = sectionOf(changelog, version);
  const problems = [
    ...(version === packageVersion ? [] : [`package.json has the version ${packageVersion}, not ${version}`]),
    ...(notes === undefined ? [`CHANGELOG.md has no section ${version}`] : []),
    // npm holds the provenance of a package against it (npm, "Generating provenance statements").
    ...(isPrivate || namesRepository(packageRepository, repository)
      ? []
      : [`package.json names the repository ${packageRepository ?? '(none)'}, not ${repository}: npm would refuse it`]),
    ...(onMain ? [] : [`the commit of ${tag} is not on main`]),
  ];
  if (problems.length > 0 || notes === undefined) return { problems };
  const prerelease = semver.prerelease(version) !== null;
  const releases = tags
    .map((one) => one.slice(1))
    .filter((one) => semver.valid(one) === one && semver.prerelease(one) === null && one !== version);
  const isNewest = (among: readonly string[]): boolean => !prerelease && among.every((one) => semver.gt(version, one));
  const major = semver.major(version);
  const newestOfMajor = isNewest(releases.filter((one) => semver.major(one) === major));
  const latest = isNewest(releases);
  return {
    release: {
      version,
      prerelease,
      // A patch of an older minor does not take users of the major back.
      majorTag: newestOfMajor ? `v${major}` : null,
      latest,
      npmTag: isPrivate ? null : prerelease ? 'next' : latest ? 'latest' : `v${major}.${semver.minor(version)}`,
      notes,
    },
  };
}

const namesRepository = (text: string | null, repository: string): boolean =>
  text !== null &&
  text
    .replace(/^git\+/, '')
    .replace(/^(https:\/\/github\.com\/|github:)/, '')
    .replace(/\.git$/, '') === repository;

/** The text below `## VERSION` or `## [VERSION] - DATE`; undefined: there is none, or it is empty. */
function sectionOf(changelog: string, version: string): string | undefined {
  const lines = changelog.split('\n');
  const isHead = (line: string): boolean => /^## /.test(line);
  const start = lines.findIndex((line) => isHead(line) && line.replace(/[[\]]/g, '').split(/\s+/)[1] === version);
  if (start < 0) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex(isHead);
  const text = rest
    .slice(0, end < 0 ? undefined : end)
    .join('\n')
    .trim();
  return text === '' ? undefined : text;
}
