/** Version expressions against a small table of versions, and against the bundled one. */
import fc from 'fast-check';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import { expressionsOf, minorOf, resolveExpression } from '../../src/matrix/expression.ts';
import { knownVersions } from '../../src/scenario/versions.ts';

const KNOWN = [
  '1.9.18',
  '1.18.2',
  '1.18.12',
  '1.19.0',
  '1.19.6',
  '1.20.0',
  '1.20.0-rc.1',
  '1.21.0-pre.0',
  '1.21.0-pre.1',
];
const AFTER_THE_RELEASE = [...KNOWN, '1.21.0'];

describe.each([
  ['1.19.0', ['1.19.0']],
  ['v1.19.0', ['1.19.0']],
  ['1.18', ['1.18.12']],
  ['latest', ['1.20.0']],
  ['last-1', ['1.20.0']],
  ['last-3', ['1.20.0', '1.19.6', '1.18.12']],
  ['last-4', ['1.20.0', '1.19.6', '1.18.12', '1.9.18']],
  ['next', ['1.21.0-pre.1']],
  ['1.20.0-rc.1', ['1.20.0-rc.1']],
])('%s', (text, versions) => {
  test('stands for', () => expect(resolveExpression('cilium', text, KNOWN)).toEqual({ versions }));
});

describe('what stands for nothing', () => {
  test.each([
    ['1.91', /^there is no known cilium version 1\.91; did you mean 1\.19\? Known minors: 1\.20, 1\.19, 1\.18, 1\.9$/],
    ['1.19.60', /did you mean 1\.19\.6\?/],
    // A minor of which there are only pre-releases is no release yet.
    ['1.21', /^there is no known cilium version 1\.21/],
    ['lastest', /did you mean latest\?/],
    ['last-0', /from last-1 to last-99/],
    ['last-5', /only 4 cilium minors are known, down to 1\.9/],
    ['last-', /is wanted; did you mean last-3\?/],
    ['>=1.19', /an exact version, a minor such as "1\.19", latest, last-N or next is wanted/],
  ])('%s is a problem', (text, problem) => {
    expect(resolveExpression('cilium', text, KNOWN)).toEqual({ problem: expect.stringMatching(problem) });
  });

  test('next, when the release is out, is none and no problem: a nightly run goes on', () => {
    expect(resolveExpression('cilium', 'next', AFTER_THE_RELEASE)).toEqual({
      none: 'next: there is no cilium pre-release newer than 1.21.0',
    });
  });

  test('no versions at all', () => {
    expect(resolveExpression('cilium', 'latest', [])).toEqual({ problem: 'no cilium version is known' });
  });
});

test('last-N holds the newest patch of N different minors, newest first, and no pre-release', () => {
  const known = knownVersions('cilium');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (count, seed) => {
      const shuffled = [...known].sort((a, b) => ((a.length * seed) % 7) - ((b.length * seed) % 7));
      const resolved = resolveExpression('cilium', `last-${count}`, shuffled);
      if (!('versions' in resolved)) throw new Error(JSON.stringify(resolved));
      const { versions } = resolved;
      expect(new Set(versions.map(minorOf)).size).toBe(count);
      expect(semver.rsort([...versions])).toEqual(versions);
      for (const version of versions) {
        expect(semver.prerelease(version)).toBeNull();
        const newer = known.filter((other) => minorOf(other) === minorOf(version) && semver.gt(other, version));
        expect(newer.filter((other) => semver.prerelease(other) === null)).toEqual([]);
      }
    }),
  );
});

test('one input of a workflow may hold several', () => {
  expect(expressionsOf(['last-3, next', ' 1.15\n1.16 ', ''])).toEqual(['last-3', 'next', '1.15', '1.16']);
});
