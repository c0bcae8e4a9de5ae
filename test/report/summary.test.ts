import { describe, expect, test } from 'vitest';
import type { Event, FailingPair } from '../../src/events/events.ts';
import { code, fenced, plain } from '../../src/report/markdown.ts';
import { storyOf } from '../../src/report/model.ts';
import { SUMMARY_LIMIT_BYTES, summaryMarkdown } from '../../src/report/summary.ts';
import { checkpoint, failedRun, iso, ON_CONTROL_PLANE, ON_WORKER, passedRun, Tape, verdict } from './events-fixture.ts';

const NOTE = '**Shortened to fit into a step summary; report.json has everything.**';
const bytes = (text: string): number => Buffer.byteLength(text);

describe('the first line', () => {
  test.each([
    [true, '# ✅ PASSED (simulated): lab'],
    [false, '# ✅ PASSED: lab'],
  ])('simulated %s: %s', (simulated, line) => {
    const tape = new Tape().started({ simulated }).emit(verdict());
    expect(summaryMarkdown(storyOf(tape.events)).split('\n')[0]).toBe(line);
  });
});

describe('a cluster of ten thousand nodes', () => {
  const NODES = 10_000;

  function big(failing: number): Event[] {
    const checkpoints = Array.from({ length: NODES }, (_, index) => ({
      id: `drained/kind-worker${index + 1}`,
      phase: 'migrate' as const,
      node: `kind-worker${index + 1}`,
    }));
    const tape = new Tape().started({ checkpoints });
    for (const { id, node } of checkpoints.slice(0, -1)) tape.emit(checkpoint(id, { node }));
    for (let index = 0; index < 3_000; index++) {
      tape.emit({
        type: 'disruption',
        probe: 'nodepinger',
        from: ON_WORKER,
        to: ON_CONTROL_PLANE,
        class: 'unexpected',
        firstFailedAt: iso(index),
        lastFailedAt: iso(index + 1),
        failed: 1,
        sent: 1,
        step: 'drain/kind-worker',
      });
    }
    const pair: FailingPair = {
      probe: 'nodepinger',
      from: ON_CONTROL_PLANE,
      to: ON_WORKER,
      state: 'unhealthy',
      error: `timed out after ${'x'.repeat(2_000)}`,
    };
    const last = checkpoints.at(-1)!;
    const red = checkpoint(last.id, { node: last.node, outcome: 'failed', failing: Array(failing).fill(pair) });
    const end = verdict({ verdict: 'failed', reason: 'pairs-unhealthy', message: 'red', failedCheckpoint: last.id });
    return tape.emit(red, end).events;
  }

  const story = storyOf(big(1_000));

  test('stays below the limit, says in bold that it is shortened, and keeps what matters', () => {
    const text = summaryMarkdown(story);
    expect(bytes(text)).toBeLessThan(SUMMARY_LIMIT_BYTES);
    const lines = text.split('\n');
    expect(lines.slice(0, 20)).toContain(NOTE);
    expect(lines).toContain(`## Failed: \`drained/kind-worker${NODES}\``);
    expect(lines).toContain('<summary>1000 failing pairs, the first 200</summary>');
    expect(lines.filter((line) => line.endsWith('more are not shown.')).length).toBeGreaterThan(0);
  });

  test.each([600_000, 100_000, 40_000, 20_000, 5_000, 1_500])('below %i bytes', (limit) => {
    const text = summaryMarkdown(story, limit);
    expect(bytes(text)).toBeLessThan(limit);
    expect(text.includes(NOTE)).toBe(true);
    expect(text.split('\n').filter((line) => line === '<details>').length).toBe(
      text.split('\n').filter((line) => line === '</details>').length,
    );
    expect(text.split('\n').filter((line) => line.startsWith('```')).length % 2).toBe(0);
    expect(text.endsWith('\n')).toBe(true);
  });
});

test('an open code block is closed where the text is cut', () => {
  const events = failedRun().events.slice(0, -1);
  const handwork = Array.from({ length: 4_000 }, (_, index) => `kubectl uncordon kind-worker${index}`);
  const end: Event = { seq: 99, at: iso(300), ...verdict({ verdict: 'failed', handwork }) };
  const text = summaryMarkdown(storyOf([...events, end]), 20_000);
  expect(bytes(text)).toBeLessThan(20_000);
  expect(text.split('\n').filter((line) => line.startsWith('```'))).toHaveLength(2);
  expect(text.trimEnd().endsWith(NOTE)).toBe(true);
});

test('a small run is not shortened', () => {
  expect(summaryMarkdown(storyOf(passedRun().events))).not.toContain('Shortened');
});

describe('texts of others', () => {
  test('cannot make HTML, break a table, mention somebody or open emphasis', () => {
    expect(plain('<b>a|b</b> *x* `y` @me #1\nz')).toBe('&lt;b&gt;a\\|b&lt;/b&gt; \\*x\\* \\`y\\` @\u200bme #\u200b1 z');
    expect(code('a`b|c\nd')).toBe("`a'b\\|c d`");
    expect(code('')).toBe('');
  });

  test('cannot close a fence', () => {
    expect(fenced('sh', ['echo ```'])).toEqual(['````sh', 'echo ```', '````']);
  });

  test('every row of every table has the cells of its head', () => {
    for (const run of [passedRun(), failedRun()]) {
      let cells = 0;
      for (const line of summaryMarkdown(storyOf(run.events)).split('\n')) {
        if (!line.startsWith('|')) cells = 0;
        else {
          const count = line.split(/(?<!\\)\|/).length;
          if (cells === 0) cells = count;
          expect(count, line).toBe(cells);
        }
      }
    }
  });
});
