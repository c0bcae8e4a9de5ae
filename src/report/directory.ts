/**
 * The report directory: made by us or bearing our marker, never somebody's own. The marker lists what we wrote into it, so
 * that a later run removes exactly that.
 */
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { printable } from '../scenario/printable.ts';
import { partialOf, writeWhole } from './atomic.ts';

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

/** Reports cannot be written there. The message says what to do; the run is refused, or the machine is to blame. */
export class ReportDirectoryRefused extends Error {
  override readonly name = 'ReportDirectoryRefused';
  readonly directory: string;
  /** `foreign`: it exists and is not ours. `unusable`: no directory, or not writable. `machine`: no room, no handles. */
  readonly kind: 'foreign' | 'unusable' | 'machine';
  constructor(directory: string, kind: 'foreign' | 'unusable' | 'machine', message: string, cause?: unknown) {
    super(printable(message, 800), { cause });
    this.directory = directory;
    this.kind = kind;
  }
}

/**
 * Creates the directory or empties ours of old reports.
 * @param options.keep files that stay (`events.ndjson`, when reports are made from it again); `evidence/` keeps all below it
 * @param options.option what the user names the directory with, for messages
 * @throws ReportDirectoryRefused before anything is changed
 */
export function prepareReportDirectory(
  directory: string,
  options: { readonly keep?: readonly string[]; readonly option?: string } = {},
): void {
  const another = `name another with ${options.option ?? '--report'}`;
  const shown = printable(directory, 300);
  const refuse = (kind: ReportDirectoryRefused['kind'], why: string, cause?: unknown): ReportDirectoryRefused =>
    new ReportDirectoryRefused(directory, kind, `report directory ${shown}: ${why}`, cause);
  // `somewhere/new/..` is somewhere, also while there is no `new`.
  const path = resolve(directory);
  let made: readonly string[] = [];
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) throw refuse('unusable', `it is a file; ${another}`);
    if (!found && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw refuse('unusable', `it is a link to nothing; ${another}`);
    }
    if (found && !isMarked(path)) {
      throw refuse('foreign', `it exists and was not made by rehearse (no ${MARKER} in it); ${another}, or remove it`);
    }
    const kept = found ? removeOld(path, new Set(options.keep ?? []), refuse, another) : [];
    if (!found) made = makeDirectories(path);
    writeWhole(join(path, MARKER), `${HEADER}${kept.map((name) => `${name}\n`).join('')}`);
  } catch (error) {
    for (const at of made) removeEmpty(at);
    if (error instanceof ReportDirectoryRefused) throw error;
    const kind = OF_THE_MACHINE.has((error as NodeJS.ErrnoException).code ?? '') ? 'machine' : 'unusable';
    throw refuse(kind, `cannot be written (${systemProblem(error)}); ${another}`, error);
  }
}

/** Our marker is a file; whoever put something else in its place did not mean us to write through it. */
function isMarked(path: string): boolean {
  return lstatSync(join(path, MARKER), { throwIfNoEntry: false })?.isFile() === true;
}

/** `ENOTDIR: not a directory`, without the call and the path, which is long where that is the trouble. */
function systemProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+ '.*/s, '');
}

/** Codes of the system that no other word on the command line would have avoided. */
const OF_THE_MACHINE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * Makes the directory again where somebody has removed it during the run.
 * @throws Error when something else is in its place
 */
export function reviveReportDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) prepareReportDirectory(directory);
  else if (!found.isDirectory()) throw new Error(`${directory} is no directory any more`);
  else if (!isMarked(directory)) throw new Error(`${directory} is not ours any more: no ${MARKER} in it`);
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
export function makeDirectories(path: string): string[] {
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  const made: string[] = [];
  try {
    for (const at of missing.reverse()) {
      mkdirSync(at);
      made.unshift(at);
    }
  } catch (error) {
    for (const at of made) removeEmpty(at);
    throw error;
  }
  return made;
}

type Refuse = (kind: 'foreign' | 'unusable', why: string) => ReportDirectoryRefused;

/**
 * What is to go is looked at first: nothing goes where something cannot.
 * @returns what is listed and stays
 */
function removeOld(directory: string, keep: ReadonlySet<string>, refuse: Refuse, another: string): string[] {
  const listed = readFileSync(join(directory, MARKER), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const root = realpathSync(directory);
  const old = [...new Set([...ALWAYS, ...listed])].filter(
    (name) => !isKept(name, keep) && isInside(name) && leadsInside(directory, name, root),
  );
  for (const name of old) {
    if (lstatSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory()) {
      throw refuse(
        'unusable',
        `${name} in it is a directory, where a report would be written; remove it, or ${another}`,
      );
    }
  }
  for (const name of old) {
    rmSync(join(directory, name), { force: true });
    rmSync(partialOf(join(directory, name)), { force: true });
    removeEmptyParents(directory, name);
  }
  return [...new Set(listed)].filter((name) => isKept(name, keep));
}

function isKept(name: string, keep: ReadonlySet<string>): boolean {
  return keep.has(name) || [...keep].some((kept) => kept.endsWith('/') && name.startsWith(kept));
}

/** A link in the directory may lead out of it: what it leads to is not ours. */
function leadsInside(directory: string, name: string, root: string): boolean {
  try {
    const parent = realpathSync(dirname(join(directory, name)));
    return statSync(parent).isDirectory() && (parent === root || parent.startsWith(`${root}${sep}`));
  } catch {
    // There is no such place, so there is nothing to remove.
    return false;
  }
}

/** The marker may have been edited: nothing outside is ever removed. */
function isInside(name: string): boolean {
  const path = normalize(name);
  return !isAbsolute(path) && path !== '.' && path.split(sep)[0] !== '..' && path !== MARKER;
}

function removeEmptyParents(directory: string, name: string): void {
  for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) {
    if (!removeEmpty(join(directory, parent))) return;
  }
}

function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    // Not empty, or never made.
    return false;
  }
}
