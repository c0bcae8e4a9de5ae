/** What rules found becomes results, and results an end of the run. */
import { describe, expect, test } from 'vitest';
import {
  judgeCluster,
  judgeScenario,
  LIVE_ONLY,
  mergeResults,
  refusalOf,
  subjectsOf,
} from '../../src/preflight/judge.ts';
import type { Collision, Rule, RuleResult } from '../../src/preflight/rule.ts';
import type { RuleId } from '../../src/scenario/rule-ids.ts';
import { clusterOf, factsOf } from './facts.ts';

const collision = (message: string, more: Partial<Collision> = {}): Collision => ({
  where: 'lab.yaml:1:1: key',
  message,
  subjects: ['a', message],
  ...more,
});
const rule = (id: RuleId, more: Partial<Rule> = {}): Rule => ({
  id,
  title: '',
  severity: 'refusal',
  source: '',
  ...more,
});
const statically = (rules: readonly Rule[], allow: string[] = []): RuleResult[] =>
  judgeScenario(rules, factsOf({ preflight: { allow } }));

describe('a rule', () => {
  test.each<[string, Partial<Rule>, string[], RuleResult['outcome'], string]>([
    ['that finds nothing', { judgeScenario: () => [] }, [], 'passed', ''],
    ['that finds nothing and is allowed', { judgeScenario: () => [] }, ['ip-family'], 'passed', ''],
    ['that refuses', { judgeScenario: () => [collision('x')] }, ['ipam-mode'], 'refused', 'lab.yaml:1:1: key: x'],
    [
      'that refuses thrice',
      { judgeScenario: () => [collision('x'), collision('y'), collision('z')] },
      [],
      'refused',
      'lab.yaml:1:1: key: x (and 2 more)',
    ],
    ['that is allowed', { judgeScenario: () => [collision('x')] }, ['ip-family'], 'allowed', 'lab.yaml:1:1: key: x'],
    [
      'that is allowed but cannot be',
      { judgeScenario: () => [collision('x'), collision('y', { allowable: false })] },
      ['ip-family'],
      'refused',
      'lab.yaml:1:1: key: x (and 1 more)',
    ],
    [
      'that only tells',
      { severity: 'finding', judgeScenario: () => [collision('x')] },
      [],
      'finding',
      'lab.yaml:1:1: key: x',
    ],
    ['that only the cluster answers', { judgeCluster: () => [collision('x')] }, [], 'skipped', LIVE_ONLY],
  ])('%s', (_, more, allow, outcome, message) => {
    expect(statically([rule('ip-family', more)], allow)).toMatchObject([{ rule: 'ip-family', outcome, message }]);
  });

  test('is judged in the cluster only where the scenario left it open', () => {
    const live = { judgeCluster: () => [collision('live')] };
    const rules = [
      rule('pod-cidr-overlap', { ...live, judgeScenario: () => [] }),
      rule('calico-ebpf', live),
      rule('ip-family', { ...live, judgeScenario: () => [collision('static')] }),
      rule('ipam-mode', { judgeScenario: () => [] }),
    ];
    const facts = clusterOf({}, { preflight: { allow: ['ip-family', 'calico-ebpf'] } });
    const before = judgeScenario(rules, facts);
    const later = judgeCluster(rules, facts, before);
    expect(later.map((result) => [result.rule, result.outcome])).toEqual([
      ['pod-cidr-overlap', 'refused'],
      ['calico-ebpf', 'allowed'],
    ]);
    expect(mergeResults(before, later).map(({ outcome, message }) => [outcome, message])).toEqual([
      ['refused', 'lab.yaml:1:1: key: live'],
      ['allowed', 'lab.yaml:1:1: key: live'],
      ['allowed', 'lab.yaml:1:1: key: static'],
      ['passed', ''],
    ]);
  });
});

describe('the end', () => {
  const refusing = (id: RuleId): Rule => rule(id, { judgeScenario: () => [collision(id)] });
  test.each<[RuleId[], string | undefined]>([
    [[], undefined],
    [['not-modelled'], 'not-modelled'],
    [['not-modelled', 'ip-family'], 'refused'],
    [['ip-family'], 'refused'],
  ])('%j is %s', (ids, verdict) => {
    const refusal = refusalOf(statically(ids.map(refusing)));
    expect(refusal?.verdict).toBe(verdict);
    if (refusal === undefined) return;
    expect(refusal.message.split('\n')).toEqual(ids.map((id) => `${id}: lab.yaml:1:1: key: ${id}`));
    expect(refusal.rules).toEqual(ids);
  });

  test('what is allowed or told ends nothing', () => {
    const rules = [
      refusing('ip-family'),
      rule('bgp-routing', { severity: 'finding', judgeScenario: () => [collision('x')] }),
    ];
    expect(refusalOf(statically(rules, ['ip-family']))).toBeUndefined();
  });
});

test('subjects are those of all collisions, each once', () => {
  const [result] = statically([rule('ip-family', { judgeScenario: () => [collision('x'), collision('y')] })]);
  expect(subjectsOf(result!)).toEqual(['a', 'x', 'y']);
});
