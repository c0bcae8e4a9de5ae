/**
 * Writes action.yml, and the tables of inputs and outputs in docs/action.md, from src/action/input-table.ts:
 * `npm run schemas`. A test demands that the files are what this would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { INPUT_DESCRIPTIONS } from '../src/action/input-descriptions.ts';
import { INPUTS, type Input, type InputName, OUTPUTS } from '../src/action/input-table.ts';

const ACTION = new URL('../action.yml', import.meta.url);
const PAGE = new URL('../docs/action.md', import.meta.url);

/** The text of action.yml. */
export function actionYml(): string {
  const inputs = Object.entries<Input>(INPUTS).map(([name, { default: value }]) => [
    name,
    // Where nothing is left out of a scenario, the default is written down, for those who read the file.
    {
      description: INPUT_DESCRIPTIONS[name as InputName],
      required: false,
      ...(value === '' ? {} : { default: value }),
    },
  ]);
  const action = {
    name: 'Cilium migration rehearsal',
    description:
      'Rehearses the live migration of a cluster from Calico to Cilium, and fails when pods lose each other on the way.',
    branding: { icon: 'shuffle', color: 'yellow' },
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(Object.entries(OUTPUTS).map(([name, description]) => [name, { description }])),
    runs: { using: 'node24', main: 'dist/main.mjs', post: 'dist/post.mjs' },
  };
  return `# Made from src/action/input-table.ts by npm run schemas.\n${stringify(action, { lineWidth: 0 })}`;
}

/** Lines of the tables by the name between their marks in the page. */
export function pageTables(): ReadonlyMap<string, string[]> {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  return new Map([
    [
      'action-inputs',
      [
        '| input | default | what it is |',
        '| --- | --- | --- |',
        ...Object.entries<Input>(INPUTS).map(
          ([name, input]) =>
            `| \`${name}\` | ${input.default === '' ? '' : `\`${input.default}\``} | ${cell(INPUT_DESCRIPTIONS[name as InputName])} |`,
        ),
      ],
    ],
    [
      'action-outputs',
      [
        '| output | what it is |',
        '| --- | --- |',
        ...Object.entries(OUTPUTS).map(([name, description]) => `| \`${name}\` | ${cell(description)} |`),
      ],
    ],
  ]);
}

/** The page with its tables as they must be. @throws Error when a mark is missing */
export function pageWith(text: string): string {
  let page = text;
  for (const [name, lines] of pageTables()) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->\n`];
    const from = page.indexOf(begin);
    const to = page.indexOf(end);
    if (from < 0 || to < from) throw new Error(`docs/action.md has no ${begin.trim()} … ${end.trim()}`);
    page = `${page.slice(0, from)}${begin}${lines.join('\n')}\n${page.slice(to)}`;
  }
  return page;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(ACTION, actionYml());
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, 'utf8')));
}
