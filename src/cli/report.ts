/** `rehearse report`: every report again, from events.ndjson. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EVIDENCE } from '../events/evidence.ts';
import { EventsUnreadable, readEvents } from '../events/reader.ts';
import { EXIT_CODES } from '../events/verdict.ts';
import { EVENTS_FILE } from '../events/writer.ts';
import { writeReports } from '../report/files.ts';
import { storyOf } from '../report/model.ts';
import { printable } from '../scenario/printable.ts';
import { RunProblem } from '../session/problem.ts';
import { notWritten, prepareDirectory } from '../session/record.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage.ts';

export const report: Command = {
  name: 'report',
  usage: 'report EVENTS [--report DIR]',
  summary: 'Make every report again from events.ndjson; a run that was killed is reported as interrupted.',
  flags: { report: { kind: 'value', value: 'DIR', help: 'Where the reports go (default: beside EVENTS).' } },
  run: async (words, output) => {
    const args = parseArguments('report', words, report.flags, 1);
    const events = args.positionals[0];
    if (events === undefined) throw new UsageError('EVENTS is missing: the path of an events.ndjson', 'report');
    const directory = args.value('report') ?? dirname(events);
    try {
      // Read before anything is written: a file that is no run's leaves the directory alone.
      const story = storyOf(readEvents(events));
      const inPlace = isSameDirectory(directory, dirname(events));
      // Most of the evidence is in no event: what was gathered stays.
      prepareDirectory(directory, inPlace ? [EVENTS_FILE, `${EVIDENCE}/`] : []);
      const { files, troubles } = writeReports(story, directory);
      for (const sentence of notWritten(troubles)) output.message(`rehearse: ${sentence}\n`);
      output.message(`${story.report.verdict}: ${printable(story.report.message, 2_000)}\n`);
      for (const file of files) output.message(`  ${printable(`${directory}/${file}`)}\n`);
      return troubles.length === 0 ? EXIT_CODES.passed : EXIT_CODES.error;
    } catch (error) {
      if (error instanceof EventsUnreadable) throw new RunProblem('refused', error.message, { cause: error });
      throw error;
    }
  },
};

/** By whatever links the two paths lead there: the events that are read must not be cleared away. */
function isSameDirectory(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return resolve(a) === resolve(b);
  }
}
