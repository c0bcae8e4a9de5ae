/** The soak itself: a unit can be done again by hand, and what is not as expected is not overlooked. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../scripts/soak/kinds.ts';
import type { Line } from '../../scripts/soak/work.ts';
import { type Ended, startProcess } from '../cli/processes.ts';

const SCRIPTS = path.resolve(import.meta.dirname, '../../scripts');
const node = (script: string, ...words: string[]): Promise<Ended> =>
  startProcess(process.execPath, [path.join(SCRIPTS, script), ...words], SCRIPTS).ended;

test('kinds have names of their own', () => {
  expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
});

test('a unit tells when it begins and what came of it, the same for the same seed', async () => {
  const [first, second] = [await node('soak/work.ts', 'cancelled', '2'), await node('soak/work.ts', 'cancelled', '2')];
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const lines = first.stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);
  expect(lines).toEqual([
    { kind: 'cancelled', seed: 2 },
    { kind: 'cancelled', seed: 2, what: expect.stringMatching(/^run \w+ --seed 2/) as string, problems: [] },
  ]);
  expect(second.stdout).toBe(first.stdout);
});

test.each([
  [['--minutes', '0'], '--minutes 0'],
  [['--seeds', 'many'], '--seeds many'],
  [['--minutes', '1', '--jobs', '0'], '--jobs 0'],
])('%j is refused', async (words, said) => {
  const { code, stderr } = await node('soak.ts', ...words);
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});

test('a worker that dies is not taken for work that went well', async () => {
  const { code, stderr } = await node('soak.ts', '--minutes', '0.1', '--jobs', '1', '--only', 'nothing');
  expect(code).not.toBe(0);
  expect(stderr).toContain('there is no kind nothing');
});
