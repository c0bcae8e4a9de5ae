/** The fold: events, one by one, into the story that every report is written from. Nothing else is read. */
import type { AssertionResult, Event } from '../events/events.ts';
import { EXIT_CODES, type Reason, type Verdict } from '../events/verdict.ts';
import { seconds } from './accounting.ts';
import { DisruptionFold } from './fold-disruption.ts';
import { TimeFold } from './fold-time.ts';
import type {
  CheckpointReport,
  FaultReport,
  FindingReport,
  NodePortReport,
  NodeReport,
  Report,
} from './report-types.ts';
import { REPORT_SCHEMA_VERSION } from './report-types.ts';
import type { Story, TextFile } from './story.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;
type Ending = Pick<
  Report,
  'verdict' | 'reason' | 'message' | 'exitCode' | 'failedCheckpoint' | 'beforePointOfNoReturn' | 'handwork'
>;

/** The finding that a run makes when it begins to remove Calico. */
const POINT_OF_NO_RETURN = 'point-of-no-return';

/** The story of a run. @throws Error when the events do not begin with `run-started` */
export function storyOf(events: Iterable<Event>): Story {
  const fold = new StoryFold();
  for (const event of events) fold.take(event);
  return fold.story();
}

/** Takes events as they come and keeps only what reports need. */
export class StoryFold {
  readonly #time = new TimeFold();
  readonly #disruption = new DisruptionFold();
  readonly #judged = new Map<string, Of<'checkpoint'>>();
  readonly #assertions = new Map<string, AssertionResult[]>();
  readonly #nodes = new Map<string, { before?: Of<'node'>; after?: Of<'node'> }>();
  readonly #versions: Record<string, string | null> = {};
  readonly #findings: FindingReport[] = [];
  readonly #faults: FaultReport[] = [];
  readonly #leftovers: Of<'leftover'>['leftover'][] = [];
  readonly #nodePorts: NodePortReport[] = [];
  readonly #files = new Map<string, TextFile>();
  readonly #evidence = new Map<string, TextFile>();
  readonly #values: { initial: Of<'values'> | null; final: Of<'values'> | null } = { initial: null, final: null };
  #started: Of<'run-started'> | null = null;
  #verdict: Of<'verdict'> | null = null;
  #refusedBy: string | null = null;
  #last = { seq: 0, at: '' };

