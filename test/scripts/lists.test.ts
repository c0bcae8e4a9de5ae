/** Whoever adds a fault or a preflight rule writes one file, and `npm run schemas` lists it. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, listedFile, ordered, withRows } from '../../scripts/lib/lists.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LISTS = [
  'src/faults/catalogue/index.ts',
  'src/preflight/rules/index.ts',
  'src/scenario/rule-ids.ts',
  'docs/guide.md',
] as const;

describe('in a copy of the sources', () => {
  let copy: string;
  const at = (...parts: string[]): string => path.join(copy, ...parts);
  const text = (file: string): string => readFileSync(at(file), 'utf8');
  const lists = () => spawnSync(process.execPath, [path.join(ROOT, 'scripts/lists.ts'), copy], { encoding: 'utf8' });

  beforeEach(() => {
    copy = mkdtempSync(path.join(tmpdir(), 'lists-'));
    for (const one of ['src', 'docs', 'data', 'package.json'])
      cpSync(path.join(ROOT, one), at(one), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules'), at('node_modules'));
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  test('the lists are what npm run schemas writes', () => {
    expect(lists()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('a new rule is listed, told and judged, with one file written; gone, it leaves nothing', () => {
    const before = LISTS.map(text);
    writeFileSync(
      at('src/preflight/rules/a-new-one.ts'),
      "import type { Rule } from '../rule.ts';\n\nexport const aNewOne: Rule = {\n  id: 'a-new-one',\n  title: 'Refuses a | b.',\n" +
        "  severity: 'finding',\n  source: 'x',\n  judgeScenario: () => [],\n};\n",
    );
    expect(lists()).toMatchObject({ status: 0, stdout: `${LISTS.slice(1).join('\n')}\n`, stderr: '' });
    expect(entriesOf(text('src/scenario/rule-ids.ts'), 'RULE_IDS').at(-1)).toBe('a-new-one');
    expect(text('docs/guide.md')).toContain('\n| `a-new-one` | static | Refuses a \\| b. |\n');
    const listed = spawnSync(process.execPath, [at('src/cli/start.ts'), 'list', 'rules'], { encoding: 'utf8' });
    expect(listed.stdout, listed.stderr).toMatch(/a-new-one/);
    rmSync(at('src/preflight/rules/a-new-one.ts'));
    expect(lists().status).toBe(0);
    expect(LISTS.map(text)).toEqual(before);
  });

  test('a new fault is listed last', () => {
    const fault = readFileSync(at('src/faults/catalogue/host-legacy-routing-off.ts'), 'utf8');
    writeFileSync(
      at('src/faults/catalogue/another-one.ts'),
      fault.replaceAll('hostLegacyRoutingOff', 'anotherOne').replaceAll('host-legacy-routing-off', 'another-one'),
    );
    expect(lists()).toMatchObject({ status: 0, stdout: `${LISTS[0]}\n`, stderr: '' });
    expect(entriesOf(text(LISTS[0]), 'FAULTS').at(-1)).toBe('anotherOne');
    const listed = spawnSync(process.execPath, [at('src/cli/start.ts'), 'list', 'faults'], { encoding: 'utf8' });
    expect(listed.stdout, listed.stderr).toMatch(/another-one/);
  });

  test('a file without an entry is told, and nothing is written', () => {
    const before = LISTS.map(text);
    writeFileSync(at('src/faults/catalogue/empty.ts'), 'export const x = 1;\n');
    const { status, stderr } = lists();
    expect(status).not.toBe(0);
    expect(stderr).toContain('empty.ts: one `export const NAME: Fault` is wanted, not 0');
    expect(LISTS.map(text)).toEqual(before);
  });
});

test('every fault and rule is found by its file', () => {
  for (const [folder, kind] of [
    ['src/faults/catalogue', 'Fault'],
    ['src/preflight/rules', 'Rule'],
  ] as const) {
    for (const name of readdirSync(path.join(ROOT, folder))) {
      if (name === 'index.ts') continue;
      const { constant } = listedFile(name.slice(0, -3), kind, readFileSync(path.join(ROOT, folder, name), 'utf8'));
      expect(constant).toBe(name.slice(0, -3).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()));
    }
  }
});

test('what is listed keeps its place, what is new comes last, what is gone goes', () => {
  expect(ordered(['c', 'gone', 'a'], ['z', 'a', 'b', 'c'])).toEqual(['c', 'a', 'b', 'z']);
});

test('rows that people have written stay', () => {
  const page =
    'x\n\n| rule | judged | why |\n| --- | --- | --- |\n| `b` | static | By hand. |\n| `old` | live | Gone. |\n\ny\n';
  const rules = ['a', 'b'].map((id) => ({ id, judged: 'live', title: `Of ${id}.` }));
  expect(withRows(page, rules)).toBe(
    'x\n\n| rule | judged | why |\n| --- | --- | --- |\n| `a` | live | Of a. |\n| `b` | static | By hand. |\n\ny\n',
  );
});
