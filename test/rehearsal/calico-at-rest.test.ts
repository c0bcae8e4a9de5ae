/** The wait for Calico's operator ends: at rest, or with what keeps it busy. */
import { describe, expect, test } from 'vitest';
import { KubeError } from '../../src/kube/api.ts';
import { WaitTimeout } from '../../src/kube/wait.ts';
import { waitForCalicoAtRest } from '../../src/rehearsal/calico-at-rest.ts';
import { limitsOf } from '../../src/rehearsal/limits.ts';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.ts';
import { scenario } from './scenario-fixture.ts';
import { SteppedClock } from './stepped-clock.ts';

const MOST_ROUNDS = 10_000;

/** An operator of which everything is always Available; `generation` tells the Installation's, by round. */
function operator(generation: (round: number) => number): {
  clock: SteppedClock;
  rehearsal: Rehearsal;
  rounds(): number;
} {
  const clock = new SteppedClock(Date.UTC(2026, 0, 1));
  const lab = scenario();
  let rounds = 0;
  const rehearsal = {
    clock,
    scenario: lab,
    limits: limitsOf(lab),
    plan: { nodes: [] },
    signal: new AbortController().signal,
    api: {
      get: async ({ kind }: { kind: string }) => {
        if (kind !== 'Installation') throw new KubeError(404, 'NotFound', 'not found', 'GET');
        return { metadata: { name: 'default', generation: generation(rounds) } };
      },
    },
    wait: async ({ resource }: { resource: { kind: string } }) => {
      if (resource.kind !== 'DaemonSet') return [];
      if (++rounds > MOST_ROUNDS) throw new Error('it is waited for ever');
      return [{ metadata: { name: 'calico-node', generation: 1 } }];
    },
  } as unknown as Rehearsal;
  return { clock, rehearsal, rounds: () => rounds };
}

describe("Calico's operator", () => {
  test('rests when a whole round has changed nothing', async () => {
    const { clock, rehearsal, rounds } = operator((round) => Math.min(round, 3));
    await clock.run(waitForCalicoAtRest(rehearsal));
    expect(rounds()).toBe(5);
  });

  test('that changes its mind again and again is given up, and the generations are told', async () => {
    const { clock, rehearsal } = operator((round) => round);
    const start = clock.now();
    const failure = await clock.run(waitForCalicoAtRest(rehearsal).catch((error: unknown) => error));
    expect(failure).toBeInstanceOf(WaitTimeout);
    expect((failure as WaitTimeout).message).toMatch(/operator to rest; last seen: generations change .*"calico",\d+/);
    expect(clock.now() - start).toBeLessThanOrEqual(2 * rehearsal.limits.calico + 2_000);
  });
});
