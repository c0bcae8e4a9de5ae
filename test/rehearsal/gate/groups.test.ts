import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cni } from '../../../src/events/events.ts';
import { explain, type GroupPair, type GroupPod } from '../../../src/rehearsal/gate/groups.ts';

const NODES = ['kind-control-plane', 'kind-worker', 'kind-worker2'];

function podsOf(cnis: readonly Cni[], each = 2): GroupPod[] {
  return NODES.flatMap((node, n) =>
    Array.from({ length: each }, (_, i) => ({
      pod: `goldpinger-${n}${i}`,
      node,
      cni: cnis[n] ?? 'calico',
      probe: 'goldpinger',
    })),
  );
}

function pairsOf(pods: readonly GroupPod[], failing: (from: GroupPod, to: GroupPod) => boolean): GroupPair[] {
  return pods.flatMap((from) =>
    pods.filter((to) => to !== from && to.probe === from.probe).map((to) => ({ from, to, failing: failing(from, to) })),
  );
}

/** Which pods a phrase is about: an independent reading of the sentences. */
function matches(phrase: string, pod: GroupPod): boolean {
  const name = { calico: 'Calico', cilium: 'Cilium', host: 'host-network', unknown: 'unattached' }[pod.cni];
  const plain = phrase.replace(/ on other nodes$/, '');
  if (plain === 'all pods') return true;
  if (plain === `all ${name} pods` || plain === `${name} pods on ${pod.node}`) return true;
  return plain === `all pods on ${pod.node}` || plain === `${pod.pod} (${name}, ${pod.node})`;
}

function about(group: { from: string; to: string }, pair: GroupPair): boolean {
  if (group.to.endsWith(' on other nodes') && pair.from.node === pair.to.node) return false;
  return matches(group.from, pair.from) && matches(group.to, pair.to);
}

describe('explain', () => {
  it.each<[string, Cni[], (from: GroupPod, to: GroupPod) => boolean, string[]]>([
    [
      'a tunnel port blocked on one node',
      ['calico', 'calico', 'cilium'],
      (from, to) => from.node === 'kind-worker' && to.cni === 'cilium',
      ['Calico pods on kind-worker → all Cilium pods 4/4'],
    ],
    [
      'a policy under enforcement `default`',
      ['calico', 'cilium', 'calico'],
      (from, to) => from.cni !== to.cni,
      ['all Calico pods → all Cilium pods 8/8', 'all Cilium pods → all Calico pods 8/8'],
    ],
    [
      'one pod that nobody reaches',
      ['calico', 'cilium', 'calico'],
      (_, to) => to.pod === 'goldpinger-10',
      ['all pods → goldpinger-10 (Cilium, kind-worker) 5/5'],
    ],
    [
      'the overlay between nodes',
      ['cilium', 'cilium', 'cilium'],
      (from, to) => from.node !== to.node,
      ['all Cilium pods → all Cilium pods on other nodes 24/24'],
    ],
    ['everything', ['calico', 'cilium', 'cilium'], () => true, ['all pods → all pods 30/30']],
    ['nothing', ['calico', 'cilium', 'cilium'], () => false, []],
  ])('names %s', (_, cnis, failing, expected) => {
    const groups = explain(pairsOf(podsOf(cnis), failing));
    expect(groups.map(({ from, to, failing: n, of }) => `${from} → ${to} ${n}/${of}`)).toEqual(expected);
  });

  it('covers exactly the failing pairs, with true counts', () => {
    const pod = fc.record({
      node: fc.constantFrom(...NODES),
      cni: fc.constantFrom<Cni>('calico', 'cilium', 'unknown'),
      probe: fc.constantFrom('nodepinger', 'goldpinger'),
    });
    const world = fc.tuple(fc.array(pod, { minLength: 2, maxLength: 9 }), fc.infiniteStream(fc.nat(99)), fc.nat(100));
    fc.assert(
      fc.property(world, ([drawn, random, share]) => {
        const pods = drawn.map((entry, i): GroupPod => ({ ...entry, pod: `${entry.probe}-${i}` }));
        const pairs = pairsOf(pods, () => (random.next().value as number) < share);
        const groups = explain(pairs);
        for (const group of groups) {
          const named = pairs.filter((pair) => about(group, pair));
          expect(group.of).toBe(named.length);
          expect(group.failing).toBe(named.filter((pair) => pair.failing).length);
          expect(group.failing).toBeGreaterThan(0);
        }
        for (const pair of pairs.filter((entry) => entry.failing)) {
          expect(groups.some((group) => about(group, pair))).toBe(true);
        }
        // Sentences that say "all" name no pair that works; otherwise all of them count parts.
        const whole = groups.filter((group) => group.failing === group.of);
        for (const pair of pairs.filter((entry) => !entry.failing)) {
          expect(whole.some((group) => about(group, pair))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
