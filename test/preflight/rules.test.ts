/** Every rule of the contract exists once, in a file of its own, and refuses none of the bundled scenarios. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { judgeScenario, lineOf } from '../../src/preflight/judge.ts';
import { NOT_YET, RULES } from '../../src/preflight/rules/index.ts';
import { readScenario } from '../../src/scenario/read.ts';
import { RULE_IDS } from '../../src/scenario/rule-ids.ts';
import { factsOfScenario } from './facts.ts';

const RULES_FOLDER = path.resolve(import.meta.dirname, '../../src/preflight/rules');
const SCENARIOS = path.resolve(import.meta.dirname, '../../scenarios');

test('every id has exactly one rule, in the order of the ids, and a file and a test of its name', () => {
  expect(RULES.map(({ id }) => id)).toEqual(RULE_IDS.filter((id) => !NOT_YET.includes(id)));
  for (const { id } of RULES) {
    expect(existsSync(path.join(RULES_FOLDER, `${id}.ts`)), id).toBe(true);
    expect(existsSync(path.join(import.meta.dirname, 'rules', `${id}.test.ts`)), id).toBe(true);
  }
});

test('every rule judges something, and says what and why', () => {
  for (const rule of RULES) {
    expect(rule.judgeScenario ?? rule.judgeCluster, rule.id).toBeDefined();
    expect(rule.title, rule.id).toMatch(/^[A-Z].*\.$/);
    expect(rule.source, rule.id).not.toBe('');
  }
});

const bundled = readdirSync(SCENARIOS).filter((file) => file.endsWith('.yaml'));

test.each(bundled)('no rule refuses %s', (file) => {
  const results = judgeScenario(RULES, factsOfScenario(readScenario(path.join(SCENARIOS, file), file)));
  expect(results).toHaveLength(RULES.length);
  const refused = results.filter(({ outcome }) => outcome === 'refused');
  expect(refused.flatMap(({ collisions }) => collisions.map(lineOf))).toEqual([]);
});
