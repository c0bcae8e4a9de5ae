/** A report.json that somebody hands to us: valid in every key, or refused in one sentence. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../scenario/printable.ts';
import type { Report } from './report-types.ts';
import { reportSchema } from './schema.ts';

export const REPORT_FILE = 'report.json';
/** A report of a hundred nodes has a few MB. */
const MOST_BYTES = 256 * 1024 * 1024;

export class ReportUnreadable extends Error {
  override readonly name = 'ReportUnreadable';
  constructor(file: string, why: string, options?: ErrorOptions) {
    super(printable(`${file}: ${why}`, 800), options);
  }
}

/**
 * @param path a report.json, or a report directory
 * @throws ReportUnreadable
 */
export function readReport(path: string): Report {
  const file = isDirectory(path) ? join(path, REPORT_FILE) : path;
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, which no report has`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ReportUnreadable(file, code === 'ENOENT' ? 'there is no such file' : message, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportUnreadable(file, `it is no JSON (${(error as Error).message})`, { cause: error });
  }
  const parsed = reportSchema.safeParse(value);
  // What a later release has added does not keep this one from reading the rest.
  if (parsed.success || parsed.error.issues.every(({ code }) => code === 'unrecognized_keys')) return value as Report;
  const { schemaVersion } = (typeof value === 'object' && value !== null ? value : {}) as { schemaVersion?: unknown };
  if (schemaVersion !== undefined && schemaVersion !== 1) {
    throw new ReportUnreadable(file, `schemaVersion 1 is wanted, not ${JSON.stringify(schemaVersion)}`);
  }
  const issue = parsed.error.issues[0]!;
  throw new ReportUnreadable(
    file,
    `it is no report of rehearse: ${issue.path.join('.') || 'the whole'}: ${issue.message}`,
  );
}

/** @throws ReportUnreadable */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ReportUnreadable(path, code === 'ENOENT' ? 'there is no such file or directory' : message, {
      cause: error,
    });
  }
}
