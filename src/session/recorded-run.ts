/**
 * A rehearsal with its record: events on disk as they come, reports at the end, whatever the end is. The command line and
 * the action both run this; they differ in who tells them what to do and who is told what happens.
 */
import type { Event } from '../events/events.ts';
import { createEventStream, type Sink } from '../events/stream.ts';
import type { PlannedFault } from '../faults/parse.ts';
import type { Provider } from '../provider/provider.ts';
import { runRehearsal, type VerdictEvent } from '../rehearsal/run.ts';
import { StoryFold } from '../report/model.ts';
import type { Story } from '../report/story.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { evidenceDirectory } from './evidence-directory.ts';
import { completeRecord, openRecord } from './record.ts';
import { unforeseen } from './unforeseen.ts';
import { tool } from './version.ts';

export interface RecordedRunOptions {
  /** With what the faults change in it. */
  readonly scenario: Scenario;
  /** Where a key of the scenario stands. */
  readonly at: (path: string) => string;
  readonly seed: number;
  readonly faults: readonly PlannedFault[];
  /** Closed when the run has ended, on every path. */
  readonly provider: Provider;
  /** Prepared by `prepareDirectory`. */
  readonly directory: string;
  readonly until: string | null;
  readonly keep: 'never' | 'failed' | 'always';
  /** As of a run (rehearsal/run.ts). */
  readonly deleteLater?: () => boolean;
  /** Aborted with a `Cancelled`, from inside `provider.interrupt`, to end the run. */
  readonly signal: AbortSignal;
  /** Told every event besides the record. */
  readonly sinks: readonly Sink[];
  /** Told what is no event: trouble with the record, a cluster that could not be deleted. One sentence each. */
  readonly note: (message: string) => void;
}

export interface RecordedEnd {
  readonly verdict: VerdictEvent;
  readonly story: Story;
  /** What of the record is not on disk, one sentence each; a run that misses any does not count as passed (decision 7). */
  readonly missing: readonly string[];
}

/** @throws RunProblem when the record cannot be opened; after that it always resolves */
export async function recordedRun(options: RecordedRunOptions): Promise<RecordedEnd> {
  const { provider, directory, note } = options;
  const fold = new StoryFold();
  let beforePointOfNoReturn = true;
  const watchReturn = (event: Event): void => {
    if (event.type === 'finding' && event.id === 'point-of-no-return') beforePointOfNoReturn = false;
  };
  using writer = await closedUnless(provider, () =>
    openRecord(directory, {
      onTrouble: ({ message }) =>
        note(`events.ndjson cannot be written (${message}): the run goes on, its events wait for room`),
    }),
  );
  const stream = createEventStream({
    now: () => provider.clock.now(),
    sinks: [writer.sink, (event: Event) => fold.take(event), watchReturn, ...options.sinks],
  });
  let verdict: VerdictEvent;
  try {
    verdict = await provider.run(() =>
      runRehearsal({
        scenario: options.scenario,
        at: options.at,
        seed: options.seed,
        provider,
        faults: options.faults,
        emit: stream.emit,
        signal: options.signal,
        until: options.until,
        keep: options.keep,
        ...(options.deleteLater && { deleteLater: options.deleteLater }),
        tool: tool(),
        missingRecord: () => (writer.trouble === null ? null : `events.ndjson: ${writer.trouble.message}`),
        evidence: evidenceDirectory(directory, !provider.simulated),
        warn: note,
      }),
    );
  } catch (error) {
    // The provider's world itself broke: what is known so far still becomes a report.
    verdict = unforeseen(error, beforePointOfNoReturn);
    if (!stream.ended) stream.emit(verdict);
  } finally {
    await provider.close();
  }
  const story = fold.story();
  return { verdict, story, missing: completeRecord(writer, story, directory) };
}

/** The provider has things of this machine from its beginning on. */
async function closedUnless<T>(provider: Provider, work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    await provider.close();
    throw error;
  }
}
