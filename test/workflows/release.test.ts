/** What a tag releases; the gate; the cases of e2e; and the scripts around them as processes in a repository of their own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { E2E_CASES } from '../../scripts/lib/e2e-cases.ts';
import { notGreen } from '../../scripts/lib/gate.ts';
import { type ReleaseFacts, releaseOf } from '../../scripts/lib/release.ts';
import { FAULTS } from '../../src/faults/catalogue/index.ts';
import { startProcess, startRehearse } from '../cli/processes.ts';
import { FakeGitHub } from '../nightly/fake-github.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const CHANGELOG =
  '# Changelog\n\n## Unreleased\n\n## [1.2.3] - 2026-11-27\n\n### Added\n- A thing.\n\n## 1.2.2\n\n- Older.\n\n## 1.2.1\n';
const facts = (changed: Partial<ReleaseFacts> = {}): ReleaseFacts => ({
  ...{ tag: 'v1.2.3', packageVersion: '1.2.3', isPrivate: false, changelog: CHANGELOG, onMain: true },
  ...{ packageRepository: 'git+https://github.com/o/r.git', repository: 'o/r' },
  tags: ['v1.2.2', 'v1.2.3', 'v1', 'nonsense'],
  ...changed,
});

describe('a release', () => {
  test('has its notes, moves its major tag and is the latest', () => {
    expect(releaseOf(facts())).toEqual({
      release: {
        ...{ version: '1.2.3', prerelease: false, majorTag: 'v1', latest: true, npmTag: 'latest' },
        notes: '### Added\n- A thing.',
      },
    });
  });

  test.each<[string, Partial<ReleaseFacts>, object]>([
    [
      'a patch of an older minor moves nothing back',
      { tags: ['v1.3.0'] },
      { majorTag: null, latest: false, npmTag: 'v1.2' },
    ],
    [
      'a newest of an older major moves its own tag only',
      { tags: ['v2.0.0', 'v1.2.2'] },
      { majorTag: 'v1', latest: false, npmTag: 'v1.2' },
    ],
    ['a pre-release to come does not count', { tags: ['v1.3.0-rc.1'] }, { majorTag: 'v1', latest: true }],
    ['1.10 is newer than 1.9', { tags: ['v1.10.0'] }, { majorTag: null, latest: false }],
    [
      'a private package goes to no registry, whatever repository it names',
      { isPrivate: true, packageRepository: null },
      { npmTag: null, majorTag: 'v1' },
    ],
    ['a repository in short', { packageRepository: 'github:o/r' }, { npmTag: 'latest' }],
    [
      'a pre-release moves nothing',
      { tag: 'v2.0.0-rc.1', packageVersion: '2.0.0-rc.1', changelog: '## 2.0.0-rc.1\n\nx' },
      { prerelease: true, majorTag: null, latest: false, npmTag: 'next' },
    ],
  ])('%s', (_what, changed, expected) => expect(releaseOf(facts(changed))).toMatchObject({ release: expected }));

  test.each<[string, Partial<ReleaseFacts>, string[]]>([
    ['another version in package.json', { packageVersion: '1.2.4' }, ['package.json has the version 1.2.4, not 1.2.3']],
    [
      'a package that names no repository, which npm would refuse',
      { packageRepository: null },
      ['package.json names the repository (none), not o/r: npm would refuse it'],
    ],
    [
      'a package of another repository',
      { packageRepository: 'https://github.com/o/other' },
      ['package.json names the repository https://github.com/o/other, not o/r: npm would refuse it'],
    ],
    ['not on main', { onMain: false }, ['the commit of v1.2.3 is not on main']],
    ['no notes', { tag: 'v1.2.1', packageVersion: '1.2.1' }, ['CHANGELOG.md has no section 1.2.1']],
    [
      'all at once',
      { packageVersion: '9.9.9', onMain: false, changelog: '' },
      [expect.any(String), expect.any(String), expect.any(String)],
    ],
    ['no version', { tag: 'v1.2' }, ['v1.2 is no tag of a release: v1.2.3 or v1.2.3-rc.1 is wanted']],
    ['no v', { tag: '1.2.3' }, [expect.stringMatching(/is no tag of a release/)]],
  ])('%s is refused', (_what, changed, problems) => expect(releaseOf(facts(changed))).toEqual({ problems }));
});

test.each([
  [{ a: { result: 'success' }, b: { result: 'success' } }, []],
  [{ a: { result: 'success' }, b: { result: 'failure' } }, ['b: failure']],
  [{ a: { result: 'skipped' }, b: { result: 'cancelled' }, c: {} }, ['a: skipped', 'b: cancelled', 'c: unknown']],
])('the gate of %j', (needs, red) => expect(notGreen(needs)).toEqual(red));

describe('the cases of e2e', () => {
  test('their faults can be made on kind, and one case has none', () => {
    for (const { fault, name } of E2E_CASES.filter((one) => one.fault !== '')) {
      const entry = FAULTS.find((one) => one.name === fault.split(':')[0]);
      expect(entry?.providers, name).toContain('kind');
    }
    expect(
      E2E_CASES.filter(({ fault, expect: end }) => fault === '' && end === 'passed').map(({ scenario }) => scenario),
    ).toEqual(['lab']);
  });

  test.each(E2E_CASES.map((one) => [one.name, one] as const))(
    '%s, on the twin',
    async (_name, { scenario, fault, allow, expect: end }) => {
      const directory = mkdtempSync(path.join(tmpdir(), 'e2e-case-'));
      try {
        const more = [...(fault === '' ? [] : ['--fault', fault]), ...(allow === '' ? [] : ['--allow', allow])];
        const { code, stderr } = await startRehearse(directory, 'run', scenario, ...more, '--expect', end, '--quiet')
          .ended;
        expect(code, stderr).toBe(0);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});

describe('as processes', () => {
  let repository: string;
  const git = (...words: string[]): string => {
    const { stdout, stderr, status } = spawnSync('git', words, { cwd: repository, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const hasGit = spawnSync('git', ['--version']).status === 0;

  const run = async (script: string, words: readonly string[], env: Readonly<Record<string, string>>) => {
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const node = [process.execPath, path.join(ROOT, 'scripts', script), ...words];
    return startProcess('env', [...assignments, ...node], repository).ended;
  };

  beforeEach(() => {
    repository = mkdtempSync(path.join(tmpdir(), 'release-'));
  });
  afterEach(() => rmSync(repository, { recursive: true, force: true }));

  test.skipIf(!hasGit)(
    'a release is checked in a real repository, published once, and its major tag moved',
    async () => {
      await using github = await FakeGitHub.start();
      writeFileSync(path.join(repository, 'package.json'), '{"name":"x","version":"1.2.3","private":true}');
      writeFileSync(path.join(repository, 'CHANGELOG.md'), CHANGELOG);
      git('init', '-q', '-b', 'main');
      git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'add', '.');
      git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qm', 'x');
      const sha = git('rev-parse', 'HEAD');
      git('update-ref', 'refs/remotes/origin/main', sha);
      git('tag', 'v1.2.3');
      const env = {
        GITHUB_REF_NAME: 'v1.2.3',
        GITHUB_SHA: sha,
        GITHUB_REPOSITORY: 'o/r',
        GITHUB_API_URL: github.url,
        GITHUB_TOKEN: 'secret-token',
      };
      expect(await run('release.ts', ['check'], env)).toMatchObject({ code: 0, stdout: '1.2.3\n' });
      expect(github.calls).toEqual([]);
      mkdirSync(path.join(repository, 'files'));
      expect(await run('release.ts', ['publish', 'files'], env)).toMatchObject({
        ...{ code: 3, stderr: 'files: there is no file to release\n' },
      });
      writeFileSync(path.join(repository, 'files', 'x-1.2.3.tgz'), new Uint8Array([31, 139, 0, 255]));
      writeFileSync(path.join(repository, 'files', 'x.txt'), 'x');
      // The second upload breaks: nothing is published, no tag is moved, and the draft is taken up again.
      github.trouble.push({ match: /POST .*assets\?name=x\.txt/, status: 502, times: 1 });
      const broken = await run('release.ts', ['publish', 'files'], env);
      expect(broken).toMatchObject({ code: 3, stderr: expect.stringMatching(/GitHub answered 502/) });
      expect(github.releases).toMatchObject([{ draft: true, assets: [{ name: 'x-1.2.3.tgz' }] }]);
      expect([...github.tags]).toEqual([]);
      for (const _again of [1, 2])
        expect(await run('release.ts', ['publish', 'files'], env)).toMatchObject({ code: 0 });
      expect(github.releases).toMatchObject([
        {
          ...{
            tag_name: 'v1.2.3',
            body: '### Added\n- A thing.',
            prerelease: false,
            make_latest: 'true',
            draft: false,
          },
          assets: [
            { name: 'x-1.2.3.tgz', bytes: [31, 139, 0, 255] },
            { name: 'x.txt', bytes: [120] },
          ],
        },
      ]);
      expect(github.unauthorized).toEqual([]);
      expect([...github.tags]).toEqual([['v1', sha]]);

      const other = { ...env, GITHUB_REF_NAME: 'v1.2.4' };
      const refused = await run('release.ts', ['publish', 'files'], other);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /package\.json has the version 1\.2\.3, not 1\.2\.4\nCHANGELOG\.md has no section 1\.2\.4\n/,
      );
      git('update-ref', '-d', 'refs/remotes/origin/main');
      expect(await run('release.ts', ['check'], env)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/is not on main/),
      });
    },
  );

  test.each([
    ['gate.ts', [], { NEEDS: '{"a":{"result":"success"}}' }, 0, /^$/],
    ['gate.ts', [], { NEEDS: '{"a":{"result":"failure"}}' }, 1, /^a: failure\n$/],
    ['gate.ts', [], { NEEDS: '{}' }, 3, /NEEDS names no job/],
    ['expect-outputs.ts', ['A=b', 'C='], { A: 'b' }, 0, /^$/],
    ['expect-outputs.ts', ['A=b=c'], { A: 'b' }, 1, /A: "b=c" was expected, it is "b"/],
    ['expect-outputs.ts', [], {}, 3, /usage/],
    ['release.ts', ['undo'], {}, 3, /usage/],
    ['release.ts', ['publish'], {}, 3, /usage/],
    ['release.ts', ['publish', 'nowhere'], {}, 3, /nowhere: ENOENT/],
    ['release.ts', ['check'], {}, 3, /GITHUB_REF_NAME is not set/],
  ])('%s %j %j: %i', async (script, words, env, code, stderr) => {
    const ended = await run(script, words, env as Record<string, string>);
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(stderr) });
  });

  test('e2e-matrix hands its cases to GitHub', async () => {
    const output = path.join(repository, 'output');
    writeFileSync(output, '');
    expect(await run('e2e-matrix.ts', [], { GITHUB_OUTPUT: output })).toMatchObject({ code: 0 });
    const stdout = readFileSync(output, 'utf8');
    const { include } = JSON.parse(stdout.replace('matrix=', '')) as { include: { id: string; expect: string }[] };
    expect(include.map(({ expect: end }) => end)).toEqual(E2E_CASES.map(({ expect: end }) => end));
    expect(new Set(include.map(({ id }) => id)).size).toBe(E2E_CASES.length);
  });
});
