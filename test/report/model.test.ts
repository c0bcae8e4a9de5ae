import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACCOUNTS, type Event, type EventBody } from '../../src/events/events.ts';
import { type Charge, settleAccounts, union } from '../../src/report/accounting.ts';
import { StoryFold, storyOf } from '../../src/report/model.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { keyFigures } from '../../src/report/story.ts';
import {
  checkpoint,
  errorRun,
  failedRun,
  interruptedRun,
  iso,
  ON_CONTROL_PLANE,
  ON_WORKER,
  PLANNED,
  passedRun,
  RUNS,
  refusedRun,
  stepFailedRun,
  Tape,
  verdict,
} from './events-fixture.ts';

const sum = (seconds: Readonly<Record<string, number>>): number =>
  Math.round(Object.values(seconds).reduce((all, one) => all + one * 1_000, 0));

describe('every way to end', () => {
  test.each([
    ['passed', { verdict: 'passed', exitCode: 0, failedCheckpoint: null }],
    ['failed', { verdict: 'failed', exitCode: 1, failedCheckpoint: 'switched/kind-worker' }],
    ['step-failed', { verdict: 'failed', exitCode: 1, reason: 'step-timed-out' }],
    ['error', { verdict: 'error', exitCode: 3, simulated: false, provider: 'kind' }],
    ['refused', { verdict: 'refused', exitCode: 2 }],
    ['not-modelled', { verdict: 'not-modelled', exitCode: 64 }],
    ['cancelled', { verdict: 'cancelled', exitCode: 130 }],
    ['interrupted', { verdict: 'interrupted', exitCode: null, reason: 'events-cut', failedCheckpoint: null }],
  ])('%s', (run, expected) => {
    const { report } = storyOf(RUNS[run]!());
    expect(report).toMatchObject(expected);
    expect(reportSchema.safeParse(JSON.parse(JSON.stringify(report))).error?.message).toBeUndefined();
    expect(report.checkpoints.map(({ id }) => id)).toEqual(PLANNED.map(({ id }) => id));
    expect(sum(report.seconds)).toBe(Math.round(report.durationSeconds * 1_000));
    expect(report.durationSeconds * 1_000).toBe(Date.parse(report.finishedAt) - Date.parse(report.startedAt));
  });

  test('the fold of events read back from JSON is the same', () => {
    for (const run of Object.values(RUNS)) {
      const events = run();
      const back = events.map((event) => JSON.parse(JSON.stringify(event)) as Event);
      expect(JSON.stringify(storyOf(back).report)).toBe(JSON.stringify(storyOf(events).report));
    }
  });

  test('asking twice changes nothing', () => {
    const fold = new StoryFold();
    for (const event of interruptedRun()) fold.take(event);
    expect(fold.story()).toEqual(fold.story());
  });

  test('without run-started there is no report', () => {
    expect(() => storyOf(passedRun().events.slice(1))).toThrow('no run-started');
  });
});

