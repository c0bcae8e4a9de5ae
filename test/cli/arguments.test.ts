import { describe, expect, test } from 'vitest';
import { type Flags, parseArguments } from '../../src/cli/arguments.ts';
import { isMet, parseExpectation } from '../../src/cli/expectation.ts';
import { wantsColour } from '../../src/cli/output.ts';
import { scenarioArgument } from '../../src/cli/scenario-argument.ts';
import { UsageError } from '../../src/cli/usage.ts';

const FLAGS: Flags = {
  report: { kind: 'value', value: 'DIR', help: '' },
  set: { kind: 'list', value: 'PATH=VALUE', help: '' },
  json: { kind: 'boolean', help: '' },
  provider: { kind: 'value', help: '' },
  seed: { kind: 'value', help: '' },
  allow: { kind: 'list', help: '' },
  fault: { kind: 'list', help: '' },
};

const refusal = (words: string[]): string => {
  try {
    scenarioArgument(parseArguments('run', words, FLAGS, 1), 'run');
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
};

describe('words', () => {
  test('flags before and after the scenario, with = or without', () => {
    const args = parseArguments('run', ['--report=a', 'lab', '--set', 'a=1', '--json', '--set=b=--x'], FLAGS, 1);
    expect(args.positionals).toEqual(['lab']);
    expect(args.value('report')).toBe('a');
    expect(args.list('set')).toEqual(['a=1', 'b=--x']);
    expect([args.has('json'), args.has('help')]).toEqual([true, false]);
  });

  test.each<[string[], RegExp]>([
    [['--repot', 'x'], /unknown flag --repot; did you mean --report\?/],
    [['-x'], /unknown flag -x/],
    [['--report'], /--report needs a value: --report DIR/],
    [['--report', '--json'], /--report needs a value/],
    [['--report='], /--report needs a value/],
    [['--json=1'], /--json takes no value/],
    [['a', 'b'], /unexpected argument "b"/],
    [['labb'], /there is no scenario labb; did you mean lab\?/],
    [['--provider', 'existing'], /refused for now/],
    [['--provider', 'twn'], /one of twin, kind, existing is wanted; did you mean twin\?/],
    [['--fault', 'pool-too-smal'], /there is no such fault; did you mean pool-too-small\?/],
    [['--allow', 'x'], /--allow x: there is no such rule; rules: pod-cidr-overlap, /],
    [['--seed', '1.5'], /--seed 1\.5: a whole number/],
    [['--seed', '-1'], /a whole number|needs a value/],
    [['--set', 'x'], /PATH=VALUE is wanted/],
  ])('%j', (words, expected) => {
    expect(refusal(words)).toMatch(expected);
  });
});

describe('--expect', () => {
  const ids = ['baseline', 'switched/kind-worker', 'final'];
  test.each<[string, string, string | null, boolean]>([
    ['passed', 'passed', null, true],
    ['passed', 'failed', 'final', false],
    ['failed', 'failed', 'final', true],
    ['failed:final', 'failed', 'final', true],
    ['failed:final', 'failed', 'baseline', false],
    ['failed:switched/*', 'failed', 'switched/kind-worker', true],
    ['failed:switched/*', 'failed', 'final', false],
    ['error:baseline', 'error', 'baseline', true],
    ['failed:final', 'failed', null, false],
    ['cancelled', 'cancelled', null, true],
  ])('%s against %s at %s: %s', (text, verdict, failedCheckpoint, met) => {
    const expected = parseExpectation(text, ids, 'run');
    expect(isMet(expected, { verdict: verdict as 'passed', failedCheckpoint })).toBe(met);
  });

  test.each(['fail', 'passed:final', 'failed:finall', 'failed:nope/*', ''])('%s is refused', (text) => {
    expect(() => parseExpectation(text, ids, 'run')).toThrow(UsageError);
  });
});

test('colour only on a terminal, unless the environment says otherwise', () => {
  expect(wantsColour(true, {})).toBe(true);
  expect(wantsColour(false, {})).toBe(false);
  expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColour(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColour(true, { FORCE_COLOR: '0' })).toBe(false);
  expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
});
