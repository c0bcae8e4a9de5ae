/** docs/tools.md says of versions and paths what the code does. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ciliumCliFor, TOOLS } from '../../src/host/tools/catalogue.ts';
import { assetUrl, baseUrl, checksumUrl, latestUrl } from '../../src/host/tools/source.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/tools.md'), 'utf8');
const linux = { os: 'linux', arch: 'amd64' } as const;

test.each(['kind', 'helm'] as const)('the default of %s', (name) => {
  expect(page).toContain(`| ${name} | ${TOOLS[name].pinned[0].version} |`);
});

test('the cilium-cli for each Cilium', () => {
  const version = (cilium: string): string => ciliumCliFor(cilium).version;
  const row = `${version('1.17.0')} from 1.17 on, ${version('1.16.0')} for 1.16, ${version('1.15.0')} for 1.15, ${version('1.14.0')} before`;
  expect(page).toContain(row);
});

test.each(Object.values(TOOLS))('the files of $id on a mirror', (tool) => {
  const base = baseUrl('https://mirror.example')!;
  const asset = assetUrl(tool, tool.pinned[0].version, linux, base);
  for (const url of [asset, checksumUrl(asset), latestUrl(tool, base).at]) {
    expect(page).toMatch(new RegExp(`^${url.pathname.slice(1).replaceAll('.', '\\.')}(\\s|$)`, 'm'));
  }
});