describe('where the time went', () => {
  test('steps by their account, checkpoints settle and observe, the rest is overhead', () => {
    const { seconds, durationSeconds } = storyOf(passedRun().events).report;
    expect(durationSeconds).toBe(137.5);
    expect(seconds).toEqual({
      provision: 60,
      pull: 0,
      command: 1,
      rollout: 25,
      drain: 5,
      restart: 0,
      // baseline 8, prepared 6, drained 5, switched 5, final 7
      settle: 31,
      observe: 12,
      evidence: 0,
      overhead: 3.5,
    });
  });

  test('steps of a batch, and a step inside another, count once', () => {
    const tape = new Tape().started();
    const start = (step: string, account: 'drain' | 'command'): EventBody => ({
      type: 'step-started',
      step,
      phase: 'migrate',
      node: step.split('/')[1] ?? null,
      title: step,
      account,
    });
    const end = (step: string): EventBody => ({ type: 'step-ended', step, outcome: 'passed', message: '' });
    tape.at(10).emit(start('drain/kind-worker', 'drain'), start('drain/kind-control-plane', 'drain'));
    tape.at(12).emit(start('look', 'command')).at(15).emit(end('look'));
    tape.at(20).emit(end('drain/kind-worker')).at(30).emit(end('drain/kind-control-plane'));
    const { report } = storyOf(tape.at(40).emit(verdict()).events);
    expect(report.seconds).toMatchObject({ drain: 17, command: 3, overhead: 20 });
    expect(report.nodes.map(({ seconds }) => [seconds.drain, seconds.total])).toEqual([
      [10, 10],
      [20, 20],
    ]);
  });

  test('checkpoints of a batch share one sweep', () => {
    const tape = new Tape().started().at(20);
    for (const node of ['kind-worker', 'kind-control-plane']) {
      tape.emit(checkpoint(`drained/${node}`, { node, startedAt: iso(10), settledAt: iso(18) }));
    }
    expect(storyOf(tape.emit(verdict()).events).report.seconds).toMatchObject({ settle: 10, overhead: 10 });
  });

  test('a step that had not ended when the run was killed counts up to its last event', () => {
    const { seconds, durationSeconds } = storyOf(interruptedRun()).report;
    expect([durationSeconds, seconds.drain]).toEqual([90, 0]);
    const tape = new Tape().started().at(5);
    tape.emit({ type: 'step-started', step: 'a', phase: 'check', node: null, title: 'a', account: 'pull' });
    tape.at(9).emit({ type: 'object', action: 'command', object: 'x', detail: '' });
    expect(storyOf(tape.events).report.seconds).toMatchObject({ pull: 4, overhead: 5 });
  });

  test('a clock that goes back (a real one may) makes no negative time', () => {
    const tape = new Tape().started().step('a', 'command', 20, 10).at(15).emit(verdict());
    const { seconds, durationSeconds } = storyOf(tape.events).report;
    expect(Object.values(seconds).every((value) => value >= 0)).toBe(true);
    expect(sum(seconds)).toBe(durationSeconds * 1_000);
  });

  test('whatever overlaps, accounts add up to the whole and none gets more than its own time', () => {
    const charge = fc.record({
      account: fc.constantFrom(...ACCOUNTS),
      start: fc.integer({ min: -50, max: 150 }),
      length: fc.integer({ min: -5, max: 80 }),
    });
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 30 }), fc.integer({ min: 0, max: 120 }), (raw, to) => {
        const charges: Charge[] = raw.map(({ account, start, length }) => ({ account, start, end: start + length }));
        const totals = settleAccounts(charges, 0, to);
        expect(Object.values(totals).reduce((a, b) => a + b, 0)).toBe(to);
        for (const account of ACCOUNTS) {
          expect(totals[account]).toBeGreaterThanOrEqual(0);
          if (account === 'overhead') continue;
          const own = charges
            .filter((one) => one.account === account)
            .map(({ start, end }) => ({ start: Math.max(0, start), end: Math.min(to, end) }));
          expect(totals[account]).toBeLessThanOrEqual(union(own));
        }
        const covered = union(charges.map(({ start, end }) => ({ start: Math.max(0, start), end: Math.min(to, end) })));
        const named = ACCOUNTS.filter((account) => account !== 'overhead');
        expect(named.reduce((all, account) => all + totals[account], 0)).toBeLessThanOrEqual(covered);
      }),
    );
  });

  test('union counts each moment once', () => {
    const interval = fc.record({ start: fc.integer({ min: 0, max: 40 }), length: fc.integer({ min: 0, max: 20 }) });
    fc.assert(
      fc.property(fc.array(interval), (raw) => {
        const intervals = raw.map(({ start, length }) => ({ start, end: start + length }));
        const moments = new Set<number>();
        for (const { start, end } of intervals) for (let at = start; at < end; at++) moments.add(at);
        expect(union(intervals)).toBe(moments.size);
      }),
    );
  });
});

describe('nodes', () => {
  test('before and after, files, and seconds by step', () => {
    const [worker, controlPlane] = storyOf(passedRun().events).report.nodes;
    expect(worker).toEqual({
      name: 'kind-worker',
      role: 'worker',
      order: 1,
      before: { cni: 'calico', podCIDRs: ['192.168.1.64/26'] },
      after: { cni: 'cilium', podCIDRs: ['10.244.1.0/24'] },
      cniFiles: { before: ['10-calico.conflist'], after: ['05-cilium.conflist'] },
      seconds: { drain: 5, switch: 25, settle: 10, restart: 0, total: 40 },
    });
    expect(controlPlane).toMatchObject({ before: { cni: 'unknown', podCIDRs: [] }, seconds: { total: 0 } });
  });
});

