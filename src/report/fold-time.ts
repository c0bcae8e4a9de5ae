/** The part of the fold that watches the clock: phases, steps, checkpoints. */
import type { Account, Event, Phase } from '../events/events.ts';
import { type Charge, type Interval, seconds, settleAccounts, union } from './accounting.ts';
import type { NodeReport } from './report-types.ts';
import type { CheckpointStory, PhaseStory } from './story.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

interface OpenStep {
  readonly step: string;
  readonly node: string | null;
  readonly account: Account;
  readonly start: number;
}

/** Something that was done to or measured for a node. */
interface NodeInterval extends Interval {
  readonly kind: 'drain' | 'switch' | 'settle' | 'restart' | 'other';
}

/** Kinds of steps in a node's account, by what stands before the slash of the step's id (contracts, section 5). */
const KINDS: Readonly<Record<string, NodeInterval['kind']>> = {
  drain: 'drain',
  agent: 'switch',
  recycle: 'switch',
  restart: 'restart',
};

export class TimeFold {
  readonly checkpoints = new Map<string, CheckpointStory>();
  readonly #open = new Map<string, OpenStep>();
  readonly #charges: Charge[] = [];
  readonly #nodes = new Map<string, NodeInterval[]>();
  readonly #phases: PhaseStory[] = [];
  #phase: { readonly phase: Phase; readonly startedAt: number } | null = null;
  #failedStep: string | null = null;

  take(event: Event, at: number): void {
    switch (event.type) {
      case 'phase-started':
        this.#phase = { phase: event.phase, startedAt: at };
        break;
      case 'phase-ended':
        if (this.#phase) this.#phases.push({ ...this.#phase, endedAt: at, outcome: event.outcome });
        this.#phase = null;
        break;
      case 'step-started':
        this.#open.set(event.step, { step: event.step, node: event.node, account: event.account, start: at });
        break;
      case 'step-ended':
        if (event.outcome === 'failed') this.#failedStep ??= event.step;
        this.#close(event.step, at);
        break;
      case 'checkpoint':
        this.#judged(event, at);
        break;
      default:
        break;
    }
  }

  /** What runs when the events end, or failed first. */
  get lastStep(): string | null {
    return [...this.#open.keys()].at(-1) ?? this.#failedStep;
  }

  /** Ends what is still open; called once, before the results are asked for. */
  end(at: number): void {
    for (const step of [...this.#open.keys()]) this.#close(step, at);
    if (this.#phase) this.#phases.push({ ...this.#phase, endedAt: at, outcome: 'stopped' });
    this.#phase = null;
  }

  get phases(): readonly PhaseStory[] {
    return this.#phases;
  }

  accounts(from: number, to: number): Record<Account, number> {
    const totals = settleAccounts(this.#charges, from, to);
    return Object.fromEntries(Object.entries(totals).map(([account, ms]) => [account, seconds(ms)])) as typeof totals;
  }

  node(name: string): NodeReport['seconds'] {
    const all = this.#nodes.get(name) ?? [];
    const of = (kind: NodeInterval['kind']): number => seconds(union(all.filter((interval) => interval.kind === kind)));
    return {
      drain: of('drain'),
      switch: of('switch'),
      settle: of('settle'),
      restart: of('restart'),
      total: seconds(union(all)),
    };
  }

  #close(step: string, end: number): void {
    const open = this.#open.get(step);
    if (!open) return;
    this.#open.delete(step);
    const { account, start, node } = open;
    this.#charges.push({ account, start, end });
    if (node !== null) this.#ofNode(node, { kind: KINDS[step.split('/')[0]!] ?? 'other', start, end });
  }

  /** Until everything was good it settles; what follows is observation where there was one. */
  #judged(event: Of<'checkpoint'>, at: number): void {
    const start = Date.parse(event.startedAt);
    const settled = event.settledAt === null ? at : Date.parse(event.settledAt);
    const until = event.observedSeconds > 0 ? settled : at;
    this.#charges.push({ account: 'settle', start, end: until });
    if (until < at) this.#charges.push({ account: 'observe', start: until, end: at });
    if (event.node !== null) this.#ofNode(event.node, { kind: 'settle', start, end: at });
    this.checkpoints.set(event.id, { message: event.message, tookMs: Math.max(0, at - start) });
  }

  #ofNode(node: string, interval: NodeInterval): void {
    const list = this.#nodes.get(node);
    if (list) list.push(interval);
    else this.#nodes.set(node, [interval]);
  }
}
