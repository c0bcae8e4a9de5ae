/** What says what is in a bundle: README.md for people, index.json for machines. */
import { type Entry, type Missing, megabytes } from './bundle.ts';

export interface Contents {
  /** How the run ended, in one sentence. */
  readonly headline: string;
  /** Nodes that the failure speaks of. */
  readonly blamed: readonly string[];
  readonly entries: readonly Entry[];
  readonly missing: readonly Missing[];
}

/** Rows of the README; a bundle of a large cluster has more files than anybody reads in a table. */
const MOST_ROWS = 400;

export function readmeText({ headline, blamed, entries, missing }: Contents): string {
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/\|/g, '\\|');
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  const rows = entries.map(({ file, what, bytes, note }) => row([file, what, megabytes(bytes), note]));
  const gaps = [...byReason(missing)].map(([why, whats]) => row([listed(whats), why]));
  return [
    '# Evidence',
    '',
    headline.replace(/\s+/g, ' '),
    '',
    `Gathered when the run ended, before anything was cleaned up. ${entries.length} files, ${megabytes(total)}; secrets are masked.`,
    ...(blamed.length > 0 ? [`The failure speaks of ${blamed.join(', ')}: looked at first.`] : []),
    ...(rows.length > 0
      ? ['', '## Files', '', '| file | what | size | note |', '| --- | --- | --- | --- |', ...some(rows)]
      : []),
    ...(gaps.length > 0 ? ['', '## Not gathered', '', '| what | why |', '| --- | --- |', ...some(gaps)] : []),
    '',
  ].join('\n');
}

function byReason(missing: readonly Missing[]): Map<string, string[]> {
  const grouped = new Map<string, string[]>();
  for (const { what, why } of missing) grouped.set(why, [...(grouped.get(why) ?? []), what]);
  return grouped;
}

function listed(whats: readonly string[]): string {
  const left = whats.length - 6;
  return left > 1 ? `${whats.slice(0, 6).join('; ')}; and ${left} more` : whats.join('; ');
}

function some(rows: readonly string[]): readonly string[] {
  const left = rows.length - MOST_ROWS;
  return left > 0 ? [...rows.slice(0, MOST_ROWS), '', `${left} more are in index.json.`] : rows;
}

export function indexJson({ headline, blamed, entries, missing }: Contents): string {
  return `${JSON.stringify({ headline, blamed, files: entries, missing }, null, 2)}\n`;
}
