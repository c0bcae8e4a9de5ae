/** Which version of a tool is wanted, and which of those at hand satisfies. Pure. */
import semver from 'semver';
import type { Tool } from './catalogue.ts';
import { ToolProblem } from './problem.ts';

/** What a scenario needs of a tool. */
export interface Wanted {
  /** As people write it: exact (`0.32.0`, `v0.32.0`), the beginning of one (`0.32`, `4`), or `latest`. */
  readonly version?: string;
  /** In place of the tool's own default and range, where no version is asked for. */
  readonly instead?: { readonly version: string; readonly fits: string };
}

/** What satisfies it. */
export type Choice =
  /** `accepts` is a range; `download` is undefined where its beginning names none that we know. */
  | { readonly kind: 'known'; readonly accepts: string; readonly download: string | undefined }
  /** Only the publisher knows. */
  | { readonly kind: 'latest' };

/** @throws ToolProblem `not-found` when the text is no version. */
export function choose(tool: Tool, wanted: Wanted): Choice {
  const version = wanted.version?.trim() ?? '';
  const { instead } = wanted;
  if (version === '') {
    return { kind: 'known', accepts: instead?.fits ?? tool.fits, download: instead?.version ?? tool.pinned[0].version };
  }
  if (version === 'latest') return { kind: 'latest' };
  const bare = version.replace(/^v/, '');
  const exact = /^\d/.test(bare) ? semver.parse(bare) : null;
  if (exact !== null) return { kind: 'known', accepts: exact.version, download: exact.version };
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(bare)) {
    throw new ToolProblem(
      'not-found',
      `${tool.id}-version: ${JSON.stringify(version.slice(0, 60))} is no version; write one as ${tool.pinned[0].version}, ` +
        `its beginning, or latest`,
    );
  }
  const pinned = tool.pinned.find((each) => semver.satisfies(each.version, bare));
  return { kind: 'known', accepts: bare, download: pinned?.version };
}

/** Whether a version lies in a range; a pre-release only where the range names it. */
export function satisfies(version: string, range: string): boolean {
  return semver.satisfies(version, range);
}

/** The version in what a tool answered; undefined: it is no answer of that tool. */
export function versionIn(tool: Tool, answer: string): string | undefined {
  const found = tool.versionPattern.exec(answer)?.[1];
  return found === undefined ? undefined : (semver.valid(found) ?? undefined);
}

/** The version in what a publisher's pointer says. */
export function latestIn(text: string): string | undefined {
  return semver.valid(text.trim().replace(/^.*\//, '').replace(/^v/, '')) ?? undefined;
}
