import { describe, expect, it } from 'vitest';
import type { AssertionResult, EventBody } from '../../../src/events/events.ts';
import { CommandNotFound } from '../../../src/host/host.ts';
import { KubeError } from '../../../src/kube/api.ts';
import type { Instance } from '../../../src/probe/instances.ts';
import type { JudgedPair } from '../../../src/probe/matrix.ts';
import type { Gap } from '../../../src/rehearsal/gate/coverage.ts';
import { judgeCheckpoint } from '../../../src/rehearsal/gate/gate.ts';
import type { AssertionRunner, JudgedCheckpoint } from '../../../src/rehearsal/gate/types.ts';
import type { Instrument, View } from '../../../src/rehearsal/gate/view.ts';
import { instance } from '../../probe/instance.ts';

const NODES = ['kind-control-plane', 'kind-worker'];
const START = Date.UTC(2026, 0, 1);
const SWEEP = 2_000;

type Mood =
  | 'good'
  | 'bad'
  | 'settling'
  | 'missing'
  | 'first-missing'
  | 'blind'
  | 'api-down'
  | 'self-too'
  | 'one-self-too'
  | 'not-ready'
  | 'killed'
  | 'was-away';

/** A world of two nodepinger pods whose mood is a function of the seconds since the start. */
class Scene implements Instrument {
  now = START;
  settledCalls = 0;
  disruption: View['longestUnexpected'] = null;
  readonly #mood: (seconds: number) => Mood;
  #downSince: number | undefined;
  #blindMs = 0;

  constructor(mood: (seconds: number) => Mood) {
    this.#mood = mood;
  }

  get mood(): Mood {
    return this.#mood((this.now - START) / 1_000);
  }

