/** The run's own record: where it is, what it has done to the cluster, and what a person would have to undo. */
import type { Emit, EventBody, Phase } from '../events/events.ts';
import type { Pod } from '../kube/objects.ts';
import type { Plan, PlannedStep } from './plan.ts';

/** How far a node in hand has come; decides the hand-work that brings it back. */
export type NodeStage = 'cordoned' | 'labelled' | 'switched';

type ObjectAction = Extract<EventBody, { type: 'object' }>['action'];

export class Journal {
  readonly #emit: Emit;
  readonly #plan: Plan;
  readonly #signal: AbortSignal;
  readonly #beforeStep: ((step: string) => Promise<void>) | undefined;
  readonly #passed = new Set<string>();
  readonly #running: PlannedStep[] = [];
  /** Nodes that are being worked on, cordoned or half switched. */
  readonly inHand = new Map<string, NodeStage>();
  /** Nodes that are uncordoned again with Cilium serving them. */
  readonly migrated = new Set<string>();
  /** Nodes restarted since Calico was removed. */
  readonly restarted = new Set<string>();
  /** Uids of pods that we evicted, deleted or restarted with their node: their replacement needs no explanation. */
  readonly removedPods = new Set<string>();
  /** Uids of pods whose node was restarted since the last checkpoint: that explains restarts of their containers. */
  readonly restartedPods = new Set<string>();
  #phase: Phase = 'check';
  #pastNoReturn = false;
  #failedStep: string | null = null;
  #latestStep = '';

  constructor(options: {
    emit: Emit;
    plan: Plan;
    signal: AbortSignal;
    /** Awaited between the step's first event and its own work; its error is the step's. */
    beforeStep?: (step: string) => Promise<void>;
  }) {
    this.#emit = options.emit;
    this.#plan = options.plan;
    this.#signal = options.signal;
    this.#beforeStep = options.beforeStep;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The step at work, the latest one where a batch has several; null between steps. */
  get step(): PlannedStep | null {
    return this.#running.at(-1) ?? null;
  }

  /** Id of the step at work, or of the one before a checkpoint that is judged now: what happens then is its doing. */
  get latestStep(): string {
    return this.step?.id ?? this.#latestStep;
  }

  /** The step that failed first; null when none did. */
  get failedStep(): string | null {
    return this.#failedStep;
  }

  get afterBaseline(): boolean {
    return this.#passed.has('baseline');
  }

  get pastPointOfNoReturn(): boolean {
    return this.#pastNoReturn;
  }

  /** From here on the way back is a new installation of Calico. */
  passPointOfNoReturn(): void {
    this.#pastNoReturn = true;
    this.finding('point-of-no-return', 'info', 'From here on Calico is being removed: the migration cannot be undone.');
  }

  hasPassed(checkpoint: string): boolean {
    return this.#passed.has(checkpoint);
  }

  markPassed(checkpoint: string): void {
    this.#passed.add(checkpoint);
  }

  /** The first checkpoint that has not passed: what a failing step is charged to. */
  nextCheckpoint(): string | null {
    return this.#plan.checkpoints.find(({ id }) => !this.#passed.has(id))?.id ?? null;
  }

  /** Runs one phase between its events. */
  async inPhase(phase: Phase, action: () => Promise<void>): Promise<void> {
    this.#phase = phase;
    this.#emit({ type: 'phase-started', phase });
    try {
      await action();
    } catch (error) {
      const stopped = this.#signal.aborted || (error instanceof Error && error.name === 'StoppedAsAsked');
      this.#emit({ type: 'phase-ended', phase, outcome: stopped ? 'stopped' : 'failed' });
      throw error;
    }
    this.#emit({ type: 'phase-ended', phase, outcome: 'passed' });
  }

  /** Runs one step of the plan between its events. @throws Error when the plan has no such step (a bug). */
  async inStep<T>(id: string, action: () => Promise<T>): Promise<T> {
    const step = this.#plan.steps.find((planned) => planned.id === id);
    if (!step) throw new Error(`no step ${id} in the plan`);
    const { phase, node, title, account } = step;
    this.#emit({ type: 'step-started', step: id, phase, node, title, account });
    this.#running.push(step);
    this.#latestStep = id;
    try {
      await this.#beforeStep?.(id);
      const result = await action();
      this.#emit({ type: 'step-ended', step: id, outcome: 'passed', message: '' });
      return result;
    } catch (error) {
      const outcome = this.#signal.aborted ? 'stopped' : 'failed';
      this.#failedStep ??= id;
      const message = error instanceof Error ? error.message : String(error);
      this.#emit({ type: 'step-ended', step: id, outcome, message });
      throw error;
    } finally {
      this.#running.splice(this.#running.indexOf(step), 1);
    }
  }

  /** Notes a change to the cluster. */
  changed(action: ObjectAction, object: string, detail = ''): void {
    this.#emit({ type: 'object', action, object, detail });
  }

  /** Notes that a pod goes by our own hand. */
  podRemoved(pod: Pod, action: 'evicted' | 'deleted', detail: string): void {
    if (pod.metadata.uid) this.removedPods.add(pod.metadata.uid);
    this.changed(action, `Pod ${pod.metadata.namespace}/${pod.metadata.name}`, detail);
  }

  finding(
    id: string,
    severity: 'info' | 'warning' | 'error',
    message: string,
    subjects: readonly string[] = [],
    versions?: Readonly<Record<string, string>>,
    allowed = false,
  ): void {
    this.#emit({
      type: 'finding',
      id,
      severity,
      message,
      subjects,
      allowed,
      ...(versions ? { versions } : {}),
    });
  }
}
