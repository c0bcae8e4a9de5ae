/**
 * The gate on what really happened: recorded readings of real clusters, judged by the same code as a run's. Each row is a
 * checkpoint at a recorded step. `observed` in docs and comments: what a person saw on that cluster.
 */
import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../../src/events/events.ts';
import type { Reason } from '../../../src/events/verdict.ts';
import { judgeCheckpoint } from '../../../src/rehearsal/gate/gate.ts';
import { EndOfRecording, type Line, momentOf, Replay, readTimeline } from './replay.ts';

interface Row {
  readonly id: string;
  /** Start of the recorded step's text, and which of several. */
  readonly step: string;
  readonly nth?: number;
  /** Recorded faults last seconds, so red needs a shorter settle time than the default. */
  readonly settle?: string;
  readonly observe?: string;
  readonly apiOutage?: string;
  readonly expected: 'passed' | 'undecided' | Reason;
  /** Settled so many seconds after the step, at least and at most. */
  readonly within?: readonly [number, number];
  /** `from → to n/m` of the measured groups. */
  readonly groups?: readonly string[];
}

type Checkpoint = Extract<EventBody, { type: 'checkpoint' }>;

async function judge(lines: readonly Line[], row: Row, pool?: readonly string[]) {
  const replay = new Replay(lines, pool ? { ciliumPool: pool } : {});
  const since = momentOf(lines, row.step, row.nth);
  replay.advanceTo(since);
  const events: EventBody[] = [];
  try {
    const outcome = await judgeCheckpoint(
      {
        checkpoints: [{ id: row.id, phase: 'migrate', node: null, assertions: [] }],
        since,
        observed: row.observe !== undefined,
      },
      {
        instrument: replay,
        emit: (event) => events.push(event),
        gate: {
          freshSamples: 3,
          failuresToFail: 2,
          observe: row.observe ?? '120s',
          settleTimeout: row.settle ?? '3m',
          maxDisruption: 'unlimited',
        },
        timeouts: { apiOutage: row.apiOutage ?? '5m', unreadable: '3m' },
      },
    );
    const checkpoint = events.find((event): event is Checkpoint => event.type === 'checkpoint');
    return { outcome, checkpoint, since, replay };
  } catch (error) {
    if (!(error instanceof EndOfRecording)) throw error;
    return { outcome: undefined, checkpoint: undefined, since, replay };
  }
}

