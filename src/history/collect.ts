/** Every report.json below a directory, as a record with its place. */
import { readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { type RunRecord, recordOf } from '../compare/record.ts';
import { REPORT_FILE, ReportUnreadable, readReport } from '../report/read.ts';

export interface Found {
  /** The report's directory, relative to where the search began, with `/`. */
  readonly path: string;
  readonly record: RunRecord;
}

export interface Collected {
  /** In the natural order of their paths: `night-9` before `night-10`. */
  readonly found: readonly Found[];
  /** One sentence for each report that could not be read. */
  readonly troubles: readonly string[];
}

/** More than a nightly matrix leaves in years; a search that finds more has begun in the wrong place. */
const MOST_REPORTS = 20_000;

/** Links are not followed: they could lead in a circle. @throws Error when the directory cannot be read, or holds too much */
export function collectReports(directory: string): Collected {
  const found: Found[] = [];
  const troubles: string[] = [];
  for (const file of reportFiles(directory)) {
    const path = relative(directory, dirname(file)).split(sep).join('/') || '.';
    try {
      found.push({ path, record: recordOf(readReport(file)) });
    } catch (error) {
      if (!(error instanceof ReportUnreadable)) throw error;
      troubles.push(error.message);
    }
  }
  return { found, troubles };
}

function reportFiles(directory: string): string[] {
  const files: string[] = [];
  const visit = (at: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && entry.name === REPORT_FILE) files.push(path);
      if (files.length > MOST_REPORTS)
        throw new Error(`there are more than ${MOST_REPORTS} reports below ${directory}`);
    }
  };
  visit(directory);
  return files.sort(naturally);
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** Numbers in names by their value. */
export const naturally = (a: string, b: string): number => COLLATOR.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
