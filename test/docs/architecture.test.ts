/** What docs/architecture.md says of folders and arrows is so, and no page points to a file that is not there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(path.join(ROOT, 'docs', name), 'utf8');
const ARCHITECTURE = page('architecture.md');

const rows = (pattern: RegExp): string[][] => [...ARCHITECTURE.matchAll(pattern)].map(([, ...cells]) => cells);
const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

/** Folders of src that the sources of one folder import from. */
function importsOf(folder: string): string[] {
  const found = new Set<string>();
  for (const name of readdirSync(path.join(ROOT, 'src', folder), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = path.join('src', folder, name);
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    for (const [, from, dynamic] of text.matchAll(/ from '(\.[^']+)'|import\('(\.[^']+)'\)/g)) {
      const target = path.normalize(path.join(path.dirname(file), from ?? dynamic!)).split(path.sep)[1]!;
      if (target !== folder) found.add(target);
    }
  }
  return [...found].sort();
}

describe('docs/architecture.md', () => {
  const arrows = rows(/^\| `([a-z]+)` \| (`.*) \|$/gm);
  const folders = readdirSync(path.join(ROOT, 'src'));

  it('has a row for every folder of src', () => {
    const told = rows(/^\| `src\/([a-z]+)` \|/gm).flat();
    expect(told.sort()).toEqual(folders.sort());
  });

  it.each(folders)('has the arrows of %s as they are', (folder) => {
    const told = arrows.find(([from]) => from === folder)?.[1] ?? '';
    expect(codes(told.replace(/ \([^)]*\)/g, '')).sort()).toEqual(importsOf(folder));
  });
});

describe.each(
  [
    'action',
    'api-recordings',
    'architecture',
    'compare',
    'faults',
    'guide',
    'matrix',
    'nightly',
    'scenario',
    'twin',
  ].map((one) => `${one}.md`),
)('docs/%s', (name) => {
  const text = page(name);

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !/^https?:/.test(link) && !existsSync(path.join(ROOT, 'docs', link)))).toEqual([]);
  });

  it('names paths that exist', () => {
    const paths = codes(text).filter((code) => /^(src|test|data|docs|scenarios)\/[\w./-]+$/.test(code));
    expect(paths.filter((code) => !/[A-Z]{2}/.test(code) && !existsSync(path.join(ROOT, code)))).toEqual([]);
  });

  it('stays readable', () => {
    expect(text.split('\n').length).toBeLessThan(250);
  });
});
