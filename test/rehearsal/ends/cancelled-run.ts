/**
 * A rehearsal that is cancelled at a moment, and everything that must be true of its end: used by the tests with every
 * step of a small scenario, by the soak with random scenarios, seeds and moments.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Event } from '../../../src/events/events.ts';
import { createEventStream } from '../../../src/events/stream.ts';
import { createTwinProvider } from '../../../src/provider/twin.ts';
import { Cancelled } from '../../../src/rehearsal/outcome.ts';
import { runRehearsal } from '../../../src/rehearsal/run.ts';
import { reportJson } from '../../../src/report/json.ts';
import { storyOf } from '../../../src/report/model.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';

export type Keep = 'never' | 'failed' | 'always';

export interface CancelOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Number of the event that the moment is counted from. */
  readonly seq: number;
  /** Milliseconds of provider time after that event. */
  readonly afterMs: number;
  readonly keep: Keep;
}

export interface CancelledRun {
  readonly events: readonly Event[];
  /** Number of events that were out when the run was cancelled; undefined: it had ended before. */
  readonly cancelledAt: number | undefined;
  /** What is not as it must be, in words; empty: a good end. */
  readonly problems: readonly string[];
}

/** What a run may still take to come to its end, in provider time: calls under way are given up, nothing is diagnosed. */
const END_WITHIN_MS = 5_000;

const reportSchema = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL('../../../docs/report.schema.json', import.meta.url), 'utf8')) as Parameters<
    typeof z.fromJSONSchema
  >[0],
);

/** Runs it. A run that ends before the moment is not cancelled, which is no problem. */
export async function cancelledRun(options: CancelOptions): Promise<CancelledRun> {
  const { scenario, seed, keep } = options;
  const provider = createTwinProvider({ scenario, seed });
  const { clock } = provider.twin;
  const controller = new AbortController();
  const events: Event[] = [];
  let cancelledAt: number | undefined;
  let cancelledWhen = 0;
  const cancel = (): void =>
    provider.interrupt(() => {
      if (events.at(-1)?.type === 'verdict') return;
      cancelledAt = events.length;
      cancelledWhen = clock.now();
      controller.abort(new Cancelled('SIGTERM'));
    });
  const stream = createEventStream({
    now: () => clock.now(),
    sinks: [
      (event) => {
        events.push(event);
        if (event.seq !== options.seq) return;
        if (options.afterMs === 0) cancel();
        else clock.after(options.afterMs, cancel);
      },
    ],
  });
  const warnings: string[] = [];
  const clusters = await provider.run(async () => {
    await runRehearsal({
      scenario,
      seed,
      provider,
      emit: stream.emit,
      signal: controller.signal,
      keep,
      tool: { name: 'cni-rehearsal', version: '0.0.0' },
      warn: (message) => warnings.push(message),
    });
    return (await provider.host.run('kind', ['get', 'clusters'], { timeoutMs: 1_000 })).stdout.trim();
  });
  await provider.close();
  const problems = [...warnings, ...stream.troubles.map(({ message }) => message)];
  const expect = (good: boolean, problem: string): void => {
    if (!good) problems.push(problem);
  };
  const { operations, watches, waits } = clock.underWay();
  expect(operations + watches + waits === 0, `left behind: ${JSON.stringify({ operations, watches, waits })}`);
  if (cancelledAt === undefined) return { events, cancelledAt, problems };

  const made = events.some((event) => event.type === 'phase-started' && event.phase === 'provision');
  const there = events.some((event) => event.type === 'object' && event.object === 'kind create cluster');
  if (keep === 'never') expect(clusters === '', `the cluster was not deleted: ${clusters}`);
  else if (there) expect(clusters === scenario.cluster.name, `the cluster was not kept: ${clusters || 'none'}`);
  else if (!made) expect(clusters === '', `there is a cluster before phase provision: ${clusters}`);
  const took = Date.parse(events.at(-1)!.at) - cancelledWhen;
  expect(took <= END_WITHIN_MS, `the end took ${took} ms of provider time`);
  problems.push(...badEnding(events, cancelledAt), ...badReport(events));
  expect(storyOf(events).report.exitCode === 130, 'the exit code is not 130');
  return { events, cancelledAt, problems };
}

/** Of the events: what was begun before the cancellation has ended, and says that it was stopped. */
function badEnding(events: readonly Event[], cancelledAt: number): string[] {
  const problems: string[] = [];
  const verdict = events.at(-1)!;
  if (verdict.type !== 'verdict') return [`the last event is ${verdict.type}`];
  if (verdict.verdict !== 'cancelled' || verdict.reason !== 'cancelled' || !verdict.message.includes('SIGTERM')) {
    problems.push(`verdict ${verdict.verdict} (${verdict.reason}): ${verdict.message}`);
  }
  if (verdict.failedCheckpoint !== null) problems.push(`${verdict.failedCheckpoint} is blamed for a cancellation`);
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === 'phase-started') open.add(event.phase);
    if (event.type === 'step-started') open.add(`step ${event.step}`);
    if (event.type !== 'phase-ended' && event.type !== 'step-ended') {
      if (event.seq > cancelledAt && (event.type === 'step-started' || event.type === 'checkpoint')) {
        problems.push(`${event.type} ${event.type === 'checkpoint' ? event.id : event.step} after the cancellation`);
      }
      continue;
    }
    const name = event.type === 'phase-ended' ? event.phase : `step ${event.step}`;
    if (!open.delete(name)) problems.push(`${name} ended and had not begun`);
    if (event.outcome === 'failed') problems.push(`${name} is said to have failed`);
  }
  for (const name of open) problems.push(`${name} never ended`);
  return problems;
}

/** Of the report: it is made, valid, and accounts for all of its time. */
export function badReport(events: readonly Event[]): string[] {
  const { report } = storyOf(events);
  const problems: string[] = [];
  const valid = reportSchema.safeParse(JSON.parse(reportJson(report)));
  if (!valid.success) problems.push(`report.json is not valid: ${z.prettifyError(valid.error)}`);
  const sum = Object.values(report.seconds).reduce((total, value) => total + value, 0);
  if (Math.abs(sum - report.durationSeconds) > 0.001) problems.push(`${sum} s are told of ${report.durationSeconds} s`);
  return problems;
}
