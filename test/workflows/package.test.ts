/** The npm package, tried from its tarball in an empty directory, as somebody who has only that would. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson, startProcess } from '../cli/processes.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let directory: string;
let tarball: string;
const at = (...parts: string[]): string => path.join(directory, ...parts);
/** Node of this test first on the PATH; npm beside whatever Node it was made for. */
const PATH = `${path.dirname(process.execPath)}:${process.env.PATH}`;

const run = (cwd: string, command: string, ...words: string[]) =>
  startProcess('env', [`PATH=${PATH}`, command, ...words], cwd).ended;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'package-test-'));
  mkdirSync(at('empty'));
  const { code, stdout, stderr } = await run(ROOT, process.execPath, 'scripts/package.ts', directory);
  expect(code, stderr).toBe(0);
  tarball = stdout.trim();
  writeFileSync(at('empty', 'package.json'), '{}');
  // No registry is asked: the package is all there is.
  const installed = await run(at('empty'), 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
  expect(installed.code, installed.stderr).toBe(0);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('it depends on nothing, has no script, and is no larger than it must be', () => {
  const manifest = readJson<Record<string, unknown>>(at('empty/node_modules/cni-rehearsal/package.json'));
  expect(Object.keys(manifest).filter((key) => /dependencies|scripts|private/i.test(key))).toEqual([]);
  expect(readdirSync(at('empty/node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['cni-rehearsal']);
  const { stdout } = spawnSync('tar', ['tzf', tarball], { encoding: 'utf8' });
  expect(stdout.split('\n').filter((name) => /package\/(src|test|scripts|node_modules)\//.test(name))).toEqual([]);
});

test('the command rehearses, makes its reports again, and runs a matrix with processes of its own', async () => {
  const rehearse = (...words: string[]) => run(at('empty'), at('empty/node_modules/.bin/rehearse'), ...words);
  const version = await rehearse('--version');
  expect(version.stdout.trim(), version.stderr).toBe(readJson<{ version: string }>(ROOT, 'package.json').version);
  expect(await rehearse('run', 'minimal', '--quiet', '--report', 'out')).toMatchObject({ code: 0 });
  expect(readJson(at('empty/out/report.json'))).toMatchObject({ verdict: 'passed' });
  expect(await rehearse('report', 'out/events.ndjson', '--report', 'again')).toMatchObject({ code: 0 });
  expect(existsSync(at('empty/again/summary.md'))).toBe(true);
  const matrix = await rehearse('matrix', 'minimal', '--run', '--report', 'all');
  expect(matrix, matrix.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/PASSED \(simulated\)/) });
  const drill = await rehearse('drill', 'minimal', '--fault', 'tunnel-port-clash');
  expect(drill, drill.stderr).toMatchObject({ code: 0 });
});
