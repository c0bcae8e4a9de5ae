import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from '../../src/scenario/printable.ts';
import { ONE_LINE } from '../fuzz/runs.ts';

test.each([
  ['lab.yaml', 'lab.yaml'],
  ['ü → 世界 👍', 'ü → 世界 👍'],
  ['a\nb\tc\r', 'a\\nb\\tc\\r'],
  ['\u001b[31m', '\\u001b[31m'],
  ['\u009b31m', '\\u009b31m'],
  ['a\u202eb\u2028', 'a\\u202eb\\u2028'],
  ['\ud800', '\ufffd'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('long texts lose their middle', () => {
  expect(printable(`${'a'.repeat(50)}${'b'.repeat(50)}`, 9)).toBe('aaaaaa…bbb');
});

test('whatever it is, it is one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 600 }), (text) => {
      expect(printable(text, 100)).toMatch(ONE_LINE);
    }),
  );
});
