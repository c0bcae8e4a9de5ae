/** docs/faults.md is what the catalogue says, and every fault says how it must end. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultsPage } from '../../scripts/faults-page.ts';
import { FAULTS } from '../../src/faults/catalogue/index.ts';
import { endsOf } from '../../src/faults/list.ts';
import { rowsOf } from '../../src/faults/rows.ts';

test('docs/faults.md is written from the catalogue (npm run schemas)', () => {
  expect(readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')).toBe(faultsPage());
});

test.each(FAULTS.map((fault) => [fault.name, fault] as const))(
  '%s: every run of the drill has its end',
  (_name, fault) => {
    const nodes = [
      { name: 'kind-worker', role: 'worker' },
      { name: 'kind-control-plane', role: 'control-plane' },
    ] as const;
    const ends = endsOf(fault);
    for (const row of rowsOf(fault, nodes))
      expect(
        ends.filter(({ when }) => row.includes(when)),
        row,
      ).toHaveLength(1);
  },
);
