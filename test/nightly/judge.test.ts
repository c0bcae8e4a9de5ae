/** Nightly's judgement on good, regressed, flaky and slow nights, and on nights whose machines failed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/compare/record.ts';
import type { Job } from '../../src/matrix/job.ts';
import { issueAction, MARKER } from '../../src/nightly/issue.ts';
import { judgeNight } from '../../src/nightly/judge.ts';
import { parseHistory, withNight } from '../../src/nightly/night.ts';
import { jobNights } from '../../src/nightly/nightly.ts';
import { errored, failedAt, record } from '../compare/reports.ts';
import { jobNight, KEY, type Nights, nightOf, play } from './nights.ts';

const GOOD = [record()];
const RED = [failedAt('final'), failedAt('final')];
const ONCE = [failedAt('final'), errored()];
const FLAKY = [failedAt('final'), record()];
const BROKEN = [errored(), errored()];
const NONE: RunRecord[] = [];
const slow = (settle: number): RunRecord[] => [record({ seconds: { ...record().seconds, settle } })];
const SLOW = slow(900);

const playOne = (nights: Nights) => play(nights.map((attempts) => ({ [KEY]: attempts })));
const states = (nights: Nights): string[] => playOne(nights).judged.map(({ entries }) => entries[0]!.state);
/** `o` where the issue is open after the night. */
const issue = (nights: Nights): string =>
  playOne(nights)
    .judged.map(({ open }) => (open.length > 0 ? 'o' : '.'))
    .join('');

describe('night by night', () => {
  test.each<[string, Nights, string, string]>([
    ['all is well', [GOOD, GOOD, GOOD], 'good good good', '...'],
    ['a regression opens at once, stays and recovers', [GOOD, RED, RED, GOOD], 'good regressed regressed good', '.oo.'],
    ['red from the first night on', [RED, RED], 'regressed regressed', 'oo'],
    ['a machine fails', [GOOD, BROKEN, GOOD], 'good infrastructure good', '...'],
    [
      'machines fail night after night',
      [BROKEN, BROKEN, BROKEN, BROKEN],
      'infrastructure infrastructure infrastructure infrastructure',
      '....',
    ],
    ['no report at all', [GOOD, NONE, NONE, NONE], 'good infrastructure infrastructure infrastructure', '....'],
    ['a machine that fails is no recovery', [GOOD, RED, BROKEN, GOOD], 'good regressed infrastructure good', '.oo.'],
    ['flaky once, twice', [GOOD, FLAKY, GOOD, FLAKY], 'good flaky good flaky', '....'],
    [
      'flaky three times of seven',
      [FLAKY, GOOD, FLAKY, GOOD, GOOD, GOOD, FLAKY],
      'flaky good flaky good good good flaky',
      '......o',
    ],
    [
      'flaky three times of eight',
      [FLAKY, GOOD, FLAKY, GOOD, GOOD, GOOD, GOOD, FLAKY],
      'flaky good flaky good good good good flaky',
      '........',
    ],
    ['a flake is no recovery', [GOOD, RED, FLAKY, GOOD], 'good regressed flaky good', '.oo.'],
    ['red once, then the machine failed', [GOOD, ONCE, GOOD], 'good unconfirmed good', '...'],
    ['red once, two nights in a row', [GOOD, ONCE, ONCE], 'good unconfirmed regressed', '..o'],
    [
      'and with a broken night between',
      [GOOD, ONCE, BROKEN, ONCE],
      'good unconfirmed infrastructure regressed',
      '...o',
    ],
    ['the machine failed first, then it was red', [GOOD, [errored(), failedAt('final')]], 'good unconfirmed', '..'],
    ['the second attempt says it', [GOOD, [errored(), record()]], 'good good', '..'],
    ['slow for once', [GOOD, SLOW, GOOD], 'good slower good', '...'],
    [
      'slow twice in a row, and for good',
      [GOOD, SLOW, SLOW, SLOW, GOOD],
      'good slower regressed regressed good',
      '..oo.',
    ],
    ['slow within noise', [GOOD, slow(600), slow(600)], 'good good good', '...'],
    [
      'refused by the chart of a new version',
      [GOOD, [record({ verdict: 'refused' }), record({ verdict: 'refused' })]],
      'good regressed',
      '.o',
    ],
    [
      'not modelled, cancelled, interrupted',
      [[record({ verdict: 'not-modelled' })], [record({ verdict: 'cancelled' })], [record({ verdict: 'interrupted' })]],
      'infrastructure infrastructure infrastructure',
      '...',
    ],
  ])('%s', (_what, nights, expected, open) => {
    expect(states(nights).join(' ')).toBe(expected);
    expect(issue(nights)).toBe(open);
  });

  test('whatever happens, nights of failing machines alone never open an issue', () => {
    const attempts = fc.array(
      fc
        .constantFrom('error', 'cancelled', 'interrupted', 'not-modelled')
        .map((verdict) => errored({ verdict: verdict as 'error' })),
      { maxLength: 3 },
    );
    const before = fc.array(fc.constantFrom(GOOD, FLAKY, SLOW), { maxLength: 2 });
    fc.assert(
      fc.property(before, fc.array(attempts, { minLength: 1, maxLength: 9 }), (calm, broken) => {
        const { judged } = playOne([...calm, ...broken]);
        for (const { opened } of judged.slice(calm.length)) expect(opened).toEqual([]);
      }),
    );
  });

  test('what a person accepted is the measure from then on', () => {
    const nights = [GOOD, SLOW, SLOW, SLOW].map((attempts) => ({ [KEY]: attempts }));
    const accepted = play(nights, { acceptedAt: '2026-10-03T12:00:00Z' });
    expect(accepted.judged.map(({ entries }) => entries[0]!.state).at(-1)).toBe('good');
  });
});

