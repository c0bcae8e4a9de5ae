/** A drill that cannot fail is worthless: every way to end otherwise than expected is a deviation. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/events.ts';
import { judge } from '../../src/faults/compare.ts';
import type { Expectation } from '../../src/faults/fault.ts';

type Body = Record<string, unknown>;
const events = (...bodies: Body[]): Event[] =>
  bodies.map((body, index) => ({ seq: index + 1, at: '2026-01-01T00:00:00.000Z', ...body })) as unknown as Event[];

const pod = (node: string, cni: string) => ({ pod: `nodepinger-${node}`, node, cni, ip: `10.0.0.${node.length}` });
const pair = (from: string, fromCni: string, to: string, toCni: string, state = 'unhealthy') => ({
  probe: 'nodepinger',
  from: pod(from, fromCni),
  to: pod(to, toCni),
  state,
  error: 'context deadline exceeded',
});
const verdict = (word: string, more: Body = {}): Body => ({
  type: 'verdict',
  verdict: word,
  reason: 'pairs-unhealthy',
  message: 'switched/a: 1 of 6 pairs fail: a',
  failedCheckpoint: word === 'failed' ? 'switched/a' : null,
  ...more,
});
const checkpoint = (...failing: Body[]): Body => ({
  type: 'checkpoint',
  id: 'switched/a',
  outcome: 'failed',
  failing,
  groups: [{ from: 'all Cilium pods', to: 'all Calico pods', failing: failing.length, of: 6 }],
});
const CROSSED = pair('a', 'cilium', 'b', 'calico');
const expected: Expectation = {
  outcome: 'failed:switched/a',
  blame: {
    reasons: ['pairs-unhealthy'],
    names: ['a'],
    pairs: ({ from, to }) => from.cni === 'cilium' && to.cni === 'calico',
    kindsOfPairs: [{ what: 'a → b', pair: ({ from, to }) => from.node === 'a' && to.node === 'b' }],
  },
};

test('a run that ends as expected has no deviation', () => {
  const judgement = judge(events(checkpoint(CROSSED), verdict('failed')), expected);
  expect(judgement).toEqual({
    observed: 'failed:switched/a',
    caughtAt: 'switched/a',
    blamed: 'all Cilium pods → all Calico pods (1 of 6)',
    deviations: [],
  });
});

describe('a deviation', () => {
  test.each<[string, Event[], Expectation, RegExp]>([
    [
      'missed',
      events(verdict('passed', { reason: 'completed' })),
      { outcome: 'failed:switched/a' },
      /expected failed:switched\/a, but it ended passed/,
    ],
    [
      'too early',
      events(verdict('failed', { failedCheckpoint: 'prepared' })),
      { outcome: 'failed:switched/a' },
      /ended failed:prepared/,
    ],
    [
      'another node',
      events(verdict('failed', { failedCheckpoint: 'switched/b' })),
      { outcome: 'failed:switched/a' },
      /ended failed:switched\/b/,
    ],
    [
      'another kind',
      events(verdict('failed', { failedCheckpoint: 'migrated/a' })),
      { outcome: 'failed:switched/*' },
      /ended failed:migrated\/a/,
    ],
    ['red though tolerated', events(verdict('failed')), { outcome: 'passed' }, /expected passed/],
    [
      'another rule',
      events({ type: 'preflight', rule: 'ipam-mode', outcome: 'refused' }, verdict('refused')),
      { outcome: 'refused:cni-takeover' },
      /ended refused:ipam-mode/,
    ],
    [
      'another error',
      events(verdict('error', { reason: 'tool-failed' })),
      { outcome: 'error:download-failed' },
      /ended error:tool-failed/,
    ],
    [
      'latent without a finding',
      events(verdict('passed')),
      { outcome: 'latent' },
      /expected latent, but it ended passed/,
    ],
    ['not modelled', events(verdict('not-modelled')), { outcome: 'passed' }, /ended not-modelled/],
    ['no verdict', events(checkpoint()), { outcome: 'passed' }, /no verdict/],
    [
      'another reason',
      events(checkpoint(CROSSED), verdict('failed', { reason: 'source-blind' })),
      expected,
      /the reason is source-blind/,
    ],
    [
      'a pair that should be good',
      events(checkpoint(CROSSED, pair('b', 'calico', 'a', 'cilium')), verdict('failed')),
      expected,
      /b \(calico .*\) → a \(cilium .*\) fails at switched\/a and should not/,
    ],
    [
      'no pair',
      events(checkpoint(pair('a', 'cilium', 'b', 'calico', 'unknown')), verdict('failed')),
      expected,
      /no pair fails at switched\/a/,
    ],
    [
      'a missing kind of pair',
      events(checkpoint(pair('a', 'cilium', 'c', 'calico')), verdict('failed')),
      expected,
      /no pair a → b fails/,
    ],
    [
      'a pair beside those that may fail',
      events(checkpoint(CROSSED), verdict('failed')),
      { outcome: 'failed:switched/a', blame: { pairsIfAny: ({ from }) => from.node === 'b' } },
      /a \(cilium .*\) → b \(calico .*\) fails at switched\/a and should not/,
    ],
    [
      'a name that only begins alike',
      events(checkpoint(CROSSED), verdict('failed', { message: 'a2 and a-b fail' })),
      expected,
      /does not name a/,
    ],
    [
      'a pair where none should fail',
      events(checkpoint(CROSSED), verdict('failed')),
      { outcome: 'failed:switched/a', blame: { noPairs: true } },
      /no pair should fail/,
    ],
    [
      'an assertion that passed',
      events({ type: 'assertion', checkpoint: 'switched/a', id: 'dns-and-api', outcome: 'passed' }, verdict('failed')),
      { outcome: 'failed:switched/a', blame: { assertions: ['dns-and-api'] } },
      /dns-and-api did not fail/,
    ],
    [
      'an assertion that failed elsewhere',
      events({ type: 'assertion', checkpoint: 'prepared', id: 'dns-and-api', outcome: 'failed' }, verdict('failed')),
      { outcome: 'failed:switched/a', blame: { assertions: ['dns-and-api'] } },
      /dns-and-api did not fail/,
    ],
  ])('%s', (_name, run, expectation, message) => {
    expect(judge(run, expectation).deviations.join('\n')).toMatch(message);
  });
});

test('where it happened names nobody', () => {
  const run = events({ ...verdict('failed'), message: 'switched/a: agent/a: timed out waiting for b' } as never);
  const named = (name: string) => judge(run, { outcome: 'failed:switched/a', blame: { names: [name] } }).deviations;
  expect(named('b')).toEqual([]);
  expect(named('a').join()).toMatch(/does not name a/);
});

test('of several rules that refuse, the one in the way of the fault counts', () => {
  const refusal = (rule: string) => ({ type: 'preflight', rule, outcome: 'refused' });
  const run = events(refusal('ipam-mode') as never, refusal('pool-too-small') as never, verdict('refused'));
  expect(judge(run, { outcome: 'refused:pool-too-small' }, 'pool-too-small').deviations).toEqual([]);
  expect(judge(run, { outcome: 'refused:pool-too-small' }).deviations).toHaveLength(1);
});

test('latent is a passed run in which an allowed refusal was told', () => {
  const run = events({ type: 'preflight', rule: 'ipam-mode', outcome: 'allowed' }, verdict('passed'));
  expect(judge(run, { outcome: 'latent' })).toMatchObject({ observed: 'latent', deviations: [] });
  expect(judge(run, { outcome: 'passed' })).toMatchObject({ observed: 'passed', deviations: [] });
  // Another rule's finding says nothing of this fault.
  expect(judge(run, { outcome: 'latent' }, 'ipam-mode').deviations).toEqual([]);
  expect(judge(run, { outcome: 'latent' }, 'pod-cidr-overlap')).toMatchObject({ observed: 'passed' });
});
