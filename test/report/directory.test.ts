import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  MARKER,
  prepareReportDirectory,
  ReportDirectoryRefused,
  reviveReportDirectory,
  safeName,
} from '../../src/report/directory.ts';
import { reportFiles, writeReports } from '../../src/report/files.ts';
import { storyOf } from '../../src/report/model.ts';
import { errorRun, failedRun, passedRun, Tape, verdict } from './events-fixture.ts';

let base: string;
let directory: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'rehearse-report-'));
  directory = join(base, 'a', 'report');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function refusal(): ReportDirectoryRefused {
  try {
    prepareReportDirectory(directory);
  } catch (error) {
    expect(error).toBeInstanceOf(ReportDirectoryRefused);
    return error as ReportDirectoryRefused;
  }
  throw new Error('it was not refused');
}

const listed = (): string[] =>
  (readdirSync(directory, { recursive: true, withFileTypes: true }) as { name: string; parentPath: string }[])
    .map(({ name, parentPath }) => join(parentPath, name).slice(directory.length + 1))
    .sort();

describe('the report directory', () => {
  test('is created with its parents and marked', () => {
    prepareReportDirectory(directory);
    expect(readdirSync(directory)).toEqual([MARKER]);
  });

  test("somebody's own is refused with the remedy, and left alone", () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'report.json'), 'mine');
    const { kind, message } = refusal();
    expect(kind).toBe('foreign');
    expect(message).toContain(directory);
    expect(message).toContain('--report');
    expect(readFileSync(join(directory, 'report.json'), 'utf8')).toBe('mine');
    expect(readdirSync(directory)).toEqual(['report.json']);
  });

  test('an empty one without our marker is refused too', () => {
    mkdirSync(directory, { recursive: true });
    expect(refusal().kind).toBe('foreign');
  });

  test('a file, and a directory below a file, are refused', () => {
    writeFileSync(join(base, 'a'), '');
    expect(refusal().kind).toBe('unusable');
    directory = join(base, 'a');
    const { kind, message } = refusal();
    expect(kind).toBe('unusable');
    expect(message).toContain('it is a file');
  });

  test.runIf(process.getuid?.() !== 0)('one that cannot be written is refused', () => {
    chmodSync(base, 0o555);
    expect(refusal().kind).toBe('unusable');
    chmodSync(base, 0o755);
  });

  test("ours is used again: old reports go, everybody else's files stay", () => {
    prepareReportDirectory(directory);
    writeReports(failedRun().events, directory);
    writeFileSync(join(directory, 'events.ndjson'), 'old');
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    writeFileSync(join(directory, 'evidence', 'notes.txt'), 'mine too');
    prepareReportDirectory(directory);
    expect(listed()).toEqual([MARKER, 'evidence', 'evidence/notes.txt', 'notes.txt']);
  });

  test('evidence leaves no empty directories', () => {
    prepareReportDirectory(directory);
    writeReports(failedRun().events, directory);
    expect(listed()).toContain('evidence/kind-worker/routes.txt');
    prepareReportDirectory(directory);
    expect(listed()).toEqual([MARKER]);
  });

  test('what a run that was killed wrote without listing it goes as well', () => {
    prepareReportDirectory(directory);
    writeFileSync(join(directory, 'events.ndjson'), 'cut');
    prepareReportDirectory(directory);
    expect(listed()).toEqual([MARKER]);
  });

  test('events stay where reports are made from them again', () => {
    prepareReportDirectory(directory);
    writeFileSync(join(directory, 'events.ndjson'), 'these');
    writeFileSync(join(directory, 'report.json'), 'old');
    prepareReportDirectory(directory, { keep: ['events.ndjson'] });
    expect(listed()).toEqual([MARKER, 'events.ndjson']);
  });

  test('a marker that was tampered with removes nothing outside', () => {
    prepareReportDirectory(directory);
    const outside = join(base, 'precious');
    writeFileSync(outside, '');
    writeFileSync(join(directory, MARKER), `../../precious\n${outside}\na/../../../precious\n.\n..\n`);
    prepareReportDirectory(directory);
    expect(existsSync(outside)).toBe(true);
  });

  test("behind a way that leads back into somebody's own, it is theirs", () => {
    const own = join(base, 'own');
    mkdirSync(own);
    directory = `${own}/new/..`;
    expect(refusal().kind).toBe('foreign');
    expect(readdirSync(own)).toEqual([]);
  });

  test('a link to nothing is refused, and nothing is made behind it', () => {
    directory = join(base, 'dangling');
    symlinkSync(join(base, 'nowhere'), directory);
    expect(refusal().message).toContain('a link to nothing');
    expect(existsSync(join(base, 'nowhere'))).toBe(false);
  });

  test('a marker that is a link is not ours, and is not written through', () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(base, 'precious'), 'precious');
    symlinkSync(join(base, 'precious'), join(directory, MARKER));
    expect(refusal().kind).toBe('foreign');
    expect(readFileSync(join(base, 'precious'), 'utf8')).toBe('precious');
  });

  test('what a link in it leads to stays', () => {
    prepareReportDirectory(directory);
    mkdirSync(join(base, 'own'));
    writeFileSync(join(base, 'own', 'routes.txt'), 'mine');
    symlinkSync(join(base, 'own'), join(directory, 'evidence'));
    writeFileSync(join(directory, MARKER), 'evidence/routes.txt\n');
    prepareReportDirectory(directory);
    expect(readFileSync(join(base, 'own', 'routes.txt'), 'utf8')).toBe('mine');
  });

  test('a directory where a report goes: refused before anything is removed', () => {
    prepareReportDirectory(directory);
    writeFileSync(join(directory, 'events.ndjson'), 'old');
    mkdirSync(join(directory, 'summary.md'));
    expect(refusal().message).toContain('summary.md in it is a directory');
    expect(listed()).toEqual([MARKER, 'events.ndjson', 'summary.md']);
  });

  test('what was made on the way to a name that is too long is taken away again', () => {
    directory = join(base, 'made', 'x'.repeat(300));
    expect(refusal().kind).toBe('unusable');
    expect(existsSync(join(base, 'made'))).toBe(false);
  });

  test('no message carries orders to a terminal', () => {
    directory = join(base, 'a\u001b[31m\n');
    mkdirSync(directory);
    expect(refusal().message).toContain('a\\u001b[31m\\n: it exists');
  });

  test('cleared away while a run goes on, it is made again for the reports', () => {
    prepareReportDirectory(directory);
    rmSync(directory, { recursive: true });
    reviveReportDirectory(directory);
    const { troubles } = writeReports(passedRun().events, directory);
    expect(troubles).toEqual([]);
    expect(listed()).toEqual(expect.arrayContaining([MARKER, 'report.json', 'summary.md', 'junit.xml']));
  });
});

