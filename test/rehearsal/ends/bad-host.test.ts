/**
 * Commands that go bad and an API that goes away in the middle of a run: verdict, evidence and clean-up, always. Chosen
 * moments; the soak (kind `broken`) takes random ones of random scenarios.
 */
import { describe, expect, test } from 'vitest';
import { bundledScenario } from '../../e2e/rehearse.ts';
import { brokenRun, MISDEEDS, type Misdeed } from './broken-run.ts';

/** With few probes and a short observation, because it is run thirty times. */
const minimal = bundledScenario('minimal');
const scenario = {
  ...minimal,
  gate: { ...minimal.gate, observe: '20s' },
  probes: { ...minimal.probes, goldpinger: { replicas: 2, replicasAfterFirstNode: 3 } },
};
const good = await brokenRun({ scenario, seed: 1 });

/** What a command does, without the names that differ from call to call. */
const kindOf = (words: string): string =>
  words
    .replace(/\bkind-(worker|control-plane)\d*/g, 'NODE')
    .replace(/\d+\.\d+\.\d+\.\d+/g, 'IP')
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/nodepinger-\w+/, 'POD')
    .replace(/--target \d+/, '--target PID');

/** The first command of each kind. */
const first = new Map<string, number>();
for (const [at, words] of good.commands.entries()) if (!first.has(kindOf(words))) first.set(kindOf(words), at);

const points = [...first.values()].map((at, index) => ({
  at,
  words: good.commands[at]!.slice(0, 70),
  misdeed: MISDEEDS[index % MISDEEDS.length]!,
  // Every third one only once: the run may get over it.
  lasting: index % 3 !== 2,
}));

test('the run is a good one when nothing is broken, and speaks every kind of command', () => {
  expect(good.problems).toEqual([]);
  expect(points.length).toBeGreaterThan(20);
});

test.each(points)('$misdeed, and goes on so: $lasting: $words', async ({ at, misdeed, lasting }) => {
  const { problems } = await brokenRun({ scenario, seed: 1, host: { at, misdeed, lasting } });
  expect(problems).toEqual([]);
});

/** Our own tools, broken from then on, at the very places where the migration is judged. */
describe.each<[Misdeed, string]>([
  ['hangs', 'tool-failed'],
  ['floods', 'tool-failed'],
  ['is gone', 'tool-missing'],
  ['has lost its daemon', 'tool-failed'],
])('docker that %s', (misdeed, reason) => {
  test(`is an error (${reason}), never the migration's doing`, async () => {
    // The first look at the node after its pods were recycled.
    const at = good.commands.findIndex((words) => words.includes('cat /etc/cni/net.d/05-cilium.conflist'));
    expect(at).toBeGreaterThan(0);
    const { events } = await brokenRun({ scenario, seed: 1, host: { at, misdeed, lasting: true } });
    expect(events.at(-1)).toMatchObject({ verdict: 'error', reason });
  });
});

const steps = good.events.filter((event) => event.type === 'step-started' && event.phase !== 'check');
const moments = steps.flatMap((event, index) => {
  if (event.type !== 'step-started' || index % 5 !== 2) return [];
  return [{ step: event.step, seq: event.seq, before: event.phase === 'provision' || event.phase === 'baseline' }];
});

describe('an API server that goes away for good', () => {
  test.each(moments)('in $step', async ({ seq, before }) => {
    const { problems, events, files } = await brokenRun({ scenario, seed: 1, api: { seq, afterMs: 500 } });
    expect(problems).toEqual([]);
    const verdict = before ? { verdict: 'error' } : { verdict: 'failed', reason: 'control-plane-lost' };
    expect(events.at(-1)).toMatchObject({ type: 'verdict', ...verdict });
    // The nodes are looked at all the same.
    expect([...files.keys()]).toContain('nodes/kind-control-plane/cni.txt');
  });
});
