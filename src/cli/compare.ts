/** `rehearse compare`: two reports side by side. */

import { compare as compareRecords } from '../compare/compare.ts';
import { recordOf } from '../compare/record.ts';
import { comparisonMarkdown, comparisonText } from '../compare/text.ts';
import { EXIT_CODES } from '../events/verdict.ts';
import { ReportUnreadable, readReport } from '../report/read.ts';
import { printable } from '../scenario/printable.ts';
import { RunProblem } from '../session/problem.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage.ts';

export const compare: Command = {
  name: 'compare',
  usage: 'compare A B [--json|--markdown]',
  summary: 'Hold two reports (files or report directories) against each other; exit 1 when B is a regression.',
  details: [
    'A regression is a verdict, a checkpoint, a time of the migration itself or an unexpected disruption that is worse in B, the',
    'last two beyond noise (docs/compare.md). A run that says nothing of the migration is no regression.',
  ].join('\n'),
  flags: {
    json: { kind: 'boolean', help: 'Print one JSON document.' },
    markdown: { kind: 'boolean', help: 'Print Markdown.' },
  },
  run: async (words, output) => {
    const args = parseArguments('compare', words, compare.flags, 2);
    const [a, b] = args.positionals;
    if (a === undefined || b === undefined) throw new UsageError('two reports are wanted: compare A B', 'compare');
    if (args.has('json') && args.has('markdown'))
      throw new UsageError('--json and --markdown exclude each other', 'compare');
    const comparison = compareRecords(read(a), read(b));
    if (args.has('json')) output.result(`${JSON.stringify(comparison, null, 2)}\n`);
    else if (args.has('markdown')) output.result(comparisonMarkdown(comparison));
    // Messages come from reports, which may be anybody's: a terminal takes no orders from them.
    else
      output.result(
        comparisonText(comparison)
          .split('\n')
          .map((line) => printable(line, 2_000))
          .join('\n'),
      );
    return comparison.outcome === 'regression' ? EXIT_CODES.failed : EXIT_CODES.passed;
  },
};

function read(path: string): ReturnType<typeof recordOf> {
  try {
    return recordOf(readReport(path));
  } catch (error) {
    if (!(error instanceof ReportUnreadable)) throw error;
    throw new RunProblem('refused', error.message, { cause: error });
  }
}
