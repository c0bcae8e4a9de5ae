/** `rehearse run`: a rehearsal from the scenario to the reports. */
import { resolve } from 'node:path';
import { EXIT_CODES } from '../events/verdict.ts';
import { Cancelled } from '../rehearsal/outcome.ts';
import { planFor } from '../rehearsal/plan.ts';
import type { VerdictEvent } from '../rehearsal/run.ts';
import { reportJson } from '../report/json.ts';
import { assertProviderData } from '../scenario/provider-data.ts';
import { prepareDirectory } from '../session/record.ts';
import { WallClock } from '../time/wall-clock.ts';
import { type Arguments, choiceFlag, type Flags, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { isMet, knownCheckpoint, parseExpectation } from './expectation.ts';
import { onSignals } from './interruption.ts';
import type { Output } from './output.ts';
import { progressOf } from './progress.ts';
import { SCENARIO_FLAGS, type ScenarioArgument, scenarioArgument } from './scenario-argument.ts';
import { UsageError } from './usage.ts';

export const DEFAULT_REPORT_DIRECTORY = 'rehearsal-report';

const FLAGS: Flags = {
  ...SCENARIO_FLAGS,
  report: { kind: 'value', value: 'DIR', help: `Where the reports go (default ${DEFAULT_REPORT_DIRECTORY}/).` },
  until: { kind: 'value', value: 'CHECKPOINT', help: 'Stop when this checkpoint has passed.' },
  expect: {
    kind: 'value',
    value: 'VERDICT[:CHECKPOINT]',
    help: 'Exit 0 when the run ends like this, such as failed:switched/*.',
  },
  'image-mirror': {
    kind: 'list',
    value: 'MIRROR',
    help: 'Pull images for kind from PREFIX, or those of one registry from REGISTRY=PREFIX; may be repeated.',
  },
  keep: { kind: 'value', value: 'WHEN', help: 'Keep the cluster: never (default), failed or always.' },
  json: { kind: 'boolean', help: 'Print the report as one JSON document on stdout.' },
  quiet: { kind: 'boolean', help: 'Print only failures and the verdict.' },
  verbose: { kind: 'boolean', help: 'Print every step, object and assertion.' },
};

export const run: Command = {
  name: 'run',
  usage: 'run [SCENARIO] [FLAGS]',
  summary: 'Rehearse the migration and judge it.',
  details: [
    'Makes a cluster with Calico, deploys goldpinger, carries out the migration to Cilium node by node, and fails when a',
    'checkpoint is not green. Writes report.json, summary.md, junit.xml and events.ndjson into the report directory.',
  ].join('\n'),
  flags: FLAGS,
  run: async (words, output) => {
    const args = parseArguments('run', words, FLAGS, 1);
    const given = scenarioArgument(args, 'run');
    assertProviderData(given.scenario, given.shown, given.provider);
    const options = runOptions(args, given);
    prepareDirectory(options.directory);
    return rehearse(given, options, output);
  },
};

interface RunFlags {
  readonly directory: string;
  readonly until: string | null;
  readonly keep: 'never' | 'failed' | 'always';
  readonly json: boolean;
  readonly mode: 'quiet' | 'normal' | 'verbose';
  readonly expect: ReturnType<typeof parseExpectation> | undefined;
  readonly mirrors: readonly string[];
}

/** Everything is checked before anything is touched. */
function runOptions(args: Arguments, { scenario, seed, provider }: ScenarioArgument): RunFlags {
  const checkpoints = planFor(scenario, seed, provider).checkpoints.map(({ id }) => id);
  const until = args.value('until');
  const expect = args.value('expect');
  if (args.has('quiet') && args.has('verbose')) throw new UsageError('--quiet and --verbose exclude each other', 'run');
  return {
    directory: args.value('report') ?? DEFAULT_REPORT_DIRECTORY,
    until: until === undefined ? null : knownCheckpoint(until, checkpoints, '--until', 'run'),
    keep: choiceFlag(args, 'keep', 'run', ['never', 'failed', 'always']) ?? 'never',
    json: args.has('json'),
    mode: args.has('quiet') ? 'quiet' : args.has('verbose') ? 'verbose' : 'normal',
    expect: expect === undefined ? undefined : parseExpectation(expect, checkpoints, 'run'),
    mirrors: args.list('image-mirror').map(mirrorOf),
  };
}

/** @throws UsageError */
function mirrorOf(text: string): string {
  if (/^([\w.-]+(:\d+)?=)?[\w.-]+(:\d+)?(\/[\w.-]+)*\/?$/.test(text)) return text;
  throw new UsageError(
    `--image-mirror ${text}: PREFIX or REGISTRY=PREFIX is wanted, such as quay.io=mirror.example/quay`,
    'run',
  );
}

async function rehearse(given: ScenarioArgument, options: RunFlags, output: Output): Promise<number> {
  const { scenario, seed, at, faults } = given;
  const { directory, until, keep } = options;
  const wall = new WallClock();
  // An embedded cluster takes a quarter of a second to load, which no other command should pay.
  const [{ openProvider }, { recordedRun }] = await Promise.all([
    import('../session/provider.ts'),
    import('../session/recorded-run.ts'),
  ]);
  const provider = await openProvider(given.provider, { scenario, seed, kind: { imageMirrors: options.mirrors } });
  const progress = progressOf(output, { mode: options.mode, directory: resolve(directory) });
  const controller = new AbortController();
  using _signals = onSignals(
    (signal) => {
      progress.note(`${signal}: ending the run; reports will be written. Again: end at once.`);
      provider.interrupt(() => controller.abort(new Cancelled(signal)));
    },
    () => {
      // The twin's cluster is gone with the process: there is nothing that a command could delete.
      const left = provider.leftBehind?.() ?? null;
      output.message(`rehearse: ended at once${left === null ? '' : `; the cluster is still there: ${left}`}\n`);
      process.exit(EXIT_CODES.cancelled);
    },
    () => wall.monotonic(),
  );
  const { verdict, story, missing } = await recordedRun({
    ...{ scenario, at, seed, faults, provider, directory, until, keep },
    signal: controller.signal,
    sinks: [progress.take],
    note: (message) => progress.note(message),
  });
  progress.end();
  for (const sentence of missing) output.message(`rehearse: ${sentence}\n`);
  if (options.json) output.result(reportJson(story.report));
  return withRecord(exitCode(verdict, options, output), missing, output);
}

/** A green run without its evidence on disk is not green (docs/decisions/0007-a-full-disk.md). */
function withRecord(code: number, missing: readonly string[], output: Output): number {
  if (missing.length === 0) return code;
  output.message(
    `rehearse: the evidence of this run is not complete${code === EXIT_CODES.passed ? ', so it does not count as passed' : ''}; make room or name another --report, and run it again\n`,
  );
  return code === EXIT_CODES.passed ? EXIT_CODES.error : code;
}

function exitCode(verdict: VerdictEvent, { expect }: RunFlags, output: Output): number {
  if (expect === undefined) return EXIT_CODES[verdict.verdict];
  const wanted = `${expect.verdict}${expect.checkpoint === undefined ? '' : `:${expect.checkpoint}`}`;
  if (isMet(expect, verdict)) {
    output.message(`rehearse: ended as expected (${wanted})\n`);
    return EXIT_CODES.passed;
  }
  const seen = `${verdict.verdict}${verdict.failedCheckpoint === null ? '' : `:${verdict.failedCheckpoint}`}`;
  output.message(`rehearse: expected ${wanted}, but the run ended ${seen}\n`);
  const judged = verdict.verdict === 'passed' || verdict.verdict === 'failed';
  return judged ? EXIT_CODES.failed : EXIT_CODES[verdict.verdict];
}
