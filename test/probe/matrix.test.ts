import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerPing } from '../../src/probe/check.ts';
import type { Instance } from '../../src/probe/instances.ts';
import { type FreshnessRules, PairMatrix } from '../../src/probe/matrix.ts';
import { instance } from './instance.ts';

const RULES: FreshnessRules = { freshSamples: 3, failuresToFail: 2, staleAfterMs: 9_000, sampledPeers: null };
const PODS = ['a', 'b', 'c'].map((name, i) => instance(name, { ip: `10.0.0.${i + 1}` }));
const BLANK = "Host or pod IP empty, can't make a call";

type Outcome = 'good' | 'bad' | 'blank';
type Shown = 'last' | 'missing' | 'old-address';

/** What one source did: a ping every two seconds to everybody, and a reading of it every two seconds. */
interface Script {
  readonly outcomes: readonly Outcome[];
  readonly shown: readonly Shown[];
  readonly readable: readonly boolean[];
}

interface Read {
  readonly source: Instance;
  readonly at: number;
  /** null: could not be read. */
  readonly pings: readonly PeerPing[] | null;
}

const STEPS = 8;
const step = 2_000;
const script = fc.record<Script>({
  outcomes: fc.array(fc.constantFrom<Outcome>('good', 'good', 'good', 'bad', 'blank'), {
    minLength: STEPS * PODS.length,
    maxLength: STEPS * PODS.length,
  }),
  shown: fc.array(fc.constantFrom<Shown>('last', 'last', 'last', 'last', 'missing', 'old-address'), {
    minLength: STEPS * PODS.length,
    maxLength: STEPS * PODS.length,
  }),
  readable: fc.array(fc.constantFrom(true, true, true, true, false), { minLength: STEPS, maxLength: STEPS }),
});

function readsOf(scripts: readonly Script[], lag: number): Read[] {
  return scripts.flatMap((s, si) =>
    s.readable.map((readable, i): Read => {
      const at = (i + 1) * step;
      const pings = PODS.flatMap((to, ti): PeerPing[] => {
        const shown = s.shown[i * PODS.length + ti]!;
        const last = Math.max(0, i - lag);
        const outcome = s.outcomes[last * PODS.length + ti]!;
        if (shown === 'missing') return [];
        return [
          {
            to: to.pod,
            ip: outcome === 'blank' ? '' : shown === 'old-address' ? '10.9.9.9' : to.ip,
            ok: outcome === 'good',
            at: (last + 1) * step - 500,
            error: outcome === 'good' ? '' : outcome === 'blank' ? BLANK : 'context deadline exceeded',
          },
        ];
      });
      return { source: PODS[si]!, at, pings: readable ? pings : null };
    }),
  );
}

function play(reads: readonly Read[]): PairMatrix {
  const matrix = new PairMatrix(RULES);
  matrix.expect(PODS);
  for (const { source, at, pings } of reads) {
    if (pings) matrix.read(source.uid, pings, at);
    else matrix.unreadable(source.uid, 'no answer', at);
  }
  return matrix;
}

/** The rule word for word, over the whole history. */
function oracle(reads: readonly Read[], from: Instance, to: Instance, now: number, since: number) {
  const own = reads.filter((read) => read.source === from);
  const last = own.at(-1);
  if (!last?.pings || now - last.at > RULES.staleAfterMs) return 'unknown';
  const about = (ping: PeerPing) => ping.to === to.pod && (ping.ip === to.ip || ping.error === BLANK);
  if (!last.pings.some(about)) return 'unknown';
  const distinct = new Map<number, PeerPing>();
  for (const ping of own.flatMap((read) => read.pings ?? []).filter(about)) distinct.set(ping.at, ping);
  const history = [...distinct.values()].sort((a, b) => a.at - b.at);
  if (now - history.at(-1)!.at > RULES.staleAfterMs) return 'unknown';
  const three = history.slice(-3);
  if (three.length === 3 && three.every((ping) => ping.at > since && ping.ok)) return 'healthy';
  const two = history.slice(-2);
  const failed = (ping: PeerPing) => ping.at > since && !ping.ok && ping.error !== BLANK;
  return two.length === 2 && two.every(failed) ? 'unhealthy' : 'unknown';
}

