/** Rules inside a run: everything at once before anything is made, once more in the cluster, and told in the report. */
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../src/events/events.ts';
import { RULE_IDS } from '../../src/scenario/rule-ids.ts';
import type { JsonObject } from '../../src/scenario/scenario.ts';
import { atStep, type Break, type Change, rehearseBroken } from './breaks/broken-rehearsal.ts';

type Of<T extends EventBody['type']> = Extract<EventBody, { type: T }>;
const of = <T extends EventBody['type']>(events: readonly EventBody[], type: T): Of<T>[] =>
  events.filter((event): event is Of<T> => event.type === type);

const OVERLAP: Change = { cilium: { podCIDR: ['192.168.0.0/16'] } };
const CLASH: Change = { cilium: { podCIDR: ['192.168.0.0/16'], tunnelPort: 4789 } };
const encrypted = { encryption: { enabled: true } } as JsonObject;

describe('before anything is made', () => {
  test('every rule is told in order, every refusal at once, and nothing was touched', async () => {
    const { verdict, events } = await rehearseBroken(CLASH);
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'rule-refused', failedCheckpoint: null });
    expect(verdict.message.split('\n').map((line) => line.slice(0, line.indexOf(':', line.indexOf(': ') + 2)))).toEqual(
      ['pod-cidr-overlap: cilium.podCIDR', 'tunnel-port-clash: cilium.tunnelPort'],
    );
    const told = of(events, 'preflight');
    expect(told.map(({ rule }) => rule)).toEqual([...RULE_IDS]);
    expect(told.filter(({ outcome }) => outcome === 'refused').map(({ rule }) => rule)).toEqual([
      'pod-cidr-overlap',
      'tunnel-port-clash',
    ]);
    expect(told.find(({ rule }) => rule === 'pod-cidr-overlap')!.subjects).toEqual(['192.168.0.0/16']);
    expect(of(events, 'object')).toEqual([]);
    expect(of(events, 'phase-started').map(({ phase }) => phase)).toEqual(['check']);
  });

  test.each<[string, Change, string, string, number]>([
    ['only the twin lacks', { cilium: { values: encrypted } }, 'not-modelled', 'not-modelled', 1],
    [
      'Cilium cannot do wins over what only the twin lacks, and both are told',
      { cilium: { ...(OVERLAP.cilium as object), values: encrypted } },
      'refused',
      'rule-refused',
      2,
    ],
    [
      'is allowed leaves the other',
      { cilium: { ...(OVERLAP.cilium as object), values: encrypted }, preflight: { allow: ['pod-cidr-overlap'] } },
      'not-modelled',
      'not-modelled',
      1,
    ],
    [
      'has no model at all cannot be allowed',
      { finish: { connectivityTest: { tests: [], timeout: '10m' } }, preflight: { allow: ['not-modelled'] } },
      'not-modelled',
      'not-modelled',
      1,
    ],
  ])('what %s', async (_, change, verdict, reason, lines) => {
    const run = await rehearseBroken(change);
    expect(run.verdict).toMatchObject({ verdict, reason });
    expect(run.verdict.message.split('\n')).toHaveLength(lines);
  });

  test('a workload that is no object is refused with its file', async () => {
    const { verdict } = await rehearseBroken({ workloads: [{ file: 'web.yaml', manifest: 'a: 1' }] });
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'scenario-invalid' });
    expect(verdict.message).toMatch(/web\.yaml, document 1/);
  });
});

test('what is allowed goes on and is a finding, as is what no chart knows', async () => {
  const change: Change = {
    cilium: { podCIDR: ['192.168.0.0/16'], values: { ...encrypted, tunelPort: 1 } as JsonObject },
    preflight: { allow: ['pod-cidr-overlap', 'not-modelled'] },
  };
  const { verdict, events } = await rehearseBroken(change, undefined, { until: 'baseline' });
  expect(verdict.verdict).toBe('passed');
  const findings = of(events, 'finding').filter(({ id }) => (RULE_IDS as readonly string[]).includes(id));
  expect(findings.map(({ id, severity, allowed }) => [id, severity, allowed])).toEqual(
    expect.arrayContaining([
      ['pod-cidr-overlap', 'warning', true],
      ['not-modelled', 'warning', true],
      ['unknown-value', 'warning', false],
      ['bgp-routing', 'info', false],
    ]),
  );
  // It was judged and allowed in the scenario: the cluster is not asked again.
  expect(of(events, 'preflight').filter(({ rule }) => rule === 'pod-cidr-overlap')).toHaveLength(1);
});

describe('in the cluster', () => {
  const change: Change = { cilium: { podCIDR: ['10.244.0.0/16'] } };
  const addPool = (): Break =>
    atStep('probes', ({ store }) => {
      store.create('ippools.crd.projectcalico.org', {
        apiVersion: 'crd.projectcalico.org/v1',
        kind: 'IPPool',
        metadata: { name: 'late' },
        spec: { cidr: '10.244.64.0/18', vxlanMode: 'Always', ipipMode: 'Never' },
      });
    });

  test('a rule that the scenario satisfied refuses what it finds there, before Cilium is installed', async () => {
    const { verdict, events } = await rehearseBroken(change, addPool());
    expect(verdict).toMatchObject({ verdict: 'refused', reason: 'rule-refused', beforePointOfNoReturn: true });
    expect(verdict.message).toMatch(/^pod-cidr-overlap: cilium\.podCIDR: .*10\.244\.64\.0\/18 \(IPPool late\)/);
    const told = of(events, 'preflight').filter(({ rule }) => rule === 'pod-cidr-overlap');
    expect(told.map(({ outcome }) => outcome)).toEqual(['passed', 'refused']);
    expect(of(events, 'step-ended').at(-1)).toMatchObject({ step: 'live-rules', outcome: 'failed' });
    expect(of(events, 'checkpoint')).toEqual([]);
  });

  test('allowed, it goes on with a finding', async () => {
    const allow = { ...change, preflight: { allow: ['pod-cidr-overlap'] } };
    const { verdict, events } = await rehearseBroken(allow, addPool(), { until: 'baseline' });
    expect(verdict.verdict).toBe('passed');
    expect(of(events, 'finding').filter(({ allowed }) => allowed)).toMatchObject([{ id: 'pod-cidr-overlap' }]);
  });
});