  async sweep(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.now - START > 3_600_000) throw new Error('the gate never decided');
    this.now += SWEEP;
    if (this.mood !== 'api-down') this.#downSince = undefined;
    else this.#downSince ??= this.now;
    this.#blindMs = this.mood === 'blind' ? this.#blindMs + SWEEP : 0;
  }

  view(): View {
    const killed = this.mood === 'killed';
    const ready = this.mood !== 'not-ready' && !killed;
    const [a, b] = NODES.map((node, i) =>
      instance(`nodepinger-${i}`, {
        probe: 'nodepinger',
        node,
        ready,
        unready: ready ? '' : 'CrashLoopBackOff',
        ...(killed ? { killed } : {}),
      }),
    ) as [Instance, Instance];
    return {
      now: this.now,
      monotonic: this.now,
      apiDownMs: this.#downSince === undefined ? null : this.now - this.#downSince,
      longestOutageMs: this.mood === 'was-away' ? 400_000 : 0,
      apiError: 'connection refused',
      nodes: NODES.map((name) => ({ name, schedulable: true })),
      probes: [
        {
          name: 'nodepinger',
          mesh: 'full',
          instances: [a, b],
          judgement: {
            pairs: [this.#pair(a, b), this.#pair(b, a)],
            selfFailing: new Set(
              this.mood === 'self-too' ? [a.uid, b.uid] : this.mood === 'one-self-too' ? [a.uid] : [],
            ),
          },
        },
      ],
      blind: this.mood === 'blind' ? [{ instance: a, ms: this.#blindMs, error: 'no answer' }] : [],
      replicas: 0,
      access: { proxy: 2, fallback: 0, notAskable: 0 },
      pings: (this.now - START) / 1_000,
      longestUnexpected: this.disruption,
    };
  }

  settled(): void {
    this.settledCalls++;
  }

  #pair(from: Instance, to: Instance): JudgedPair {
    const base = { from, to, error: '', lastFailed: false };
    switch (this.mood) {
      case 'bad':
      case 'self-too':
      case 'one-self-too':
        return { ...base, state: 'unhealthy', cause: 'measured', error: 'timed out', lastFailed: true };
      case 'settling':
        return { ...base, state: 'unknown', cause: 'settling', error: '1 of 3 pings' };
      case 'missing':
        return { ...base, state: 'unknown', cause: 'missing', error: 'not pinged yet' };
      case 'first-missing':
        return from.pod === 'nodepinger-0'
          ? { ...base, state: 'unknown', cause: 'missing', error: 'not pinged yet' }
          : { ...base, state: 'healthy', cause: 'measured' };
      case 'blind':
        return from.pod === 'nodepinger-0'
          ? { ...base, state: 'unknown', cause: 'unreadable', error: 'no answer' }
          : { ...base, state: 'healthy', cause: 'measured' };
      default:
        return { ...base, state: 'healthy', cause: 'measured' };
    }
  }
}

const result = (outcome: AssertionResult['outcome'], subjects: string[] = []): AssertionResult => ({
  id: 'node-addresses',
  outcome,
  expected: 'the InternalIP',
  seen: outcome === 'passed' ? 'the InternalIP' : '10.244.2.193',
  subjects,
});

interface Options {
  readonly id?: string;
  readonly observed?: boolean;
  readonly maxDisruption?: string;
  readonly checkpoints?: readonly JudgedCheckpoint[];
  readonly assertions?: readonly AssertionRunner[];
  readonly containers?: () => Promise<readonly Gap[]>;
  readonly onSettled?: () => void;
  readonly onRelapse?: () => void;
  readonly mayRelapse?: boolean;
}

async function judge(scene: Scene, options: Options = {}) {
  const events: EventBody[] = [];
  const { id = 'switched/kind-worker', assertions = [] } = options;
  const outcome = await judgeCheckpoint(
    {
      checkpoints: options.checkpoints ?? [{ id, phase: 'migrate', node: null, assertions }],
      since: START,
      observed: options.observed ?? false,
      ...(options.mayRelapse === undefined ? {} : { mayRelapse: options.mayRelapse }),
      managedPods: async () => ({ managed: 3, total: 5 }),
      ...(options.containers ? { containers: options.containers } : {}),
    },
    {
      instrument: scene,
      emit: (event) => events.push(event),
      gate: {
        freshSamples: 3,
        failuresToFail: 2,
        observe: '120s',
        settleTimeout: '180s',
        maxDisruption: options.maxDisruption ?? 'unlimited',
      },
      timeouts: { apiOutage: '300s', unreadable: '180s' },
      ...(options.onSettled ? { onSettled: options.onSettled } : {}),
      ...(options.onRelapse ? { onRelapse: options.onRelapse } : {}),
    },
  );
  const checkpoints = events.filter((event) => event.type === 'checkpoint');
  const seconds = (scene.now - START) / 1_000;
  const reason = outcome.outcome === 'failed' ? outcome.failure.reason : 'passed';
  const verdict = outcome.outcome === 'failed' ? outcome.failure.verdict : 'passed';
  return { outcome, events, checkpoints, seconds, reason, verdict };
}

describe('settling', () => {
  it.each<[string, (s: number) => Mood, string, string, number, number]>([
    ['green as soon as everything is good', () => 'good', 'passed', 'passed', 2, 2],
    ['time-outs for 100 s are no red', (s) => (s < 100 ? 'bad' : 'good'), 'passed', 'passed', 100, 100],
    ['red at the end, not before', () => 'bad', 'pairs-unhealthy', 'failed', 180, 182],
    ['what was never measured is not green', () => 'missing', 'pairs-unmeasured', 'failed', 180, 182],
    ['what is still settling at the end neither', () => 'settling', 'pairs-unmeasured', 'failed', 180, 182],
    ['a pod that is not Ready', () => 'not-ready', 'container-not-ready', 'failed', 180, 182],
    ['the API away for less than its budget', (s) => (s < 280 ? 'api-down' : 'good'), 'passed', 'passed', 280, 282],
    ['the API away for longer', () => 'api-down', 'control-plane-lost', 'failed', 302, 306],
    [
      'the settle time stands still while the API is away',
      (s) => (s >= 10 && s < 200 ? 'api-down' : 'bad'),
      'pairs-unhealthy',
      'failed',
      370,
      376,
    ],
    ['a source that cannot be read', () => 'blind', 'source-blind', 'failed', 182, 186],
    [
      'a source read again after 170 s has its own settle time',
      (s) => (s < 170 ? 'blind' : s < 300 ? 'first-missing' : 'good'),
      'passed',
      'passed',
      300,
      302,
    ],
    ['but not for ever', (s) => (s < 170 ? 'blind' : 'first-missing'), 'pairs-unmeasured', 'failed', 346, 352],
    [
      'a source that is blind again and again',
      (s) => (s % 150 < 100 ? 'blind' : 'first-missing'),
      'pairs-unmeasured',
      'failed',
      356,
      364,
    ],
    ['pings to self that do not explain every pair', () => 'one-self-too', 'pairs-unhealthy', 'failed', 180, 182],
    ['a machine that fails pings to self', () => 'self-too', 'runner-overloaded', 'error', 180, 182],
  ])('%s', async (_, mood, reason, verdict, least, most) => {
    const scene = new Scene(mood);
    const judged = await judge(scene);
    expect([judged.reason, judged.verdict]).toEqual([reason, verdict]);
    expect(judged.seconds).toBeGreaterThanOrEqual(least);
    expect(judged.seconds).toBeLessThanOrEqual(most);
    expect(scene.settledCalls).toBe(reason === 'passed' ? 1 : 0);
  });

  it('emits what the report needs', async () => {
    const { checkpoints, outcome } = await judge(new Scene(() => 'bad'));
    expect(checkpoints).toMatchObject([
      {
        id: 'switched/kind-worker',
        outcome: 'failed',
        settledAt: null,
        managedPods: { managed: 3, total: 5 },
        probes: [
          {
            pods: { expected: 2, healthy: 0, unhealthy: 2, unknown: 0 },
            pairs: { expected: 2, healthy: 0, unhealthy: 2, unknown: 0 },
          },
        ],
        groups: [{ from: 'all Calico pods', to: 'all Calico pods', failing: 2, of: 2 }],
      },
    ]);
    expect(checkpoints[0]).toHaveProperty('failing.length', 2);
    expect(outcome).toHaveProperty(
      'failure.message',
      'switched/kind-worker: 2 of 2 pairs fail: all Calico pods → all Calico pods: 2/2 failing (timed out)',
    );
  });

  it('holds nothing against the migration before the baseline was green', async () => {
    expect(await judge(new Scene(() => 'bad'), { id: 'baseline' })).toMatchObject({
      reason: 'baseline-unhealthy',
      verdict: 'error',
    });
    expect(await judge(new Scene(() => 'api-down'), { id: 'baseline' })).toMatchObject({
      reason: 'baseline-unhealthy',
      verdict: 'error',
    });
    expect(await judge(new Scene(() => 'self-too'), { id: 'baseline' })).toMatchObject({
      reason: 'runner-overloaded',
      verdict: 'error',
    });
  });

  it('charges a disruption that was too long', async () => {
    const scene = new Scene(() => 'good');
    scene.disruption = { ms: 20_000, pair: 'a → b', step: 'drain/kind-worker' };
    expect((await judge(scene)).reason).toBe('passed');
    expect((await judge(scene, { maxDisruption: '20s' })).reason).toBe('passed');
    expect((await judge(scene, { maxDisruption: '19s' })).reason).toBe('disruption-exceeded');
  });

  it('rejects with the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('cancelled by SIGINT'));
    const scene = new Scene(() => 'good');
    const gate = { freshSamples: 3, failuresToFail: 2, observe: '1s', settleTimeout: '1s', maxDisruption: 'unlimited' };
    await expect(
      judgeCheckpoint(
        { checkpoints: [{ id: 'final', phase: 'verify', node: null, assertions: [] }], since: START, observed: false },
        { instrument: scene, emit: () => {}, gate, timeouts: { apiOutage: '1s', unreadable: '1s' }, signal },
      ),
    ).rejects.toThrow('cancelled by SIGINT');
  });
});

