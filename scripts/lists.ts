/**
 * Lists each fault and each preflight rule that has a file: node scripts/lists.ts, by `npm run schemas` and before all that reads
 * them. A test demands that the lists are what this would write.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { entriesOf, type ListedFile, listedFile, ordered, withArray, withEntries, withRows } from './lib/lists.ts';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const at = (file: string): string => join(root, file);
const read = (file: string): string => readFileSync(at(file), 'utf8');

function write(file: string, text: string): void {
  if (read(file) === text) return;
  writeFileSync(at(file), text);
  process.stdout.write(`${file}\n`);
}

const filesIn = (folder: string, kind: 'Fault' | 'Rule'): ListedFile[] =>
  readdirSync(at(folder))
    .filter((name) => name.endsWith('.ts') && name !== 'index.ts')
    .map((name) => listedFile(name.slice(0, -3), kind, read(`${folder}/${name}`)));

const FAULTS = 'src/faults/catalogue';
const faults = filesIn(FAULTS, 'Fault');
const faultIndex = read(`${FAULTS}/index.ts`);
const faultOrder = ordered(
  entriesOf(faultIndex, 'FAULTS'),
  faults.map(({ constant }) => constant),
);
write(`${FAULTS}/index.ts`, withEntries(faultIndex, 'FAULTS', faults, faultOrder));

const RULES = 'src/preflight/rules';
const rules = filesIn(RULES, 'Rule').sort((a, b) => (a.file < b.file ? -1 : 1));
write(
  `${RULES}/index.ts`,
  withEntries(
    read(`${RULES}/index.ts`),
    'ALL',
    rules,
    rules.map(({ constant }) => constant),
  ),
);
const IDS = 'src/scenario/rule-ids.ts';
const ids = ordered(
  entriesOf(read(IDS), 'RULE_IDS'),
  rules.map(({ file }) => file),
);
write(
  IDS,
  withArray(
    read(IDS),
    'RULE_IDS',
    ids.map((id) => `'${id}'`),
  ),
);

// Only now: this reads the lists that were just written.
const { RULES: listed } = (await import(at(`${RULES}/index.ts`))) as typeof import('../src/preflight/rules/index.ts');
const rows = listed.map(({ id, title, judgeScenario, judgeCluster }) => ({
  ...{ id, title },
  judged: [judgeScenario && 'static', judgeCluster && 'live'].filter((word) => word !== undefined).join(', '),
}));
write('docs/guide.md', withRows(read('docs/guide.md'), rows));
