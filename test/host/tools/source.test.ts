/** Addresses and checksums. */
import { describe, expect, test } from 'vitest';
import { TOOLS, type ToolName } from '../../../src/host/tools/catalogue.ts';
import { ToolProblem } from '../../../src/host/tools/problem.ts';
import { assetUrl, baseUrl, checksumIn, checksumUrl, latestUrl, shown } from '../../../src/host/tools/source.ts';

const linux = { os: 'linux', arch: 'amd64' } as const;
const mac = { os: 'darwin', arch: 'arm64' } as const;

describe('assets', () => {
  test.each<[ToolName, string, typeof linux | typeof mac, string, string]>([
    [
      'kind',
      '0.32.0',
      linux,
      'https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-linux-amd64',
      'kind/v0.32.0/kind-linux-amd64',
    ],
    [
      'kind',
      '0.32.0',
      mac,
      'https://github.com/kubernetes-sigs/kind/releases/download/v0.32.0/kind-darwin-arm64',
      'kind/v0.32.0/kind-darwin-arm64',
    ],
    [
      'helm',
      '4.2.4',
      linux,
      'https://get.helm.sh/helm-v4.2.4-linux-amd64.tar.gz',
      'helm/v4.2.4/helm-v4.2.4-linux-amd64.tar.gz',
    ],
    [
      'cilium',
      '0.19.7',
      mac,
      'https://github.com/cilium/cilium-cli/releases/download/v0.19.7/cilium-darwin-arm64.tar.gz',
      'cilium-cli/v0.19.7/cilium-darwin-arm64.tar.gz',
    ],
  ])('of %s %s', (name, version, platform, published, mirrored) => {
    expect(assetUrl(TOOLS[name], version, platform, undefined).href).toBe(published);
    for (const base of ['https://mirror.example/tools', 'https://mirror.example/tools/']) {
      const url = assetUrl(TOOLS[name], version, platform, baseUrl(base));
      expect(url.href).toBe(`https://mirror.example/tools/${mirrored}`);
      expect(checksumUrl(url).href).toBe(`https://mirror.example/tools/${mirrored}.sha256sum`);
    }
  });

  test('the newest is told by a file on a mirror', () => {
    expect(latestUrl(TOOLS.kind, undefined)).toMatchObject({ in: 'redirect' });
    expect(latestUrl(TOOLS.kind, baseUrl('http://m.example'))).toMatchObject({
      url: 'http://m.example/kind/latest',
      in: 'text',
    });
  });
});

test.each([
  'mirror.example/tools',
  'ftp://mirror.example/',
  '/srv/tools',
  'https://',
  'https://m.example/?a=b',
  'https://m.example/#x',
])('download-base-url %j is refused', (text) => {
  expect(() => baseUrl(text)).toThrow(ToolProblem);
  expect(() => baseUrl(text)).toThrow(/^download-base-url: an address that begins with https/);
});

test('no base is none', () => {
  expect(baseUrl(undefined)).toBeUndefined();
  expect(baseUrl('')).toBeUndefined();
});

test('messages show neither names nor passwords', () => {
  expect(shown(new URL('https://me:secret@mirror.example/kind?token=secret'))).toBe('https://mirror.example/kind');
});

const SUM = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
test.each([
  ['as sha256sum writes it', `${SUM}  kind-linux-amd64\n`, SUM],
  ['binary mode', `${SUM} *kind-linux-amd64\n`, SUM],
  ['with a path', `${SUM}  bin/kind-linux-amd64\n`, SUM],
  ['bare', `${SUM}\n`, SUM],
  ['upper case', `${SUM.toUpperCase()}  kind-linux-amd64`, SUM],
  ['line ends of Windows', `${SUM}  kind-linux-amd64\r\n`, SUM],
  ['among others', `${OTHER}  kind-linux-arm64\n${SUM}  kind-linux-amd64\n`, SUM],
  ['only of others', `${OTHER}  kind-linux-arm64\n`, undefined],
  ['too short', `${SUM.slice(1)}  kind-linux-amd64\n`, undefined],
  ['a page of a proxy', '<html>Please log in</html>', undefined],
  ['nothing', '', undefined],
])('a checksum file %s', (_name, text, sum) => {
  expect(checksumIn(text, 'kind-linux-amd64')).toBe(sum);
});