describe('assertions', () => {
  it('are asked only when the pairs are good, on a pace, and once at the end', async () => {
    const asked: number[] = [];
    const scene = new Scene((s) => (s < 50 ? 'bad' : 'good'));
    const { reason, events } = await judge(scene, {
      assertions: [
        async () => {
          asked.push((scene.now - START) / 1_000);
          return result('failed', ['kind-worker']);
        },
      ],
    });
    expect(reason).toBe('assertion-failed');
    expect(asked[0]).toBe(50);
    expect(asked.at(-1)).toBeGreaterThanOrEqual(180);
    for (let i = 1; i < asked.length - 1; i++) expect(asked[i]! - asked[i - 1]!).toBeGreaterThanOrEqual(5);
    expect(events.filter((event) => event.type === 'assertion')).toEqual([
      { type: 'assertion', checkpoint: 'switched/kind-worker', ...result('failed', ['kind-worker']) },
    ]);
  });

  it('that throw or do not know are asked again, and are never green', async () => {
    let calls = 0;
    const flaky: AssertionRunner = async () => {
      calls++;
      if (calls === 1) throw new Error('no answer');
      return result(calls === 2 ? 'unknown' : 'passed');
    };
    expect((await judge(new Scene(() => 'good'), { assertions: [flaky] })).reason).toBe('passed');
    expect(calls).toBe(3);
    const broken = await judge(new Scene(() => 'good'), {
      assertions: [() => Promise.reject(new Error('docker exec failed'))],
    });
    expect(broken.reason).toBe('assertion-failed');
    expect(broken.checkpoints[0]).toHaveProperty('outcome', 'failed');
    expect(broken.outcome).toHaveProperty('failure.message', expect.stringContaining('docker exec failed'));
  });

  it('of a batch fail only their own checkpoint; pairs fail all, in migration order', async () => {
    const checkpoints = (outcome: AssertionResult['outcome']): JudgedCheckpoint[] => [
      { id: 'switched/kind-worker', phase: 'migrate', node: 'kind-worker', assertions: [async () => result('passed')] },
      {
        id: 'switched/kind-worker2',
        phase: 'migrate',
        node: 'kind-worker2',
        assertions: [async () => result(outcome)],
      },
    ];
    const own = await judge(new Scene(() => 'good'), { checkpoints: checkpoints('failed') });
    expect(own.checkpoints.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['switched/kind-worker', 'passed'],
      ['switched/kind-worker2', 'failed'],
    ]);
    expect(own.outcome).toHaveProperty('failure.checkpoint', 'switched/kind-worker2');
    const all = await judge(new Scene(() => 'bad'), { checkpoints: checkpoints('passed') });
    expect(all.checkpoints.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['switched/kind-worker', 'failed'],
      ['switched/kind-worker2', 'failed'],
    ]);
    expect(all.outcome).toHaveProperty('failure.checkpoint', 'switched/kind-worker');
  });
});

