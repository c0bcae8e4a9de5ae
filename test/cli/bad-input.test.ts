/** Bad input as its user meets it, in real processes: exit 2, one clear line with its place, stdout empty, nothing made. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const REHEARSE = fileURLToPath(new URL('../../bin/rehearse', import.meta.url));
let directory: string;
let before: string[];

const V = 'schemaVersion: 1\n';
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'empty.yaml': '',
  'binary.yaml': new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]),
  'controls.yaml': `${V}cluster:\n  "\\e[31m\\nwokers": 3\n`,
  'twice.yaml': `${V}cluster: {workers: 1, workers: 2}\n`,
  'itself.yaml': `${V}calico:\n  felix: &a\n    b: *a\n`,
  'deep.yaml': `${V}calico: {felix: {a: ${'['.repeat(10_000)}${']'.repeat(10_000)}}}\n`,
  'cidrs.yaml': `${V}cilium: {podCIDR: [10.0.0.0/8, 10.1.0.0/16]}\n`,
  'workload.yaml': `${V}workloads: [no-kubernetes.yaml]\n`,
  'no-kubernetes.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n',
  'garbage.ndjson': '\u001b[31m\u0000\n',
};

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bad-input-'));
  for (const [name, content] of Object.entries(FILES)) {
    // The name comes last, so that places stay.
    const scenario = typeof content === 'string' && content.startsWith(V);
    writeFileSync(join(directory, name), scenario ? `${content}name: bad\n` : content);
  }
  symlinkSync('loop.yaml', join(directory, 'loop.yaml'));
  mkdirSync(join(directory, 'mine'));
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  before = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const rehearse = (words: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(REHEARSE, words, { cwd: directory, timeout: 60_000 }, (error, stdout, stderr) => {
      // A process that hangs is killed, and then has no code.
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });

describe.concurrent('exit 2', () => {
  test.each<[string[], RegExp]>([
    [['run', 'empty.yaml'], /^rehearse: empty\.yaml: the file is empty/],
    [['check', 'binary.yaml'], /^rehearse: binary\.yaml: this is a binary file/],
    [['plan', 'pipe'], /^rehearse: pipe: this is a named pipe, a file is wanted/],
    [['run', 'loop.yaml'], /^rehearse: loop\.yaml: the file cannot be read: its links lead to each other/],
    [['run', 'controls.yaml'], /^rehearse: controls\.yaml:3:3: cluster\."\\u001b\[31m\\nwokers": unknown key/],
    [['run', 'twice.yaml'], /^rehearse: twice\.yaml:2:23: not valid YAML: the key workers stands twice/],
    [['check', 'itself.yaml'], /^rehearse: itself\.yaml:4:8: not valid YAML: the alias \*a stands inside/],
    [['run', 'deep.yaml'], /^rehearse: deep\.yaml:2:\d+: not valid YAML: nested deeper than 100 levels/],
    [['run', 'cidrs.yaml'], /^rehearse: cidrs\.yaml:2:32: cilium\.podCIDR\.1: 10\.1\.0\.0\/16 overlaps 10\.0\.0\.0\/8/],
    [
      ['run', 'workload.yaml'],
      /^rehearse: workload\.yaml:2:13: workloads\.0: no-kubernetes\.yaml:1:1: .*metadata\.name/,
    ],
    [['run', 'minimal', '--set', '__proto__.x=1'], /^rehearse: --set __proto__\.x: __proto__ is not a key/],
    [
      ['run', 'minimal', '--report', 'mine/new/..'],
      /^rehearse: report directory mine\/new\/\.\.: it exists and was not made/,
    ],
    [
      ['run', 'minimal', '--report', '/proc/rehearsal'],
      /^rehearse: report directory \/proc\/rehearsal: cannot be written/,
    ],
    [['report', 'garbage.ndjson'], /^rehearse: garbage\.ndjson:1: no events of a rehearsal.*: \\u001b\[31m\\u0000/],
    [['report', 'pipe'], /^rehearse: pipe: this is a named pipe/],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await rehearse(words);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('See: rehearse'));
    expect(lines).toHaveLength(1);
  });

  test('with --json, one document on stdout', async () => {
    const { code, stdout } = await rehearse(['run', 'cidrs.yaml', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'refused',
      problems: [{ where: 'cidrs.yaml', line: 2, column: 32, path: 'cilium.podCIDR.1' }],
    });
  });
});

test('nothing was made or removed', () => {
  expect(readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()).toEqual(before);
});