const TIMELINES: Record<string, { readonly pool?: readonly string[]; readonly rows: readonly Row[] }> = {
  'healthy-walk': {
    rows: [
      { id: 'baseline', step: 'pingers rolled', expected: 'passed', within: [5, 10] },
      { id: 'prepared', step: 'patch rolled', observe: '8s', expected: 'passed', within: [5, 10] },
      // The install dip: 52 failed pings, also to self; `rollout status` returned while pairs were still failing.
      { id: 'secondary-installed', step: 'cilium rolled', observe: '30s', expected: 'passed', within: [10, 30] },
      { id: 'drained/kind-worker', step: 'drained kind-worker', expected: 'passed', within: [5, 15] },
      { id: 'switched/kind-worker', step: 'nodepinger ready kind-worker', expected: 'passed', within: [5, 30] },
      { id: 'migrated/kind-worker', step: 'goldpinger rolled (mixed)', expected: 'passed', within: [5, 10] },
      { id: 'switched/kind-worker2', step: 'nodepinger ready kind-worker2', expected: 'passed', within: [5, 30] },
      { id: 'switched/kind-control-plane', step: 'nodepinger ready kind-control', expected: 'passed', within: [5, 10] },
      { id: 'finalized', step: 'CNC deleted', expected: 'passed', within: [5, 10] },
      { id: 'legacy-removed', step: 'calico-node pods gone', expected: 'passed', within: [5, 10] },
      // 46 s until all pairs were fresh; for the first 10 s the API still showed the old pods, Running and Ready.
      {
        id: 'restarted/kind-worker',
        step: 'docker restart returned kind-worker',
        expected: 'passed',
        within: [40, 60],
      },
      // A checker without freshness saw "all good" 5 s after this restart, by readings from before it. The recording
      // ends before the control plane's pod had been pinged at its new address.
      { id: 'restarted/kind-control-plane', step: 'docker restart returned kind-control', expected: 'undecided' },
    ],
  },
  'mixed-state-restarts': {
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed', within: [10, 30] },
      { id: 'restarted/kind-worker', step: 'returned kind-worker', expected: 'passed', within: [25, 40] },
      // Ready after 12 to 32 s, but cross-node pairs timed out until 74 s, and the next restart took the API away.
      { id: 'restarted/kind-worker2', step: 'returned kind-worker2', expected: 'passed', within: [74, 115] },
      { id: 'restarted/kind-control-plane', step: 'returned kind-control-plane', expected: 'passed', within: [50, 70] },
    ],
  },
  policy: {
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed', within: [5, 30] },
      // Nothing switched: the policy breaks nothing between pods; the proxy is blind for a while, which is not red.
      { id: 'secondary-installed', step: 'NP on', expected: 'passed' },
      { id: 'switched/kind-worker', step: 'nodepinger ready kind-worker', expected: 'passed', within: [5, 30] },
      // Enforcement default. The switched node's own pods and kind-worker2's cannot be read by the proxy.
      {
        id: 'switched/kind-worker',
        step: 'NP on',
        nth: 1,
        settle: '10s',
        expected: 'pairs-unhealthy',
        groups: ['Calico pods on kind-control-plane → all Cilium pods 5/5'],
      },
      // Enforcement never: Calico alone still enforces.
      {
        id: 'switched/kind-worker',
        step: 'cilium rolled',
        nth: 1,
        settle: '10s',
        expected: 'pairs-unhealthy',
        groups: ['all Cilium pods → all Calico pods 10/10'],
      },
      {
        id: 'switched/kind-worker2',
        step: 'nodepinger ready kind-worker2',
        settle: '8s',
        expected: 'pairs-unhealthy',
        groups: ['all Cilium pods → all Calico pods 11/11'],
      },
    ],
  },
  'tunnel-port-blocked': {
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed', within: [5, 35] },
      // With Calico pods only no pair uses the tunnel: goldpinger cannot see it (`overlay-reachable` does).
      { id: 'secondary-installed', step: '8473 dropped', expected: 'passed', within: [5, 10] },
      { id: 'drained/kind-worker2', step: 'drained kind-worker2', expected: 'passed' },
      // Exactly one direction: Cilium pods → Calico pods leave masqueraded by eth0.
      {
        id: 'switched/kind-worker2',
        step: 'nodepinger ready kind-worker2',
        settle: '28s',
        expected: 'pairs-unhealthy',
        groups: ['Calico pods on kind-worker → all Cilium pods 5/5'],
      },
      { id: 'switched/kind-worker2', step: 'unblocked', expected: 'passed', within: [5, 15] },
    ],
  },
  'pool-contains-calico-block': {
    pool: ['192.168.120.0/24', '192.168.128.0/24', '192.168.213.0/24'],
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed', within: [5, 30] },
      // The one pod inside another node's block: 0/1 for good, every pair to it fails.
      { id: 'switched/kind-worker', step: 'goldpinger restart', settle: '30s', expected: 'pairs-unhealthy' },
    ],
  },
  'takeover-at-install': {
    // Pairs never show it (`cni-files-unchanged` does): the pods that were scaled up on the new network work.
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed' },
      { id: 'secondary-installed', step: 'scaled', expected: 'passed', within: [5, 10] },
    ],
  },
  'calico-first-found': {
    // Ten seconds of scattered time-outs at 86 s, then double encapsulation (`node-addresses` sees it).
    rows: [{ id: 'secondary-installed', step: 'cilium rolled', observe: '120s', expected: 'passed', within: [20, 40] }],
  },
  'pool-is-service-subnet': {
    rows: [
      { id: 'secondary-installed', step: 'cilium rolled', expected: 'passed' },
      { id: 'switched/kind-worker', step: 'nodepinger ready', expected: 'passed' },
      { id: 'migrated/kind-worker', step: 'goldpinger restart', expected: 'passed' },
    ],
  },
  'tunnel-port-clash': {
    rows: [
      { id: 'secondary-installed', step: 'clash snapshot', observe: '30s', expected: 'passed' },
      // The first pod after the switch stays ContainerCreating.
      { id: 'switched/kind-worker2', step: 'X agent rollout', settle: '10s', expected: 'container-not-ready' },
    ],
  },
  'pool-is-node-subnet': {
    // Pairs stay green, the API is what is lost.
    rows: [
      {
        id: 'secondary-installed',
        step: 'helm returned',
        observe: '120s',
        apiOutage: '60s',
        expected: 'control-plane-lost',
      },
    ],
  },
  'pool-is-node-subnet-second-run': {
    // Workers' pods cannot be read and one of them knows no peers any more; nothing of it is green at any time.
    rows: [
      { id: 'secondary-installed', step: 'helm returned', expected: 'undecided' },
      { id: 'secondary-installed', step: 'LOOK 55', expected: 'undecided' },
      { id: 'secondary-installed', step: 'LOOK 55', settle: '20s', expected: 'container-not-ready' },
    ],
  },
};

for (const [name, { pool, rows }] of Object.entries(TIMELINES)) {
  describe(name, () => {
    const lines = readTimeline(name);
    it.each(rows)('$id after "$step" ($settle $observe): $expected', async (row) => {
      const { outcome, checkpoint, since, replay } = await judge(lines, row, pool);
      const seen =
        outcome === undefined ? 'undecided' : outcome.outcome === 'failed' ? outcome.failure.reason : 'passed';
      expect(seen, outcome?.outcome === 'failed' ? outcome.failure.message : '').toBe(row.expected);
      expect(replay.settledCalls).toBe(row.expected === 'passed' ? 1 : 0);
      if (row.expected === 'passed') {
        expect(checkpoint?.probes.every(({ pairs }) => pairs.healthy === pairs.expected)).toBe(true);
        expect(checkpoint?.failing).toEqual([]);
      }
      if (row.within) {
        const settled = (Date.parse(checkpoint?.settledAt ?? '') - since) / 1_000;
        expect(settled).toBeGreaterThanOrEqual(row.within[0]);
        expect(settled).toBeLessThanOrEqual(row.within[1]);
      }
      if (row.groups) {
        const measured = checkpoint?.groups.filter((group) => !group.to.endsWith('(not measured)')) ?? [];
        expect(measured.map(({ from, to, failing, of }) => `${from} → ${to} ${failing}/${of}`)).toEqual(row.groups);
      }
    });
  });
}

it('names the pod that holds an address inside another node`s block', async () => {
  const { pool, rows } = TIMELINES['pool-contains-calico-block']!;
  const { checkpoint } = await judge(readTimeline('pool-contains-calico-block'), rows[1]!, pool);
  const unhealthy = checkpoint?.failing.filter((pair) => pair.state === 'unhealthy') ?? [];
  expect(unhealthy.length).toBeGreaterThanOrEqual(10);
  expect(new Set(unhealthy.map((pair) => pair.to.ip))).toEqual(new Set(['192.168.128.84']));
});
