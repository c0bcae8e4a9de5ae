/** `rehearse history`: many reports as one page and one JSON document. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EXIT_CODES } from '../events/verdict.ts';
import { type Collected, collectReports } from '../history/collect.ts';
import { historyPage, isRegressed } from '../history/page.ts';
import { timelines } from '../history/timeline.ts';
import { writeWhole } from '../report/atomic.ts';
import { makeDirectories } from '../report/directory.ts';
import { plural } from '../report/words.ts';
import { printable } from '../scenario/printable.ts';
import { RunProblem } from '../session/problem.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage.ts';

export const PAGE_FILE = 'index.html';
export const HISTORY_FILE = 'history.json';

export const history: Command = {
  name: 'history',
  usage: 'history DIR [--out DIR]',
  summary: 'Make one page (index.html) and history.json of every report.json below DIR.',
  details: [
    'A series is one scenario on one minor of Cilium and Calico. Each run is held against the last good one before it, by the',
    'rule of rehearse compare; regressions are marked. The page needs no network and no server.',
  ].join('\n'),
  flags: { out: { kind: 'value', value: 'DIR', help: 'Where the page goes (default: DIR itself).' } },
  run: async (words, output) => {
    const args = parseArguments('history', words, history.flags, 1);
    const directory = args.positionals[0];
    if (directory === undefined) throw new UsageError('DIR is missing: where reports are', 'history');
    const { found, troubles } = collected(directory);
    for (const trouble of troubles) output.message(`rehearse: left out: ${trouble}\n`);
    if (found.length === 0) throw new RunProblem('refused', `${directory}: there is no report.json below it`);
    const series = timelines(found);
    const notes = troubles.length === 0 ? [] : [`${plural(troubles.length, 'report')} could not be read.`];
    const out = args.value('out') ?? directory;
    write(out, {
      [PAGE_FILE]: historyPage(series, { title: 'Rehearsals over time', notes }),
      [HISTORY_FILE]: `${JSON.stringify({ schemaVersion: 1, series, troubles }, null, 2)}\n`,
    });
    const regressed = series.filter(isRegressed).length;
    output.message(`${plural(found.length, 'run')} in ${series.length} series, ${regressed} of them regressed\n`);
    output.result(`${printable(join(out, PAGE_FILE))}\n`);
    return EXIT_CODES.passed;
  },
};

function collected(directory: string): Collected {
  try {
    if (!statSync(directory).isDirectory()) throw new Error('it is no directory');
    return collectReports(directory);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RunProblem('refused', `${directory}: ${code === 'ENOENT' ? 'there is no such directory' : message}`, {
      cause: error,
    });
  }
}

function write(directory: string, files: Readonly<Record<string, string>>): void {
  try {
    makeDirectories(resolve(directory));
    for (const [name, content] of Object.entries(files)) writeWhole(join(directory, name), content);
  } catch (error) {
    throw new RunProblem('error', `${directory}: cannot be written (${(error as Error).message})`, { cause: error });
  }
}
