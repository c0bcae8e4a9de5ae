/**
 * The lists of faults and preflight rules, kept by what is in their folders: whoever adds one writes one file. What is listed
 * keeps its place, what is new comes last, what is gone goes. Pure.
 */

/** A file that has one entry of a list: its name without `.ts`, and what it exports. */
export interface ListedFile {
  readonly file: string;
  readonly constant: string;
}

/** The one constant of a type that ends in `kind`. @throws Error where there is none, or more than one */
export function listedFile(file: string, kind: 'Fault' | 'Rule', text: string): ListedFile {
  const found = [...text.matchAll(new RegExp(`^export const (\\w+): \\w*${kind}\\b`, 'gm'))].map(([, name]) => name!);
  if (found.length !== 1)
    throw new Error(`${file}.ts: one \`export const NAME: ${kind}\` is wanted, not ${found.length}`);
  return { file, constant: found[0]! };
}

/** Those that are listed in their order, then the others in the order of their names. */
export function ordered(listed: readonly string[], there: readonly string[]): string[] {
  const kept = listed.filter((one) => there.includes(one));
  return [...kept, ...there.filter((one) => !kept.includes(one)).sort()];
}

/** An index file: its imports, and the array NAME; all else of it stays. @param order constants as the array has them */
export function withEntries(
  index: string,
  name: string,
  files: readonly ListedFile[],
  order: readonly string[],
): string {
  const imports = [...files]
    .sort((a, b) => (a.file < b.file ? -1 : 1))
    .map(({ file, constant }) => `import { ${constant} } from './${file}.ts';\n`);
  return withArray(index, name, order).replace(/(?:^import \{ \w+ \} from '\.\/[\w-]+\.ts';\n)+/m, imports.join(''));
}

/** What the array NAME of a file lists: constants, or texts without their quotes. */
export const entriesOf = (text: string, name: string): string[] =>
  [...(arrayOf(name).exec(text)?.[2] ?? '').matchAll(/^ {2}'?([\w-]+)'?,$/gm)].map(([, entry]) => entry!);

export const withArray = (text: string, name: string, entries: readonly string[]): string =>
  text.replace(
    arrayOf(name),
    (_all, head: string, _old, foot: string) => head + entries.map((one) => `  ${one},\n`).join('') + foot,
  );

const arrayOf = (name: string): RegExp => new RegExp(`(const ${name}\\b[^=]*= \\[\\n)([^\\]]*)(\\])`);

export interface RuleRow {
  readonly id: string;
  readonly title: string;
  /** `static`, `live` or `static, live`. */
  readonly judged: string;
}

/** The table of rules in docs/guide.md: rows of people stay, a rule without one gets its title until somebody says it better. */
export function withRows(page: string, rules: readonly RuleRow[]): string {
  const table = /(\| rule \|.*\n\| --- .*\n)((?:\| `[\w-]+` \|.*\n)+)/;
  return page.replace(table, (_all, head: string, old: string) => {
    const rows = new Map(
      old
        .trimEnd()
        .split('\n')
        .map((row) => [/`([\w-]+)`/.exec(row)![1]!, row]),
    );
    const row = ({ id, title, judged }: RuleRow): string =>
      rows.get(id) ?? `| \`${id}\` | ${judged} | ${title.replaceAll('|', '\\|')} |`;
    return head + rules.map((rule) => `${row(rule)}\n`).join('');
  });
}
