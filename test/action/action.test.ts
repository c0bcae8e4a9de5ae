/** The bundle, run as the runner runs it: real processes, the runner's files, signals, post after whatever main came to. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OUTPUTS } from '../../src/action/input-table.ts';
import { checkedOutAction, FakeRunner, type StepEnd } from './runner.ts';

let action: string;
beforeAll(async () => {
  action = await checkedOutAction();
});
afterAll(() => rmSync(action, { recursive: true, force: true }));

const MINIMAL = { provider: 'twin', scenario: 'minimal' };

const errorsOf = ({ commands }: StepEnd) => commands.filter(({ command }) => command === 'error');
const warningsOf = ({ commands }: StepEnd) => commands.filter(({ command }) => command === 'warning');

/** Every group is closed before the next one is opened, and at the end. */
function groupsOf({ commands }: StepEnd): string[] {
  const titles: string[] = [];
  let open = false;
  for (const { command, message } of commands) {
    if (command !== 'group' && command !== 'endgroup') continue;
    expect(command).toBe(open ? 'endgroup' : 'group');
    open = command === 'group';
    if (open) titles.push(message);
  }
  expect(open).toBe(false);
  return titles;
}

describe('a green rehearsal', () => {
  let main: StepEnd;
  let runner: FakeRunner;
  beforeAll(async () => {
    runner = new FakeRunner(action);
    main = await runner.main({ inputs: { ...MINIMAL, quiet: '' } });
  });
  afterAll(() => runner[Symbol.dispose]());

  test('ends with 0, without an annotation', () => {
    expect(main).toMatchObject({ code: 0, stderr: '' });
    expect(errorsOf(main)).toEqual([]);
    expect(warningsOf(main)).toEqual([]);
  });

  test('sets every output', () => {
    const directory = path.join(runner.workspace, 'rehearsal-report');
    expect(Object.keys(main.outputs).sort()).toEqual(Object.keys(OUTPUTS).sort());
    expect(main.outputs).toMatchObject({
      verdict: 'passed',
      reason: 'completed',
      'failed-checkpoint': '',
      simulated: 'true',
      'report-directory': directory,
      'report-json': path.join(directory, 'report.json'),
      'unhealthy-pairs': '0',
      'disruption-seconds': '0',
    });
    expect(Number(main.outputs['duration-seconds'])).toBeGreaterThan(0);
    expect(JSON.parse(runner.read('rehearsal-report', 'report.json'))).toMatchObject({ verdict: 'passed' });
  });

  test('has a group for each phase, and the verdict below them', () => {
    expect(groupsOf(main)).toContain('Migrate node by node');
    expect(main.log.join('\n')).toContain('PASSED (simulated)');
    const last = main.commands.findLast(({ command }) => command === 'endgroup');
    expect(last).toBeDefined();
  });

  test('has summary.md as its summary', () => {
    expect(main.summary.trim()).toBe(runner.read('rehearsal-report', 'summary.md').trim());
  });

  test('leaves nothing to post, however often that is called', async () => {
    for (let call = 0; call < 2; call++) {
      const post = await runner.post(main);
      expect(post).toMatchObject({ code: 0, stderr: '', summary: '', outputs: {}, commands: [] });
    }
  });

  test('may be followed by another one with the same report directory', async () => {
    const again = await runner.main({ inputs: { ...MINIMAL, until: 'baseline' } });
    expect(again).toMatchObject({ code: 0, outputs: { verdict: 'passed', reason: 'stopped-as-asked' } });
  });
});

