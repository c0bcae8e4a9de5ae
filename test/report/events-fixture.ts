/** Small streams of events, one for each way a run can end, made through the real stream. */
import type {
  AssertionResult,
  Counts,
  Event,
  EventBody,
  PlannedCheckpoint,
  ProbePod,
  ProbeResult,
} from '../../src/events/events.ts';
import { createEventStream } from '../../src/events/stream.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { scenario } from '../rehearsal/scenario-fixture.ts';

export const START = Date.parse('2026-01-01T00:00:00.000Z');

export type CheckpointEvent = Extract<EventBody, { type: 'checkpoint' }>;
export type VerdictBody = Extract<EventBody, { type: 'verdict' }>;

export const PLANNED: readonly PlannedCheckpoint[] = [
  { id: 'baseline', phase: 'baseline', node: null },
  { id: 'prepared', phase: 'prepare', node: null },
  { id: 'drained/kind-worker', phase: 'migrate', node: 'kind-worker' },
  { id: 'switched/kind-worker', phase: 'migrate', node: 'kind-worker' },
  { id: 'final', phase: 'verify', node: null },
];

/** A recorder with a clock of its own: `at` moves it to seconds after the start. */
export class Tape {
  readonly events: Event[] = [];
  readonly lines: string[] = [];
  #now = START;
  readonly #stream = createEventStream({
    now: () => this.#now,
    sinks: [
      (event, line) => {
        this.events.push(event);
        this.lines.push(line);
      },
    ],
  });

  at(seconds: number): this {
    this.#now = START + Math.round(seconds * 1_000);
    return this;
  }

  emit(...bodies: readonly EventBody[]): this {
    for (const body of bodies) this.#stream.emit(body);
    return this;
  }

  started(
    options: { checkpoints?: readonly PlannedCheckpoint[]; scenario?: Scenario; simulated?: boolean } = {},
  ): this {
    const simulated = options.simulated ?? true;
    return this.emit({
      type: 'run-started',
      eventsVersion: 1,
      tool: { name: 'cni-rehearsal', version: '1.2.3' },
      scenario: options.scenario ?? scenario({ cluster: { workers: 1 } }),
      provider: simulated ? 'twin' : 'kind',
      simulated,
      seed: 1,
      checkpoints: options.checkpoints ?? PLANNED,
      nodes: [
        { name: 'kind-worker', role: 'worker', order: 1 },
        { name: 'kind-control-plane', role: 'control-plane', order: 2 },
      ],
    });
  }

  /** A step from one second to another. */
  step(step: string, account: StepStarted['account'], from: number, to: number, rest: Partial<StepStarted> = {}): this {
    return this.at(from)
      .emit({ type: 'step-started', step, phase: 'migrate', node: null, title: step, account, ...rest })
      .at(to)
      .emit({ type: 'step-ended', step, outcome: 'passed', message: '' });
  }
}

type StepStarted = Extract<EventBody, { type: 'step-started' }>;

export function iso(seconds: number): string {
  return new Date(START + Math.round(seconds * 1_000)).toISOString();
}

export function pod(name: string, node: string, ip: string, cni: ProbePod['cni'] = 'calico'): ProbePod {
  return { pod: name, node, ip, cni };
}

export const ON_WORKER = pod('nodepinger-a', 'kind-worker', '10.244.1.7', 'cilium');
export const ON_CONTROL_PLANE = pod('nodepinger-b', 'kind-control-plane', '192.168.209.4');

function counts(expected: number, unhealthy = 0, unknown = 0): Counts {
  return { expected, healthy: expected - unhealthy - unknown, unhealthy, unknown };
}

export function probeResults(unhealthy = 0): ProbeResult[] {
  return [
    { name: 'nodepinger', mesh: 'full', pods: counts(2, unhealthy), pairs: counts(2, unhealthy) },
    { name: 'goldpinger', mesh: 'full', pods: counts(10), pairs: counts(90) },
  ];
}

export function checkpoint(id: string, change: Partial<CheckpointEvent> = {}): CheckpointEvent {
  const planned = PLANNED.find((known) => known.id === id) ?? { id, phase: 'migrate', node: null };
  return {
    type: 'checkpoint',
    ...planned,
    outcome: 'passed',
    startedAt: iso(0),
    settledAt: iso(0),
    observedSeconds: 0,
    samples: 500,
    managedPods: { managed: 0, total: 17 },
    access: { proxy: 12, fallback: 0, notAskable: 0 },
    probes: probeResults(),
    failing: [],
    groups: [],
    message: '',
    ...change,
  };
}

export function verdict(change: Partial<VerdictBody> = {}): VerdictBody {
  return {
    type: 'verdict',
    verdict: 'passed',
    reason: 'completed',
    message: 'Every checkpoint passed: all pods are on Cilium.',
    failedCheckpoint: null,
    beforePointOfNoReturn: false,
    handwork: [],
    ...change,
  };
}

