/** `rehearse drill`: every fault on the twin against its entry in the catalogue. A gate is only worth what it catches. */
import { EXIT_CODES } from '../events/verdict.ts';
import { FAULTS } from '../faults/catalogue/index.ts';
import type { Fault } from '../faults/fault.ts';
import { FaultError, faultNamed } from '../faults/parse.ts';
import { rowsOf } from '../faults/rows.ts';
import { planFor } from '../rehearsal/plan.ts';
import { assertTwinData } from '../scenario/read.ts';
import { MAX_SEED, withFaults } from '../session/scenario-choice.ts';
import { type Arguments, type Flags, numberFlag, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { drillRandomly } from './drill-random.ts';
import type { RowTask } from './drill-row.ts';
import { runUntilSignal } from './drill-signals.ts';
import { drillTable, type Row, rowFrom } from './drill-table.ts';
import type { Output } from './output.ts';
import { SCENARIO_FLAGS, type ScenarioArgument, scenarioArgument } from './scenario-argument.ts';
import { commandLine, UsageError } from './usage.ts';

const FLAGS: Flags = {
  ...SCENARIO_FLAGS,
  fault: {
    kind: 'list',
    value: 'NAME[:KEY=VALUE,…]',
    help: 'Only this fault (rehearse list faults); may be repeated.',
  },
  random: {
    kind: 'value',
    value: 'N',
    help: 'N drawn scenarios, most with a drawn fault; --seed is that of the first. Takes neither SCENARIO, --set nor --fault.',
  },
  json: { kind: 'boolean', help: 'Print one JSON document.' },
};

export const drill: Command = {
  name: 'drill',
  usage:
    'drill [SCENARIO] [--fault NAME]... [--set PATH=VALUE]... [--seed N] [--json]\n       rehearse drill --random N [--seed N] [--json]',
  summary: 'Break everything that can be broken, on the twin, and see that it is caught as it must be.',
  details: [
    'Rehearses the scenario once with every fault as it is, which the rule in its way must refuse, and once with that rule',
    'allowed, and holds the end against the catalogue (docs/faults.md): the checkpoint, the reason, the blamed pairs, nodes',
    'and assertions. Exits 1 when one is not as expected. With --random, scenarios and faults are drawn; a run without a fault',
    'must pass.',
  ].join('\n'),
  flags: FLAGS,
  run: async (words, output) => {
    const args = parseArguments('drill', words, FLAGS, 1);
    const random = numberFlag(args, 'random', 'drill', 1, MOST_RANDOM);
    if (random !== undefined) {
      const seed = drawsAll(args);
      if (seed + random - 1 > MAX_SEED)
        throw new UsageError(`--seed ${seed}: there are no ${random} seeds from it on`, 'drill');
      return drillRandomly(random, seed, args.has('json'), output);
    }
    const given = scenarioArgument(args, 'drill', []);
    assertTwinData(given.scenario, given.shown);
    const rows = chosenRows(args, given);
    return drillAll(rows, given, { json: args.has('json') }, output);
  },
};

/** More than that is for `npm run soak`. */
const MOST_RANDOM = 10_000;

/** What is drawn cannot be said too. @returns the first seed @throws UsageError */
function drawsAll(args: Arguments): number {
  const said = ['set', 'fault', 'allow', 'provider'].find((flag) => args.has(flag) || args.list(flag).length > 0);
  const word = args.positionals[0] ?? (said === undefined ? undefined : `--${said}`);
  if (word !== undefined) throw new UsageError(`--random draws scenario and fault: leave ${word} out`, 'drill');
  return numberFlag(args, 'seed', 'drill', 0, MAX_SEED) ?? 1;
}

/** One line of the table before it is run. */
interface PlannedRow {
  readonly spec: string;
  readonly fault: Fault;
  /** Why the scenario has no place for it; null: it has. */
  readonly unfit: string | null;
}

function chosenRows(args: Arguments, { scenario, seed }: ScenarioArgument): PlannedRow[] {
  const { nodes } = planFor(scenario, seed);
  const wanted = args.list('fault');
  try {
    const rows =
      wanted.length === 0
        ? FAULTS.flatMap((fault) => rowsOf(fault, nodes).map((spec) => ({ fault, spec })))
        : wanted.flatMap((text) => {
            const fault = faultNamed(text.split(':')[0]!, FAULTS);
            return (text.includes(':') ? [text] : rowsOf(fault, nodes)).map((spec) => ({ fault, spec }));
          });
    return rows.map((row) => ({ ...row, unfit: whyUnfit(row.spec, scenario, seed, wanted.length > 0) }));
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw new UsageError(error.message, 'drill');
  }
}

/** A fault that was asked for by name and does not fit is bad input; of all of them it is left out, and told. */
function whyUnfit(spec: string, scenario: RowTask['scenario'], seed: number, asked: boolean): string | null {
  try {
    withFaults(scenario, [spec], { seed, provider: 'twin', source: commandLine('drill') });
    return null;
  } catch (error) {
    if (asked || !(error instanceof UsageError)) throw error;
    return error.message;
  }
}

async function drillAll(
  planned: readonly PlannedRow[],
  { scenario, seed, shown }: ScenarioArgument,
  { json }: { json: boolean },
  output: Output,
): Promise<number> {
  const tasks = planned.flatMap(({ spec, fault, unfit }, row) => {
    if (unfit !== null) return [];
    const refused = fault.refusedBy !== null ? [false] : [];
    return [...refused, true].map((allowed) => ({ row, task: { scenario, seed, spec, allowed } satisfies RowTask }));
  });
  let ended = 0;
  const outcomes = await runUntilSignal(
    tasks.map(({ task }) => task),
    (index, outcome) => {
      const { spec, allowed } = tasks[index]!.task;
      const how = 'crashed' in outcome ? 'crashed' : outcome.result.observed;
      const off = 'crashed' in outcome || outcome.result.deviations.length > 0;
      const without = allowed ? '' : ', its rule in place';
      output.message(`  ${++ended}/${tasks.length} ${spec}${without}: ${how}${off ? ', NOT as expected' : ''}\n`);
    },
    json,
    output,
  );
  if (outcomes === undefined) return EXIT_CODES.cancelled;
  const rows: Row[] = planned.map(({ spec, fault, unfit }, row) =>
    rowFrom(
      { spec, fault, unfit },
      outcomes.filter((_outcome, index) => tasks[index]!.row === row),
    ),
  );
  const asExpected = rows.every((row) => row.asExpected);
  if (json) output.result(`${JSON.stringify({ scenario: shown, seed, asExpected, rows }, null, 2)}\n`);
  else output.result(drillTable(rows));
  return asExpected ? EXIT_CODES.passed : EXIT_CODES.failed;
}
