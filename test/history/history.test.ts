/** Many reports as one page: order, series, marks, and nothing in it that a report could smuggle in. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/main.ts';
import type { RunRecord } from '../../src/compare/record.ts';
import { collectReports, type Found, naturally } from '../../src/history/collect.ts';
import { historyPage, isRegressed } from '../../src/history/page.ts';
import { timelines } from '../../src/history/timeline.ts';
import { errored, failedAt, record, reportOf, simulated } from '../compare/reports.ts';

const night = (n: number, one: RunRecord): Found => ({
  path: `night-${n}`,
  record: { ...one, startedAt: new Date(Date.UTC(2026, 9, n)).toISOString() },
});
const slow = (settle: number): RunRecord => record({ seconds: { ...record().seconds, settle } });
const OPTIONS = { title: 'Rehearsals', notes: [] };

describe('a series', () => {
  test.each<[string, RunRecord[], (string | null)[]]>([
    ['the first run has nothing to be held against', [record()], [null]],
    ['a failure after a pass', [record(), failedAt('final')], [null, 'regression']],
    ['and the night after', [record(), failedAt('final'), failedAt('final')], [null, 'regression', 'regression']],
    ['recovery', [record(), failedAt('final'), record()], [null, 'regression', 'same']],
    ['the environment between', [record(), errored(), failedAt('final')], [null, 'inconclusive', 'regression']],
    ['never good', [failedAt('final'), failedAt('final')], [null, null]],
    // A slow run does not become what the next slow one is held against.
    ['slower, and it stays so', [record(), slow(900), slow(900)], [null, 'regression', 'regression']],
  ])('%s', (_what, records, outcomes) => {
    const [series] = timelines(records.map((one, index) => night(index + 1, one)));
    expect(series!.runs.map(({ outcome }) => outcome)).toEqual(outcomes);
  });

  test('runs on machines are in the order of their days, simulated ones of their paths', () => {
    const real = [night(3, record()), night(1, record()), night(2, record())].map((one, n) => ({
      ...one,
      path: `${n}`,
    }));
    expect(timelines(real)[0]!.runs.map((run) => run.record.startedAt.slice(8, 10))).toEqual(['01', '02', '03']);
    const twin = ['night-10', 'night-9'].map((at) => ({ path: at, record: simulated() }));
    expect(timelines(twin)[0]!.runs.map((run) => run.path)).toEqual(['night-9', 'night-10']);
  });

  test('a patch is the next run of its line, a minor, a provider or a fault another series', () => {
    const versions = (cilium: string) => ({ versions: { ...record().versions, cilium } });
    const found = [
      record(versions('1.19.6')),
      record(versions('1.19.7')),
      record(versions('1.20.0')),
      record(versions('1.20.0-rc.1')),
      simulated(versions('1.20.0')),
      record({ ...versions('1.20.0'), faults: ['node-reboot'] }),
    ].map((one, n) => night(n + 1, one));
    expect(
      timelines(found).map(({ scenario, provider, cilium, runs }) => [
        scenario.split(' with ')[1],
        provider,
        cilium,
        runs.length,
      ]),
    ).toEqual([
      [undefined, 'kind', '1.20', 2],
      [undefined, 'kind', '1.19', 2],
      [undefined, 'twin', '1.20', 1],
      ['node-reboot', 'kind', '1.20', 1],
    ]);
  });

  test('a machine that failed since hides no regression, and a recovery ends it', () => {
    const regressed = (...records: RunRecord[]) =>
      isRegressed(timelines(records.map((one, n) => night(n + 1, one)))[0]!);
    expect(regressed(record(), failedAt('final'), errored())).toBe(true);
    expect(regressed(record(), failedAt('final'), record())).toBe(false);
    expect(regressed(record(), errored())).toBe(false);
  });
});

describe('the page', () => {
  const series = timelines([night(1, record()), night(2, failedAt('final')), night(3, errored())]);
  const page = historyPage(series, OPTIONS);

  test('needs nothing but itself', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|https?:|\bon\w+=/i);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).toContain('name="viewport"');
    expect(page).toContain('prefers-color-scheme: dark');
  });

  test('says first what is regressed, with a sign beside every word', () => {
    expect(page).toMatch(/<p class="bad">Regressed: <a href="#series-1">/);
    expect(page).toMatch(/✗<\/span> FAILED, regression/);
    expect(page).toMatch(/!<\/span> ERROR/);
    expect(historyPage(timelines([night(1, record())]), OPTIONS)).toContain('No series ends in a regression.');
  });

  test('every link leads to a section, and every tag is closed', () => {
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
    for (const tag of [
      'section',
      'table',
      'tr',
      'td',
      'th',
      'details',
      'svg',
      'rect',
      'span',
      'small',
      'figure',
      'div',
      'main',
    ]) {
      const count = (pattern: RegExp): number => [...page.matchAll(pattern)].length;
      expect(count(new RegExp(`<${tag}[ >]`, 'g')), tag).toBe(count(new RegExp(`</${tag}>`, 'g')));
    }
  });

  test('whatever a report says, it brings no tag and no attribute', () => {
    const tags = (text: string): string[] =>
      [...text.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
    const plainRun = (text: string) =>
      timelines([{ path: text, record: failedAt('final', { scenario: text, message: text }) }]);
    const expected = tags(historyPage(plainRun('plain'), OPTIONS));
    const evil = fc.string({
      unit: fc.constantFrom('<', '>', '"', "'", '&', '`', 'script', '/', ' ', '\u0000', '\ud800', '-->'),
    });
    fc.assert(
      fc.property(evil, (text) => {
        expect(tags(historyPage(plainRun(text), OPTIONS))).toEqual(expected);
      }),
    );
  });

  test('versions stand in one order, the newest first, whichever scenario has them', () => {
    const versions = (scenario: string, cilium: string) =>
      record({ scenario, versions: { ...record().versions, cilium } });
    const found = [versions('a', '1.9.1'), versions('b', '1.20.0'), versions('b', '1.10.0')];
    const text = historyPage(timelines(found.map((one, n) => night(n + 1, one))), OPTIONS);
    const heads = [...text.matchAll(/<th scope="col">Cilium ([\d.]+)<br>/g)].map(([, version]) => version);
    expect(heads).toEqual(['1.20', '1.10', '1.9']);
  });

  test('can be read by keyboard and ear: what scrolls takes the focus and has a name, every head says of what', () => {
    const regions = [...page.matchAll(/<div class="scroll"([^>]*)>/g)].map(([, attributes]) => attributes);
    expect(regions).toHaveLength(1 + series.length);
    for (const one of regions) expect(one).toMatch(/^ role="region" aria-label="[^"]+" tabindex="0"$/);
    for (const [head] of page.matchAll(/<th\b[^>]*>/g)) expect(head).toMatch(/ scope="(col|row)"/);
    expect(page).toMatch(/<svg [^>]*role="img" aria-label="3 runs, at most /);
    expect(historyPage(timelines([night(1, record())]), OPTIONS)).toMatch(
      /<p>1 run in 1 series\.[\s\S]*<summary>1 run</,
    );
  });

  test('a bar tells by its form too what it is', () => {
    const forms = [...page.matchAll(/rect\.(\w+) \{([^}]*)\}/g)].map(([, kind, rules]) => [
      kind,
      /stroke|fill: none/.test(rules!),
    ]);
    expect(forms).toContainEqual(['bad', true]);
    expect(forms).toContainEqual(['odd', true]);
    expect(page).toContain('Bars stand from the oldest run to the newest');
  });

  test('of a long series the last sixty are shown', () => {
    const long = Array.from({ length: 70 }, (_, n) => night(n + 1, record()));
    const text = historyPage(timelines(long), OPTIONS);
    expect(text).toContain('10 older runs in history.json only.');
    expect([...text.matchAll(/<td class="run">/g)]).toHaveLength(60);
  });
});

test('numbers in names count by their value', () => {
  expect(['night-10', 'night-9', 'a', 'night-9/b'].sort(naturally)).toEqual(['a', 'night-9', 'night-9/b', 'night-10']);
});

describe('rehearse history', () => {
  let directory: string;
  const at = (...parts: string[]): string => path.join(directory, ...parts);
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'rehearse-history-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function history(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    let [stdout, stderr] = ['', ''];
    const code = await commandLine(['history', ...words], {
      result: (text) => {
        stdout += text;
      },
      message: (text) => {
        stderr += text;
      },
      ...{ trouble: null, terminal: false, colour: false, columns: () => 80 },
    });
    return { code, stdout, stderr };
  }

  test('finds every report, follows no link, and says which it could not read', async () => {
    for (const name of ['a/1', 'a/2', 'b']) {
      mkdirSync(at(name), { recursive: true });
      writeFileSync(at(name, 'report.json'), JSON.stringify(reportOf()));
    }
    mkdirSync(at('broken'));
    writeFileSync(at('broken', 'report.json'), '{');
    writeFileSync(at('a', 'other.json'), '{}');
    symlinkSync(directory, at('circle'));
    const { code, stdout, stderr } = await history(directory, '--out', at('page'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${at('page', 'index.html')}\n` });
    expect(stderr).toMatch(/left out: .*broken\/report\.json: it is no JSON/);
    expect(stderr).toMatch(/3 runs in 1 series, 0 of them regressed/);
    expect(readFileSync(at('page', 'index.html'), 'utf8')).toContain('1 report could not be read.');
    const { series } = JSON.parse(readFileSync(at('page', 'history.json'), 'utf8')) as { series: { runs: Found[] }[] };
    expect(series.flatMap(({ runs }) => runs.map((run) => run.path))).toEqual(['a/1', 'a/2', 'b']);
  });

  test('made twice into the directory itself, it does not find itself', async () => {
    mkdirSync(at('one'));
    writeFileSync(at('one', 'report.json'), JSON.stringify(reportOf()));
    await history(directory);
    const first = readFileSync(at('history.json'), 'utf8');
    expect((await history(directory)).code).toBe(0);
    expect(readFileSync(at('history.json'), 'utf8')).toBe(first);
    expect(collectReports(directory).found).toHaveLength(1);
  });

  test.each([
    [[], /DIR is missing/],
    [['nowhere'], /nowhere: there is no such directory/],
    [[import.meta.filename], /it is no directory/],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await history(...words);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test.skipIf(!existsSync('/proc/self'))('a directory that cannot be made ends it, with 3 and a sentence', async () => {
    mkdirSync(at('one'));
    writeFileSync(at('one', 'report.json'), JSON.stringify(reportOf()));
    // Node's own recursive mkdir does not come back from here.
    expect(await history(directory, '--out', '/proc/rehearse/page')).toMatchObject({
      ...{ code: 3, stdout: '' },
      stderr: expect.stringMatching(/^rehearse: \/proc\/rehearse\/page: cannot be written \(ENOENT/m),
    });
  });

  test('a directory without reports is refused', async () => {
    expect(await history(directory)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no report\.json below it/),
    });
  });
});