const FAILED_ASSERTION: AssertionResult = {
  id: 'overlay-reachable',
  outcome: 'failed',
  expected: 'every health endpoint answers',
  seen: 'kind-control-plane does not reach 10.244.1.3: timed out <5s>',
  subjects: ['kind-control-plane'],
};

/** Provision, baseline, prepare and the drain of the worker: 100 seconds. */
function upToDrain(tape: Tape): Tape {
  return tape
    .started()
    .emit({ type: 'phase-started', phase: 'check' })
    .step('check', 'command', 0, 1, { phase: 'check' })
    .emit({
      type: 'finding',
      id: 'versions',
      severity: 'info',
      message: 'Versions of this run',
      subjects: [],
      allowed: false,
      versions: { kubernetes: '1.34.11', kind: '0.33.0', helm: '3.21.4' },
    })
    .emit({ type: 'phase-ended', phase: 'check', outcome: 'passed' }, { type: 'phase-started', phase: 'provision' })
    .emit({ type: 'file', name: 'kind.yaml', content: 'kind: Cluster\n' })
    .step('provision', 'provision', 1, 61, { phase: 'provision' })
    .emit({ type: 'phase-ended', phase: 'provision', outcome: 'passed' }, { type: 'phase-started', phase: 'baseline' })
    .at(70)
    .emit(checkpoint('baseline', { startedAt: iso(62), settledAt: iso(70) }))
    .emit({
      type: 'node-port',
      probe: 'nodepinger',
      moment: 'baseline',
      port: 32042,
      healthy: 2,
      unhealthy: 0,
      error: '',
    })
    .emit({ type: 'phase-ended', phase: 'baseline', outcome: 'passed' }, { type: 'phase-started', phase: 'prepare' })
    .emit(
      {
        type: 'node',
        node: 'kind-worker',
        moment: 'before',
        cni: 'calico',
        podCIDRs: ['192.168.1.64/26'],
        cniFiles: ['10-calico.conflist'],
      },
      { type: 'values', moment: 'initial', values: { policyEnforcementMode: 'never', a: 1 }, changed: [] },
      {
        type: 'values',
        moment: 'final',
        values: { policyEnforcementMode: 'default', a: 1 },
        changed: [{ path: 'policyEnforcementMode', before: 'never', after: 'default' }],
      },
    )
    .at(90)
    .emit(checkpoint('prepared', { startedAt: iso(72), settledAt: iso(78), observedSeconds: 12 }))
    .emit({ type: 'phase-ended', phase: 'prepare', outcome: 'passed' }, { type: 'phase-started', phase: 'migrate' })
    .step('drain/kind-worker', 'drain', 90, 95, { node: 'kind-worker' })
    .at(100)
    .emit(checkpoint('drained/kind-worker', { startedAt: iso(95), settledAt: iso(100) }));
}

export function passedRun(): Tape {
  return upToDrain(new Tape())
    .step('agent/kind-worker', 'rollout', 100, 120, { node: 'kind-worker' })
    .step('recycle/kind-worker', 'rollout', 120, 125, { node: 'kind-worker' })
    .at(126)
    .emit({
      type: 'disruption',
      probe: 'nodepinger',
      from: ON_CONTROL_PLANE,
      to: ON_WORKER,
      class: 'unexpected',
      firstFailedAt: iso(110),
      lastFailedAt: iso(114),
      recoveredAt: iso(116.5),
      failed: 3,
      sent: 3,
      step: 'agent/kind-worker',
    })
    .at(130)
    .emit(
      checkpoint('switched/kind-worker', {
        startedAt: iso(125),
        settledAt: iso(130),
        managedPods: { managed: 17, total: 17 },
      }),
    )
    .emit({ type: 'phase-ended', phase: 'migrate', outcome: 'passed' }, { type: 'phase-started', phase: 'verify' })
    .emit(
      {
        type: 'node',
        node: 'kind-worker',
        moment: 'after',
        cni: 'cilium',
        podCIDRs: ['10.244.1.0/24'],
        cniFiles: ['05-cilium.conflist'],
      },
      {
        type: 'leftover',
        leftover: {
          node: 'kind-worker',
          kind: 'files',
          name: '/var/lib/calico',
          harmless: true,
          remedy: 'docker exec kind-worker rm -rf /var/lib/calico',
        },
      },
    )
    .at(137)
    .emit(checkpoint('final', { startedAt: iso(130), settledAt: iso(137) }))
    .emit({ type: 'phase-ended', phase: 'verify', outcome: 'passed' })
    .at(137.5)
    .emit(verdict());
}