const world = fc.record({
  scripts: fc.array(script, { minLength: PODS.length, maxLength: PODS.length }),
  lag: fc.integer({ min: 0, max: 5 }),
  since: fc.integer({ min: 0, max: STEPS * step }),
  late: fc.integer({ min: 0, max: 12_000 }),
});

describe('PairMatrix', () => {
  it('says what the rule says over the whole history', () => {
    fc.assert(
      fc.property(world, ({ scripts, lag, since, late }) => {
        const reads = readsOf(scripts, lag);
        const now = STEPS * step + late;
        const { pairs } = play(reads).judge(now, since);
        expect(pairs).toHaveLength(PODS.length * (PODS.length - 1));
        for (const { from, to, state } of pairs) expect(state).toBe(oracle(reads, from, to, now, since));
      }),
      { numRuns: 300 },
    );
  });

  it('does not care in which order readings come', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), ({ scripts, lag, since, late }, random) => {
        const reads = readsOf(scripts, lag);
        const now = STEPS * step + late;
        const keys = new Map(reads.map((read) => [read, random.next().value as number]));
        const shuffled = [...reads].sort((a, b) => keys.get(a)! - keys.get(b)!);
        expect(play(shuffled).judge(now, since)).toEqual(play(reads).judge(now, since));
      }),
      { numRuns: 200 },
    );
  });

  it('never counts ghosts: entries of pods that are not expected, or of a former address', () => {
    const ghost = fc.record({
      to: fc.constantFrom('gone', 'a', 'b', 'c'),
      ip: fc.constantFrom('10.9.9.9', '10.9.9.8'),
      ok: fc.boolean(),
      at: fc.integer({ min: 1, max: STEPS * step }),
      error: fc.constant('connection refused'),
    });
    fc.assert(
      fc.property(world, fc.array(ghost, { maxLength: 6 }), ({ scripts, lag, since, late }, ghosts) => {
        const reads = readsOf(scripts, lag);
        const haunted = reads.map((read) => ({ ...read, pings: read.pings && [...ghosts, ...read.pings] }));
        const now = STEPS * step + late;
        expect(
          play(haunted)
            .judge(now, since)
            .pairs.map(({ state }) => state),
        ).toEqual(
          play(reads)
            .judge(now, since)
            .pairs.map(({ state }) => state),
        );
      }),
      { numRuns: 200 },
    );
  });

  const good = (at: number, to = 'b', ip = '10.0.0.2'): PeerPing => ({ to, ip, ok: true, at, error: '' });
  const bad = (at: number, to = 'b', ip = '10.0.0.2'): PeerPing => ({ to, ip, ok: false, at, error: 'timed out' });
  const stateOf = (matrix: PairMatrix, now: number, since = 0) =>
    matrix.judge(now, since).pairs.find(({ from, to }) => from.pod === 'a' && to.pod === 'b');

  it('needs distinct pings: the same one read three times is one', () => {
    const matrix = new PairMatrix(RULES);
    matrix.expect(PODS);
    for (const at of [1_000, 2_000, 3_000]) matrix.read('uid-a', [good(900)], at);
    expect(stateOf(matrix, 3_000)).toMatchObject({ state: 'unknown', cause: 'settling' });
    expect(matrix.pings).toBe(1);
  });

  it('forgets what it knew of a pod that came back under its name with another address', () => {
    const matrix = new PairMatrix(RULES);
    matrix.expect(PODS);
    for (const at of [1_000, 3_000, 5_000]) matrix.read('uid-a', [good(at)], at);
    expect(stateOf(matrix, 5_000)?.state).toBe('healthy');
    const moved = PODS.map((pod) => (pod.pod === 'b' ? { ...pod, ip: '10.0.0.20' } : pod));
    matrix.expect(moved);
    expect(stateOf(matrix, 5_000)).toMatchObject({ state: 'unknown', cause: 'missing' });
    matrix.read('uid-a', [good(7_000)], 7_000);
    expect(stateOf(matrix, 7_000)).toMatchObject({ state: 'unknown', cause: 'missing' });
    for (const at of [9_000, 11_000, 13_000]) matrix.read('uid-a', [good(at, 'b', '10.0.0.20')], at);
    expect(stateOf(matrix, 13_000)?.state).toBe('healthy');
  });

  it('leaves the pairs of an instance that knows nobody unknown, whatever it knew before', () => {
    const matrix = new PairMatrix(RULES);
    matrix.expect(PODS);
    for (const at of [1_000, 3_000, 5_000]) matrix.read('uid-a', [good(at), good(at, 'c', '10.0.0.3')], at);
    matrix.read('uid-a', [], 6_000);
    const own = matrix.judge(6_000, 0).pairs.filter(({ from }) => from.pod === 'a');
    expect(own.map(({ state, error }) => [state, error])).toEqual([
      ['unknown', 'a knows no peer at all'],
      ['unknown', 'a knows no peer at all'],
    ]);
  });

  it('says why a pair is unknown', () => {
    const matrix = new PairMatrix(RULES);
    matrix.expect(PODS);
    expect(stateOf(matrix, 1_000)?.cause).toBe('unreadable');
    for (const at of [1_000, 3_000, 5_000]) matrix.read('uid-a', [good(at)], at);
    expect(stateOf(matrix, 5_000, 3_000)?.cause).toBe('settling');
    expect(stateOf(matrix, 5_000, 5_000)?.cause).toBe('stale');
    expect(stateOf(matrix, 15_000)?.cause).toBe('unreadable');
    matrix.read('uid-a', [good(5_000)], 15_000);
    expect(stateOf(matrix, 15_000)?.cause).toBe('stale');
    // A source whose clock is a minute ahead is not fresh for a minute longer.
    for (const at of [61_000, 63_000, 65_000]) matrix.read('uid-a', [good(at + 60_000)], at);
    expect(stateOf(matrix, 65_000)?.state).toBe('healthy');
    expect(stateOf(matrix, 80_000)?.cause).toBe('unreadable');
    matrix.expect(PODS.map((pod) => (pod.pod === 'b' ? { ...pod, ip: '' } : pod)));
    expect(stateOf(matrix, 66_000)?.cause).toBe('no-address');
  });

  it('keeps pings to self aside and tells who fails them', () => {
    const matrix = new PairMatrix(RULES);
    matrix.expect(PODS);
    const self = (at: number) => bad(at, 'a', '10.0.0.1');
    for (const at of [1_000, 3_000]) matrix.read('uid-a', [self(at), bad(at)], at);
    const { pairs, selfFailing } = matrix.judge(3_000, 0);
    expect([...selfFailing]).toEqual(['uid-a']);
    expect(pairs.some(({ from, to }) => from.uid === to.uid)).toBe(false);
    expect(stateOf(matrix, 3_000)).toMatchObject({ state: 'unhealthy', error: 'timed out', lastFailed: true });
  });

  it('tells every distinct ping once', () => {
    const seen: [string, string, number, boolean | null][] = [];
    const matrix = new PairMatrix(RULES, ({ from, to, at, ok }) => seen.push([from.pod, to.pod, at, ok]));
    matrix.expect(PODS);
    matrix.read('uid-a', [good(500), bad(600, 'c', '10.0.0.3')], 1_000);
    matrix.read('uid-a', [good(500), { ...bad(2_600, 'c', ''), error: BLANK }], 3_000);
    expect(seen).toEqual([
      ['a', 'b', 500, true],
      ['a', 'c', 600, false],
      ['a', 'c', 2_600, null],
    ]);
  });

  it('judges a sampled mesh by the peers that a source reports, and never by too few', () => {
    const many = Array.from({ length: 8 }, (_, i) => instance(`p${i}`, { ip: `10.0.1.${i}` }));
    const matrix = new PairMatrix({ ...RULES, sampledPeers: 4 });
    matrix.expect(many);
    const report = (count: number, at: number) =>
      matrix.read(
        'uid-p0',
        many.slice(1, 1 + count).map(({ pod, ip }) => good(at, pod, ip)),
        at,
      );
    const own = (now: number) => matrix.judge(now, 0).pairs.filter(({ from }) => from.pod === 'p0');
    for (const at of [1_000, 3_000, 5_000]) report(4, at);
    expect(own(5_000).map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy', 'healthy']);
    report(1, 7_000);
    expect(own(7_000).map(({ state }) => state)).toEqual(['healthy', 'unknown', 'unknown']);
  });
});
