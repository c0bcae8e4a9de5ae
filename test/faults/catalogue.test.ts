/**
 * Every configuration fault once, on the smallest cluster that shows it: the end, the place and the blame are those of its
 * entry. `npm run sweep` runs all of them at many places and seeds.
 */
import { describe, expect, test } from 'vitest';
import { type RowTask, runRow } from '../../src/cli/drill-row.ts';
import { FAULTS } from '../../src/faults/catalogue/index.ts';
import { poolsAroundBlocks } from '../../src/faults/catalogue/pod-cidr-overlap.ts';
import type { RunRecord, Snapshot } from '../../src/faults/fault.ts';
import { changedByFaults, parseFaults } from '../../src/faults/parse.ts';
import { positions, sweepOf } from '../../src/faults/sweep.ts';
import { planFor } from '../../src/rehearsal/plan.ts';
import { RULE_IDS } from '../../src/scenario/rule-ids.ts';
import { bundledScenario } from '../e2e/rehearse.ts';

const minimal = bundledScenario('minimal');

describe('each ends as its entry says', () => {
  test.each<[string, number, string, string | null]>([
    ['pod-cidr-overlap:of=calico-block', 3, 'failed:secondary-installed', null],
    ['pod-cidr-overlap:of=services', 1, 'latent', 'migrated/kind-worker'],
    ['pod-cidr-overlap:of=nodes', 2, 'failed:secondary-installed', null],
    ['tunnel-port-clash', 2, 'failed:secondary-installed', null],
    ['cni-takeover-at-install', 3, 'failed:secondary-installed', null],
    ['calico-first-found:node=kind-control-plane', 2, 'failed:secondary-installed', null],
    ['ipam-kubernetes', 1, 'latent', 'migrated/kind-worker'],
    ['policy-too-early', 1, 'failed:switched/kind-worker', null],
    ['policy-selectors', 2, 'failed:switched/kind-worker', null],
    ['pool-too-small', 3, 'failed:secondary-installed', null],
    ['unmanaged-pod-restart', 2, 'failed:secondary-installed', null],
    ['host-legacy-routing-off', 3, 'passed', 'migrated/kind-worker'],
    ['agent-image-missing', 1, 'refused:image-missing', null],
  ])('%s with seed %d: %s', async (spec, seed, observed, until) => {
    const task: RowTask = { scenario: minimal, seed, spec, allowed: true, until };
    const row = await runRow(task, new AbortController().signal);
    expect(row.deviations).toEqual([]);
    expect(row.observed).toBe(observed);
  });
});

describe('the catalogue', () => {
  test('has each name once, and a rule that there is', () => {
    const names = FAULTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { refusedBy } of FAULTS) if (refusedBy !== null) expect(RULE_IDS).toContain(refusedBy);
  });

  test.each(FAULTS.map((fault) => [fault.name, fault] as const))('%s says what, how and whence', (_name, fault) => {
    expect(fault.summary).toMatch(/^.{10,90}$/);
    expect(fault.mechanism).toMatch(/^.{20,}\.$/s);
    expect(fault.source.length).toBeGreaterThan(10);
    expect(fault.providers.length).toBeGreaterThan(0);
  });

  test('changes what the scenario gives and nothing else', () => {
    const { nodes } = planFor(minimal, 1);
    const changed = (spec: string) => changedByFaults(minimal, parseFaults([spec], FAULTS, nodes, 'twin'), nodes);
    expect(changed('pod-cidr-overlap:of=services').cilium.podCIDR).toEqual([minimal.cluster.serviceSubnet]);
    expect(changed('pool-too-small').cilium.podCIDR).toEqual(['10.244.0.0/24']);
    expect(changed('calico-first-found').migration.setAutodetection).toBe('keep');
    expect(changed('policy-too-early').workloads).toHaveLength(1);
    const ipip = { ...minimal, calico: { ...minimal.calico, encapsulation: 'IPIP' as const } };
    const own = bundledScenario('workloads');
    for (const spec of ['policy-too-early', 'policy-selectors', 'pod-cidr-overlap:of=services']) {
      const make = () => changedByFaults(own, parseFaults([spec], FAULTS, nodes, 'twin'), nodes);
      expect(make).toThrow(/the scenario brings policies of its own \(workloads\/policies-cidr\.yaml\)/);
    }
    expect(() => changedByFaults(ipip, parseFaults(['tunnel-port-clash'], FAULTS, nodes, 'twin'), nodes)).toThrow(
      /Calico has no VXLAN device with calico.encapsulation IPIP/,
    );
  });
});

