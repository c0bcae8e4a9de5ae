/** Versions: what people ask for, what tools answer, what publishers say. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ciliumCliFor, TOOLS, type ToolName } from '../../../src/host/tools/catalogue.ts';
import { ToolProblem } from '../../../src/host/tools/problem.ts';
import { choose, latestIn, satisfies, versionIn } from '../../../src/host/tools/version.ts';

describe('what is asked for', () => {
  test.each<[string, ToolName, string | undefined, ReturnType<typeof choose>]>([
    ['nothing', 'kind', undefined, { kind: 'known', accepts: '>=0.30.0 <0.34.0', download: '0.32.0' }],
    ['an empty input is nothing', 'helm', '', { kind: 'known', accepts: '>=3.14.0 <5.0.0', download: '3.21.4' }],
    ['exact', 'kind', '0.29.0', { kind: 'known', accepts: '0.29.0', download: '0.29.0' }],
    ['exact with spaces around it', 'kind', ' 0.29.0\n', { kind: 'known', accepts: '0.29.0', download: '0.29.0' }],
    ['exact with v', 'cilium', 'v0.16.24', { kind: 'known', accepts: '0.16.24', download: '0.16.24' }],
    ['a pre-release', 'helm', '4.3.0-rc.1', { kind: 'known', accepts: '4.3.0-rc.1', download: '4.3.0-rc.1' }],
    ['a minor with a pinned version', 'kind', '0.32', { kind: 'known', accepts: '0.32', download: '0.32.0' }],
    ['a major with a pinned version', 'helm', '4', { kind: 'known', accepts: '4', download: '4.2.4' }],
    ['the other major', 'helm', 'v3', { kind: 'known', accepts: '3', download: '3.21.4' }],
    ['a minor that is not pinned', 'kind', '0.31', { kind: 'known', accepts: '0.31', download: undefined }],
    ['the newest', 'kind', 'latest', { kind: 'latest' }],
  ])('%s', (_name, tool, version, choice) => {
    expect(choose(TOOLS[tool], version === undefined ? {} : { version })).toEqual(choice);
  });

  test('the caller knows better where nothing is asked for, and only there', () => {
    const instead = { version: '0.16.24', fits: '>=0.16.0 <0.17.0' };
    expect(choose(TOOLS.cilium, { instead })).toEqual({ kind: 'known', accepts: instead.fits, download: '0.16.24' });
    expect(choose(TOOLS.cilium, { instead, version: '0.19.0' })).toMatchObject({ download: '0.19.0' });
  });

  test.each(['newest', '0.32.x', '>=0.30', '1.2.3.4', '../0.32.0', '0.32.0/../x', '-1', 'v', 'vv0.32.0'])(
    '%j is refused in one sentence',
    (version) => {
      const asked = (): unknown => choose(TOOLS.kind, { version });
      expect(asked).toThrow(ToolProblem);
      expect(asked).toThrow(`kind-version: ${JSON.stringify(version)} is no version; write one as 0.32.0`);
    },
  );

  test('what is downloaded is always accepted, and has nothing of a path in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom<ToolName>('kind', 'helm', 'cilium'), (version, name) => {
        let choice: ReturnType<typeof choose>;
        try {
          choice = choose(TOOLS[name], { version });
        } catch (error) {
          expect(error).toBeInstanceOf(ToolProblem);
          return;
        }
        if (choice.kind === 'latest' || choice.download === undefined) return;
        expect(choice.download).toMatch(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
        expect(satisfies(choice.download, choice.accepts)).toBe(true);
      }),
    );
  });
});

test.each([
  ['0.32.0', '>=0.30.0 <0.34.0', true],
  ['0.33.0-alpha', '>=0.30.0 <0.34.0', false],
  ['0.33.0-alpha', '0.33.0-alpha', true],
  ['0.34.0', '>=0.30.0 <0.34.0', false],
  ['4.2.4', '4', true],
  ['4.2.4', '3', false],
  ['0.32.1', '0.32', true],
  ['0.32.1', '0.32.0', false],
])('%s in %s: %s', (version, range, is) => {
  expect(satisfies(version, range)).toBe(is);
});

describe('what tools answer', () => {
  test.each<[ToolName, string, string | undefined]>([
    // kind: two ways to ask, a build from a branch.
    ['kind', 'kind v0.32.0 go1.26.3 linux/amd64\n', '0.32.0'],
    ['kind', 'kind version 0.27.0\n', '0.27.0'],
    ['kind', 'kind v0.33.0-alpha+fed2688a1b2c3d go1.26.3 linux/amd64\n', '0.33.0-alpha'],
    ['kind', 'bash: kind: command not found\n', undefined],
    ['kind', 'v0.32.0', undefined],
    ['helm', 'v3.21.4', '3.21.4'],
    ['helm', 'v4.2.4\n', '4.2.4'],
    // Packages of distributions say it without v, or with metadata.
    ['helm', '3.14.0+debian', '3.14.0'],
    ['helm', 'WARNING: Kubernetes configuration file is group-readable.\nv3.18.6', '3.18.6'],
    ['helm', 'version.BuildInfo{Version:"v3.18.6"}', undefined],
    [
      'cilium',
      'cilium-cli: v0.19.7 compiled with go1.26.5 on linux/amd64\ncilium image (default): v1.19.3\ncilium image (stable): unknown\n',
      '0.19.7',
    ],
    ['cilium', 'cilium-cli: 0.15.23 compiled with go1.22.0 on darwin/arm64\n', '0.15.23'],
    // The agent's own command was called cilium as well (before Cilium 1.15).
    ['cilium', 'Client: 1.14.9 3a8e0d3c 2024-03-26T16:05:30+00:00 go version go1.21.8 linux/amd64\n', undefined],
    ['cilium', '', undefined],
  ])('%s: %j', (name, answer, version) => {
    expect(versionIn(TOOLS[name], answer)).toBe(version);
  });
});

test.each([
  ['v0.19.7\n', '0.19.7'],
  ['4.2.4', '4.2.4'],
  ['https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0', '0.33.0'],
  ['/kind/releases/tag/v0.33.0', '0.33.0'],
  ['https://github.com/login?return_to=kind', undefined],
  ['<!doctype html>', undefined],
  ['', undefined],
])('a pointer %j', (text, version) => {
  expect(latestIn(text)).toBe(version);
});

test.each([
  ['1.14.19', '0.15.23'],
  ['1.15.7', '0.16.24'],
  ['1.16.0', '0.19.0'],
  ['1.17.0', '0.19.7'],
  ['1.20.1', '0.19.7'],
  ['2.0.0', '0.19.7'],
])('cilium-cli for Cilium %s is %s', (cilium, version) => {
  const cli = ciliumCliFor(cilium);
  expect(cli.version).toBe(version);
  expect(satisfies(cli.version, cli.fits)).toBe(true);
});

test.each(Object.values(TOOLS))('what is pinned of $id fits, with whole checksums', (tool) => {
  for (const { version, sha256 } of tool.pinned) {
    expect(satisfies(version, tool.fits)).toBe(true);
    for (const [platform, sum] of Object.entries(sha256)) {
      expect(platform).toMatch(/^(linux|darwin)-(amd64|arm64)$/);
      expect(sum).toMatch(/^[0-9a-f]{64}$/);
    }
  }
});
