import { describe, expect, test } from 'vitest';
import { ciliumStarvation } from '../../../../src/twin/actors/cilium/index.ts';
import { EPOCH } from './fake-world.ts';
import { Lab, NODES } from './lab.ts';

describe('install dip', () => {
  const starved = (seed: number): { first: number; last: number; share: number } => {
    const other = new Lab({}, { seed });
    other.install();
    const at = ciliumStarvation(other.world);
    const slots = Array.from({ length: 120 }, (_, i) => EPOCH + i * 500).flatMap((time) =>
      NODES.map((node) => ({ time, hit: at(node, time) })),
    );
    const hits = slots.filter((slot) => slot.hit).map((slot) => slot.time - EPOCH);
    return { first: Math.min(...hits), last: Math.max(...hits), share: hits.length };
  };

  test('is the same for the same seed, another for another, and over within 22 s of the agents starting', () => {
    const runs = Array.from({ length: 30 }, (_, i) => starved(i + 1));
    expect(starved(3)).toEqual(runs[2]);
    expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBeGreaterThan(15);
    for (const run of runs.filter((entry) => entry.share > 0)) {
      expect(run.first).toBeGreaterThanOrEqual(3000);
      expect(run.last).toBeLessThanOrEqual(22_000);
    }
    expect(runs.filter((run) => run.share > 0).length).toBeGreaterThan(25);
  });
});
