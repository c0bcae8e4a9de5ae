/** The record of a run on disk: opening it, and what to say when a part of it is not there (decision 7). */
import { type EventsWriter, openEventsWriter, type WriterOptions } from '../events/writer.ts';
import { prepareReportDirectory, ReportDirectoryRefused, reviveReportDirectory } from '../report/directory.ts';
import { type WrittenReports, writeReports } from '../report/files.ts';
import type { Story } from '../report/story.ts';
import { printable } from '../scenario/printable.ts';
import { RunProblem } from './problem.ts';

/** @throws RunProblem: refused where the directory is the wrong one, error where the machine does not let us */
export function prepareDirectory(directory: string, keep: readonly string[] = [], option = '--report'): void {
  try {
    prepareReportDirectory(directory, { keep, option });
  } catch (error) {
    if (!(error instanceof ReportDirectoryRefused)) throw error;
    throw new RunProblem(error.kind === 'machine' ? 'error' : 'refused', error.message, { cause: error });
  }
}

/** @throws RunProblem when the file cannot be opened */
export function openRecord(directory: string, options: WriterOptions): EventsWriter {
  try {
    return openEventsWriter(directory, options);
  } catch (error) {
    throw new RunProblem('error', `report directory ${directory}: cannot be written (${textOf(error)})`, {
      cause: error,
    });
  }
}

/**
 * Ends the record of a run: closes its events and writes the reports.
 * @returns what is missing, one sentence each; empty: everything is on disk
 */
export function completeRecord(writer: EventsWriter, story: Story, directory: string): string[] {
  try {
    reviveReportDirectory(directory);
  } catch (error) {
    writer.close();
    return [`no report could be written: ${textOf(error)}`];
  }
  writer.close();
  const events = writer.trouble === null ? [] : [`events.ndjson is not complete: ${writer.trouble.message}`];
  return [...events, ...notWritten(writeReports(story, directory).troubles)];
}

/** One sentence for all files that met the same trouble. */
export function notWritten(troubles: WrittenReports['troubles']): string[] {
  const byCause = new Map<string, string[]>();
  for (const { file, error } of troubles) {
    // `ENOSPC: no space left on device, write`: what comes after it is the system's call and the file.
    const cause = error.message.split(', ').slice(0, 1).join();
    const files = byCause.get(cause);
    if (files) files.push(file);
    else byCause.set(cause, [file]);
  }
  return [...byCause].map(([cause, files]) => printable(`${files.join(', ')} could not be written: ${cause}`, 800));
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