  take(event: Event): void {
    this.#last = { seq: event.seq, at: event.at };
    this.#time.take(event, Date.parse(event.at));
    switch (event.type) {
      case 'run-started':
        this.#started = event;
        Object.assign(this.#versions, versionsOf(event.scenario));
        break;
      case 'finding':
        this.#finding(event);
        break;
      case 'preflight':
        this.#preflight(event);
        break;
      case 'assertion': {
        const { id, outcome, expected, seen, subjects } = event;
        const list = this.#assertions.get(event.checkpoint) ?? [];
        this.#assertions.set(event.checkpoint, [...list, { id, outcome, expected, seen, subjects }]);
        break;
      }
      case 'checkpoint':
        this.#judged.set(event.id, event);
        break;
      case 'node':
        this.#nodes.set(event.node, { ...this.#nodes.get(event.node), [event.moment]: event });
        break;
      case 'values':
        this.#values[event.moment] = event;
        break;
      case 'disruption':
        this.#disruption.take(event);
        break;
      case 'fault':
        this.#fault(event);
        break;
      case 'leftover':
        this.#leftovers.push(event.leftover);
        break;
      case 'node-port': {
        const { probe, moment, port, healthy, unhealthy, error } = event;
        this.#nodePorts.push({ probe, moment, port, healthy, unhealthy, error });
        break;
      }
      case 'file':
        this.#files.set(event.name, { name: event.name, content: event.content });
        break;
      case 'evidence':
        this.#evidence.set(event.file, { name: event.file, content: event.content });
        break;
      case 'verdict':
        this.#verdict = event;
        break;
      default:
        break;
    }
  }

  /** What was told so far. @throws Error when the run has not started */
  story(): Story {
    const started = this.#started;
    if (!started) throw new Error('there is no run-started event');
    const lastStep = this.#time.lastStep;
    const ending = this.#ending(lastStep);
    const from = Date.parse(started.at);
    const to = Math.max(from, Date.parse(this.#last.at));
    const time = this.#time.until(from, to);
    const { tool, scenario, provider, seed, simulated } = started;
    const { initial, final } = this.#values;
    const report: Report = {
      schemaVersion: REPORT_SCHEMA_VERSION,
      tool,
      scenario,
      provider,
      seed,
      simulated,
      verdict: ending.verdict,
      reason: ending.reason,
      message: ending.message,
      exitCode: ending.exitCode,
      failedCheckpoint: ending.failedCheckpoint,
      beforePointOfNoReturn: ending.beforePointOfNoReturn,
      startedAt: started.at,
      finishedAt: this.#last.at,
      durationSeconds: seconds(to - from),
      seconds: time.accounts,
      versions: { ...this.#versions },
      checkpoints: started.checkpoints.map((planned) => this.#checkpoint(planned, ending)),
      nodes: started.nodes.map((node) => this.#node(node, time.nodes.get(node.name) ?? NO_SECONDS)),
      disruption: [...this.#disruption.list],
      values: { initial: initial?.values ?? null, final: final?.values ?? null, changed: final?.changed ?? [] },
      faults: this.#faults.map((fault) => ({ ...fault, observed: this.#observed(ending, fault.expected) })),
      findings: [...this.#findings],
      leftovers: [...this.#leftovers],
      nodePorts: [...this.#nodePorts],
      handwork: ending.handwork,
    };
    return {
      report,
      phases: time.phases,
      checkpoints: new Map(this.#time.checkpoints),
      disruption: this.#disruption.summaries(),
      lastStep,
      files: [...this.#files.values()],
      evidence: [...this.#evidence.values()],
    };
  }

  #ending(lastStep: string | null): Ending {
    const end = this.#verdict;
    if (end) {
      const { verdict, reason, message, failedCheckpoint, beforePointOfNoReturn, handwork } = end;
      const exitCode = EXIT_CODES[verdict];
      return { verdict, reason, message, exitCode, failedCheckpoint, beforePointOfNoReturn, handwork };
    }
    const cluster = this.#started?.simulated === false ? ' Its cluster may still exist (kind get clusters).' : '';
    const during = lastStep === null ? '' : ` during step ${lastStep}`;
    return {
      verdict: 'interrupted' satisfies Verdict,
      reason: 'events-cut' satisfies Reason,
      message: `The events end without a verdict${during}, after event ${this.#last.seq}: the run was killed or its disk was full.${cluster}`,
      exitCode: null,
      failedCheckpoint: [...this.#judged.values()].find(({ outcome }) => outcome === 'failed')?.id ?? null,
      beforePointOfNoReturn: !this.#findings.some(({ id }) => id === POINT_OF_NO_RETURN),
      handwork: [],
    };
  }

  #checkpoint(
    {
      id,
      phase,
      node,
    }: { readonly id: string; readonly phase: CheckpointReport['phase']; readonly node: string | null },
    ending: Ending,
  ): CheckpointReport {
    const judged = this.#judged.get(id);
    const assertions = this.#assertions.get(id) ?? [];
    if (!judged) {
      // A step that fails is charged to the next checkpoint, which nobody came to measure.
      const outcome = ending.failedCheckpoint === id ? 'failed' : 'not-reached';
      return { id, phase, node, outcome, ...NOTHING_MEASURED, assertions };
    }
    const { outcome, startedAt, settledAt, observedSeconds, samples, managedPods, access, probes, failing, groups } =
      judged;
    const measured = { startedAt, settledAt, observedSeconds, samples, managedPods, access, probes, failing, groups };
    return { id, phase, node, outcome, ...measured, assertions };
  }

  #node({ name, role, order }: Of<'run-started'>['nodes'][number], spent: NodeReport['seconds']): NodeReport {
    const { before, after } = this.#nodes.get(name) ?? {};
    return {
      name,
      role,
      order,
      before: { cni: before?.cni ?? 'unknown', podCIDRs: before?.podCIDRs ?? [] },
      after: { cni: after?.cni ?? 'unknown', podCIDRs: after?.podCIDRs ?? [] },
      cniFiles: { before: before?.cniFiles ?? [], after: after?.cniFiles ?? [] },
      seconds: spent,
    };
  }

  #finding({ id, severity, message, subjects, allowed, versions }: Of<'finding'>): void {
    Object.assign(this.#versions, versions);
    // Only the carrier of versions, which have a place of their own in the report.
    if (id === 'versions' && versions) return;
    this.#findings.push({ id, severity, message, subjects, allowed });
  }

  #preflight({ rule, outcome, message, subjects }: Of<'preflight'>): void {
    // What is allowed or only told comes as findings of its own.
    if (outcome !== 'refused') return;
    this.#refusedBy ??= rule;
    this.#findings.push({ id: rule, severity: 'error', message, subjects, allowed: false });
  }

  #fault({ name, args, moment, expected, at }: Of<'fault'>): void {
    if (moment === 'ended') {
      this.#faultEnded(name, args, expected);
      return;
    }
    if (moment === 'injected') {
      this.#faults.push({ name, args, injectedAt: at, healedAt: null, expected, observed: null });
      return;
    }
    const same = (fault: FaultReport): boolean =>
      fault.name === name && fault.healedAt === null && JSON.stringify(fault.args) === JSON.stringify(args);
    const index = this.#faults.findIndex(same);
    if (index >= 0) this.#faults[index] = { ...this.#faults[index]!, healedAt: at };
    else this.#faults.push({ name, args, injectedAt: null, healedAt: at, expected, observed: null });
  }

  /** What was expected by all that the run has shown; a fault that it did not reach is told as well. */
  #faultEnded(name: string, args: FaultReport['args'], expected: string): void {
    const index = this.#faults.findIndex(
      (fault) => fault.name === name && JSON.stringify(fault.args) === JSON.stringify(args),
    );
    if (index >= 0) this.#faults[index] = { ...this.#faults[index]!, expected };
    else this.#faults.push({ name, args, injectedAt: null, healedAt: null, expected, observed: null });
  }

  /** The run's end in the words of a fault's `expected`. */
  #observed({ verdict, reason, failedCheckpoint }: Ending, expected: string): string | null {
    if (verdict === 'interrupted') return null;
    if (expected === 'latent' && verdict === 'passed' && this.#findings.some(({ allowed }) => allowed)) return expected;
    if (verdict === 'failed') return `failed:${failedCheckpoint ?? reason}`;
    if (verdict === 'refused') return `refused:${this.#refusedBy ?? reason}`;
    return verdict === 'error' ? `error:${reason}` : verdict;
  }
}

const NO_SECONDS = { drain: 0, switch: 0, settle: 0, restart: 0, total: 0 };

const NOTHING_MEASURED = {
  startedAt: null,
  settledAt: null,
  observedSeconds: 0,
  samples: 0,
  managedPods: { managed: 0, total: 0 },
  access: { proxy: 0, fallback: 0, notAskable: 0 },
  probes: [],
  failing: [],
  groups: [],
} as const;

/** What the scenario asks for, until the run has found the same or something else. */
function versionsOf({ kubernetes, calico, cilium, probes }: Report['scenario']): Record<string, string | null> {
  return {
    kubernetes: kubernetes.version,
    calico: calico.version,
    cilium: cilium.version,
    goldpinger: /:([^:/@]+)(@.*)?$/.exec(probes.image)?.[1] ?? null,
    kind: null,
    helm: null,
  };
}
