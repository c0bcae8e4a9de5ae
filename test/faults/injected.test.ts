/** Faults that are made in the running cluster: each ends as it says, at any node and moment, and the true ones are blamed. */
import { describe, expect, test } from 'vitest';
import { agentCrashLoop } from '../../src/faults/catalogue/agent-crash-loop.ts';
import { apiOutage } from '../../src/faults/catalogue/api-outage.ts';
import { cniFileUnwritten } from '../../src/faults/catalogue/cni-file-unwritten.ts';
import { nodeStaysDown } from '../../src/faults/catalogue/node-stays-down.ts';
import { pairDrop } from '../../src/faults/catalogue/pair-drop.ts';
import { pdbNeverMet } from '../../src/faults/catalogue/pdb-never-met.ts';
import { slowImagePull } from '../../src/faults/catalogue/slow-image-pull.ts';
import { tunnelPortBlocked } from '../../src/faults/catalogue/tunnel-port-blocked.ts';
import type { FaultArgs, InjectedFault, Outcome } from '../../src/faults/fault.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { rehearseFault, scenarioWith } from './inject.ts';

const A = 'kind-worker';
const B = 'kind-worker2';
const PLANE = 'kind-control-plane';

const shape = (workers: number, change: Parameters<typeof scenarioWith>[1] = {}): Scenario => {
  const base = scenarioWith('minimal', { cluster: { workers } });
  const goldpinger = { replicas: 2 * (workers + 1), replicasAfterFirstNode: 2 * (workers + 1) };
  return scenarioWith('minimal', { cluster: { ...base.cluster }, probes: { ...base.probes, goldpinger }, ...change });
};
const patience = (key: keyof Scenario['timeouts'], value: string) => ({ timeouts: { [key]: value } });

interface Row {
  readonly fault: InjectedFault;
  readonly args: FaultArgs;
  readonly ends: Outcome;
  readonly until?: string;
  readonly workers?: number;
  readonly change?: Parameters<typeof scenarioWith>[1];
  readonly says?: RegExp;
}

const packets = { from: A, to: B, mode: 'packets' };
const connections = { from: PLANE, to: A, mode: 'new-connections' };

const ROWS: readonly Row[] = [
  {
    fault: tunnelPortBlocked,
    args: { node: PLANE, at: 'prepared' },
    ends: 'failed:secondary-installed',
    workers: 1,
    says: /overlay-reachable: .*kind-control-plane/,
  },
  // Between two nodes of which one is switched the pairs tell as soon as anybody looks.
  { fault: tunnelPortBlocked, args: { node: PLANE, at: `migrated/${A}` }, ends: `failed:drained/${B}` },
  // The restart that recycles the node takes the rule away before anybody could see it.
  {
    fault: tunnelPortBlocked,
    args: { node: A },
    ends: 'passed',
    until: `migrated/${A}`,
    workers: 1,
    change: { migration: { ...scenarioWith('minimal').migration, recycle: 'node' } },
  },
  {
    fault: agentCrashLoop,
    args: { node: B },
    ends: `failed:switched/${B}`,
    says: /new Cilium agent of kind-worker2 .*(CrashLoopBackOff|exit code 1)/,
  },
  { fault: agentCrashLoop, args: { node: A, at: 'cilium-install' }, ends: 'failed:secondary-installed', workers: 1 },
  {
    fault: cniFileUnwritten,
    args: { node: PLANE, at: 'baseline' },
    ends: `failed:switched/${PLANE}`,
    workers: 1,
    says: /not Ready/,
  },
  // What is written stays written.
  {
    fault: cniFileUnwritten,
    args: { node: A, at: `recycle/${A}` },
    ends: 'passed',
    until: `migrated/${A}`,
    workers: 1,
  },
  { fault: pdbNeverMet, args: { node: PLANE }, ends: `failed:drained/${PLANE}`, workers: 1 },
  { fault: pdbNeverMet, args: { node: A, for: '90s' }, ends: 'passed', until: `migrated/${A}`, workers: 1 },
  { fault: nodeStaysDown, args: { node: A }, ends: `failed:restarted/${A}`, workers: 1 },
  { fault: nodeStaysDown, args: { node: PLANE }, ends: `failed:restarted/${PLANE}`, workers: 1 },
  { fault: apiOutage, args: { for: '20s' }, ends: 'passed', until: `migrated/${A}`, workers: 1 },
  { fault: apiOutage, args: { for: '900s' }, ends: `failed:migrated/${A}`, workers: 1, says: /has not answered for/ },
  {
    fault: apiOutage,
    args: { for: '900s', at: `drain/${PLANE}` },
    ends: 'passed',
    until: `drained/${PLANE}`,
    workers: 1,
    change: patience('apiOutage', '20m'),
  },
  {
    fault: slowImagePull,
    args: { node: PLANE, for: '240s' },
    ends: 'passed',
    until: 'secondary-installed',
    workers: 1,
  },
  {
    fault: slowImagePull,
    args: { node: A, for: '240s', at: `agent/${A}` },
    ends: `failed:switched/${A}`,
    workers: 1,
    change: patience('agent', '2m'),
  },
  { fault: pairDrop, args: packets, ends: `failed:drained/${B}` },
  { fault: pairDrop, args: connections, ends: `failed:drained/${PLANE}`, workers: 1 },
  { fault: pairDrop, args: { ...connections, at: `agent/${A}` }, ends: 'passed', until: `migrated/${A}`, workers: 1 },
];

