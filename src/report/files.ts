/** Writes the reports of a story into its directory. Trouble with one file keeps none of the others from being written. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { Event } from '../events/events.ts';
import { EVIDENCE } from '../events/evidence.ts';
import { EVENTS_FILE } from '../events/writer.ts';
import { writeWhole } from './atomic.ts';
import { listInMarker, MARKER, safeName } from './directory.ts';
import { reportJson } from './json.ts';
import { junitXml } from './junit.ts';
import { unifiedDiff } from './line-diff.ts';
import { storyOf } from './model.ts';
import type { Story, TextFile } from './story.ts';
import { summaryMarkdown } from './summary.ts';

export interface WrittenReports {
  /** Names relative to the directory, in the order in which they were written. */
  readonly files: readonly string[];
  readonly troubles: readonly { readonly file: string; readonly error: Error }[];
}

/**
 * Writes report.json, summary.md, junit.xml, values and generated files.
 * @param directory made by `prepareReportDirectory`
 */
export function writeReports(told: Story | Iterable<Event>, directory: string): WrittenReports {
  const story = 'report' in told ? told : storyOf(told);
  const files: string[] = [];
  const troubles: { file: string; error: Error }[] = [];
  for (const { name, content } of reportFiles(story)) {
    try {
      const path = join(directory, name);
      listInMarker(directory, name);
      mkdirSync(dirname(path), { recursive: true });
      writeWhole(path, content);
      files.push(name);
    } catch (error) {
      troubles.push({ file: name, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }
  return { files, troubles };
}

/** Every file of the report directory but events.ndjson. */
export function reportFiles(story: Story): TextFile[] {
  const files = [
    { name: 'report.json', content: reportJson(story.report) },
    { name: 'summary.md', content: summaryMarkdown(story) },
    { name: 'junit.xml', content: junitXml(story) },
    ...valuesFiles(story),
  ];
  const ours = new Set([...files.map(({ name }) => name), EVENTS_FILE, MARKER]);
  for (const { name, content } of story.files) {
    // An event cannot take the place of a report.
    const safe = safeName(name);
    files.push({ name: ours.has(safe) ? `generated/${safe}` : safe, content });
  }
  for (const { name, content } of story.evidence) files.push({ name: `${EVIDENCE}/${safeName(name)}`, content });
  return files;
}

function valuesFiles({ report }: Story): TextFile[] {
  const { initial, final } = report.values;
  const files: TextFile[] = [];
  const names = { before: 'values-initial.yaml', after: 'values-final.yaml' };
  if (initial) files.push({ name: names.before, content: stringify(initial) });
  if (final) files.push({ name: names.after, content: stringify(final) });
  if (initial && final) {
    files.push({ name: 'values.diff', content: unifiedDiff(stringify(initial), stringify(final), names) });
  }
  return files;
}