describe('a red rehearsal', () => {
  const broken = { ...MINIMAL, fault: 'agent-crash-loop:node=kind-worker' };

  test('is one annotation, with its failing pairs below the folded groups', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: broken });
    expect(main).toMatchObject({
      code: 1,
      outputs: { verdict: 'failed', 'failed-checkpoint': 'switched/kind-worker' },
    });
    expect(errorsOf(main)).toHaveLength(1);
    expect(errorsOf(main)[0]?.properties.title).toBe('FAILED (simulated) at switched/kind-worker');
    groupsOf(main);
    expect(main.summary).toContain('FAILED');
    expect(await runner.post(main)).toMatchObject({ code: 0, summary: '', commands: [] });
  });

  test('is green where it is expected', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: { ...broken, expect: 'failed:switched/*' } });
    expect(main).toMatchObject({ code: 0, outputs: { verdict: 'failed' } });
    expect(errorsOf(main)).toEqual([]);
    expect(main.log.join('\n')).toContain('ended as expected (failed:switched/*)');
  });

  test('is red where another end is expected, and says which was seen', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: { ...broken, expect: 'failed:drained/*' } });
    expect(main.code).toBe(1);
    expect(errorsOf(main)).toHaveLength(1);
    expect(errorsOf(main)[0]?.message).toContain(
      'expected failed:drained/*, but the run ended failed:switched/kind-worker',
    );
  });

  test('a green one is red where it is expected to fail', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: { ...MINIMAL, until: 'prepared', expect: 'failed' } });
    expect(main).toMatchObject({ code: 1, outputs: { verdict: 'passed' } });
    expect(errorsOf(main).map(({ message }) => message.split('\n')[0])).toEqual([
      'expected failed, but the run ended passed',
    ]);
    expect(errorsOf(main)[0]?.properties.title).toBe('Red, though PASSED (simulated)');
  });

  test('a refusal points at the line of the scenario', async () => {
    using runner = new FakeRunner(action);
    const scenario = ['schemaVersion: 1', 'name: mine', 'cilium:', '  podCIDR: 192.168.0.0/17', ''].join('\n');
    runner.write('ci/cluster.yaml', scenario);
    const main = await runner.main({ inputs: { provider: 'twin', scenario: 'ci/cluster.yaml' } });
    expect(main).toMatchObject({ code: 1, outputs: { verdict: 'refused', reason: 'rule-refused' } });
    expect(errorsOf(main).map(({ properties }) => properties)).toMatchObject([{ file: 'ci/cluster.yaml', line: '4' }]);
  });

  test('a scenario with mistakes is one annotation at the first, with all of them', async () => {
    using runner = new FakeRunner(action);
    runner.write('ci/cluster.yaml', 'schemaVersion: 1\nname: mine\ncluster: { wokers: 3 }\ngate: { observ: 1s }\n');
    const main = await runner.main({ inputs: { provider: 'twin', scenario: 'ci/cluster.yaml' } });
    expect(main).toMatchObject({ code: 1, outputs: { verdict: 'refused', reason: 'scenario-invalid' } });
    expect(errorsOf(main)).toHaveLength(1);
    expect(errorsOf(main)[0]).toMatchObject({ properties: { file: 'ci/cluster.yaml', line: '3' } });
    expect(errorsOf(main)[0]?.message).toContain('did you mean workers?');
    expect(errorsOf(main)[0]?.message).toContain('did you mean observe?');
    expect(existsSync(path.join(runner.workspace, 'rehearsal-report'))).toBe(false);
  });
});

describe('inputs', () => {
  test('go over the scenario, with paths from the workspace', async () => {
    using runner = new FakeRunner(action);
    const secret = ['apiVersion: v1', 'kind: Secret', 'metadata: { name: s }', 'stringData: { token: hunter2hunter2 }'];
    runner.write('deploy/app.yaml', `${secret.join('\n')}\n`);
    runner.write('deploy/values.yaml', 'MTU: 1400\n');
    const inputs = {
      ...MINIMAL,
      workloads: 'deploy/app.yaml\n',
      values: 'deploy/values.yaml',
      workers: '2',
      set: '# two of them\nmigration.batchSize=2\nprobes.goldpinger.replicas=5\n',
      until: 'baseline',
      report: 'out/report',
    };
    const main = await runner.main({ inputs });
    expect(main).toMatchObject({ code: 0, stderr: '' });
    const { scenario } = JSON.parse(runner.read('out', 'report', 'report.json')) as { scenario: object };
    expect(scenario).toMatchObject({
      cluster: { workers: 2 },
      cilium: { values: { MTU: 1400 } },
      migration: { batchSize: 2 },
      probes: { goldpinger: { replicas: 5 } },
      workloads: [{ file: 'deploy/app.yaml' }],
    });
    expect(main.commands.filter(({ command }) => command === 'add-mask').map(({ message }) => message)).toEqual([
      'hunter2hunter2',
    ]);
    const told = [...main.log, main.summary, runner.read('out', 'report', 'events.ndjson')].join('\n');
    expect(told).not.toContain('hunter2hunter2');
  });

  test('that are wrong end the step before anything is touched', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: { ...MINIMAL, keep: 'sometimes' } });
    expect(main).toMatchObject({
      code: 1,
      stderr: '',
      log: [],
      outputs: { verdict: 'refused', reason: '' },
      state: {},
    });
    expect(errorsOf(main).map(({ message }) => message)).toEqual([
      'input keep "sometimes": one of never, failed, always is wanted',
    ]);
    expect(readdirSync(runner.workspace)).toEqual([]);
    expect(await runner.post(main)).toMatchObject({ code: 0, commands: [], log: [], stderr: '' });
  });

  test('a report directory of somebody else is left alone', async () => {
    using runner = new FakeRunner(action);
    runner.write('rehearsal-report/mine.txt', 'mine');
    const main = await runner.main({ inputs: MINIMAL });
    expect(main.code).toBe(1);
    expect(errorsOf(main)).toHaveLength(1);
    expect(errorsOf(main)[0]?.message).toContain('name another with input report');
    expect(readdirSync(path.join(runner.workspace, 'rehearsal-report'))).toEqual(['mine.txt']);
  });
});

