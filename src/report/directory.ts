/**
 * The report directory: made by us or bearing our marker, never somebody's own. The marker lists what we wrote into it, so
 * that a later run removes exactly that.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';

export const MARKER = '.rehearsal-report';
const HEADER = '# Made by rehearse. A later run with this report directory removes the files listed here.\n';

/** What every run may write, listed or not (a run that was killed lists nothing). */
const ALWAYS = [
  'events.ndjson',
  'report.json',
  'summary.md',
  'junit.xml',
  'report.html',
  'kind.yaml',
  'ciliumnodeconfig.yaml',
  'values-initial.yaml',
  'values-final.yaml',
  'values.diff',
];

/** Reports cannot be written there. The message says what to do; the run is refused (exit 2). */
export class ReportDirectoryRefused extends Error {
  override readonly name = 'ReportDirectoryRefused';
  readonly directory: string;
  /** `foreign`: it exists and is not ours. `unusable`: no directory, or not writable. */
  readonly kind: 'foreign' | 'unusable';
  constructor(directory: string, kind: 'foreign' | 'unusable', message: string, cause?: unknown) {
    super(message, { cause });
    this.directory = directory;
    this.kind = kind;
  }
}

/**
 * Creates the directory or empties ours of old reports.
 * @param options.keep files that stay (`events.ndjson`, when reports are made from it again)
 * @throws ReportDirectoryRefused before anything is changed
 */
export function prepareReportDirectory(directory: string, options: { readonly keep?: readonly string[] } = {}): void {
  try {
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) {
      throw new ReportDirectoryRefused(
        directory,
        'unusable',
        `report directory ${directory}: it is a file; name another with --report`,
      );
    }
    if (found && !existsSync(join(directory, MARKER))) {
      throw new ReportDirectoryRefused(
        directory,
        'foreign',
        `report directory ${directory}: it exists and was not made by rehearse (no ${MARKER} in it); name another with --report, or remove it`,
      );
    }
    if (found) removeOld(directory, new Set(options.keep ?? []));
    else makeDirectories(directory);
    writeFileSync(join(directory, MARKER), HEADER);
  } catch (error) {
    if (error instanceof ReportDirectoryRefused) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ReportDirectoryRefused(
      directory,
      'unusable',
      `report directory ${directory}: cannot be written (${why}); name another with --report`,
      error,
    );
  }
}

/** Notes a file of ours before it is written. */
export function listInMarker(directory: string, name: string): void {
  appendFileSync(join(directory, MARKER), `${name}\n`);
}

/** The name as a relative path that stays inside the directory, whatever an event says. */
export function safeName(name: string): string {
  const parts = name
    .split(/[\\/]+/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: names of files may not hold them.
    .map((part) => part.replace(/[\u0000-\u001f:*?"<>|]/g, '_'))
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.join('/') || 'unnamed';
}

/** Not `recursive: true`, which never returns where a file system answers ENOENT for a new entry, such as /proc (Node 24). */
function makeDirectories(directory: string): void {
  const path = resolve(directory);
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) mkdirSync(at);
}

function removeOld(directory: string, keep: ReadonlySet<string>): void {
  const listed = readFileSync(join(directory, MARKER), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const name of new Set([...ALWAYS, ...listed])) {
    if (keep.has(name) || !isInside(name)) continue;
    rmSync(join(directory, name), { force: true });
    removeEmptyParents(directory, name);
  }
}

/** The marker may have been edited: nothing outside is ever removed. */
function isInside(name: string): boolean {
  const path = normalize(name);
  return !isAbsolute(path) && path !== '.' && path.split(sep)[0] !== '..' && path !== MARKER;
}

function removeEmptyParents(directory: string, name: string): void {
  for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) {
    try {
      rmdirSync(join(directory, parent));
    } catch {
      // Not empty, or never made.
      return;
    }
  }
}
