/** One row of the drill: a rehearsal on the twin with one fault or none, held against what the fault's entry expects. */
import type { Event } from '../events/events.ts';
import { createEventStream } from '../events/stream.ts';
import { judge } from '../faults/compare.ts';
import type { Expectation, FaultArgs, RunRecord } from '../faults/fault.ts';
import { createTwinProvider } from '../provider/twin.ts';
import { runRehearsal } from '../rehearsal/run.ts';
import { assertTwinData } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { withFaults } from '../session/scenario-choice.ts';
import { tool } from '../session/version.ts';
import { commandLine } from './usage.ts';

/** Structured-clonable: rows are run by workers. */
export interface RowTask {
  /** Without the fault. */
  readonly scenario: Scenario;
  readonly seed: number;
  /** `NAME:KEY=VALUE,…`; null: no fault, so the run must pass. */
  readonly spec: string | null;
  /** Is the rule that refuses the fault allowed? */
  readonly allowed: boolean;
  /** Checkpoint after which the run ends; the end unless given. */
  readonly until?: string | null;
}

export interface RowResult {
  /** Its name; null: there is none. */
  readonly fault: string | null;
  readonly args: FaultArgs;
  readonly seed: number;
  readonly allowed: boolean;
  readonly expected: string;
  readonly observed: string;
  readonly caughtAt: string;
  readonly blamed: string;
  readonly message: string;
  /** Virtual seconds from the start to the verdict. */
  readonly seconds: number;
  /** Empty: as expected. */
  readonly deviations: readonly string[];
}

/** @throws what the run throws beside its verdict (a bug), ScenarioError, UsageError */
export async function runRow(task: RowTask, signal: AbortSignal): Promise<RowResult> {
  const { seed, spec } = task;
  const { scenario, faults } = withFaults(task.scenario, spec === null ? [] : [spec], {
    seed,
    provider: 'twin',
    source: commandLine('drill'),
  });
  const { fault, args } = faults[0] ?? { fault: null, args: {} };
  const rule = fault?.refusedBy ?? null;
  const allow = task.allowed && rule !== null ? [rule] : [];
  const judged = { ...scenario, preflight: { allow: [...new Set([...scenario.preflight.allow, ...allow])] } };
  assertTwinData(judged, scenario.name);
  const provider = createTwinProvider({ scenario: judged, seed });
  const { clock } = provider;
  const start = clock.now();
  const events: Event[] = [];
  let record: RunRecord | undefined;
  const stream = createEventStream({ now: () => clock.now(), sinks: [(event: Event) => void events.push(event)] });
  try {
    const verdict = await provider.run(() =>
      runRehearsal({
        scenario: judged,
        seed,
        provider,
        faults,
        emit: stream.emit,
        until: task.until ?? null,
        keep: 'never',
        tool: tool(),
        signal,
        whenTold: (run) => {
          record = run.recordOf(args);
        },
      }),
    );
    const mustRefuse = !task.allowed && rule !== null;
    const expectation: Expectation = mustRefuse
      ? { outcome: `refused:${rule}` }
      : (fault?.expected(record!) ?? { outcome: 'passed' });
    const { observed, caughtAt, blamed, deviations } = judge(events, expectation, rule);
    return {
      fault: fault?.name ?? null,
      args,
      seed,
      allowed: task.allowed,
      expected: expectation.outcome,
      observed,
      caughtAt,
      blamed,
      message: verdict.message,
      seconds: (clock.now() - start) / 1_000,
      deviations,
    };
  } finally {
    await provider.close();
  }
}
