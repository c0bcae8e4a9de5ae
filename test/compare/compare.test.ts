/** What is a regression, what is noise, what says nothing: the rule of docs/compare.md as tables. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare } from '../../src/compare/compare.ts';
import { type RunRecord, recordOf } from '../../src/compare/record.ts';
import { DURATION_BAND, JUDGED_ACCOUNTS } from '../../src/compare/rule.ts';
import { comparisonMarkdown, comparisonText } from '../../src/compare/text.ts';
import { ACCOUNTS } from '../../src/events/events.ts';
import { VERDICTS } from '../../src/events/verdict.ts';
import { errored, failedAt, record, reportOf, simulated } from './reports.ts';

const outcome = (a: RunRecord, b: RunRecord): string => compare(a, b).outcome;
const taking = (base: RunRecord, settle: number): RunRecord => ({ ...base, seconds: { ...base.seconds, settle } });
const disrupted = (base: RunRecord, longestSeconds: number): RunRecord => ({
  ...base,
  disruption: { ...base.disruption, unexpected: { longestSeconds, failed: 9 } },
});

describe('verdicts', () => {
  const refused = record({ verdict: 'refused', reason: 'chart-rejected-values' });
  const cancelled = record({ verdict: 'cancelled', reason: 'cancelled' });
  const notModelled = record({ verdict: 'not-modelled', reason: 'not-modelled' });
  const interrupted = record({ verdict: 'interrupted', reason: 'events-cut' });
  test.each([
    ['passed, passed', record(), record(), 'same'],
    ['passed, failed', record(), failedAt('final'), 'regression'],
    ['passed, refused', record(), refused, 'regression'],
    ['failed, passed', failedAt('final'), record(), 'improvement'],
    ['failed at the same checkpoint', failedAt('final'), failedAt('final'), 'same'],
    ['failed earlier than before', failedAt('final'), failedAt('prepared'), 'regression'],
    ['failed later than before', failedAt('prepared'), failedAt('final'), 'improvement'],
    ['passed, the environment failed', record(), errored(), 'inconclusive'],
    ['the environment failed, failed', errored(), failedAt('final'), 'inconclusive'],
    ['passed, cancelled', record(), cancelled, 'inconclusive'],
    ['passed, not modelled', record(), notModelled, 'inconclusive'],
    ['passed, interrupted', record(), interrupted, 'inconclusive'],
  ])('%s: %s', (_what, a, b, expected) => expect(outcome(a, b)).toBe(expected));

  test('every verdict has been thought of, in both places', () => {
    for (const verdict of VERDICTS) {
      const one = record({ verdict });
      expect(outcome(one, one)).toBe(['passed', 'failed', 'refused'].includes(verdict) ? 'same' : 'inconclusive');
    }
  });

  test('a checkpoint that the environment left red is no regression', () => {
    expect(compare(record(), errored()).findings.map(({ judgement }) => judgement)).toEqual([
      'not-judged',
      'not-judged',
    ]);
  });
});

describe('durations', () => {
  test.each([
    // 850 s before, of which 230 s settling: on real machines half as much again is noise.
    ['real, within', record(), 230 + 425, 'same'],
    ['real, beyond', record(), 230 + 426, 'regression'],
    ['real, much faster', record(), 230 - 230, 'same'],
    ['simulated with one seed, within', simulated(), 230 + 85, 'same'],
    ['simulated with one seed, beyond', simulated(), 230 + 86, 'regression'],
    ['simulated with one seed, faster', simulated(), 230 - 86, 'improvement'],
  ])('%s', (_what, base, settle, expected) => expect(outcome(base, taking(base, settle))).toBe(expected));

  test('another seed is as noisy as another machine: Typha may stand on a node that is drained', () => {
    expect(outcome(simulated(), taking(simulated({ seed: 2 }), 230 + 86))).toBe('same');
    expect(outcome(simulated(), taking(simulated({ seed: 2 }), 230 + 426))).toBe('regression');
  });

  test('of a short run some seconds are noise, whatever share they are', () => {
    const short = record({ seconds: { ...record().seconds, rollout: 1, drain: 1, restart: 1, settle: 1 } });
    expect(outcome(short, taking(short, 61))).toBe('same');
    expect(outcome(short, taking(short, 62))).toBe('regression');
  });

  test('what is the machine’s or ours is told and never judged', () => {
    const judged = new Set<string>(JUDGED_ACCOUNTS);
    for (const account of ACCOUNTS.filter((name) => !judged.has(name))) {
      const slow = record({ seconds: { ...record().seconds, [account]: 100_000 }, durationSeconds: 101_000 });
      expect(outcome(record(), slow), account).toBe('same');
    }
  });

  test.each([
    ['other clusters', { cluster: { controlPlanes: 3, workers: 2 } }, /different sizes/],
    ['another provider', { provider: 'twin' }, /one ran on kind, the other on twin/],
    ['a fault', { faults: ['calico-address-drift'] }, /faults are not the same/],
    ['stopped as asked', { reason: 'stopped-as-asked' }, /stopped at different checkpoints/],
    ['other checkpoints', { checkpoints: [] }, /checkpoints are not the same/],
  ] as const)('%s: times are not judged, and it is said why', (_what, changed, why) => {
    const slow = disrupted(taking(record(changed), 100_000), 10_000);
    const comparison = compare(record(), slow);
    expect(comparison.outcome).toBe('same');
    expect(comparison.findings.at(-1)).toMatchObject({ judgement: 'not-judged', message: expect.stringMatching(why) });
  });

  test('other versions are what is compared', () => {
    const versions = { ...record().versions, cilium: '1.20.0' };
    expect(outcome(record(), taking(record({ versions }), 100_000))).toBe('regression');
  });
});

describe('disruption', () => {
  test.each([
    ['real, within twice or 10 s', record(), 14, 'same'],
    ['real, beyond', record(), 14.1, 'regression'],
    ['real, from 30 s', disrupted(record(), 30), 60, 'same'],
    ['real, beyond twice 30 s', disrupted(record(), 30), 60.1, 'regression'],
    ['slow pings see less', record({ pingSeconds: 5 }), 19, 'same'],
    ['simulated, three pings', simulated(), 10, 'same'],
    ['simulated, more than three pings', simulated(), 10.1, 'regression'],
  ])('%s', (_what, base, longest, expected) => expect(outcome(base, disrupted(base, longest))).toBe(expected));

  test('the dip of the install and restarts of nodes are told, never judged', () => {
    const dip = { longestSeconds: 900, failed: 9_000 };
    const { unexpected } = record().disruption;
    expect(outcome(record(), record({ disruption: { unexpected, 'install-dip': dip, 'node-restart': dip } }))).toBe(
      'same',
    );
  });
});

test('no run is a regression of itself, and of two runs at most one is the other’s', () => {
  const second = fc.double({ min: 0, max: 5_000, noNaN: true });
  const run = fc
    .record({
      settle: second,
      longest: second,
      real: fc.boolean(),
      red: fc.constantFrom('', 'prepared', 'final'),
      seed: fc.nat(1),
    })
    .map(({ settle, longest, real, red, seed }) => {
      const base = red === '' ? record() : failedAt(red);
      return disrupted(taking({ ...base, simulated: !real, seed }, settle), longest);
    });
  fc.assert(
    fc.property(run, run, (a, b) => {
      expect(outcome(a, a)).toBe('same');
      if (outcome(a, b) === 'regression' && outcome(b, a) === 'regression') {
        // Only when one is worse in this and the other in that.
        const kinds = (x: RunRecord, y: RunRecord) =>
          compare(x, y)
            .findings.filter(({ judgement }) => judgement === 'regression')
            .map(({ about }) => about);
        expect(kinds(a, b).filter((about) => kinds(b, a).includes(about))).toEqual([]);
      }
    }),
  );
  expect(DURATION_BAND.exact.seconds).toBeLessThan(DURATION_BAND.noisy.seconds);
});

describe('the record of a report', () => {
  test('has what is compared', () => {
    const report = reportOf();
    expect(recordOf(report)).toMatchObject({
      scenario: report.scenario.name,
      versions: { cilium: report.versions.cilium },
      durationSeconds: report.durationSeconds,
      checkpoints: report.checkpoints.map(({ id, outcome }) => ({ id, outcome })),
    });
  });

  test('versions that the run did not come to know are the scenario’s', () => {
    const report = reportOf({ versions: { kubernetes: null, calico: null, cilium: null } });
    expect(recordOf(report).versions.cilium).toBe(report.scenario.cilium.version);
  });

  test('the longest stretch of each class, and all failed pings', () => {
    const [one] = reportOf().disruption;
    const pod = { pod: 'p', uid: 'u', node: 'n', ip: '10.0.0.1', cni: 'calico' } as const;
    const entry = (seconds: number, failed: number) => ({
      ...(one ?? { probe: 'nodepinger', from: pod, to: pod, step: 's', sent: 9 }),
      class: 'unexpected' as const,
      firstFailedAt: '2026-01-01T00:00:00.000Z',
      lastFailedAt: new Date(Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1_000).toISOString(),
      failed,
    });
    const { disruption } = recordOf(reportOf({ disruption: [entry(3, 2), entry(12.5, 4)] as never }));
    expect(disruption.unexpected).toEqual({ longestSeconds: 12.5, failed: 6 });
    expect(disruption['node-restart']).toEqual({ longestSeconds: 0, failed: 0 });
  });
});

describe('as text', () => {
  test('a regression is named first, and every line is side by side', () => {
    const text = comparisonText(compare(record(), failedAt('switched/kind-worker')));
    expect(text.split('\n').slice(0, 3)).toEqual([
      'REGRESSION',
      '  regression: passed → failed (pairs-unhealthy at switched/kind-worker)',
      '  regression: checkpoint switched/kind-worker: passed → failed',
    ]);
    expect(text).toMatch(/\n {2}final +passed +not-reached\n/);
    expect(text).not.toMatch(/\n {2}baseline +passed/);
  });

  test('Markdown says the same, and what reports say is plain in it', () => {
    const evil = record({ scenario: '<img src=x> |@octocat' });
    const text = comparisonMarkdown(compare(evil, failedAt('final', { scenario: '<img src=x>' })));
    expect(text).toMatch(/^## Comparison: REGRESSION\n/);
    expect(text).toContain('- **regression**: checkpoint final: passed → failed');
    expect(text).not.toMatch(/<img|[^\\]\|@octocat/);
  });
});