describe('checkpoints', () => {
  test('a red one has its pairs, groups and assertions; later ones are not reached', () => {
    const { checkpoints } = storyOf(failedRun().events).report;
    expect(checkpoints.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed', 'failed', 'not-reached']);
    expect(checkpoints[3]).toMatchObject({
      settledAt: null,
      failing: [{ state: 'unhealthy' }],
      groups: [{ failing: 1, of: 1 }],
      assertions: [{ id: 'overlay-reachable', outcome: 'failed' }],
    });
    expect(Object.keys(checkpoints[4]!)).toEqual(Object.keys(checkpoints[3]!));
  });

  test('a failed step is charged to the next one, where nothing was measured', () => {
    const story = storyOf(stepFailedRun().events);
    expect(story.report.checkpoints[3]).toMatchObject({ outcome: 'failed', startedAt: null, probes: [] });
    expect(story.lastStep).toBe('agent/kind-worker');
  });

  test('an assertion event keeps its fields and nothing else', () => {
    const [assertion] = storyOf(failedRun().events).report.checkpoints[3]!.assertions;
    expect(Object.keys(assertion!)).toEqual(['id', 'outcome', 'expected', 'seen', 'subjects']);
  });
});

describe('disruption', () => {
  test('the longest is from the first failure to the recovery', () => {
    const story = storyOf(passedRun().events);
    expect(keyFigures(story)).toEqual({ unhealthyPairs: 0, disruptionSeconds: 6.5 });
    expect(Object.keys(story.report.disruption[0]!)).not.toContain('recoveredAt');
  });

  test('by class, in the order in which they matter; a pair that never recovered counts to its last failure', () => {
    const tape = new Tape().started();
    const stretch = (name: 'install-dip' | 'unexpected' | 'node-restart', from: number, to: number, back?: number) =>
      tape.emit({
        type: 'disruption',
        probe: 'nodepinger',
        from: ON_WORKER,
        to: back === undefined ? ON_CONTROL_PLANE : ON_WORKER,
        class: name,
        firstFailedAt: iso(from),
        lastFailedAt: iso(to),
        ...(back === undefined ? {} : { recoveredAt: iso(back) }),
        failed: 2,
        sent: 3,
        step: 's',
      });
    stretch('node-restart', 1, 90);
    stretch('unexpected', 1, 3, 4);
    stretch('unexpected', 10, 15);
    stretch('unexpected', 20, 20);
    const story = storyOf(tape.events);
    expect(story.disruption).toMatchObject([
      { class: 'unexpected', stretches: 3, pairs: 2, failed: 6, longestSeconds: 5 },
      { class: 'node-restart', stretches: 1, pairs: 1, longestSeconds: 89 },
    ]);
    expect(keyFigures(story).disruptionSeconds).toBe(5);
  });

  test('unhealthy pairs are those of the failed checkpoint', () => {
    expect(keyFigures(storyOf(failedRun().events)).unhealthyPairs).toBe(1);
    expect(keyFigures(storyOf(refusedRun().events))).toEqual({ unhealthyPairs: 0, disruptionSeconds: 0 });
  });
});

describe('what else is told', () => {
  test('versions: those asked for until others are found; their carrier is no finding', () => {
    const { report } = storyOf(passedRun().events);
    expect(report.versions).toEqual({
      kubernetes: '1.34.11',
      calico: '3.31.7',
      cilium: '1.19.6',
      goldpinger: '3.10.2',
      kind: '0.33.0',
      helm: '3.21.4',
    });
    expect(report.findings).toEqual([]);
    expect(storyOf(refusedRun().events).report.versions).toMatchObject({
      kubernetes: '1.34.8',
      kind: null,
      helm: null,
    });
  });

  test('a refusal of preflight is a finding, and so is an allowed one', () => {
    const of = (name: string) => storyOf(RUNS[name]!()).report.findings;
    expect(of('refused')).toMatchObject([{ id: 'pod-cidr-overlap', severity: 'error', allowed: false }]);
    expect(of('cancelled')).toMatchObject([{ id: 'pod-cidr-overlap', severity: 'warning', allowed: true }]);
  });

  test('values before they were made are null', () => {
    expect(storyOf(refusedRun().events).report.values).toEqual({ initial: null, final: null, changed: [] });
    expect(storyOf(passedRun().events).report.values.changed).toHaveLength(1);
  });

  test.each<[string, () => Event[], string | null]>([
    ['passed', () => withFault(passedRun().events), 'passed'],
    ['failed', () => withFault(failedRun().events), 'failed:switched/kind-worker'],
    ['error', () => withFault(errorRun().events), 'error:provision-failed'],
    ['refused', () => withFault(refusedRun().events), 'refused:pod-cidr-overlap'],
    ['interrupted', () => withFault(interruptedRun()), null],
  ])('a fault of a run that %s has what was observed in the form of what was expected', (_name, events, observed) => {
    const { faults } = storyOf(events()).report;
    expect(faults).toEqual([
      {
        name: 'cut',
        args: { node: 'a' },
        injectedAt: iso(0),
        healedAt: iso(0),
        expected: 'passed',
        observed,
      },
      { name: 'cut', args: { node: 'b' }, injectedAt: iso(0), healedAt: null, expected: 'passed', observed },
    ]);
  });

  test('an interrupted run says what ran, and whether Calico was being removed', () => {
    const { report } = storyOf(interruptedRun());
    expect(report.message).toContain('during step drain/kind-worker');
    expect(report.beforePointOfNoReturn).toBe(true);
    const finding: EventBody = {
      type: 'finding',
      id: 'point-of-no-return',
      severity: 'info',
      message: '',
      subjects: [],
      allowed: false,
    };
    expect(storyOf(new Tape().started().emit(finding).events).report.beforePointOfNoReturn).toBe(false);
  });
});

/** The same events with two faults right after the start, one of them healed. */
function withFault(events: readonly Event[]): Event[] {
  const fault = (node: string, moment: 'injected' | 'healed'): Event => ({
    seq: 0,
    at: iso(0),
    type: 'fault',
    name: 'cut',
    args: { node },
    moment,
    expected: 'passed',
  });
  return events.toSpliced(1, 0, fault('a', 'injected'), fault('b', 'injected'), fault('a', 'healed'));
}
