/** Writes docs/api-recordings.md, which tells readers what differences.ts excuses: `node test/twin/api/replay/page.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXCUSES, type Excuse } from './differences.ts';

export const PAGE = new URL('../../../../docs/api-recordings.md', import.meta.url);

const HEAD = `# Where the API may answer otherwise than recorded

Written from \`test/twin/api/replay/differences.ts\` by \`node test/twin/api/replay/page.ts\`; a test demands that both are the same.

\`test/fixtures/recorded-api\` holds 809 exchanges with a real API server. \`test/twin/api/recorded.test.ts\` sends every one of
them to the twin's and compares answers, streams and what the controllers did afterwards, under the rules of the recordings'
README (names, times, addresses and versions that are drawn are matched, not compared). A line below that excuses nothing fails
the test, as does a difference without a line. "Not modelled" (501) counts as a difference.

Discovery documents are compared for what the twin serves. The recorded sessions of kubectl hold no bodies of answers: of them
the requests and the statuses are compared.

| recording | entries | what may differ | why |
| --- | --- | --- | --- |
`;

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

const row = ({ file, entries, at, why }: Excuse): string =>
  `| ${file} | ${entries.map(code).join(', ')} | ${at === undefined ? 'the answer' : code(at.source)} | ${why} |\n`;

export const recordingsPage = (): string => HEAD + EXCUSES.map(row).join('');

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, recordingsPage());
