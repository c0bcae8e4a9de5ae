/** What docs/guide.md lists is what the code has: phases, steps, checkpoints, assertions, reasons, exit codes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PHASES } from '../../src/events/events.ts';
import { EXIT_CODES, REASONS } from '../../src/events/verdict.ts';
import { RULES } from '../../src/preflight/rules/index.ts';
import { checkpointKinds } from '../../src/rehearsal/checkpoint-kinds.ts';
import { planFor } from '../../src/rehearsal/plan.ts';
import { readScenario } from '../../src/scenario/read.ts';
import { RULE_IDS } from '../../src/scenario/rule-ids.ts';

const PAGE = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8');

/** Cells of the table whose first column has this title. */
function table(title: string): string[][] {
  const lines = PAGE.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  expect(start, title).toBeGreaterThan(0);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

describe('docs/guide.md', () => {
  const phases = table('phase');
  const kinds = checkpointKinds();

  it('has every phase in order', () => {
    expect(phases.flatMap(([phase = '']) => codes(phase))).toEqual([...PHASES]);
  });

  it('has every checkpoint in order', () => {
    expect(phases.flatMap((row) => codes(row[3] ?? ''))).toEqual(kinds.map(({ id }) => id));
  });

  it('has every step of a scenario that switches everything on, in order', () => {
    const file = new URL('../../scenarios/lab.yaml', import.meta.url).pathname;
    const all = [
      { path: 'finish.connectivityTest', value: '{}' },
      { path: 'workloads', value: '[../test/fixtures/workload.yaml]' },
    ];
    const { steps } = planFor(readScenario(file, 'lab', all), 1);
    const ids = [...new Set(steps.map(({ id }) => id.replace(/\/.*/, '/NODE')))];
    expect(phases.flatMap((row) => codes(row[1] ?? ''))).toEqual(ids);
  });

  it('has every assertion where it is judged', () => {
    const order = kinds.map(({ id }) => id);
    const at = (text: string): string[] =>
      text.split(', ').flatMap((range) => {
        const [from = '', to = from] = codes(range);
        const found = order.slice(order.indexOf(from), order.indexOf(to) + 1);
        expect(found, range).toContain(from);
        return found;
      });
    const told = table('assertion').flatMap(([id = '', where = '']) =>
      at(where).map((kind) => `${codes(id)[0]} at ${kind}`),
    );
    const judged = kinds.flatMap(({ id, assertions }) => assertions.map((assertion) => `${assertion} at ${id}`));
    expect(told.sort()).toEqual(judged.sort());
  });

  it('has every preflight rule in order, and where it is judged', () => {
    const told = table('rule').map(([id = '', judged]) => [codes(id)[0], judged]);
    expect(told.map(([id]) => id)).toEqual([...RULE_IDS]);
    for (const { id, judgeScenario, judgeCluster } of RULES) {
      const judged = [judgeScenario && 'static', judgeCluster && 'live'].filter((word) => word !== undefined);
      expect(told).toContainEqual([id, judged.join(', ')]);
    }
  });

  it('has every reason once', () => {
    expect(
      table('reason')
        .flatMap(([reason = '']) => codes(reason))
        .sort(),
    ).toEqual([...REASONS].sort());
  });

  it('has every verdict with its exit code', () => {
    const told = table('verdict').map(([verdict, exit]) => [verdict, exit]);
    const codesOf = Object.entries(EXIT_CODES).map(([verdict, exit]) => [verdict, String(exit)]);
    expect(told).toEqual([...codesOf, ['interrupted', 'none']]);
  });
});
