import { describe, expect, test } from 'vitest';
import type { Event, EventBody } from '../../src/events/events.ts';
import { createConsole } from '../../src/report/console.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

const ERASE = '\r\u001b[2K';
const START = Date.parse('2026-01-01T00:00:00Z');

type Timed = EventBody & { readonly after?: number };

const POD = { node: 'kind-worker', ip: '10.244.0.9', cni: 'cilium' } as const;

const failedCheckpoint: EventBody = {
  type: 'checkpoint',
  id: 'switched/kind-worker',
  phase: 'migrate',
  node: 'kind-worker',
  outcome: 'failed',
  startedAt: '2026-01-01T00:01:00.000Z',
  settledAt: null,
  observedSeconds: 0,
  samples: 12,
  managedPods: { managed: 3, total: 9 },
  access: { proxy: 4, fallback: 0, notAskable: 0 },
  probes: [
    {
      name: 'goldpinger',
      mesh: 'full',
      pods: { expected: 4, healthy: 3, unhealthy: 1, unknown: 0 },
      pairs: { expected: 12, healthy: 8, unhealthy: 3, unknown: 1 },
    },
  ],
  failing: [
    {
      probe: 'goldpinger',
      from: { pod: 'a', ...POD },
      to: { pod: 'b', ...POD },
      state: 'unhealthy',
      error: 'context deadline exceeded',
    },
  ],
  groups: [{ from: 'Calico pods on kind-worker2', to: 'all Cilium pods', failing: 3, of: 3 }],
  message: '3 pairs failed',
};

const STORY: readonly Timed[] = [
  {
    type: 'run-started',
    eventsVersion: 1,
    tool: { name: 't', version: '0' },
    scenario: scenario(),
    provider: 'twin',
    simulated: true,
    seed: 7,
    checkpoints: [
      { id: 'baseline', phase: 'baseline', node: null },
      { id: 'switched/kind-worker', phase: 'migrate', node: 'kind-worker' },
    ],
    nodes: [],
  },
  { type: 'phase-started', phase: 'migrate', after: 60 },
  {
    type: 'step-started',
    step: 'agent/kind-worker',
    phase: 'migrate',
    node: 'kind-worker',
    title: 'label kind-worker',
    account: 'rollout',
  },
  { type: 'fault', name: 'agent-gone', args: { node: 'kind-worker' }, moment: 'injected', expected: 'passed' },
  { type: 'object', action: 'patched', object: 'Node kind-worker', detail: 'label' },
  { type: 'step-ended', step: 'agent/kind-worker', outcome: 'passed', message: '' },
  {
    type: 'assertion',
    checkpoint: 'switched/kind-worker',
    id: 'overlay-reachable',
    outcome: 'failed',
    expected: 'every device up',
    seen: 'cilium_vxlan is DOWN',
    subjects: ['kind-worker'],
  },
  { ...failedCheckpoint, after: 130 } as Timed,
  { type: 'fault', name: 'agent-gone', args: { node: 'kind-worker' }, moment: 'ended', expected: 'failed:switched/*' },
  {
    type: 'verdict',
    verdict: 'failed',
    reason: 'pairs-unhealthy',
    message: 'pods could not reach each other',
    failedCheckpoint: 'switched/kind-worker',
    beforePointOfNoReturn: true,
    handwork: ['kubectl uncordon kind-worker'],
  },
];

function shown(mode: 'quiet' | 'normal' | 'verbose', terminal: boolean, colour = false): string {
  let text = '';
  const console = createConsole({ write: (more) => (text += more), terminal, colour, columns: () => 40, mode });
  let at = START;
  STORY.forEach(({ after, ...body }, index) => {
    if (after !== undefined) at = START + after * 1_000;
    console.take({ seq: index + 1, at: new Date(at).toISOString(), ...body } as Event);
  });
  console.end();
  return text;
}

describe('in a log', () => {
  test('tells phases, steps, what failed and what to do, with the time since the start', () => {
    const text = shown('normal', false);
    expect(text).not.toContain('\u001b');
    for (const line of [
      /^ {2}0:00 lab: 1 control plane, 4 workers; .*simulated, seed 7$/m,
      /^ {2}1:00 Migrate node by node$/m,
      /^ {2}1:00 {3}label kind-worker$/m,
      /^ {2}1:00 {3}! fault agent-gone:node=kind-worker: injected$/m,
      /^ {2}2:10 {3}! fault agent-gone:node=kind-worker: must end failed:switched\/\*$/m,
      /^ {2}2:10 {3}✗ switched\/kind-worker {2}goldpinger 8\/12 \(3 unhealthy, 1 unknown\) {2}3\/9 pods on Cilium$/m,
      /Calico pods on kind-worker2 → all Cilium pods: 3\/3 failing$/m,
      /such as a \(kind-worker\) → b \(kind-worker\): context deadline exceeded$/m,
      /overlay-reachable: every device up; seen: cilium_vxlan is DOWN \(kind-worker\)$/m,
      /FAILED \(simulated\) at switched\/kind-worker {2}pods could not reach each other$/m,
      /reason: pairs-unhealthy, before the point of no return$/m,
      /0 of 2 checkpoints passed in 2m10s of simulated time$/m,
      /kubectl uncordon kind-worker$/m,
    ]) {
      expect(text).toMatch(line);
    }
    expect(text).not.toContain('patched Node');
  });

  test('quiet leaves out what went well, verbose leaves out nothing', () => {
    const quiet = shown('quiet', false);
    expect(quiet).not.toContain('Migrate node by node');
    expect(quiet).toContain('✗ switched/kind-worker');
    expect(quiet).toContain('FAILED (simulated)');
    const verbose = shown('verbose', false);
    expect(verbose).toContain('patched Node kind-worker (label)');
    expect(verbose).toContain('✗ overlay-reachable: cilium_vxlan is DOWN');
  });
});

describe('on a terminal', () => {
  test('one live line is drawn, cut to the width, and erased before every other and at the end', () => {
    const text = shown('normal', true);
    expect(text).toContain('  1:00 … 0/2  label kind-worker');
    // What a terminal shows at the end: everything after the last erasure of each line.
    const final = text
      .split('\n')
      .map((line) => line.split(ERASE).at(-1)!)
      .join('\n');
    expect(final).not.toContain('…');
    expect(final).toContain('FAILED (simulated)');
    const drawn = text.split('\n').flatMap((line) => line.split(ERASE));
    for (const line of drawn) if (line.includes('… 0/2')) expect(line.length).toBeLessThan(40);
  });

  test('colour only when it is asked for', () => {
    expect(shown('normal', true, true)).toContain('\u001b[31m');
    expect(shown('normal', false, false)).not.toContain('\u001b[');
  });
});
