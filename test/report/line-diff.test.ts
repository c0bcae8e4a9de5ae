import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../src/report/line-diff.ts';

const NAMES = { before: 'a', after: 'b' };

/** Applies a unified diff as `patch` does, from its line numbers. */
function patch(before: string, diff: string): string {
  const source = before.replace(/\n$/, '').split('\n');
  const result: string[] = [];
  let at = 0;
  for (const line of diff.split('\n').slice(2, -1)) {
    const head = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(line);
    if (head) {
      const start = Number(head[1]) - (Number(head[2]) > 0 ? 1 : 0);
      while (at < start) result.push(source[at++]!);
      expect(result.length).toBe(Number(head[3]) - (Number(head[4]) > 0 ? 1 : 0));
    } else if (line.startsWith('+')) result.push(line.slice(1));
    else {
      expect(source[at]).toBe(line.slice(1));
      if (line.startsWith(' ')) result.push(source[at]!);
      at++;
    }
  }
  return `${[...result, ...source.slice(at)].join('\n')}\n`;
}

test('a patch of the difference makes the one text of the other', () => {
  const text = fc
    .array(fc.constantFrom('a: 1', 'b: 2', '  c: 3', 'd:', '', '- e'), { minLength: 1, maxLength: 40 })
    .map((lines) => `${lines.join('\n')}\n`);
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = unifiedDiff(before, after, NAMES);
      if (before === after) expect(diff).toBe('');
      else expect(patch(before, diff)).toBe(after);
    }),
  );
});

test('far changes are hunks of their own, with three lines around', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const changed = lines.with(5, 'x').with(25, 'y');
  const diff = unifiedDiff(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`, NAMES);
  expect(diff.match(/^@@.*@@$/gm)).toEqual(['@@ -3,7 +3,7 @@', '@@ -23,7 +23,7 @@']);
});
