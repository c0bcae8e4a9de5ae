/**
 * Faults in a run: each is injected exactly once, at the beginning of its step or right after its checkpoint has passed, and
 * healed after its time. The expectation is drawn from what the run itself wrote down, never from its verdict.
 */
import type { Event, EventBody } from '../events/events.ts';
import type { FaultWorld, Heal, HealDoors, RunRecord, Snapshot } from '../faults/fault.ts';
import type { PlannedFault, Start } from '../faults/parse.ts';
import type { Clock } from '../time/clock.ts';
import { isNotModelled, RehearsalFailure } from './outcome.ts';

/** For taking back all that is left at the end: a few commands on each node. */
const HEAL_MS = 30_000;
const HEAL_CANCELLED_MS = 5_000;

export interface FaultRunOptions {
  readonly faults: readonly PlannedFault[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: EventBody) => void;
  /** The doors, when there is a cluster behind them. */
  readonly world: () => FaultWorld;
  /** Doors for taking faults back, which a run that was cancelled does not shut. */
  readonly healing: (signal: AbortSignal) => HealDoors;
  readonly look: (after: string | null) => Promise<Snapshot | undefined>;
  readonly record: Pick<RunRecord, 'scenario' | 'nodes' | 'checkpoints'>;
}

export class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #events: Event[] = [];
  readonly #snapshots: Snapshot[] = [];
  readonly #injected = new Set<PlannedFault>();
  /** What was made and is not taken back. */
  readonly #open = new Map<PlannedFault, Heal>();
  readonly #closing = new AbortController();
  readonly #healings: Promise<void>[] = [];

  constructor(options: FaultRunOptions) {
    this.#options = options;
  }

  /** Is there any? Without faults nothing is recorded and nobody looks. */
  get any(): boolean {
    return this.#options.faults.length > 0;
  }

  get planned(): readonly PlannedFault[] {
    return this.#options.faults;
  }

  /** Takes note of an event of the run. */
  note(event: EventBody): void {
    if (!this.any) return;
    const at = new Date(this.#options.clock.now()).toISOString();
    this.#events.push({ seq: this.#events.length + 1, at, ...event });
  }

  /** Faults that the scenario alone makes are there from the start. */
  started(): void {
    for (const planned of this.planned) if (planned.start === null) this.#told(planned);
  }

  /** Awaited before the step's own work. @throws RehearsalFailure when an injection fails */
  beforeStep(step: string): Promise<void> {
    return this.#inject({ type: 'step', id: step });
  }

  /** Awaited right after the checkpoint has passed. @throws RehearsalFailure when an injection fails */
  async afterCheckpoint(id: string): Promise<void> {
    if (!this.any) return;
    await this.#look(id);
    await this.#inject({ type: 'checkpoint', id });
  }

  /** Ends what is under way; nothing goes on behind a run that is over. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#healings);
  }

  /**
   * The last word on every fault: what was expected, now that the run has shown its addresses. Emitted before the verdict.
   * A cluster that goes takes its faults along; in one that is kept they are taken back first.
   * @param passed did the run pass, and @param kept does its cluster outlive it
   */
  async told({ passed, kept }: { passed: boolean; kept: boolean }): Promise<void> {
    if (!this.any) return;
    if (!this.#options.signal.aborted) await this.#look(null);
    if (kept) await this.#healAll();
    for (const planned of this.planned) {
      const never = planned.start !== null && !this.#injected.has(planned);
      if (never && passed) {
        this.#finding('fault-not-injected', 'warning', planned, `the run ended before ${planned.start.id}`);
      }
      if (kept && this.#open.has(planned)) {
        this.#finding('fault-left', 'warning', planned, 'the cluster is kept with this fault in it');
      }
      this.#emit(planned, 'ended');
    }
  }

  async #look(after: string | null): Promise<void> {
    const snapshot = await this.#options.look(after);
    if (snapshot) this.#snapshots.push(snapshot);
  }

  async #inject({ type, id }: Start): Promise<void> {
    for (const planned of this.planned) {
      if (planned.start?.type !== type || planned.start.id !== id || this.#injected.has(planned)) continue;
      this.#injected.add(planned);
      const heal = await this.#make(planned);
      this.#told(planned);
      if (heal !== null) this.#open.set(planned, heal);
      if (planned.healAfterMs !== null) this.#healings.push(this.#healLater(planned, heal, planned.healAfterMs));
    }
  }

  async #make(planned: PlannedFault): Promise<Heal | null> {
    const { fault, args, spec, start } = planned;
    try {
      return await fault.inject!(this.#options.world(), args);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (isNotModelled(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new RehearsalFailure(
        'error',
        'fault-not-injected',
        `the fault ${spec} could not be made at ${start?.id}: ${why}`,
        { cause: error },
      );
    }
  }

  async #healLater(planned: PlannedFault, heal: Heal | null, ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    try {
      await clock.sleep(ms, AbortSignal.any([signal, this.#closing.signal]));
    } catch {
      return;
    }
    try {
      if (heal === null) throw new Error('it has no way to be healed');
      await this.#heal(planned, heal, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#notHealed(planned, error);
    }
  }

  async #heal(planned: PlannedFault, heal: Heal, signal: AbortSignal): Promise<void> {
    await heal(this.#options.healing(signal));
    this.#open.delete(planned);
    this.#emit(planned, 'healed');
  }

  /** Whoever looks into a cluster that is kept wants to see what the fault has done, not to meet it. */
  async #healAll(): Promise<void> {
    const { clock, signal } = this.#options;
    // A run that is cancelled has little time left.
    using limit = clock.deadline(signal.aborted ? HEAL_CANCELLED_MS : HEAL_MS);
    for (const [planned, heal] of [...this.#open].reverse()) {
      try {
        await this.#heal(planned, heal, limit.signal);
      } catch (error) {
        this.#notHealed(planned, error);
      }
    }
  }

  #notHealed(planned: PlannedFault, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#finding('fault-not-healed', 'error', planned, `it could not be healed: ${why}`);
  }

  #told(planned: PlannedFault): void {
    this.#injected.add(planned);
    this.#emit(planned, 'injected');
  }

  #emit(planned: PlannedFault, moment: 'injected' | 'healed' | 'ended'): void {
    const { fault, args } = planned;
    this.#options.emit({
      type: 'fault',
      name: fault.name,
      args: args as Readonly<Record<string, string>>,
      moment,
      expected: this.#expected(planned),
    });
  }

  /** By what the run has shown so far. */
  #expected({ fault, args }: PlannedFault): string {
    const { scenario } = this.#options.record;
    if (fault.refusedBy !== null && !scenario.preflight.allow.includes(fault.refusedBy)) {
      return `refused:${fault.refusedBy}`;
    }
    return fault.expected(this.recordOf(args)).outcome;
  }

  recordOf(args: RunRecord['args']): RunRecord {
    return { ...this.#options.record, args, events: this.#events, snapshots: this.#snapshots };
  }

  #finding(id: string, severity: 'warning' | 'error', { spec }: PlannedFault, why: string): void {
    this.#options.emit({
      type: 'finding',
      id,
      severity,
      message: `Fault ${spec}: ${why}`,
      subjects: [spec],
      allowed: false,
    });
  }
}
