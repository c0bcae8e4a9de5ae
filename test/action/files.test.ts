/** action.yml, docs/action.md and the examples say what src/action/input-table.ts says. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionYml, pageWith } from '../../scripts/action-files.ts';
import { INPUTS, OUTPUTS } from '../../src/action/input-table.ts';
import { readRequest } from '../../src/action/inputs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const text = (...name: string[]): string => readFileSync(path.join(ROOT, ...name), 'utf8');

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses: string;
  readonly with?: Readonly<Record<string, string | boolean>>;
}
interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly needs?: string;
        readonly permissions?: unknown;
        readonly 'timeout-minutes'?: number;
        readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> };
        readonly steps: readonly Step[];
      }
    >
  >;
}

test('action.yml is what npm run schemas writes', () => {
  expect(text('action.yml')).toBe(actionYml());
});

test('the tables of docs/action.md are what npm run schemas writes', () => {
  const page = text('docs', 'action.md');
  expect(pageWith(page)).toBe(page);
});

test('action.yml is one that a runner takes', () => {
  const action = parse(text('action.yml')) as {
    runs: Record<string, string>;
    inputs: Record<string, { default?: unknown }>;
    outputs: object;
  };
  // `post-if` is left out: its default is always().
  expect(action.runs).toEqual({ using: 'node24', main: 'dist/main.mjs', post: 'dist/post.mjs' });
  expect(Object.keys(action.outputs)).toEqual(Object.keys(OUTPUTS));
  expect(Object.keys(action.inputs)).toEqual(Object.keys(INPUTS));
  // A runner hands texts over; YAML must not make a number or a boolean of one.
  for (const { default: value } of Object.values(action.inputs))
    expect(['string', 'undefined']).toContain(typeof value);
});

const OURS = 'OWNER/cilium-migration-rehearsal@v1';
const files = readdirSync(path.join(ROOT, 'examples')).filter((name) => name.endsWith('.yml'));

/** Each combination of a matrix. */
function rowsOf(matrix: Readonly<Record<string, unknown>> = {}): Record<string, string>[] {
  if (Array.isArray(matrix.include)) return matrix.include as Record<string, string>[];
  return Object.entries(matrix).reduce<Record<string, string>[]>(
    (rows, [key, values]) => rows.flatMap((row) => (values as string[]).map((value) => ({ ...row, [key]: value }))),
    [{}],
  );
}

describe.each(files)('examples/%s', (name) => {
  const source = text('examples', name);
  const workflow = parse(source) as Workflow;
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps.map((step) => ({ job, step })));
  let workspace: string;
  beforeAll(() => {
    workspace = mkdtempSync(path.join(tmpdir(), 'examples-'));
    mkdirSync(path.join(workspace, 'cluster'));
    writeFileSync(path.join(workspace, 'cluster/rehearsal.yaml'), 'schemaVersion: 1\nname: mine\n');
    writeFileSync(path.join(workspace, 'cluster/cilium-values.yaml'), 'MTU: 1400\n');
    const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: some }\n';
    for (const file of ['network-policies', 'shop'])
      writeFileSync(path.join(workspace, 'cluster', `${file}.yaml`), map);
  });
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));

  test('asks for the least permissions, and every job has an end', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [, job] of jobs) {
      expect(job.permissions).toBeUndefined();
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const needed of [job.needs ?? []].flat()) expect(Object.keys(workflow.jobs)).toContain(needed);
    }
  });

  test('pins what is not ours by commit, with the version beside it', () => {
    for (const { step } of steps) {
      if (step.uses === OURS) continue;
      expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      expect(source).toMatch(new RegExp(`${step.uses} # v\\d+\\.\\d+\\.\\d+\\n`));
    }
    expect(steps.some(({ step }) => step.uses === OURS)).toBe(true);
  });

  test('leaves no credentials in the checkout', () => {
    for (const { step } of steps) {
      if (step.uses.startsWith('actions/checkout@')) expect(step.with).toEqual({ 'persist-credentials': false });
    }
  });

  test('has inputs that are there, with values that are taken in every row of its matrix', () => {
    for (const { job, step } of steps) {
      if (step.uses !== OURS) continue;
      for (const input of Object.keys(step.with ?? {})) expect(Object.keys(INPUTS)).toContain(input);
      for (const row of rowsOf(job.strategy?.matrix)) {
        const given = Object.entries(step.with ?? {}).map(([input, value]) => [
          `INPUT_${input.toUpperCase()}`,
          String(value).replaceAll(/\$\{\{ matrix\.(\w+) \}\}/g, (_, key: string) => row[key] ?? ''),
        ]);
        expect(() => readRequest({ GITHUB_WORKSPACE: workspace, ...Object.fromEntries(given) })).not.toThrow();
      }
    }
  });

  test('takes outputs that are there, from a step that is there, also of a red one', () => {
    for (const { job, step } of steps) {
      for (const value of Object.values(step.with ?? {})) {
        for (const [, id, output] of String(value).matchAll(/steps\.(\w+)\.outputs\.([\w-]+)/g)) {
          expect(job.steps.find((other) => other.id === id)?.uses).toBe(OURS);
          expect(Object.keys(OUTPUTS)).toContain(output);
          expect(step.if).toBe('always()');
        }
      }
    }
  });
});

test('examples/README.md has every example', () => {
  const told = [...text('examples', 'README.md').matchAll(/\]\((\S+\.yml)\)/g)].map(([, name]) => name);
  expect(told.sort()).toEqual(files.sort());
});

test('what docs/action.md pins and links to is there', () => {
  const page = text('docs', 'action.md');
  for (const [, link] of page.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
    if (!/^https?:/.test(link!)) expect(existsSync(path.join(ROOT, 'docs', link!)), link).toBe(true);
  }
  const pins = [...page.matchAll(/uses: (actions\/\S+@\S+)/g)].map(([, pin]) => pin);
  const used = files.flatMap((name) =>
    [...text('examples', name).matchAll(/uses: (actions\/\S+@\S+)/g)].map(([, pin]) => pin),
  );
  expect(pins.filter((pin) => !used.includes(pin))).toEqual([]);
});
