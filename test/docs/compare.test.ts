/** docs/compare.md and docs/nightly.md say the numbers and names that the rules have. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DISRUPTION_NOISY, DISRUPTION_PINGS, DURATION_BAND, JUDGED_ACCOUNTS } from '../../src/compare/rule.ts';
import { LABEL } from '../../src/nightly/issue.ts';
import { FLAKY_NIGHTS, FLAKY_WINDOW } from '../../src/nightly/judge.ts';
import { MOST_NIGHTS, STATES } from '../../src/nightly/night.ts';
import { HISTORY_BRANCH, HISTORY_PATH } from '../../src/nightly/nightly.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const word = (count: number): string => ['', '', '', 'three', '', '', '', 'seven'][count]!;

test('docs/compare.md', () => {
  const text = page('compare.md');
  const { exact, noisy } = DURATION_BAND;
  expect(text).toContain(`| ${exact.share * 100} % of A, at least ${exact.seconds} s |`);
  expect(text).toContain(`| ${noisy.share * 100} % of A, at least ${noisy.seconds} s |`);
  expect(text).toContain(`| ${word(DISRUPTION_PINGS)} ping intervals |`);
  expect(DISRUPTION_NOISY.share).toBe(1);
  expect(text).toContain(
    `as much as A again, at least ${DISRUPTION_NOISY.seconds} s and ${word(DISRUPTION_PINGS)} ping intervals`,
  );
  expect(text.replace(/\s+/g, ' ')).toContain(
    `the seconds of ${JUDGED_ACCOUNTS.map((name) => `\`${name}\``)
      .join(', ')
      .replace(/, (`\w+`)$/, ' and $1')}`,
  );
});

test('docs/nightly.md', () => {
  const text = page('nightly.md');
  const states = [...text.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, state]) => state);
  expect([...states].sort()).toEqual([...STATES].sort());
  expect(text).toContain(`when ${word(FLAKY_NIGHTS)} of the last ${word(FLAKY_WINDOW)} nights`);
  expect(text).toContain(`label \`${LABEL}\``);
  expect(text).toContain(`\`${HISTORY_PATH}\` on the branch \`${HISTORY_BRANCH}\` (${MOST_NIGHTS} of them)`);
});