test.each(
  ROWS.map((row, index) => ({ ...row, name: row.fault.name, with: JSON.stringify(row.args), seed: 1 + (index % 5) })),
)('$name $with: $ends', async ({ fault, args, ends, until, workers = 2, change, says, seed }) => {
  const run = await rehearseFault(shape(workers, change), fault, args, { seed, ...(until !== undefined && { until }) });
  expect(run.deviations).toEqual([]);
  expect(run.expectation.outcome).toBe(ends);
  if (says !== undefined) expect(run.verdict.message).toMatch(says);
});

describe('what was recorded of UDP 8473 dropped on one worker', () => {
  const args = { node: B };

  test('exactly Calico on the blocked node → Cilium fails, by time-out, and the switch itself is green', async () => {
    const run = await rehearseFault(shape(2), tunnelPortBlocked, args);
    expect(run.deviations).toEqual([]);
    const failed = run.checkpoint(`switched/${A}`)!;
    const pods = (['nodepinger', 'goldpinger'] as const).flatMap((probe) => {
      const told = run.events.findLast((event) => event.type === 'pods' && event.probe === probe);
      return told?.type === 'pods' ? told.pods.map((pod) => ({ probe, ...pod })) : [];
    });
    const wanted = pods.flatMap((from) =>
      pods
        .filter((to) => to.probe === from.probe && from.node === B && from.cni === 'calico' && to.cni === 'cilium')
        .map((to) => `${from.pod} → ${to.pod}`),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(failed.failing.map(({ from, to }) => `${from.pod} → ${to.pod}`).sort()).toEqual(wanted.sort());
    for (const { error } of failed.failing) expect(error).toMatch(/context deadline exceeded/);
    const steps = run.events.flatMap((event) => (event.type === 'step-ended' ? [event] : []));
    expect(steps.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(steps.map(({ step }) => step)).toEqual(expect.arrayContaining([`agent/${A}`, `recycle/${A}`]));
    expect(run.checkpoint(`drained/${A}`)).toMatchObject({ outcome: 'passed' });
    expect(run.verdict.handwork.at(-1)).toBe(`kubectl uncordon ${A}`);
  });

  test('all is good within 8 s after the rule is gone', async () => {
    const run = await rehearseFault(shape(2), tunnelPortBlocked, { ...args, for: '60s' }, { until: `switched/${A}` });
    expect(run.deviations).toEqual([]);
    expect(run.expectation.outcome).toBe('passed');
    const healed =
      Date.parse(run.events.find((event) => event.type === 'checkpoint' && event.id === 'secondary-installed')!.at) +
      60_000;
    const broken = run.events.flatMap((event) =>
      event.type === 'disruption' && event.from.node === B && event.to.cni === 'cilium' ? [event] : [],
    );
    expect(broken.length).toBeGreaterThan(0);
    for (const { recoveredAt } of broken) expect(Date.parse(recoveredAt!)).toBeLessThanOrEqual(healed + 8_000);
  });
});

describe('a pair that fails for 20 s between two checkpoints', () => {
  test.each([
    ['passes and is told', 'unlimited', 'passed', 'stopped-as-asked'],
    ['fails above gate.maxDisruption', '5s', `failed:drained/${PLANE}`, 'disruption-exceeded'],
    ['passes below it', '30s', 'passed', 'stopped-as-asked'],
  ])('%s', async (_, maxDisruption, ends, reason) => {
    const change = { gate: { ...scenarioWith('minimal').gate, maxDisruption } };
    const args = { from: A, to: PLANE, mode: 'packets', for: '20s' };
    const run = await rehearseFault(shape(1, change), pairDrop, args, { until: `drained/${PLANE}` });
    expect(run.deviations).toEqual([]);
    expect(run.observed).toBe(ends);
    expect(run.verdict.reason).toBe(reason);
    const longest = run.events.flatMap((event) => {
      if (event.type !== 'disruption' || event.class !== 'unexpected') return [];
      return [Date.parse(event.recoveredAt ?? event.lastFailedAt) - Date.parse(event.firstFailedAt)];
    });
    expect(Math.max(...longest)).toBeGreaterThan(10_000);
    expect(Math.max(...longest)).toBeLessThan(28_000);
  });
});

test('packets that are dropped fail both directions, new connections only theirs', async () => {
  const directions = async (mode: string) => {
    const run = await rehearseFault(shape(1), pairDrop, { from: A, to: PLANE, mode });
    expect(run.deviations).toEqual([]);
    const failing = run.checkpoint(`drained/${PLANE}`)!.failing.filter(({ probe }) => probe === 'nodepinger');
    return failing.map(({ from, to }) => `${from.node} → ${to.node}`).sort();
  };
  expect(await directions('packets')).toEqual([`${PLANE} → ${A}`, `${A} → ${PLANE}`].sort());
  expect(await directions('new-connections')).toEqual([`${A} → ${PLANE}`]);
});

describe('what cannot be made says why', () => {
  const impossible: readonly [string, InjectedFault, FaultArgs, RegExp][] = [
    ['no tunnel port yet', tunnelPortBlocked, { node: A, at: 'calico' }, /the tunnel port is chosen in phase prepare/],
    ['no probes yet', pairDrop, { ...connections, at: 'probes' }, /kind-worker has no probe pods yet/],
    ['one node', pairDrop, { ...connections, to: PLANE, at: 'probes' }, /from and to are the same node/],
  ];
  test.each(impossible)('%s', async (_, fault, args, why) => {
    await expect(rehearseFault(shape(1), fault, args, { until: 'baseline' })).rejects.toThrow(why);
  });
});