describe('several lines', () => {
  const [one, two] = ['lab, Cilium 1.19, Calico 3.31', 'ha, Cilium 1.20, Calico 3.31'];

  test('the issue speaks of each, and closes when the last has recovered', () => {
    const { judged } = play([
      { [one]: GOOD, [two]: GOOD },
      { [one]: RED, [two]: GOOD },
      { [one]: RED, [two]: RED },
      { [one]: GOOD, [two]: BROKEN },
      { [one]: GOOD, [two]: GOOD },
    ]);
    expect(judged.map(({ open, opened, closed }) => [open, opened, closed])).toEqual([
      [[], [], []],
      [[one], [one], []],
      [[one, two], [two], []],
      [[two], [], [one]],
      [[], [], [two]],
    ]);
  });

  test('a line that is rehearsed no more holds no issue open', () => {
    const { judged } = play([{ [one]: RED, [two]: GOOD }, { [two]: GOOD }]);
    expect(judged[1]).toMatchObject({ open: [], closed: [one] });
  });
});

describe('the jobs of a night', () => {
  const job = (cilium: string): Job => ({
    ...{
      id: `lab-${cilium}`,
      name: `lab, Cilium ${cilium}`,
      scenario: 'lab',
      provider: 'kind',
      cilium,
      calico: '3.31.7',
    },
    ...{ kubernetes: '1.34.11', nodes: 5, support: 'tested', set: '', allow: '', fault: '', seed: 1, versions: '' },
  });
  const found = (id: string, attempt: number) => ({ path: `${id}/attempt-${attempt}`, record: record() });

  test('have the attempts of their own directory, in their order', () => {
    const reports = [
      found('lab-1.19.6', 1),
      found('lab-1.19.6', 2),
      found('lab-1.19.60', 1),
      { path: '.', record: record() },
    ];
    const nights = jobNights([job('1.19.6'), job('1.20.0')], reports);
    expect(nights.map(({ key, attempts }) => [key, attempts.length])).toEqual([
      ['lab, Cilium 1.19, Calico 3.31', 2],
      ['lab, Cilium 1.20, Calico 3.31', 0],
    ]);
  });

  test('of one minor are lines of their own: a pre-release is no attempt at the release', () => {
    const keys = jobNights([job('1.20.1'), job('1.20.2-rc.0')], []).map(({ key }) => key);
    expect(keys).toEqual(['lab, Cilium 1.20, Calico 3.31', 'lab, Cilium 1.20.2-rc.0']);
  });
});