/** Red at `switched/kind-worker`: a pair and an assertion. */
export function failedRun(): Tape {
  const message = 'switched/kind-worker: 1 of 92 pairs failing. Look at UDP 8473 between the nodes.';
  return upToDrain(new Tape())
    .step('agent/kind-worker', 'rollout', 100, 120, { node: 'kind-worker' })
    .at(300)
    .emit({ type: 'assertion', checkpoint: 'switched/kind-worker', ...FAILED_ASSERTION })
    .emit(
      checkpoint('switched/kind-worker', {
        outcome: 'failed',
        startedAt: iso(120),
        settledAt: null,
        probes: probeResults(1),
        failing: [
          {
            probe: 'nodepinger',
            from: ON_CONTROL_PLANE,
            to: ON_WORKER,
            state: 'unhealthy',
            error: 'Get "http://10.244.1.7:8080/ping": context deadline exceeded | <retry>',
          },
        ],
        groups: [{ from: 'Calico pods on kind-control-plane', to: 'all Cilium pods', failing: 1, of: 1 }],
        message,
      }),
    )
    .emit({ type: 'phase-ended', phase: 'migrate', outcome: 'failed' })
    .emit({ type: 'evidence', file: 'README.md', content: '# Evidence\n' })
    .emit({ type: 'evidence', file: 'kind-worker/routes.txt', content: 'default via 172.18.0.1\n' })
    .emit({
      type: 'evidence',
      file: 'cause.log',
      content: `# logs/kube-system/cilium-x7k2p/cilium-agent.log\n${Array.from({ length: 20 }, (_, at) => `level=warn msg="line ${at} \`\`\` <b>"\n`).join('')}`,
    })
    .emit(
      verdict({
        verdict: 'failed',
        reason: 'pairs-unhealthy',
        message,
        failedCheckpoint: 'switched/kind-worker',
        beforePointOfNoReturn: true,
        handwork: ['kubectl uncordon kind-worker'],
      }),
    );
}

/** A step failed: charged to a checkpoint that nobody measured. */
export function stepFailedRun(): Tape {
  return upToDrain(new Tape())
    .emit({
      type: 'step-started',
      step: 'agent/kind-worker',
      phase: 'migrate',
      node: 'kind-worker',
      title: 'restart the agent',
      account: 'rollout',
    })
    .at(400)
    .emit({ type: 'step-ended', step: 'agent/kind-worker', outcome: 'failed', message: 'not Ready in 5m' })
    .emit({ type: 'phase-ended', phase: 'migrate', outcome: 'failed' })
    .emit(
      verdict({
        verdict: 'failed',
        reason: 'step-timed-out',
        message: 'agent/kind-worker: not Ready in 5m',
        failedCheckpoint: 'switched/kind-worker',
        beforePointOfNoReturn: true,
      }),
    );
}

/** Ended in `provision`, where no checkpoint is. */
export function errorRun(): Tape {
  return new Tape()
    .started({ simulated: false })
    .emit({ type: 'phase-started', phase: 'check' })
    .at(1)
    .emit({ type: 'phase-ended', phase: 'check', outcome: 'passed' }, { type: 'phase-started', phase: 'provision' })
    .at(60)
    .emit({ type: 'phase-ended', phase: 'provision', outcome: 'failed' })
    .emit(
      verdict({
        verdict: 'error',
        reason: 'provision-failed',
        message: 'provision: kind create cluster: exit code 1',
        failedCheckpoint: 'baseline',
        beforePointOfNoReturn: true,
      }),
    );
}

function endedInCheck(change: Partial<VerdictBody>): Tape {
  const tape = new Tape().started().emit({ type: 'phase-started', phase: 'check' });
  const told = { message: 'the pod CIDRs overlap', subjects: ['10.244.0.0/16'] };
  const rule = 'pod-cidr-overlap';
  const refused = change.verdict === 'refused';
  tape.emit({ type: 'preflight', rule, outcome: refused ? 'refused' : 'allowed', ...told });
  if (!refused) tape.emit({ type: 'finding', id: rule, severity: 'warning', ...told, allowed: true });
  return tape
    .at(0.25)
    .emit({ type: 'phase-ended', phase: 'check', outcome: 'stopped' })
    .emit(verdict({ beforePointOfNoReturn: true, ...change }));
}

export const refusedRun = (): Tape =>
  endedInCheck({ verdict: 'refused', reason: 'rule-refused', message: 'cilium.podCIDR overlaps the pool' });
export const notModelledRun = (): Tape =>
  endedInCheck({ verdict: 'not-modelled', reason: 'not-modelled', message: 'the twin does not model BGP' });
export const cancelledRun = (): Tape =>
  endedInCheck({ verdict: 'cancelled', reason: 'cancelled', message: 'cancelled by SIGINT' });

/** Killed while it drained. */
export function interruptedRun(): Event[] {
  const { events } = passedRun();
  const end = events.findIndex((event) => event.type === 'step-ended' && event.step === 'drain/kind-worker');
  return events.slice(0, end);
}

export const RUNS: Readonly<Record<string, () => Event[]>> = {
  passed: () => passedRun().events,
  failed: () => failedRun().events,
  'step-failed': () => stepFailedRun().events,
  error: () => errorRun().events,
  refused: () => refusedRun().events,
  'not-modelled': () => notModelledRun().events,
  cancelled: () => cancelledRun().events,
  interrupted: interruptedRun,
};