describe('observation', () => {
  it.each<[string, (s: number) => Mood, string, number, number]>([
    ['holds for its time from the first green', () => 'good', 'passed', 122, 124],
    ['ends red when a pair fails in a row', (s) => (s < 60 ? 'good' : 'bad'), 'pairs-unhealthy', 60, 62],
    ['a single failed ping is disruption', (s) => (s === 60 ? 'settling' : 'good'), 'passed', 122, 124],
    ['but not the end', (s) => (s >= 110 && s < 140 ? 'settling' : 'good'), 'passed', 140, 142],
    ['unknown pauses it', (s) => (s >= 60 && s < 100 ? 'missing' : 'good'), 'passed', 162, 166],
    ['up to the settle time in all', (s) => (s < 60 ? 'good' : 'missing'), 'pairs-unmeasured', 238, 244],
    ['an API that is away stops it', (s) => (s >= 60 && s < 160 ? 'api-down' : 'good'), 'passed', 222, 228],
    ['and for too long ends it', (s) => (s < 60 ? 'good' : 'api-down'), 'control-plane-lost', 360, 366],
    ['a source that stays blind ends it', (s) => (s < 60 ? 'good' : 'blind'), 'source-blind', 238, 246],
  ])('%s', async (_, mood, reason, least, most) => {
    const judged = await judge(new Scene(mood), { id: 'secondary-installed', observed: true });
    expect(judged.reason).toBe(reason);
    expect(judged.seconds).toBeGreaterThanOrEqual(least);
    expect(judged.seconds).toBeLessThanOrEqual(most);
    expect(judged.checkpoints[0]).toHaveProperty('settledAt', new Date(START + 2_000).toISOString());
    if (reason !== 'passed') return;
    const observed = judged.checkpoints[0]?.observedSeconds ?? 0;
    expect(observed).toBeGreaterThanOrEqual(120);
    expect(observed).toBeLessThanOrEqual(122);
  });

  it('ends red when an assertion turns bad', async () => {
    const scene = new Scene(() => 'good');
    const judged = await judge(scene, {
      id: 'secondary-installed',
      observed: true,
      assertions: [async () => result(scene.now - START < 86_000 ? 'passed' : 'failed', ['kind-control-plane'])],
    });
    expect(judged.reason).toBe('assertion-failed');
    expect(judged.seconds).toBeLessThan(122);
    expect(judged.outcome).toHaveProperty('failure.message', expect.stringContaining('kind-control-plane'));
  });

  it.each([
    ['that does not know', async () => result('unknown')],
    ['that could not look', () => Promise.reject(new Error('docker exec failed'))],
  ])('is paused by an assertion %s, up to the settle time in all', async (_, open) => {
    const judged = async (until: number) => {
      const scene = new Scene(() => 'good');
      const assertion: AssertionRunner = async () => {
        const seconds = (scene.now - START) / 1_000;
        return seconds >= 30 && seconds < until ? open() : result('passed');
      };
      return judge(scene, { id: 'secondary-installed', observed: true, assertions: [assertion] });
    };
    const paused = await judged(90);
    expect(paused.reason).toBe('passed');
    expect(paused.seconds).toBeGreaterThanOrEqual(175);
    expect(paused.checkpoints[0]?.observedSeconds).toBeLessThanOrEqual(126);
    const lost = await judged(Number.POSITIVE_INFINITY);
    expect(lost.reason).toBe('assertion-failed');
    expect(lost.seconds).toBeLessThanOrEqual(240);
  });

  it('tells when everything was good for the first time', async () => {
    const scene = new Scene((s) => (s < 20 ? 'bad' : 'good'));
    const at: number[] = [];
    await judge(scene, { observed: true, onSettled: () => at.push((scene.now - START) / 1_000) });
    expect(at).toEqual([20]);
    await judge(new Scene(() => 'bad'), { onSettled: () => at.push(0) });
    expect(at).toEqual([20]);
  });

  describe('after an install, whose dip comes by fits and starts', () => {
    const lull =
      (from: number, to: number) =>
      (s: number): Mood =>
        s >= from && s < to ? 'bad' : 'good';

    it.each([
      ['again and again, then for good', (s: number): Mood => (s < 40 && s % 10 < 4 ? 'bad' : 'good'), 'passed', 154],
      ['within the settle time, as long as it is not over', lull(100, 170), 'passed', 290],
      ['beyond the settle time', lull(100, 400), 'pairs-unhealthy', 180],
    ])('pairs that fail %s: %#', async (_, mood, reason, least) => {
      const judged = await judge(new Scene(mood), { observed: true, mayRelapse: true });
      expect(judged.reason).toBe(reason);
      expect(judged.seconds).toBeGreaterThanOrEqual(least);
      if (reason !== 'passed') return;
      // Whatever came before, the end was observed without a break.
      expect(judged.checkpoints[0]?.observedSeconds).toBeGreaterThanOrEqual(120);
      expect(Date.parse(judged.checkpoints[0]!.settledAt!)).toBeLessThanOrEqual(
        START + judged.seconds * 1_000 - 120_000,
      );
    });

    it('tells that it settled again, and when', async () => {
      const at: string[] = [];
      const scene = new Scene(lull(10, 14));
      const seconds = (): number => (scene.now - START) / 1_000;
      const { events } = await judge(scene, {
        observed: true,
        mayRelapse: true,
        onSettled: () => at.push(`settled ${seconds()}`),
        onRelapse: () => at.push(`again ${seconds()}`),
      });
      expect(at).toEqual(['settled 2', 'again 10', 'settled 16']);
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'finding', id: 'settled-again', severity: 'info' }),
      );
    });

    it.each([
      ['for a moment', 14, 'passed', 122],
      ['for good', Number.POSITIVE_INFINITY, 'assertion-failed', 180],
    ])('an assertion that a busy machine can make fail is bad %s', async (_, until, reason, least) => {
      const scene = new Scene(lull(10, 14));
      const assertion = async () => {
        const seconds = (scene.now - START) / 1_000;
        return { ...result(seconds >= 10 && seconds < until ? 'failed' : 'passed'), id: 'dns-and-api' as const };
      };
      const judged = await judge(scene, { observed: true, mayRelapse: true, assertions: [assertion] });
      expect(judged.reason).toBe(reason);
      expect(judged.seconds).toBeGreaterThanOrEqual(least);
    });

    it('an assertion over what is written down that turns bad has no such grace, nor has any other checkpoint', async () => {
      const scene = new Scene(lull(10, 14));
      const assertion = async () => result(scene.now - START < 10_000 ? 'passed' : 'failed');
      const failed = await judge(scene, { observed: true, mayRelapse: true, assertions: [assertion] });
      expect(failed.seconds).toBeLessThan(20);
      expect(failed.reason).toBe('assertion-failed');
      expect((await judge(new Scene(lull(10, 14)), { observed: true })).reason).toBe('pairs-unhealthy');
    });
  });

  it('asks the assertions once more at its end', async () => {
    const scene = new Scene(() => 'good');
    const judged = await judge(scene, {
      id: 'secondary-installed',
      observed: true,
      assertions: [async () => result(scene.now - START < 121_000 ? 'passed' : 'failed')],
    });
    expect(judged.reason).toBe('assertion-failed');
  });
});

