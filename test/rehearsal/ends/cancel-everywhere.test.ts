/** A rehearsal may be cancelled at any moment: at every step and every checkpoint of `minimal`, it ends well. */
import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/events.ts';
import { bundledScenario, rehearse } from '../../e2e/rehearse.ts';
import { cancelledRun, type Keep } from './cancelled-run.ts';

const KEEP: readonly Keep[] = ['never', 'failed', 'always'];

/** With few probes and a short observation, because it is run forty times. */
const minimal = bundledScenario('minimal');
const scenario = {
  ...minimal,
  gate: { ...minimal.gate, observe: '20s' },
  probes: { ...minimal.probes, goldpinger: { replicas: 2, replicasAfterFirstNode: 3 } },
};
const { lines } = await rehearse({ scenario });
const events = lines.map((line) => JSON.parse(line) as Event);

/** Every step at its first moment or in the middle of it, every checkpoint while it is judged and when it has passed. */
const moments = events.flatMap((event, index): { name: string; seq: number; afterMs: number }[] => {
  if (event.type === 'step-started') {
    const end = events.find((later, at) => at > index && later.type === 'step-ended' && later.step === event.step)!;
    const half = Math.floor((Date.parse(end.at) - Date.parse(event.at)) / 2);
    const afterMs = index % 2 === 0 ? half : 0;
    return [{ name: `${afterMs === 0 ? 'the start' : 'the middle'} of ${event.step}`, seq: event.seq, afterMs }];
  }
  if (event.type !== 'checkpoint') return [];
  if (index % 2 === 0 || event.id === 'final') return [{ name: `the end of ${event.id}`, seq: event.seq, afterMs: 0 }];
  const began = events.findLast((earlier, at) => at < index && earlier.type === 'step-ended')!;
  const half = Math.floor((Date.parse(event.at) - Date.parse(began.at)) / 2);
  return [{ name: `the judging of ${event.id}`, seq: began.seq, afterMs: half }];
});

const last = moments.pop()!;

test('the moments are every step and every checkpoint', () => {
  const named = events.filter(({ type }) => type === 'step-started' || type === 'checkpoint');
  expect([...moments, last]).toHaveLength(named.length);
  expect(moments.length).toBeGreaterThan(35);
});

test.each(moments.map((moment, index) => ({ ...moment, keep: KEEP[index % 3]! })))(
  'cancelled at $name, cluster kept: $keep',
  async ({ seq, afterMs, keep }) => {
    const run = await cancelledRun({ scenario, seed: 1, seq, afterMs, keep });
    expect(run.problems).toEqual([]);
    // What had happened before is told as in a run that is not cancelled.
    expect(run.cancelledAt).toBeGreaterThanOrEqual(seq);
    expect(run.events.slice(0, run.cancelledAt)).toEqual(events.slice(0, run.cancelledAt));
  },
);

test('when the last checkpoint has passed there is nothing left to cancel', async () => {
  const run = await cancelledRun({ scenario, seed: 1, seq: last.seq, afterMs: last.afterMs, keep: 'never' });
  expect(last.name).toBe('the end of final');
  expect(run.problems).toEqual([]);
  expect(run.cancelledAt).toBeUndefined();
  expect(run.events.at(-1)).toMatchObject({ type: 'verdict', verdict: 'passed' });
});
