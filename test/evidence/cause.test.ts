/** Which log shows the cause, and its last lines. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Candidate, chooseTail, warningsAbout } from '../../src/evidence/cause.ts';
import { tellingLines } from '../../src/rehearsal/outcome.ts';

const candidate = (kind: Candidate['kind'], of: string, text: string, more: Partial<Candidate> = {}): Candidate => ({
  ...{ kind, of, text, blamed: true },
  ...more,
});
const crashed = candidate('pod-log', 'before', 'panic: no\n', { previous: true });
const now = candidate('pod-log', 'now', 'level=info msg=ok\nlevel=error msg=broken\n');
const agent = candidate(
  'agent-log',
  'agent',
  'time=x level=warn msg="Failed to initialize datapath"\nlevel=info msg=fine\n',
);
const journal = candidate('journal', 'kubelet', 'E1127 10:00:00 kubelet.go:1] node not found\n');
const events = candidate('events', 'events (warnings)', '2026 Warning BackOff Pod x: y');

describe('the log that is chosen', () => {
  test.each<[string, Candidate[], boolean, string | null]>([
    ['the container before its last start', [events, journal, agent, now, crashed], false, 'before'],
    ['the blamed pod itself', [events, journal, agent, now], false, 'now'],
    ['the agent of the blamed node', [events, journal, agent], false, 'agent'],
    ['the kubelet where a node did not come back', [events, crashed, journal], true, 'kubelet'],
    ['warnings about what is blamed', [events], false, 'events (warnings)'],
    [
      'none of what nobody blames',
      [
        { ...agent, blamed: false },
        { ...journal, blamed: false },
      ],
      false,
      null,
    ],
    ['none where nothing is wrong', [candidate('agent-log', 'agent', 'level=info msg=ok')], false, null],
  ])('is %s', (_, candidates, nodeFailed, of) => {
    expect(chooseTail(null, candidates, nodeFailed)?.of ?? null).toBe(of);
  });

  test('is what the failure brought along, before all others', () => {
    const known = { of: 'helm upgrade --install (stderr)', text: 'Error: no\n' };
    expect(chooseTail(known, [crashed], true)).toEqual({ of: known.of, lines: ['Error: no'] });
    expect(chooseTail({ of: 'helm', text: ' \n' }, [crashed], false)?.of).toBe('before');
  });
});

test('of a log that goes on only lines that say that something is wrong are shown', () => {
  expect(chooseTail(null, [now], false)?.lines).toEqual(['level=error msg=broken']);
  expect(chooseTail(null, [agent], false)?.lines).toEqual(['time=x level=warn msg="Failed to initialize datapath"']);
});

test('lines are printable, not too many and not too long, and the last ones', () => {
  const text = `${Array.from({ length: 500 }, (_, at) => `\u001b[31mline ${at}\u0000`).join('\n')}\n${'z'.repeat(10_000)}\n`;
  const { lines } = chooseTail({ of: 'x', text }, [], false)!;
  expect(lines).toHaveLength(40);
  expect(lines.at(-2)).toBe('line 499');
  expect(lines.at(-1)).toBe('z'.repeat(400));
});

test('of a program that panicked the panic is shown, not the end of its stack', () => {
  const text = readFileSync(new URL('../fixtures/evidence/typha-panic.log', import.meta.url), 'utf8');
  const { lines } = chooseTail(null, [candidate('pod-log', 'typha', text, { previous: true })], false)!;
  expect(lines.slice(0, 6).join('\n')).toMatch(/panic: |fatal error: /);
  expect(lines.length).toBeLessThanOrEqual(15);
  expect(tellingLines(text)).toMatch(/panic: |fatal error: /);
});

test('only late warnings about what is blamed explain an end', () => {
  const text = [
    '2026-01-01T00:00:30Z Warning NetworkNotReady Pod a/shop: early',
    '2026-01-01T00:20:00Z Normal Pulled Pod a/shop: fine',
    '2026-01-01T00:20:01Z Warning BackOff Pod a/shop: this one',
    '2026-01-01T00:20:02Z Warning BackOff Pod a/other: not this one',
  ].join('\n');
  expect(warningsAbout(text, (line) => line.includes('shop'), '2026-01-01T00:11:00.000Z')).toBe(
    '2026-01-01T00:20:01Z Warning BackOff Pod a/shop: this one',
  );
});