describe('the issue', () => {
  const actions = (nights: Nights) => {
    const { judged, kept } = playOne(nights);
    return judged.map((one, index) => issueAction(one, kept[index]!, index > 0 && judged[index - 1]!.open.length > 0));
  };

  test('is opened, updated without a word, and closed with one', () => {
    const [first, second, third, fourth] = actions([GOOD, RED, RED, GOOD]);
    expect(first).toEqual({ do: 'nothing', why: 'no regression' });
    expect(second).toMatchObject({ do: 'open', title: 'Nightly rehearsal: regression' });
    expect(third).toMatchObject({ do: 'update', comment: null });
    expect(fourth).toMatchObject({
      do: 'close',
      comment: expect.stringMatching(/^Recovered: lab, Cilium 1\.19, Calico 3\.31 \(\[night\]/),
    });
  });

  test('is left alone when all machines failed', () => {
    expect(actions([RED, BROKEN])[1]).toEqual({ do: 'nothing', why: 'this night says nothing of the migration' });
  });

  test('says which line, why, with which versions, seed and run, and can be found again', () => {
    const evil = failedAt('switched/kind-worker', { message: 'pods of @octocat <img src=x> #12 | 12/12 failing' });
    const action = actions([GOOD, [evil, evil]])[1]!;
    if (action.do !== 'open') throw new Error(action.do);
    expect(action.body.startsWith(MARKER)).toBe(true);
    expect(action.body).toContain('### lab, Cilium 1.19, Calico 3.31');
    expect(action.body).toContain('- rehearsed: lab, Cilium 1.19, Calico 3.31 (exact)');
    expect(action.body).toMatch(
      /\*\*regressed\*\*: 2 attempts of 2: failed at switched\/kind-worker \(pairs-unhealthy\): pods/,
    );
    expect(action.body).toContain('https://github.example/o/r/actions/runs/1002');
    expect(action.body).toContain('- seed: ');
    expect(action.body).not.toMatch(/<img|@octocat|#12\b/);
  });
});

describe('the history', () => {
  test('a night that is run again replaces itself', () => {
    const { judged, kept } = playOne([GOOD, RED]);
    const history = kept.reduce(withNight, { schemaVersion: 1 as const, nights: [] });
    const again = withNight(history, { ...kept[1]!, commit: 'again' });
    expect(again.nights.map(({ commit }) => commit)).toEqual(['c0ffee', 'again']);
    expect(parseHistory(JSON.stringify(again))).toEqual(again);
    expect(judged).toHaveLength(2);
  });

  test('keeps a year, and of older nights what is needed for the page', () => {
    const [judged] = playOne([GOOD]).judged;
    let history = parseHistory('{"schemaVersion":1,"nights":[]}');
    for (let n = 1; n <= 410; n++) history = withNight(history, nightOf(n, judged!));
    expect(history.nights).toHaveLength(400);
    const checkpoints = history.nights.map(({ entries }) => entries[0]!.attempts[0]!.checkpoints.length);
    expect(checkpoints.slice(-30).every((count) => count > 0)).toBe(true);
    expect(checkpoints.slice(0, -30).every((count) => count === 0)).toBe(true);
    expect(JSON.stringify(history).length).toBeLessThan(1_000_000);
  });

  test('what a line is held against is kept whole, however long ago it was good', () => {
    const slow = { [KEY]: SLOW };
    let history = parseHistory('{"schemaVersion":1,"nights":[]}');
    const states: string[] = [];
    for (const [n, jobs] of [{ [KEY]: GOOD }, ...Array.from({ length: 60 }, () => slow)].entries()) {
      const openBefore = history.nights.at(-1)?.open ?? null;
      const judged = judgeNight({
        ...{ nights: history.nights, acceptedAt: null, openBefore, issueOpen: (openBefore ?? []).length > 0 },
        tonight: [jobNight(jobs[KEY]!)],
      });
      states.push(judged.entries[0]!.state);
      history = parseHistory(JSON.stringify(withNight(history, nightOf(n + 1, judged))));
    }
    expect(states).toEqual(['good', 'slower', ...Array.from({ length: 59 }, () => 'regressed')]);
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"schemaVersion":2,"nights":[]}',
    '{"schemaVersion":1,"nights":[{}]}',
    '{"schemaVersion":1}',
  ])('%j is none, and is not written over', (text) => expect(() => parseHistory(text)).toThrow(/^the history /));
});
