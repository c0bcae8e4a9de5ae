/**
 * Version expressions of a matrix: an exact version, a minor (`1.19`: its newest patch), `latest`, `last-3` (the newest patches
 * of the last three minors) and `next` (the newest pre-release of what is still to come).
 */
import semver from 'semver';
import { nearest } from '../scenario/nearest.ts';
import type { Component } from '../scenario/versions.ts';

/** More minors than any of the projects has ever published. */
const MOST_MINORS = 99;

const FORMS = 'an exact version, a minor such as "1.19", latest, last-N or next';

export type Resolved =
  /** Newest first. */
  | { readonly versions: readonly string[] }
  /** It is well-formed, and there is nothing that it stands for: no pre-release is under way. */
  | { readonly none: string }
  | { readonly problem: string };

/**
 * @param known all versions that can be had, pre-releases too, in any order
 * @param text one expression
 */
export function resolveExpression(component: Component, text: string, known: readonly string[]): Resolved {
  const all = semver.rsort([...known]);
  const releases = all.filter((version) => semver.prerelease(version) === null);
  const newest = releases[0];
  if (newest === undefined) return { problem: `no ${component} version is known` };
  if (text === 'latest') return { versions: [newest] };
  if (text === 'next') return next(component, all, newest);
  const last = /^last-(\d+)$/.exec(text);
  if (last !== null) return lastMinors(component, Number(last[1]), text, releases);
  return oneVersion(component, text, all, releases);
}

function next(component: Component, all: readonly string[], newest: string): Resolved {
  const pre = all.find((version) => semver.prerelease(version) !== null && semver.gt(version, newest));
  if (pre !== undefined) return { versions: [pre] };
  return { none: `next: there is no ${component} pre-release newer than ${newest}` };
}

function lastMinors(component: Component, count: number, text: string, releases: readonly string[]): Resolved {
  if (count < 1 || count > MOST_MINORS) return { problem: `"${text}": from last-1 to last-${MOST_MINORS}` };
  const minors = [...new Set(releases.map(minorOf))];
  if (count > minors.length) {
    return { problem: `"${text}": only ${minors.length} ${component} minors are known, down to ${minors.at(-1)}` };
  }
  return { versions: minors.slice(0, count).map((minor) => releases.find((version) => minorOf(version) === minor)!) };
}

function oneVersion(component: Component, text: string, all: readonly string[], releases: readonly string[]): Resolved {
  const wanted = text.replace(/^v/, '');
  const isMinor = /^\d+\.\d+$/.test(wanted);
  if (!isMinor && semver.valid(wanted) === null) {
    const like = nearest(text, ['latest', 'next', 'last-3']);
    return {
      problem: `"${text}": ${FORMS} is wanted${like === undefined ? '' : `; did you mean ${like}?`}`,
    };
  }
  const found = isMinor ? releases.find((version) => minorOf(version) === wanted) : all.find((one) => one === wanted);
  if (found !== undefined) return { versions: [found] };
  const minors = [...new Set(releases.map(minorOf))];
  const like = nearest(wanted, isMinor ? minors : all);
  return {
    problem:
      `there is no known ${component} version ${text}${like === undefined ? '' : `; did you mean ${like}?`}` +
      ` Known minors: ${minors.join(', ')}`,
  };
}

/** `1.19.6` as `1.19`. */
export const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** The words of one flag or of one input of a workflow: several expressions, divided by commas or blanks. */
export const expressionsOf = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => text.split(/[\s,]+/)).filter((word) => word !== '');