test('the pools around the blocks: one /24 a node, more of the pool where blocks share one', () => {
  const blocks = new Map([
    ['a', ['192.168.128.64/26']],
    ['b', ['192.168.9.0/26']],
    ['c', ['192.168.128.192/26']],
  ]);
  const around = poolsAroundBlocks({ pools: ['192.168.0.0/16'], blocks }, 24);
  expect(around).toEqual(['192.168.9.0/24', '192.168.128.0/24', '192.168.0.0/24']);
});

describe('an overlap is expected by arithmetic', () => {
  const fault = FAULTS.find(({ name }) => name === 'pod-cidr-overlap')!;
  const pod = (name: string, node: string, ip: string, managed = true) => ({
    name,
    node,
    ip,
    labels: {},
    ports: [8080],
    managed,
  });
  const snapshot = (after: string | null, pods: Snapshot['pods'], health = ''): Snapshot => ({
    after,
    pods,
    ciliumNodes: [{ name: 'a', podCIDRs: ['192.168.1.0/24'], router: '192.168.1.1', health, error: '' }],
    blocks: [{ cidr: '192.168.1.64/26', node: 'b' }],
    services: [
      { name: 'default/kubernetes', address: '10.96.0.1', ports: [443] },
      { name: 'default/web', address: '10.96.0.7', ports: [8080] },
    ],
  });
  const expectedOf = (of: string, ...snapshots: Snapshot[]): string => {
    const checkpoints = ['secondary-installed', 'drained/a', 'switched/a', 'migrated/a'];
    const record: RunRecord = { scenario: minimal, args: { of }, nodes: [], checkpoints, events: [], snapshots };
    return fault.expected(record).outcome;
  };
  const passed = [snapshot('secondary-installed', []), snapshot('drained/a', [])];

  test.each([
    ['calico-block', [...passed, snapshot(null, [pod('default/x', 'a', '192.168.1.70')])], 'failed:switched/a'],
    ['calico-block', [...passed, snapshot(null, [pod('default/x', 'a', '192.168.1.128')])], 'latent'],
    // Still Calico's own.
    ['calico-block', [...passed, snapshot(null, [pod('default/x', 'b', '192.168.1.70', false)])], 'latent'],
    ['calico-block', [...passed, snapshot(null, [pod('calico-system/x', 'a', '192.168.1.70')])], 'latent'],
    // A false green is seen too: the address was there when the checkpoint passed.
    [
      'calico-block',
      [snapshot('secondary-installed', [], '192.168.1.64'), snapshot(null, [])],
      'failed:secondary-installed',
    ],
    ['services', [...passed, snapshot(null, [pod('default/x', 'a', '10.96.0.7')])], 'failed:switched/a'],
    ['services', [...passed, snapshot(null, [{ ...pod('default/x', 'a', '10.96.0.7'), ports: [80] }])], 'latent'],
    [
      'services',
      [...passed, snapshot(null, [{ ...pod('default/x', 'a', '10.96.0.1'), labels: { app: 'goldpinger' } }])],
      'failed:switched/a',
    ],
    ['services', [...passed, snapshot(null, [pod('default/x', 'a', '10.96.0.1')])], 'latent'],
  ])('%s', (of, snapshots, outcome) => {
    expect(expectedOf(of, ...snapshots)).toBe(outcome);
  });
});

test('a sweep goes to the first, a middle and the last node', () => {
  const lab = planFor(bundledScenario('lab'), 1).nodes;
  expect(positions(lab).map(({ name }) => name)).toEqual(['kind-worker', 'kind-worker3', 'kind-control-plane']);
  const first = FAULTS.find(({ name }) => name === 'calico-first-found')!;
  expect(sweepOf(first, lab)).toEqual([
    'calico-first-found:node=kind-worker',
    'calico-first-found:node=kind-worker3',
    'calico-first-found:node=kind-control-plane',
  ]);
  expect(sweepOf(FAULTS.find(({ name }) => name === 'pod-cidr-overlap')!, lab)).toHaveLength(3);
});