describe('a job that is cancelled', () => {
  /** A signal as soon as the log has the text. */
  const signalAt = (text: string, signal: NodeJS.Signals) => {
    let sent = false;
    return (log: string, kill: (signal: NodeJS.Signals) => void): void => {
      if (sent || !log.includes(text)) return;
      sent = true;
      kill(signal);
    };
  };
  const inputs = { provider: 'twin', scenario: 'lab', verbose: 'true' };

  test.each(['SIGINT', 'SIGTERM'] as const)('by %s has reports, outputs and a summary', async (signal) => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs, onLog: signalAt('Migrate node by node', signal) });
    expect(main).toMatchObject({ code: 1, stderr: '', outputs: { verdict: 'cancelled', reason: 'cancelled' } });
    expect(errorsOf(main)).toHaveLength(1);
    groupsOf(main);
    expect(main.summary).toContain('CANCELLED');
    expect(JSON.parse(runner.read('rehearsal-report', 'report.json'))).toMatchObject({ verdict: 'cancelled' });
    expect(await runner.post(main)).toMatchObject({ code: 0, stderr: '', summary: '', commands: [] });
  });

  test('by a kill of main has them from post', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs, onLog: signalAt('Migrate node by node', 'SIGKILL') });
    expect(main).toMatchObject({ code: null, outputs: {}, summary: '' });
    expect(existsSync(path.join(runner.workspace, 'rehearsal-report', 'report.json'))).toBe(false);
    for (let call = 0; call < 2; call++) {
      const post = await runner.post(main);
      expect(post).toMatchObject({ code: 0, stderr: '', outputs: { verdict: 'interrupted', reason: 'events-cut' } });
      expect(post.summary).toContain('INTERRUPTED');
      expect(errorsOf(post)).toEqual([]);
      expect(JSON.parse(runner.read('rehearsal-report', 'report.json'))).toMatchObject({ verdict: 'interrupted' });
    }
  });
});

describe('a runner that lacks something', () => {
  test('without files for outputs and summary the run is told all the same', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({
      inputs: { ...MINIMAL, until: 'baseline' },
      missing: ['OUTPUT', 'STEP_SUMMARY'],
    });
    expect(main).toMatchObject({ code: 0, stderr: '' });
    expect(warningsOf(main).map(({ message }) => message.split(':')[0])).toEqual([
      'the outputs could not be set',
      'the job summary could not be written',
    ]);
    expect(main.log.join('\n')).toContain('PASSED (simulated)');
  });

  test('without a place for state nothing is begun', async () => {
    using runner = new FakeRunner(action);
    const main = await runner.main({ inputs: MINIMAL, missing: ['STATE'] });
    expect(main.code).toBe(1);
    expect(errorsOf(main)).toHaveLength(1);
    expect(existsSync(path.join(runner.workspace, 'rehearsal-report', 'events.ndjson'))).toBe(false);
  });
});

test('a summary above the limit of a step becomes a shorter one', async () => {
  using runner = new FakeRunner(action);
  const main = await runner.main({ inputs: { ...MINIMAL, until: 'baseline' } });
  const events = runner.read('rehearsal-report', 'events.ndjson').trimEnd().split('\n').slice(0, -1);
  const finding = { type: 'finding', id: 'made-up', severity: 'warning', subjects: [], allowed: false };
  const at = (JSON.parse(events.at(-1)!) as { at: string }).at;
  for (let count = 0; count < 12_000; count++) {
    events.push(JSON.stringify({ seq: events.length + 1, at, ...finding, message: `${count} ${'long '.repeat(40)}` }));
  }
  writeFileSync(path.join(runner.workspace, 'rehearsal-report', 'events.ndjson'), `${events.join('\n')}\n`);
  const post = await runner.post({ state: { ...main.state, told: '' } });
  expect(post).toMatchObject({ code: 0, stderr: '' });
  expect(Buffer.byteLength(post.summary)).toBeLessThan(1024 * 1024);
  expect(post.summary).toContain('Shortened to fit');
});

test('events that cannot be read are a warning', async () => {
  using runner = new FakeRunner(action);
  runner.write('rehearsal-report/events.ndjson', 'no events\n');
  const state = { directory: path.join(runner.workspace, 'rehearsal-report'), keep: 'never' };
  const post = await runner.post({ state });
  expect(post).toMatchObject({ code: 0, stderr: '' });
  expect(warningsOf(post)).toHaveLength(1);
});
