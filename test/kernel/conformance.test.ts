/**
 * Sockets, their delays and how timers are batched decide nothing: one rehearsal gives the same bytes on every transport.
 * Real random delays are the only test that caught every broken rule of quiescence (docs/decisions/0001-virtual-time.md).
 */
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/time/random.ts';
import { type Rehearsed, type RehearseOptions, rehearse } from '../e2e/rehearse.ts';

/** Delays every request, answer and watch line by up to 3 ms of real time. */
function shaken(seed: number): (action: () => void) => void {
  const random = randomStream(seed, 'jitter');
  return (action) => void setTimeout(action, random.between(0, 3));
}

const SCENARIO = { scenario: 'minimal', seed: 5 } as const;
/** The first node has its new network by then: drains, roll-outs, restarts of agents and outages of pods lie behind. */
const UNTIL = 'switched/kind-worker';

describe('one rehearsal, from the first event to the verdict', () => {
  let known: Promise<Rehearsed> | undefined;
  const inOneGo = (): Promise<Rehearsed> => (known ??= rehearse(SCENARIO));

  const whole: [string, Omit<RehearseOptions, 'scenario'>][] = [
    ['in process, unbatched', { batch: false }],
    ['over loopback HTTP', { transport: 'loopback' }],
    ['over loopback HTTP, unbatched', { transport: 'loopback', batch: false }],
    ['over loopback HTTP, shaken', { transport: 'loopback', jitter: shaken(1) }],
  ];
  it.each(whole)('%s', async (_name, variant) => {
    const reference = await inOneGo();
    const run = await rehearse({ ...SCENARIO, ...variant });
    // Line by line first: a difference then shows the first event that differs, and not two digests.
    expect(run.lines).toEqual(reference.lines);
    expect(run.digest).toBe(reference.digest);
  });

  it('ends in a verdict that lets the comparison mean something', async () => {
    const reference = await inOneGo();
    expect(reference.verdict).toMatchObject({ verdict: 'passed', reason: 'completed' });
    expect(reference.lines.length).toBeGreaterThan(300);
  });
});

describe('one rehearsal up to its first switched node, under several kinds of shaking', () => {
  let known: Promise<Rehearsed> | undefined;
  const inOneGo = (): Promise<Rehearsed> => (known ??= rehearse({ ...SCENARIO, until: UNTIL }));

  it.each([
    [2, true],
    [3, true],
    [4, false],
  ])('jitter seed %i, batched: %s', async (seed, batch) => {
    const reference = await inOneGo();
    const run = await rehearse({ ...SCENARIO, until: UNTIL, transport: 'loopback', jitter: shaken(seed), batch });
    expect(run.verdict).toMatchObject({ verdict: 'passed', reason: 'stopped-as-asked' });
    expect(run.lines).toEqual(reference.lines);
  });
});
