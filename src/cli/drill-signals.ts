/** Rows of a drill until they are done, or until a signal ends them all. */
import { EXIT_CODES } from '../events/verdict.ts';
import { Cancelled } from '../rehearsal/outcome.ts';
import { WallClock } from '../time/wall-clock.ts';
import { type RowOutcome, runRows } from './drill-pool.ts';
import type { RowTask } from './drill-row.ts';
import { onSignals } from './interruption.ts';
import type { Output } from './output.ts';

/** @returns undefined when a signal came; that is told already, as one document where the results would be one */
export async function runUntilSignal(
  tasks: readonly RowTask[],
  done: (index: number, outcome: RowOutcome) => void,
  json: boolean,
  output: Output,
): Promise<RowOutcome[] | undefined> {
  const controller = new AbortController();
  const wall = new WallClock();
  using _signals = onSignals(
    (signal) => controller.abort(new Cancelled(signal)),
    () => process.exit(EXIT_CODES.cancelled),
    () => wall.now(),
  );
  try {
    return await runRows(tasks, { signal: controller.signal, done });
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    if (json) output.result(`${JSON.stringify({ verdict: 'cancelled', message: error.message })}\n`);
    output.message(`rehearse: ${error.message}\n`);
    return undefined;
  }
}
