/** The `rehearse` command: finds the sub-command, turns errors into one clear sentence and an exit code. */
import { EXIT_CODES } from '../events/verdict.ts';
import { nearest } from '../scenario/nearest.ts';
import { ScenarioError } from '../scenario/problem.ts';
import { RunProblem } from '../session/problem.ts';
import { tool } from '../session/version.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { compare } from './compare.ts';
import { drill } from './drill.ts';
import { commandHelp, overview } from './help.ts';
import { history } from './history.ts';
import { list } from './list.ts';
import { matrix } from './matrix.ts';
import type { Output } from './output.ts';
import { plan } from './plan.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { serve } from './serve.ts';
import { UsageError } from './usage.ts';

const COMMANDS: readonly Command[] = [run, plan, check, list, drill, matrix, serve, report, compare, history];

async function main(words: readonly string[], output: Output): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    if (first === undefined) {
      output.message(overview(COMMANDS));
      return EXIT_CODES.refused;
    }
    output.result(first === 'help' && rest[0] !== undefined ? commandHelp(commandOf(rest[0])) : overview(COMMANDS));
    return EXIT_CODES.passed;
  }
  if (first === '--version') {
    output.result(`${tool().version}\n`);
    return EXIT_CODES.passed;
  }
  const command = commandOf(first);
  if (rest.includes('--help') || rest.includes('-h')) {
    output.result(commandHelp(command));
    return EXIT_CODES.passed;
  }
  return command.run(rest, output);
}

/** @throws UsageError */
function commandOf(word: string): Command {
  const command = COMMANDS.find(({ name }) => name === word);
  if (command !== undefined) return command;
  const like = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  );
  const what = word.startsWith('-') ? `unknown flag ${word}` : `there is no command ${word === '' ? '""' : word}`;
  throw new UsageError(`${what}${like === undefined ? '' : `; did you mean ${like}?`}`);
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
  if (error instanceof RunProblem) {
    if (json) output.result(`${JSON.stringify({ verdict: error.verdict, message: error.message })}\n`);
    output.message(`rehearse: ${error.message}\n`);
    return EXIT_CODES[error.verdict];
  }
  const text = error instanceof Error ? error.message : String(error);
  if (json) output.result(`${JSON.stringify({ verdict: 'error', reason: 'internal', message: text })}\n`);
  // A bug of ours: the stack is what a report of it needs.
  const message = error instanceof Error ? error.message : String(error);
  if (json) output.result(`${JSON.stringify({ verdict: 'error', reason: 'internal', message })}\n`);
  output.message(`rehearse: internal error: ${error instanceof Error ? (error.stack ?? message) : message}\n`);
  return EXIT_CODES.error;
}

/** The whole command but the process around it. @returns the exit code; throws nothing */
export async function commandLine(words: readonly string[], output: Output): Promise<number> {
  const code = await main(words, output).catch((error: unknown) => explain(error, words, output));
  if (output.trouble === null) return code;
  output.message(`rehearse: the result could not be written to stdout: ${output.trouble.message}\n`);
  return code === EXIT_CODES.passed ? EXIT_CODES.error : code;
}
