/** Every workflow by the rules of the house; what actionlint and zizmor say needs the network, and is asked in ci. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = path.resolve(import.meta.dirname, '../..');
const WORKFLOWS = path.join(ROOT, '.github/workflows');
const HAS_ACTION = existsSync(path.join(ROOT, 'action.yml'));
const names = readdirSync(WORKFLOWS).sort();

/** Rights that a token may have, and where each is needed: more than this is a decision. */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'nightly judge': ['contents: write', 'issues: write'],
  'nightly pages': ['pages: write', 'id-token: write'],
  'release attest': ['contents: read', 'id-token: write', 'attestations: write'],
  'release npm': ['id-token: write'],
  'release publish': ['contents: write'],
};

/** An expression of GitHub's. */
const expr = (text: string): string => `\${{ ${text} }}`;

const step = z
  .strictObject({
    id: z.string().optional(),
    name: z.string().optional(),
    if: z.string().optional(),
    uses: z.string().optional(),
    run: z.string().optional(),
    with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    env: z.record(z.string(), z.string()).optional(),
    'working-directory': z.string().optional(),
    'continue-on-error': z.boolean().optional(),
  })
  .refine(({ uses, run }) => (uses === undefined) !== (run === undefined), 'either uses or run');

const job = z.strictObject({
  name: z.string().optional(),
  if: z.string().optional(),
  needs: z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional(),
  strategy: z
    .strictObject({
      'fail-fast': z.literal(false),
      'max-parallel': z.union([z.number(), z.string()]).optional(),
      matrix: z.union([z.string(), z.record(z.string(), z.array(z.string()))]),
    })
    .optional(),
  // No label that moves on its own, and none that waits for a machine of somebody's own.
  'runs-on': z.enum(['ubuntu-24.04', expr('matrix.runner')]),
  'timeout-minutes': z.number().int().min(1).max(360),
  permissions: z.record(z.string(), z.enum(['read', 'write'])),
  environment: z.union([z.string(), z.strictObject({ name: z.string(), url: z.string() })]).optional(),
  outputs: z.record(z.string(), z.string()).optional(),
  steps: z.array(step).min(1),
});

const workflow = z.strictObject({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  // Nothing, unless a job says otherwise.
  permissions: z.strictObject({}),
  concurrency: z.strictObject({ group: z.string(), 'cancel-in-progress': z.union([z.boolean(), z.string()]) }),
  jobs: z.record(z.string(), job),
});
type Workflow = z.infer<typeof workflow>;

const text = (name: string): string => readFileSync(path.join(WORKFLOWS, name), 'utf8');
const read = (name: string): Workflow => workflow.parse(parse(text(name)));
const jobsOf = (name: string) => Object.entries(read(name).jobs);
const stepsOf = (name: string) => jobsOf(name).flatMap(([id, { steps }]) => steps.map((one) => ({ job: id, ...one })));

test('these are the workflows', () => {
  expect(names).toEqual(['ci.yml', 'e2e.yml', 'nightly.yml', 'rehearse.yml', 'release.yml']);
});

