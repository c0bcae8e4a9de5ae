/** `rehearse compare` on files: its exit codes, its three forms, its refusals. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/main.ts';
import { storyOf } from '../../src/report/model.ts';
import { RUNS } from '../report/events-fixture.ts';
import { reportOf } from './reports.ts';

let directory: string;
const at = (name: string): string => path.join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rehearse-compare-'));
  const passed = reportOf();
  writeFileSync(at('passed.json'), JSON.stringify(passed));
  mkdirSync(at('failed'));
  writeFileSync(at('failed/report.json'), JSON.stringify(storyOf(RUNS.failed!()).report));
  writeFileSync(at('cancelled.json'), JSON.stringify(storyOf(RUNS.cancelled!()).report));
  writeFileSync(at('later.json'), JSON.stringify({ ...passed, addedLater: { x: 1 } }));
  writeFileSync(at('future.json'), JSON.stringify({ ...passed, schemaVersion: 2 }));
  writeFileSync(at('list.json'), '[]');
  writeFileSync(at('cut.json'), JSON.stringify(passed).slice(0, 500));
  writeFileSync(at('wrong.json'), JSON.stringify({ ...passed, verdict: 'fine' }));
  mkdirSync(at('empty'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function compare(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const code = await commandLine(['compare', ...words.map((word) => (word.startsWith('-') ? word : at(word)))], {
    result: (text) => {
      stdout += text;
    },
    message: (text) => {
      stderr += text;
    },
    ...{ trouble: null, terminal: false, colour: false, columns: () => 80 },
  });
  return { code, stdout, stderr };
}

test.each([
  ['passed.json', 'failed', 1, /^REGRESSION\n/],
  ['failed', 'passed.json', 0, /^better than before\n/],
  ['passed.json', 'passed.json', 0, /^no regression\n/],
  ['passed.json', 'cancelled.json', 0, /^not comparable/],
  ['later.json', 'passed.json', 0, /^no regression\n/],
])('%s %s: %i', async (a, b, expected, head) => {
  const { code, stdout } = await compare(a, b);
  expect(code).toBe(expected);
  expect(stdout).toMatch(head);
});

test('as JSON and as Markdown', async () => {
  const { code, stdout } = await compare('passed.json', 'failed', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'regression',
    a: { verdict: 'passed' },
    b: { verdict: 'failed' },
  });
  expect((await compare('passed.json', 'failed', '--markdown')).stdout).toMatch(/^## Comparison: REGRESSION\n/);
});

describe('refusals', () => {
  test.each([
    [['passed.json'], /two reports are wanted: compare A B/],
    [['passed.json', 'passed.json', 'failed'], /unexpected argument/],
    [['passed.json', 'nowhere'], /nowhere: there is no such file or directory/],
    [['empty', 'passed.json'], /empty\/report\.json: there is no such file/],
    [['passed.json', 'cut.json'], /cut\.json: it is no JSON/],
    [['passed.json', 'list.json'], /list\.json: it is no report of rehearse: the whole: /],
    [['passed.json', 'wrong.json'], /wrong\.json: it is no report of rehearse: verdict: /],
    [['passed.json', 'future.json'], /future\.json: schemaVersion 1 is wanted, not 2/],
    [['passed.json', 'failed', '--json', '--markdown'], /--json and --markdown exclude each other/],
  ])('%j', async (words, message) => {
    const { code, stderr } = await compare(...words);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
