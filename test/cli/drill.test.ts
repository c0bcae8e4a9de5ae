/** `rehearse drill` as its user meets it: the table, its exit code, and its refusals. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { drawRow, fits } from '../../src/cli/drill-draw.ts';
import { summaryOf } from '../../src/cli/drill-random.ts';
import { drillTable, type Row, rowFrom } from '../../src/cli/drill-table.ts';
import { FAULTS } from '../../src/faults/catalogue/index.ts';

const REHEARSE = fileURLToPath(new URL('../../bin/rehearse', import.meta.url));

type Ended = { code: number | null; stdout: string; stderr: string };

const rehearse = (...words: string[]): Promise<Ended> => interrupted(null, ...words);

/** Sends SIGINT when stderr says this for the first time; null: never. */
function interrupted(at: RegExp | null, ...words: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(REHEARSE, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data));
    let sent = false;
    child.stderr.on('data', (data: Buffer) => {
      stderr += data;
      if (sent || at?.test(stderr) !== true) return;
      sent = true;
      child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

test('rows come in the order in which they were asked for, whoever ended first, and all as expected is 0', async () => {
  const faults = ['--fault', 'tunnel-port-clash', '--fault', 'pod-cidr-overlap:of=calico-block'];
  const { code, stdout, stderr } = await rehearse('drill', 'minimal', ...faults, '--seed', '3', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    scenario: 'scenarios/minimal.yaml',
    seed: 3,
    asExpected: true,
    rows: [
      {
        fault: 'tunnel-port-clash',
        refusedBy: 'tunnel-port-clash',
        caughtAt: 'secondary-installed',
        blamed: 'overlay-reachable',
        asExpected: true,
      },
      { fault: 'pod-cidr-overlap:of=calico-block', caughtAt: 'secondary-installed', deviations: [] },
    ],
  });
  expect(stderr).toMatch(/4\/4 .*: failed:secondary-installed\n/);
  expect(stderr).toMatch(/tunnel-port-clash, its rule in place: refused:tunnel-port-clash\n/);
});

test('one that is not caught where it must be is 1, and the table says what is off', async () => {
  // No drain is that fast, so what must be tolerated is red.
  const hasty = ['--set', 'migration.drain.timeout=1s'];
  const { code, stdout } = await rehearse('drill', 'minimal', '--fault', 'host-legacy-routing-off', ...hasty);
  expect(code).toBe(1);
  const [head, row, , why, sum] = stdout.split('\n');
  expect(head).toMatch(/^fault +refused by +caught at +seconds +blamed +as expected\?$/);
  expect(row).toMatch(/^host-legacy-routing-off +- +drained\/kind-worker .* NO$/);
  expect(why).toMatch(/^host-legacy-routing-off: expected passed, but it ended failed:drained\/kind-worker/);
  expect(sum).toBe('1 of 1 faults not as expected');
});

test('SIGINT ends all rows, and the end is told', async () => {
  const { code, stdout, stderr } = await interrupted(/1\/\d+ /, 'drill', 'minimal', '--json');
  expect(code).toBe(130);
  expect(JSON.parse(stdout)).toEqual({ verdict: 'cancelled', message: 'cancelled by SIGINT' });
  expect(stderr).not.toMatch(/crashed/);
});

describe('refusals touch nothing', () => {
  test.each([
    [['--fault', 'tunel-port-clash'], /there is no such fault; did you mean tunnel-port-clash\?/],
    [['--fault', 'pod-cidr-overlap:of=calico'], /of is one of calico-block, services, nodes/],
    [['--random', '5'], /--random draws scenario and fault: leave minimal out/],
    [
      ['--fault', 'tunnel-port-clash', '--set', 'calico.encapsulation=IPIP'],
      /Calico has no VXLAN device with calico\.encapsulation IPIP/,
    ],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await rehearse('drill', 'minimal', ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('drawn at random', () => {
  test('every run says what was drawn and how to have it again, and all as expected is 0', async () => {
    const { code, stdout, stderr } = await rehearse('drill', '--random', '3', '--seed', '4', '--json');
    const { seed, asExpected, runs } = JSON.parse(stdout) as { seed: number; asExpected: boolean; runs: unknown[] };
    expect({ code, seed, asExpected }).toEqual({ code: 0, seed: 4, asExpected: true });
    expect(runs).toEqual(
      [4, 5, 6].map((each) => {
        const { drawn, task } = drawRow(each);
        return expect.objectContaining({
          seed: each,
          scenario: drawn.name,
          sets: drawn.sets,
          fault: task.spec,
          deviations: [],
          again: `rehearse drill --random 1 --seed ${each}`,
        }) as unknown;
      }),
    );
    expect(stderr.match(/^ {2}\d\/3 seed \d: /gm)).toHaveLength(3);
  });

  test('what a seed draws fits, is the same each time, and covers the catalogue, its rules and what must pass', () => {
    const drawn = Array.from({ length: 300 }, (_, seed) => drawRow(seed));
    for (const { task } of drawn) if (task.spec !== null) expect(fits(task.scenario, task.spec, task.seed)).toBe(true);
    expect(drawRow(17)).toEqual(drawn[17]);
    const names = new Set(drawn.map(({ task }) => task.spec?.replace(/:.*/, '') ?? null));
    expect(names).toEqual(new Set([null, ...FAULTS.map(({ name }) => name)]));
    expect(new Set(drawn.map(({ task }) => task.allowed))).toEqual(new Set([true, false]));
  });

  test.each([
    [['--random', '0'], /--random 0: a whole number from 1 to 10000 is wanted/],
    [['--random', '3', '--set', 'migration.batchSize=2'], /leave --set out/],
    [['--random', '3', '--fault', 'tunnel-port-clash'], /leave --fault out/],
    [['--random', '3', '--seed', '4294967294'], /there are no 3 seeds from it on/],
  ])('%j is refused', async (words, message) => {
    const { code, stdout, stderr } = await rehearse('drill', ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('one without a fault that is not green, and one that ends elsewhere, are told with the command to see it again', () => {
    const run = {
      seed: 7,
      scenario: 'lab',
      sets: ['a=b'],
      ruleAllowed: true,
      again: 'rehearse drill --random 1 --seed 7',
    };
    const red = { observed: 'failed:switched/kind-worker', asExpected: false, deviations: ['expected passed, but …'] };
    const text = summaryOf([
      { ...run, fault: null, expected: 'passed', ...red },
      {
        ...run,
        fault: 'pool-too-small',
        expected: 'failed:secondary-installed',
        observed: 'failed:secondary-installed',
        asExpected: true,
        deviations: [],
      },
    ]);
    expect(text).toContain('1 × no fault: failed:switched/*');
    expect(text).toContain(
      'seed 7: lab --set a=b, no fault: expected passed\n  expected passed, but …\n  again: rehearse drill --random 1 --seed 7',
    );
    expect(text).toMatch(/1 of 2 runs not as expected\n$/);
  });
});

describe('the table', () => {
  const fault = FAULTS.find(({ name }) => name === 'tunnel-port-clash')!;
  const planned = { spec: fault.name, fault, unfit: null };
  const result = (allowed: boolean, observed: string, deviations: string[] = []) => ({
    result: {
      fault: fault.name,
      args: {},
      seed: 1,
      allowed,
      expected: 'failed:secondary-installed',
      observed,
      caughtAt: observed.split(':')[1] ?? '',
      blamed: 'overlay-reachable',
      message: '',
      seconds: 523.9,
      deviations,
    },
  });

  test('holds both runs: the rule that refused, and where it was caught when that was allowed', () => {
    const row = rowFrom(planned, [
      result(false, 'refused:tunnel-port-clash'),
      result(true, 'failed:secondary-installed'),
    ]);
    expect(row).toMatchObject({ refusedBy: 'tunnel-port-clash', caughtAt: 'secondary-installed', asExpected: true });
  });

  test('a rule that let it through, a crash and a deviation are all off', () => {
    const through = rowFrom(planned, [
      result(false, 'passed', ['expected refused']),
      result(true, 'failed:secondary-installed'),
    ]);
    expect(through).toMatchObject({ refusedBy: null, asExpected: false });
    expect(through.deviations[0]).toBe('with tunnel-port-clash in place: expected refused');
    const crashed = rowFrom(planned, [{ crashed: 'TypeError' }]);
    expect(crashed).toMatchObject({ asExpected: false, deviations: ['crashed: TypeError'] });
  });

  test('a fault that the scenario has no place for is told, not counted as caught', () => {
    const row: Row = rowFrom({ ...planned, unfit: 'no VXLAN' }, []);
    expect(drillTable([row])).toContain('tunnel-port-clash is left out: no VXLAN');
    expect(drillTable([row])).not.toMatch(/ yes$/m);
  });
});
