/** The drill's results as a table for people. */
import type { Fault } from '../faults/fault.ts';
import type { RowOutcome } from './drill-pool.ts';

export interface Row {
  readonly fault: string;
  /** The rule that refused it when it was in place; null: none did, or there is none. */
  readonly refusedBy: string | null;
  readonly expected: string;
  readonly observed: string;
  /** The checkpoint that failed; empty: it was refused, tolerated, or is latent. */
  readonly caughtAt: string;
  /** Virtual seconds to the verdict. */
  readonly seconds: number | null;
  readonly blamed: string;
  readonly asExpected: boolean;
  readonly deviations: readonly string[];
  /** Why the scenario has no place for this fault; null: it has. */
  readonly skipped: string | null;
}

/** @param outcomes of the run with the rule in place, where there was one, and of the run with it allowed */
export function rowFrom(
  { spec, fault, unfit }: { spec: string; fault: Fault; unfit: string | null },
  outcomes: readonly RowOutcome[],
): Row {
  const none = { fault: spec, refusedBy: null, expected: '', observed: '', caughtAt: '', seconds: null, blamed: '' };
  if (unfit !== null) return { ...none, asExpected: true, deviations: [], skipped: unfit };
  const deviations = outcomes.flatMap((outcome) => {
    if ('crashed' in outcome) return [`crashed: ${outcome.crashed}`];
    const which = outcome.result.allowed ? '' : `with ${fault.refusedBy} in place: `;
    return outcome.result.deviations.map((text) => `${which}${text}`);
  });
  const results = outcomes.flatMap((outcome) => ('result' in outcome ? [outcome.result] : []));
  const refused = results.find(({ allowed }) => !allowed)?.observed;
  const run = results.find(({ allowed }) => allowed);
  return {
    ...none,
    refusedBy: refused?.startsWith('refused:') === true ? refused.slice('refused:'.length) : null,
    ...(run && {
      expected: run.expected,
      observed: run.observed,
      caughtAt: run.caughtAt,
      seconds: Math.round(run.seconds),
      blamed: run.blamed,
    }),
    asExpected: deviations.length === 0,
    deviations,
    skipped: null,
  };
}

export function drillTable(rows: readonly Row[]): string {
  const head = ['fault', 'refused by', 'caught at', 'seconds', 'blamed', 'as expected?'];
  const cells = rows.map((row) =>
    row.skipped === null
      ? [
          row.fault,
          row.refusedBy ?? '-',
          row.caughtAt === '' ? row.observed : row.caughtAt,
          row.seconds === null ? '' : String(row.seconds),
          short(row.blamed),
          row.asExpected ? 'yes' : 'NO',
        ]
      : [row.fault, '-', 'left out', '', '', '-'],
  );
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const off = rows.filter((row) => !row.asExpected);
  const notes = [
    ...rows.flatMap(({ fault, skipped }) => (skipped === null ? [] : [`${fault} is left out: ${skipped}`])),
    ...off.flatMap(({ fault, deviations }) => deviations.map((text) => `${fault}: ${text}`)),
    off.length === 0
      ? `all ${rows.length} faults as expected`
      : `${off.length} of ${rows.length} faults not as expected`,
  ];
  return `${[line(head), ...cells.map(line), '', ...notes].join('\n')}\n`;
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
