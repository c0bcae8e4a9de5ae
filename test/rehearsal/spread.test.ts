import fc from 'fast-check';
import { expect, test } from 'vitest';
import { missingShares, shareOf, surplusToDelete } from '../../src/rehearsal/spread.ts';

const counts = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 })
  .map((list) => new Map(list.map((count, index) => [`node${index}`, count])));

function sum(map: ReadonlyMap<string, number>): number {
  return [...map.values()].reduce((total, count) => total + count, 0);
}

test('the node gets exactly its share when the replacements go there, and no other node is brought below it', () => {
  fc.assert(
    fc.property(counts, (pods) => {
      const surplus = surplusToDelete(pods, 'node0');
      const share = shareOf(sum(pods), pods.size);
      expect(pods.get('node0')! + sum(surplus)).toBe(Math.max(pods.get('node0')!, share));
      for (const [node, count] of surplus) {
        expect(node).not.toBe('node0');
        expect(count).toBeGreaterThan(0);
        expect(pods.get(node)! - count).toBeGreaterThanOrEqual(share);
      }
    }),
  );
});

test('a node that has its share costs nobody a pod', () => {
  fc.assert(
    fc.property(counts, (pods) => {
      const full = new Map(pods).set('node0', 100);
      expect(surplusToDelete(full, 'node0').size).toBe(0);
    }),
  );
});

test.each([
  [
    { a: 4, b: 4, c: 4, d: 3, n: 0 },
    { a: 1, b: 1, c: 1 },
  ],
  [{ a: 9, b: 3, n: 0 }, { a: 4 }],
  [{ a: 1, b: 1, n: 0 }, {}],
  [{ n: 0 }, {}],
])('%j gives up %j to n', (pods, surplus) => {
  expect(Object.fromEntries(surplusToDelete(new Map(Object.entries(pods)), 'n'))).toEqual(surplus);
});

test('a node of a batch has its share after so many replacements as the whole batch lacks, wherever among the emptiest they go', () => {
  fc.assert(
    fc.property(counts, fc.array(fc.nat()), (pods, draws) => {
      const now = new Map(pods);
      const rounds = missingShares(pods);
      for (let round = 0; round < rounds; round++) {
        const [full] = surplusToDelete(now, 'node0').keys();
        if (full === undefined) break;
        now.set(full, now.get(full)! - 1);
        const least = Math.min(...now.values());
        const emptiest = [...now].filter(([, count]) => count === least);
        const [chosen] = emptiest[(draws[round] ?? 0) % emptiest.length]!;
        now.set(chosen, now.get(chosen)! + 1);
      }
      expect(now.get('node0')).toBeGreaterThanOrEqual(shareOf(sum(pods), pods.size));
    }),
  );
});