test.each([
  ['routes.txt', 'routes.txt'],
  ['kind-worker/routes.txt', 'kind-worker/routes.txt'],
  ['../../etc/passwd', 'etc/passwd'],
  ['/etc/passwd', 'etc/passwd'],
  ['a\\..\\b', 'a/b'],
  ['a/./b//c', 'a/b/c'],
  ['pod:log\n?', 'pod_log__'],
  ['..', 'unnamed'],
])('the name %j of an event is written as %s', (name, safe) => {
  expect(safeName(name)).toBe(safe);
});

describe('the reports of a run', () => {
  test('a passed run', () => {
    prepareReportDirectory(directory);
    const { files, troubles } = writeReports(passedRun().events, directory);
    expect(troubles).toEqual([]);
    expect([...files].sort()).toEqual([
      'junit.xml',
      'kind.yaml',
      'report.json',
      'summary.md',
      'values-final.yaml',
      'values-initial.yaml',
      'values.diff',
    ]);
    const text = (name: string): string => readFileSync(join(directory, name), 'utf8');
    expect(JSON.parse(text('report.json'))).toMatchObject({ schemaVersion: 1, verdict: 'passed' });
    expect(parse(text('values-final.yaml'))).toEqual({ policyEnforcementMode: 'default', a: 1 });
    expect(text('values.diff')).toBe(
      [
        '--- values-initial.yaml',
        '+++ values-final.yaml',
        '@@ -1,2 +1,2 @@',
        '-policyEnforcementMode: never',
        '+policyEnforcementMode: default',
        ' a: 1',
        '',
      ].join('\n'),
    );
  });

  test('a run without values has no files of them', () => {
    const names = reportFiles(storyOf(errorRun().events)).map(({ name }) => name);
    expect(names).toEqual(['report.json', 'summary.md', 'junit.xml']);
  });

  test("a generated file takes no report's place", () => {
    const tape = new Tape().started();
    for (const name of ['report.json', './events.ndjson', MARKER, '../up.yaml']) {
      tape.emit({ type: 'file', name, content: 'x' });
    }
    const files = reportFiles(storyOf(tape.emit(verdict()).events)).map(({ name }) => name);
    expect(files.slice(3)).toEqual([
      'generated/report.json',
      'generated/events.ndjson',
      `generated/${MARKER}`,
      'up.yaml',
    ]);
  });

  test('a file that cannot be written is told and keeps no other from being written', () => {
    prepareReportDirectory(directory);
    mkdirSync(join(directory, 'summary.md'));
    const { files, troubles } = writeReports(passedRun().events, directory);
    expect(troubles.map(({ file }) => file)).toEqual(['summary.md']);
    expect(files).toContain('junit.xml');
  });

  test('the same events give the same bytes', () => {
    expect(reportFiles(storyOf(failedRun().events))).toEqual(reportFiles(storyOf(failedRun().events)));
  });
});
