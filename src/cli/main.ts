/** The `rehearse` command: finds the sub-command, turns errors into one clear sentence and an exit code. */
import { EXIT_CODES } from '../events/verdict.ts';
import { nearest } from '../scenario/nearest.ts';
import { ScenarioError } from '../scenario/problem.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { drill } from './drill.ts';
import { commandHelp, overview } from './help.ts';
import { list } from './list.ts';
import { notYetCommands } from './not-yet.ts';
import { flushed, type Output, processOutput } from './output.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { CliError, UsageError } from './usage.ts';
import { tool } from './version.ts';

const COMMANDS: readonly Command[] = [run, plan, check, list, drill, report];
const ALL: readonly Command[] = [...COMMANDS, ...notYetCommands];

async function main(words: readonly string[], output: Output): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const asked = first === 'help' ? ALL.find(({ name }) => name === rest[0]) : undefined;
    output.result(asked === undefined ? overview(COMMANDS) : commandHelp(asked));
    return first === undefined ? EXIT_CODES.refused : EXIT_CODES.passed;
  }
  if (first === '--version') {
    output.result(`${tool().version}\n`);
    return EXIT_CODES.passed;
  }
  const command = ALL.find(({ name }) => name === first);
  if (command === undefined) {
    const like = nearest(
      first,
      COMMANDS.map(({ name }) => name),
    );
    const what = first.startsWith('-') ? `unknown flag ${first}` : `there is no command ${first}`;
    throw new UsageError(`${what}${like === undefined ? '' : `; did you mean ${like}?`}`);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.result(commandHelp(command));
    return EXIT_CODES.passed;
  }
  return command.run(rest, output);
}

/** What the user reads of an error, and the exit code. */
function explain(error: unknown, words: readonly string[], output: Output): number {
  const json = words.includes('--json');
  if (error instanceof ScenarioError) {
    const verdict = error.kind;
    if (json)
      output.result(
        `${JSON.stringify({ verdict, reason: verdict === 'refused' ? 'scenario-invalid' : verdict, problems: error.problems })}\n`,
      );
    for (const line of error.message.split('\n')) output.message(`rehearse: ${line}\n`);
    return EXIT_CODES[verdict];
  }
  if (error instanceof UsageError) {
    if (json) output.result(`${JSON.stringify({ verdict: 'refused', message: error.message })}\n`);
    output.message(`rehearse: ${error.message}\n`);
    output.message(`See: rehearse ${error.command === undefined ? '' : `${error.command} `}--help\n`);
    return EXIT_CODES.refused;
  }
  if (error instanceof CliError) {
    if (json) output.result(`${JSON.stringify({ verdict: error.verdict, message: error.message })}\n`);
    output.message(`rehearse: ${error.message}\n`);
    return EXIT_CODES[error.verdict];
  }
  const text = error instanceof Error ? error.message : String(error);
  if (json) output.result(`${JSON.stringify({ verdict: 'error', reason: 'internal', message: text })}\n`);
  // A bug of ours: the stack is what a report of it needs.
  output.message(
    `rehearse: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT_CODES.error;
}

const output = processOutput();
const words = process.argv.slice(2);
let code: number;
try {
  code = await main(words, output);
} catch (error) {
  code = explain(error, words, output);
}
await flushed();
process.exit(code);
