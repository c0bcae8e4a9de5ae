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

interface EndedStep extends OpenStep {
  readonly end: number;
}

/** What the clock says of a run. */
export interface TimeTold {
  readonly phases: readonly PhaseStory[];
  /** Seconds; they add up to the run. */
  readonly accounts: Readonly<Record<Account, number>>;
  /** By name, of nodes to which something was done. */
  readonly nodes: ReadonlyMap<string, NodeReport['seconds']>;
}

/** Something that was done to or measured for a node. */
interface NodeInterval extends Interval {
  readonly node: string | null;
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
  readonly #steps: EndedStep[] = [];
  /** Of checkpoints. */
  readonly #charges: Charge[] = [];
  readonly #settling: NodeInterval[] = [];
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
        this.#end(event.step, at);
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

  /** What was told so far; what is still open counts up to `to`. Milliseconds since the epoch. */
  until(from: number, to: number): TimeTold {
    const steps = [...this.#steps, ...[...this.#open.values()].map((open) => ({ ...open, end: to }))];
    const totals = settleAccounts([...this.#charges, ...steps], from, to);
    const open: PhaseStory[] = this.#phase ? [{ ...this.#phase, endedAt: to, outcome: 'stopped' }] : [];
    return {
      phases: [...this.#phases, ...open],
      accounts: Object.fromEntries(
        Object.entries(totals).map(([account, ms]) => [account, seconds(ms)]),
      ) as typeof totals,
      nodes: secondsOfNodes(steps, this.#settling),
    };
  }

  #end(step: string, end: number): void {
    const open = this.#open.get(step);
    if (!open) return;
    this.#open.delete(step);
    this.#steps.push({ ...open, end });
  }

  /** Until everything was good it settles; what follows is observation where there was one. */
  #judged(event: Of<'checkpoint'>, at: number): void {
    const start = Date.parse(event.startedAt);
    const settled = event.settledAt === null ? at : Date.parse(event.settledAt);
    const until = event.observedSeconds > 0 ? settled : at;
    this.#charges.push({ account: 'settle', start, end: until });
    if (until < at) this.#charges.push({ account: 'observe', start: until, end: at });
    this.#settling.push({ node: event.node, kind: 'settle', start, end: at });
    this.checkpoints.set(event.id, { message: event.message, tookMs: Math.max(0, at - start) });
  }
}

/** Seconds by node name; of a step's id what stands before the slash says where they go. */
function secondsOfNodes(
  steps: readonly EndedStep[],
  settling: readonly NodeInterval[],
): ReadonlyMap<string, NodeReport['seconds']> {
  const byNode = new Map<string, NodeInterval[]>();
  const stepIntervals = steps.map(({ step, node, start, end }) => ({
    node,
    kind: KINDS[step.split('/')[0]!] ?? 'other',
    start,
    end,
  }));
  for (const interval of [...stepIntervals, ...settling]) {
    if (interval.node === null) continue;
    const list = byNode.get(interval.node);
    if (list) list.push(interval);
    else byNode.set(interval.node, [interval]);
  }
  return new Map(
    [...byNode].map(([node, all]) => {
      const of = (kind: NodeInterval['kind']): number => seconds(union(all.filter((one) => one.kind === kind)));
      const total = seconds(union(all));
      return [node, { drain: of('drain'), switch: of('switch'), settle: of('settle'), restart: of('restart'), total }];
    }),
  );
}