describe('whose doing it is', () => {
  const failureOf = async (scene: Scene, options: Options = {}) => {
    const { outcome } = await judge(scene, options);
    return outcome.outcome === 'failed' ? outcome.failure : undefined;
  };

  it('is the machine when a command that assertions need is gone', async () => {
    const assertion = () => Promise.reject(new CommandNotFound('docker'));
    const failure = await failureOf(new Scene(() => 'good'), { assertions: [assertion] });
    expect(failure).toMatchObject({ verdict: 'error', reason: 'tool-missing' });
  });

  it('is the migration when an assertion could not look for another reason', async () => {
    const assertion = () => Promise.reject(new Error('HTTP 500'));
    const failure = await failureOf(new Scene(() => 'good'), { assertions: [assertion] });
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'assertion-failed' });
    expect(failure?.message).toMatch(/could not be checked: HTTP 500$/);
  });

  it('is nobody when the embedded world has no model: that ends the gate at once', async () => {
    const error = new KubeError(501, 'NotImplemented', 'not modelled', 'GET /x');
    const scene = new Scene(() => 'good');
    await expect(judge(scene, { assertions: [() => Promise.reject(error)] })).rejects.toBe(error);
    expect(scene.now - START).toBeLessThan(10_000);
  });

  it('is a container anywhere that does not run', async () => {
    const gap: Gap = { kind: 'not-ready', message: 'shop/cart on n1 is not Ready' };
    const failure = await failureOf(new Scene(() => 'good'), { containers: async () => [gap] });
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'container-not-ready' });
    expect(failure?.message).toMatch(/shop\/cart on n1/);
  });

  it('is not judged as green when containers could not be looked at', async () => {
    const containers = () => Promise.reject(new Error('no answer'));
    const failure = await failureOf(new Scene(() => 'good'), { containers });
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'assertion-failed' });
  });

  it('is the control plane when the API was away for too long, though it answers again', async () => {
    const failure = await failureOf(new Scene(() => 'was-away'));
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'control-plane-lost' });
    expect(failure?.message).toMatch(/did not answer for 6m40s/);
  });

  it('is the runner when probes were killed from outside', async () => {
    const failure = await failureOf(new Scene(() => 'killed'));
    expect(failure).toMatchObject({ verdict: 'error', reason: 'runner-overloaded' });
  });

  it('is the runner when any container was killed from outside, and nothing else is wrong', async () => {
    const gap = {
      kind: 'not-ready' as const,
      message: 'shop/cart on n1 is not Ready: exit code 137',
      killed: true as const,
    };
    const failure = await failureOf(new Scene(() => 'good'), { containers: async () => [gap] });
    expect(failure).toMatchObject({ verdict: 'error', reason: 'runner-overloaded' });
    const own = { kind: 'not-ready' as const, message: 'shop/pay on n1 is not Ready: exit code 2' };
    const mixed = await failureOf(new Scene(() => 'good'), { containers: async () => [gap, own] });
    expect(mixed).toMatchObject({ verdict: 'failed', reason: 'container-not-ready' });
  });

  it('is the migration when an assertion fails beside killed probes', async () => {
    const assertion = async () => result('failed');
    const failure = await failureOf(new Scene(() => 'killed'), { assertions: [assertion] });
    expect(failure).toMatchObject({ verdict: 'failed', reason: 'assertion-failed' });
  });

  it('is told by the reason that all failed assertions share, in no event', async () => {
    const assertion = async () => ({ ...result('failed'), reason: 'wrong-address' as const });
    const { outcome, events } = await judge(new Scene(() => 'good'), { assertions: [assertion] });
    expect(outcome).toMatchObject({ failure: { reason: 'wrong-address' } });
    expect(events.find(({ type }) => type === 'assertion')).not.toHaveProperty('reason');
  });
});