describe.each(names)('%s', (name) => {
  test('has the form of a workflow: permissions, concurrency, and a time-out for every job', () => {
    const parsed = workflow.safeParse(parse(text(name)));
    expect(parsed.success ? [] : parsed.error.issues).toEqual([]);
  });

  test('has no anchors and merge keys: not all that reads workflows knows them', () => {
    expect(text(name)).not.toMatch(/^\s*<<:|: [&*]\w/m);
  });

  test('takes foreign actions by commit, with the version beside it', () => {
    const uses = [...text(name).matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, what]) => what!);
    expect(uses.length).toBe(stepsOf(name).filter((one) => one.uses !== undefined).length);
    for (const what of uses) {
      if (/^\.\/(\.cni-rehearsal)?$/.test(what)) continue;
      expect(what).toMatch(/^[\w-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  test('tells what a right to write is for', () => {
    for (const line of text(name)
      .split('\n')
      .filter((one) => /^ +[\w-]+: write\b/.test(one))) {
      expect(line).toMatch(/: write # \w/);
    }
  });

  test('gives a job no more rights than it needs', () => {
    for (const [id, { permissions }] of jobsOf(name)) {
      const rights = Object.entries(permissions).map(([right, level]) => `${right}: ${level}`);
      expect(rights, id).toEqual(RIGHTS[`${name.replace('.yml', '')} ${id}`] ?? ['contents: read']);
    }
  });

  test('leaves no credentials in a checkout', () => {
    for (const { uses, with: inputs } of stepsOf(name)) {
      if (uses?.startsWith('actions/checkout@')) expect(inputs).toMatchObject({ 'persist-credentials': false });
      if (uses?.startsWith('actions/setup-node@')) expect(inputs).toMatchObject({ 'package-manager-cache': false });
    }
  });

  test('scripts hold no expression, so that no text from outside becomes code', () => {
    for (const { run } of stepsOf(name)) expect(run ?? '').not.toContain('${{');
  });

  test('what runs is one command: npm, a checker, or a script of ours that has tests', () => {
    for (const { run } of stepsOf(name)) {
      if (run === undefined) continue;
      expect(run.trim()).not.toContain('\n');
      const script = /^node (?:\.cni-rehearsal\/)?(scripts\/[\w-]+\.ts)/.exec(run)?.[1];
      if (script === undefined) {
        expect(run).toMatch(
          /^(npm (ci|test|run package|ci --prefix \.cni-rehearsal|publish \.\/\*\.tgz .*)|go run github\.com\/rhysd\/actionlint\/cmd\/actionlint@v[\d.]+ -color)$/,
        );
      } else {
        // The bundler comes with the action.
        const isThere = existsSync(path.join(ROOT, script === 'scripts/bundle.ts' && !HAS_ACTION ? 'scripts' : script));
        expect(isThere, script).toBe(true);
      }
    }
  });

  test('expressions name only what there is: jobs, steps, outputs and inputs', () => {
    const { on, jobs } = read(name);
    const inputs = Object.keys((on.workflow_call as { inputs?: object } | undefined)?.inputs ?? {});
    for (const [id, { needs = [], steps, ...rest }] of Object.entries(jobs)) {
      for (const need of needs) expect(Object.keys(jobs), `${id} needs ${need}`).toContain(need);
      const own = JSON.stringify([steps, rest]);
      for (const [, need, output] of own.matchAll(/needs\.([\w-]+)\.outputs\.([\w-]+)/g)) {
        expect(needs, id).toContain(need);
        expect(Object.keys(jobs[need!]!.outputs ?? {}), `${id}: ${need}.${output}`).toContain(output);
      }
      for (const [, need] of own.matchAll(/needs\.([\w-]+)\.result/g)) expect(needs, id).toContain(need);
      for (const [, one] of own.matchAll(/steps\.([\w-]+)\.outputs/g)) {
        expect(
          steps.map((other) => other.id),
          `${id}: steps.${one}`,
        ).toContain(one);
      }
      for (const [, input] of own.matchAll(/inputs\.([\w-]+)/g)) expect(inputs, id).toContain(input);
    }
  });
});

test.each(['ci.yml', 'e2e.yml'])('the gate of %s needs every other job, and is asked whatever they came to', (name) => {
  const { jobs } = read(name);
  const { green, ...others } = jobs;
  expect(green!.needs).toEqual(Object.keys(others));
  expect(green!.if).toBe(expr('always()'));
  expect(green!.steps.at(-1)).toMatchObject({ run: 'node scripts/gate.ts', env: { NEEDS: expr('toJSON(needs)') } });
});

test('a job after a matrix runs also when a rehearsal was red, and not when all was cancelled', () => {
  for (const [name, id] of [
    ['rehearse.yml', 'summary'],
    ['nightly.yml', 'judge'],
  ] as const) {
    expect(read(name).jobs[id]!.if).toBe(expr("!cancelled() && needs.plan.result == 'success'"));
  }
});

test('a page of the history is deployed although a rehearsal was red: a job is not asked for all that went before it', () => {
  expect(read('nightly.yml').jobs.pages!.if).toBe(
    expr("!cancelled() && needs.judge.result == 'success' && vars.NIGHTLY_PAGES == 'true'"),
  );
});

test('reports are kept whatever became of their job', () => {
  for (const [name, id] of [
    ['rehearse.yml', 'rehearse'],
    ['nightly.yml', 'rehearse'],
    ['e2e.yml', 'kind'],
  ] as const) {
    expect(read(name).jobs[id]!.steps.at(-1), name).toMatchObject({
      if: expr('always()'),
      uses: expect.stringMatching(/^actions\/upload-artifact@/),
    });
  }
});

describe.each(['rehearse.yml', 'nightly.yml'])('the artifacts of %s', (name) => {
  const { jobs } = read(name);
  const stepOf = (id: string, action: string) =>
    jobs[id]!.steps.filter(({ uses }) => uses?.startsWith(`actions/${action}@`)).map((one) => one.with!);
  const down = stepOf(name === 'rehearse.yml' ? 'summary' : 'judge', 'download-artifact')[0]!;
  const [plan] = stepOf('plan', 'upload-artifact');
  const [reports] = stepOf('rehearse', 'upload-artifact');

  test('are found again by the pattern that they are fetched by, and by no other call of the workflow', () => {
    expect(down.pattern).toMatch(/^(rehearsal|\$\{\{ inputs\.name \}\})\.\*$/);
    const start = String(down.pattern).slice(0, -1);
    expect(plan!.name).toBe(`${start}plan`);
    expect(reports!.name).toBe(`${start}${expr('matrix.id')}`);
  });

  test('lie where they are looked for, one alone too: the artifact brings its directory', () => {
    // actions/download-artifact v8.0.1, src/download-artifact.ts: a single match goes into `path` itself.
    expect(down).toMatchObject({ path: 'reports', 'merge-multiple': true });
    expect(reports!.path).toBe('rehearsals');
    for (const { uses, with: inputs } of jobs.rehearse!.steps) {
      if (!/^\.\/(\.cni-rehearsal)?$/.test(uses ?? '')) continue;
      expect(String(inputs!.report).startsWith(`rehearsals/${expr('matrix.id')}`), String(inputs!.report)).toBe(true);
    }
    const { env } = jobs.plan!.steps.find(({ id }) => id === 'plan')!;
    expect(env!.PLAN).toBe(`${expr('runner.temp')}/plan.json`);
    expect(plan!.path).toBe(env!.PLAN);
  });

  test('no output goes into a variable: Linux takes 128 KiB of one, and a matrix may have more', () => {
    for (const { env } of stepsOf(name)) expect(Object.values(env ?? {}).join()).not.toContain('outputs.matrix');
  });
});

test('two calls of the reusable workflow in one run do not wait for each other, and share no artifact', () => {
  const { concurrency } = read('rehearse.yml');
  expect(concurrency.group).toBe(`rehearse-${expr('github.run_id')}-${expr('inputs.name')}`);
  for (const { uses, with: inputs } of stepsOf('rehearse.yml')) {
    if (uses?.startsWith('actions/upload-artifact@')) {
      expect(String(inputs!.name).startsWith(expr('inputs.name'))).toBe(true);
    }
  }
});

test('the reusable workflow runs its own commit, and takes nothing of the caller for code', () => {
  for (const [id, { steps }] of jobsOf('rehearse.yml')) {
    const own = steps.filter(({ with: inputs }) => inputs?.path === '.cni-rehearsal');
    expect(
      own.map(({ with: inputs }) => [inputs!.repository, inputs!.ref]),
      id,
    ).toEqual([[expr('job.workflow_repository'), expr('job.workflow_sha')]]);
    for (const { run, uses, with: inputs } of steps) {
      if (run !== undefined) expect(run).toContain('.cni-rehearsal');
      if (uses?.startsWith('./')) expect(uses).toBe('./.cni-rehearsal');
      if (uses?.startsWith('actions/setup-node@')) {
        expect(inputs).toMatchObject({ 'node-version-file': '.cni-rehearsal/.node-version' });
      }
    }
  }
});

test('scripts run by the Node that they are written for, before any of them does', () => {
  expect(Number(readFileSync(path.join(ROOT, '.node-version'), 'utf8'))).toBe(24);
  for (const name of names) {
    for (const [id, { steps }] of jobsOf(name)) {
      const first = steps.findIndex(({ run }) => /^(node|npm) /.test(run ?? ''));
      const node = steps.findIndex(({ uses }) => uses?.startsWith('actions/setup-node@'));
      if (first >= 0) expect(node >= 0 && node < first, `${name}, ${id}`).toBe(true);
    }
  }
});

test('only the release waits for nobody to push in between: its checks come first', () => {
  const { jobs } = read('release.yml');
  expect(jobs.attest!.needs).toEqual(['check']);
  expect(jobs.publish!.needs).toEqual(['check', 'attest', 'npm']);
  // What was attested is what is released.
  const fetched = [jobs.attest!, jobs.npm!, jobs.publish!].map(
    ({ steps }) => steps.find(({ uses }) => uses?.startsWith('actions/download-artifact@'))!.with,
  );
  for (const one of fetched) expect(one).toEqual({ name: 'package', path: 'package' });
  expect(jobs.publish!.steps.at(-1)!.run).toBe('node scripts/release.ts publish package');
  const commands = jobs.check!.steps.flatMap(({ run }) => run ?? []);
  expect(commands).toEqual([
    'npm ci',
    'node scripts/release.ts check',
    'npm test',
    'node scripts/bundle.ts --check',
    'npm run package',
  ]);
});

test('nightly rehearses lab and ha on kind, the last three minors and the next pre-release, twice where it must', () => {
  const { jobs } = read('nightly.yml');
  expect(jobs.plan!.steps.find(({ id }) => id === 'plan')).toMatchObject({
    env: { SCENARIOS: 'lab ha', PROVIDER: 'kind', CILIUM: 'last-3 next' },
  });
  const attempts = jobs.rehearse!.steps.filter(({ uses }) => uses === './');
  expect(attempts.map((one) => [one['continue-on-error'], one.with!.report])).toEqual([
    [true, `rehearsals/${expr('matrix.id')}/attempt-1`],
    [true, `rehearsals/${expr('matrix.id')}/attempt-2`],
  ]);
});

test('inputs of the action are those that it has, once it is there', ({ skip }) => {
  const file = path.join(ROOT, 'action.yml');
  if (!HAS_ACTION) skip('there is no action.yml yet');
  const action = parse(readFileSync(file, 'utf8')) as { inputs: object; outputs: object };
  for (const name of names) {
    for (const { uses, with: inputs = {} } of stepsOf(name)) {
      if (uses?.startsWith('./') !== true) continue;
      for (const input of Object.keys(inputs)) expect(Object.keys(action.inputs), name).toContain(input);
    }
    for (const [, output] of text(name).matchAll(/steps\.(?:first|passes|fails)\.outputs\.([\w-]+)/g)) {
      expect(Object.keys(action.outputs), name).toContain(output);
    }
  }
});

const LINTERS = [
  ['actionlint', ['-version'], []],
  ['zizmor', ['--version'], ['--offline', '--no-progress', '--persona=auditor', '.']],
] as const;

describe.each(LINTERS)('%s, where it is installed', (linter, version, words) => {
  const isThere = spawnSync(linter, version).status === 0;

  test.skipIf(!isThere)('finds nothing in the workflows', () => {
    const { status, stdout, stderr } = spawnSync(linter, words, { cwd: ROOT, encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
});

test('the project has one name, wherever a reader copies it from', () => {
  const tracked = spawnSync('git', ['ls-files', '--', '*.md', '*.yml', '*.yaml', '*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const files =
    tracked.status === 0 ? tracked.stdout.trim().split('\n') : ['README.md', '.github/workflows/rehearse.yml'];
  const named = files
    .filter((file) => !file.startsWith('test/fixtures/') && existsSync(path.join(ROOT, file)))
    .flatMap((file) =>
      [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/\bOWNER\/([\w.-]+)/g)].map(
        ([, name]) => `${file}: ${name}`,
      ),
    );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((one) => !one.endsWith(': cilium-migration-rehearsal'))).toEqual([]);
});

describe('beside the workflows', () => {
  const parsed = (name: string): unknown => parse(readFileSync(path.join(ROOT, '.github', name), 'utf8'));

  test('dependencies and actions are updated, a week after they came out', () => {
    const { updates } = parsed('dependabot.yml') as { updates: { 'package-ecosystem': string; cooldown: object }[] };
    expect(updates.map((update) => [update['package-ecosystem'], update.cooldown])).toEqual([
      ['npm', { 'default-days': 7 }],
      ['github-actions', { 'default-days': 7 }],
    ]);
  });

  const field = z.strictObject({
    type: z.enum(['textarea', 'input', 'dropdown']),
    id: z.string(),
    attributes: z.strictObject({
      label: z.string(),
      description: z.string().optional(),
      render: z.string().optional(),
      options: z.array(z.string()).optional(),
    }),
    validations: z.strictObject({ required: z.boolean() }).optional(),
  });
  const form = z.strictObject({
    name: z.string(),
    description: z.string(),
    labels: z.array(z.string()),
    body: z.array(field).min(1),
  });

  test.each(['bug.yml', 'fact.yml', 'wrong-verdict.yml'])('the form %s has fields of its own names', (name) => {
    const { body } = form.parse(parsed(`ISSUE_TEMPLATE/${name}`));
    expect(new Set(body.map(({ id }) => id)).size).toBe(body.length);
    expect(body.some(({ validations }) => validations?.required)).toBe(true);
  });
});
