/** What a run that got a signal leaves: used by the tests with chosen moments, by the soak with random ones. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Ended, readJson, startRehearse } from './processes.ts';

const FILES = ['report.json', 'summary.md', 'junit.xml'];

const schema = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8')) as Parameters<
    typeof z.fromJSONSchema
  >[0],
);

interface Told {
  readonly verdict: string;
  readonly exitCode: number | null;
  readonly message: string;
}

/**
 * What is not as it must be, in words; empty: a good end. A run that was over before the signal came has passed.
 * @param directory the report directory
 */
export async function badLeftovers(directory: string, ended: Ended, signal: NodeJS.Signals): Promise<string[]> {
  const problems: string[] = [];
  const say = (good: boolean, problem: string): void => {
    if (!good) problems.push(problem);
  };
  const passed = ended.code === 0;
  say(!/\n\s+at /.test(ended.stderr), `a stack trace: ${ended.stderr.slice(-600)}`);
  if (signal === 'SIGKILL') {
    say(passed || ended.signal === 'SIGKILL', `ended with ${ended.code} ${ended.signal}`);
    // Nothing is there before the first event.
    const events = join(directory, 'events.ndjson');
    if (!existsSync(events) || readFileSync(events).indexOf(10) < 0) return problems;
  } else {
    // Before our first line the system ends the process itself; then nothing has been begun.
    const early = ended.signal === signal || (ended.code === 130 && ended.stderr === '');
    if (early && !existsSync(join(directory, 'events.ndjson'))) return problems;
    say(passed || ended.code === 130, `exit code ${ended.code}, signal ${ended.signal}`);
    const { verdict, exitCode, message } = readReport(directory, problems);
    say(verdict === (passed ? 'passed' : 'cancelled'), `verdict ${verdict}: ${message}`);
    say(exitCode === ended.code, `exitCode ${exitCode} in the report, ${ended.code} of the process`);
    if (!passed) say(message.includes(signal), `the message does not name the signal: ${message}`);
  }
  await reportedAgain(directory, problems);
  return problems;
}

/** `rehearse report` makes the same reports again, or says that the run was interrupted. */
async function reportedAgain(directory: string, problems: string[]): Promise<void> {
  const events = join(directory, 'events.ndjson');
  const whole = /"type":"verdict".*\n$/.test(readFileSync(events, 'utf8').slice(-20_000));
  const before = whole && existsSync(join(directory, 'report.json')) ? readReport(directory, problems) : undefined;
  const again = `${directory}.again`;
  const { code, stderr } = await startRehearse(dirname(directory), 'report', events, '--report', again).ended;
  if (code !== 0) problems.push(`rehearse report: exit code ${code}: ${stderr}`);
  if (code !== 0) return;
  const after = readReport(again, problems);
  if (!whole && (after.verdict !== 'interrupted' || after.exitCode !== null)) {
    problems.push(`events without a verdict are reported as ${after.verdict}, exit code ${after.exitCode}`);
  }
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(after))
    problems.push('the report made again differs');
}

function readReport(directory: string, problems: string[]): Told {
  for (const name of FILES) {
    if (!existsSync(join(directory, name))) problems.push(`${name} is missing`);
  }
  try {
    const report = readJson<Told>(directory, 'report.json');
    const valid = schema.safeParse(report);
    if (!valid.success) problems.push(`report.json is not valid: ${z.prettifyError(valid.error)}`);
    return report;
  } catch (error) {
    problems.push(`report.json cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return { verdict: '', exitCode: null, message: '' };
  }
}
