/** Whatever words are on the command line: an exit code that the contract knows, one sentence a problem, nothing touched. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/main.ts';
import type { Output } from '../../src/cli/output.ts';
import { ONE_LINE, runs } from './runs.ts';

const directory = mkdtempSync(join(tmpdir(), 'fuzz-words-'));
mkdirSync(join(directory, 'foreign'));
writeFileSync(join(directory, 'foreign', 'mine'), '');
writeFileSync(join(directory, 'scenario.yaml'), 'schemaVersion: 1\nname: fuzz\n');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function said(words: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const output: Output = {
    result: (text) => {
      stdout += text;
    },
    message: (text) => {
      stderr += text;
    },
    trouble: null,
    terminal: false,
    colour: false,
    columns: () => 80,
  };
  return { code: await commandLine(words, output), stdout, stderr };
}

const FLAGS = [
  '--json',
  '--set',
  '--seed',
  '--provider',
  '--until',
  '--expect',
  '--keep',
  '--quiet',
  '--verbose',
  '--live',
  '--help',
  '-h',
  '--',
  '-x',
  '--nope',
  '--__proto__',
  '--constructor',
];
const VALUES = [
  'lab',
  'minimal',
  'labb',
  'twin',
  'kind',
  'passed',
  'failed:',
  'failed:baseline',
  'cluster.workers=2',
  'cluster.workers=x',
  '__proto__.x=1',
  'a=*b',
  '1',
  '-1',
  '1e9',
  '',
  '=',
  'baseline',
  'never',
  join(directory, 'scenario.yaml'),
  directory,
  '/dev/zero',
  '\u001b[31m\n',
  'scenarios',
  'versions',
  'checkpoints',
];
const word = fc.oneof(
  fc.constantFrom(...FLAGS),
  fc.constantFrom(...VALUES),
  fc.tuple(fc.constantFrom(...FLAGS), fc.constantFrom(...VALUES)).map(([flag, value]) => `${flag}=${value}`),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const command = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('check', 'plan', 'list', 'report', 'run') },
  { weight: 1, arbitrary: fc.constantFrom('help', '--version', '--help', '', 'serve', 'rnu', '\u001b', '__proto__') },
);

const STOPPED: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  run: '--report',
  serve: '--kubeconfig',
});

test('any words', async () => {
  await fc.assert(
    fc.asyncProperty(command, fc.array(word, { maxLength: 5 }), async (first, rest) => {
      // A run that is right would run, a server would serve: these always end at what is not theirs.
      const stop = STOPPED[first];
      const words = stop === undefined ? [first, ...rest] : [first, stop, join(directory, 'foreign'), ...rest];
      const { code, stdout, stderr } = await said(words);
      expect([0, 2, 64], stderr).toContain(code);
      expect(stderr).not.toContain('internal error');
      for (const line of stderr.split('\n').filter((text) => text !== '')) expect(line).toMatch(ONE_LINE);
      if (code === 2) {
        expect(stderr).toMatch(/^rehearse: \S/);
        if (words.includes('--json')) expect(JSON.parse(stdout)).toMatchObject({ verdict: 'refused' });
        else expect(stdout).toBe('');
      }
      expect(readdirSync(directory).sort()).toEqual(['foreign', 'scenario.yaml']);
      expect(readdirSync(join(directory, 'foreign'))).toEqual(['mine']);
    }),
    runs(250),
  );
});

test.each<[string[], RegExp]>([
  [['run', '--__proto__', 'x'], /unknown flag --__proto__/],
  [['run', '--constructor', 'x'], /unknown flag --constructor/],
  [['run', 'minimal', '--expect', 'failed:'], /a checkpoint is wanted after the colon/],
  [['check', ''], /an argument is empty/],
  [['help', 'runn'], /there is no command runn; did you mean run\?/],
  [['check', '/dev/zero'], /this is a device, a file is wanted/],
  [['check', 'lab', '--set', 'providers.-1=kind'], /an index from 0 to 2 is wanted, not -1/],
  [['check', 'lab', '--set', `calico.felix.${'a.'.repeat(5_000)}a=1`], /a path of keys joined by dots/],
  [['check', 'lab', '--set', 'name=a\n---\nb'], /one YAML document, not several/],
])('%j', async (words, message) => {
  const { code, stdout, stderr } = await said(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('nothing at all shows the help where messages go', async () => {
  const { code, stdout, stderr } = await said([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('Usage: rehearse');
});
