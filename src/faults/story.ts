/**
 * The order of a run's steps and checkpoints as an expectation sees it: made from the scenario and the run's checkpoints
 * alone, so that a mistake in the rehearsal's own plan does not become the expectation.
 */
import type { Event } from '../events/events.ts';
import { durationMs } from '../time/duration.ts';
import type { Outcome, RunRecord } from './fault.ts';

/** Checkpoints that share one sweep: one, or those of one kind in a batch. */
interface Sweep {
  readonly place: number;
  readonly ids: readonly string[];
  readonly kind: string;
}

/** Steps of the whole cluster before each of its checkpoints. */
const STEPS_BEFORE: Readonly<Record<string, readonly string[]>> = {
  baseline: ['check', 'provision', 'calico', 'probes', 'workloads'],
  prepared: ['read-cluster', 'autodetection'],
  'secondary-installed': ['cilium-install', 'node-config'],
  'all-migrated': ['recycle-rest'],
  finalized: ['final-values'],
  'legacy-removed': ['remove', 'node-files'],
  final: ['connectivity-test', 'last-readings'],
};

/** Steps of each node before its checkpoint of a kind. */
const NODE_STEPS_BEFORE: Readonly<Record<string, readonly string[]>> = {
  drained: ['drain'],
  switched: ['agent', 'recycle'],
  migrated: ['uncordon', 'spread'],
  restarted: ['restart'],
};

export const kindOf = (id: string): string => id.split('/')[0]!;
export const nodeOf = (id: string): string => id.slice(id.indexOf('/') + 1);

export class Story {
  readonly #run: RunRecord;
  readonly #steps = new Map<string, number>();
  readonly sweeps: readonly Sweep[];

  constructor(run: RunRecord) {
    this.#run = run;
    let place = 0;
    this.sweeps = sweepsOf(run).map((ids): Sweep => {
      const kind = kindOf(ids[0]!);
      const ofNodes = NODE_STEPS_BEFORE[kind];
      const steps = ofNodes?.flatMap((step) => ids.map((id) => `${step}/${nodeOf(id)}`)) ?? STEPS_BEFORE[kind] ?? [];
      for (const step of steps) this.#steps.set(step, place++);
      return { place: place++, ids, kind };
    });
  }

  /** Where a step or checkpoint (or the first of a kind, `uncordon/*`) stands; undefined: this run has none such. */
  place(at: string): number | undefined {
    const fits = at.endsWith('/*')
      ? (id: string): boolean => id.startsWith(at.slice(0, -1))
      : (id: string): boolean => id === at;
    for (const [step, place] of this.#steps) if (fits(step)) return place;
    return this.sweeps.find(({ ids }) => ids.some(fits))?.place;
  }

  /** The sweeps that judge what begins at a place. */
  after(start: number): readonly Sweep[] {
    return this.sweeps.filter(({ place }) => place > start);
  }

  /** Does this step begin at `from` or later, and before `until`? */
  stepWithin(step: string, from: number, until: number): boolean {
    const place = this.#steps.get(step);
    return place !== undefined && place >= from && place < until;
  }

  /** The first sweep after the first of these steps that begins at `from` or later. */
  judgedAfter(steps: readonly string[], from: number): { step: string; sweep: Sweep } | undefined {
    const next = steps
      .flatMap((step) => {
        const place = this.#steps.get(step);
        return place !== undefined && place >= from ? [{ step, place }] : [];
      })
      .sort((a, b) => a.place - b.place)[0];
    const sweep = next && this.after(next.place)[0];
    return sweep && { step: next.step, sweep };
  }

  /** Steps that restart a node's container, in order. */
  restartsOf(node: string): string[] {
    return [...(this.#run.scenario.migration.recycle === 'node' ? [`recycle/${node}`] : []), `restart/${node}`];
  }

  /** Steps in which a new agent starts on a node, in order. */
  agentStartsOf(node: string): string[] {
    const { recycle } = this.#run.scenario.migration;
    const recycled = recycle === 'node' ? [`recycle/${node}`] : [];
    return ['cilium-install', `agent/${node}`, ...recycled, 'final-values', `restart/${node}`];
  }

  /** Nodes that are on Cilium when this sweep judges. */
  switchedBy({ place }: Sweep): Set<string> {
    return new Set(
      this.sweeps.flatMap(({ kind, ids, place: at }) => (kind === 'switched' && at <= place ? ids.map(nodeOf) : [])),
    );
  }

  /** When a step began or a checkpoint was reached, milliseconds since the epoch; undefined: it never was. */
  momentOf(id: string): number | undefined {
    const fits = (event: Event): boolean =>
      (event.type === 'step-started' && event.step === id) || (event.type === 'checkpoint' && event.id === id);
    const found = this.#run.events.find(fits);
    return found === undefined ? undefined : Date.parse(found.at);
  }

  /** Milliseconds from the moment at which something began to the end of a sweep's patience; undefined: never reached. */
  patience(at: string, { ids }: Sweep): number | undefined {
    const began = this.momentOf(at.endsWith('/*') ? (this.#first(at) ?? at) : at);
    const judged = this.#run.events.find((event) => event.type === 'checkpoint' && event.id === ids[0]);
    if (began === undefined || judged?.type !== 'checkpoint') return undefined;
    return Date.parse(judged.startedAt) + durationMs(this.#run.scenario.gate.settleTimeout) - began;
  }

  #first(kind: string): string | undefined {
    const start = kind.slice(0, -1);
    const ids = [...this.#steps.keys(), ...this.sweeps.flatMap((sweep) => sweep.ids)];
    return ids.find((id) => id.startsWith(start));
  }
}

/** The outcome of a failure at a sweep; in a batch any of its checkpoints may be the one. */
export function failedAt({ ids, kind }: Sweep): Outcome {
  return ids.length === 1 ? `failed:${ids[0]!}` : `failed:${kind}/*`;
}

/** Is the node the only control plane? */
export function isOnlyControlPlane({ nodes }: RunRecord, node: string): boolean {
  const planes = nodes.filter(({ role }) => role === 'control-plane');
  return planes.length === 1 && planes[0]!.name === node;
}

function sweepsOf({ checkpoints, scenario, nodes }: RunRecord): string[][] {
  const sweeps: string[][] = [];
  const isWorker = (id: string): boolean => nodes.some(({ name, role }) => role === 'worker' && name === nodeOf(id));
  for (const id of checkpoints) {
    const last = sweeps.at(-1);
    const kind = kindOf(id);
    const size = kind === 'restarted' ? scenario.finish.restartBatch : scenario.migration.batchSize;
    const joins =
      last !== undefined &&
      id.includes('/') &&
      kindOf(last[0]!) === kind &&
      last.length < size &&
      isWorker(id) &&
      isWorker(last[0]!);
    if (joins) last.push(id);
    else sweeps.push([id]);
  }
  return sweeps;
}
