/**
 * Explains failing pairs: the smallest set of sentences of the form "Calico pods on kind-worker3 → all Cilium pods: 12/12
 * failing" that together name exactly the pairs that fail. A sentence says "all of these"; only where that would take
 * too many sentences do they count parts ("9/12").
 */
import type { Cni, FailingGroup } from '../../events/events.ts';

export interface GroupPod {
  readonly pod: string;
  readonly node: string;
  readonly cni: Cni;
  /** Pairs exist within one probe only. */
  readonly probe: string;
}

export interface GroupPair {
  readonly from: GroupPod;
  readonly to: GroupPod;
  readonly failing: boolean;
}

const MOST_SENTENCES = 12;
/** Above this many pairs every rectangle is no longer counted; sentences go by node and CNI. */
const MOST_PAIRS = 20_000;

const CNI_NAMES: Record<Cni, string> = {
  calico: 'Calico',
  cilium: 'Cilium',
  host: 'host-network',
  // No address yet, or one of neither pool.
  unknown: 'unattached',
};

/** A way to name a set of pods; `key` tells sets apart. Of names that say the same the lowest `rank` is taken. */
interface Name {
  readonly key: string;
  readonly text: string;
  readonly rank: number;
  /** Names pods of several nodes, so that "on other nodes" adds something. */
  readonly wide: boolean;
}

interface Rectangle {
  readonly from: Name;
  readonly to: Name;
  /** Only pairs between nodes. */
  readonly across: boolean;
  total: number;
  failing: number[];
}

/** Groups that cover exactly the failing pairs; `of` is the number of pairs that each sentence is about. */
export function explain(pairs: readonly GroupPair[]): FailingGroup[] {
  const failing = pairs.filter((pair) => pair.failing);
  if (failing.length === 0) return [];
  if (pairs.length <= MOST_PAIRS) {
    const sentences = cover(pairs);
    if (sentences) return sentences;
  }
  return byClass(pairs);
}

function namesOf(pod: GroupPod): Name[] {
  const cni = CNI_NAMES[pod.cni];
  return [
    { key: `c${pod.cni}`, text: `all ${cni} pods`, rank: 0, wide: true },
    { key: `c${pod.cni}/n${pod.node}`, text: `${cni} pods on ${pod.node}`, rank: 1, wide: false },
    { key: '', text: 'all pods', rank: 2, wide: true },
    { key: `n${pod.node}`, text: `all pods on ${pod.node}`, rank: 3, wide: false },
    { key: `p${pod.probe}/${pod.pod}`, text: `${pod.pod} (${cni}, ${pod.node})`, rank: 4, wide: false },
  ];
}

/** Greedy cover by rectangles that fail as a whole; undefined when it takes too many. */
function cover(pairs: readonly GroupPair[]): FailingGroup[] | undefined {
  const rectangles = count(pairs);
  const whole = [...rectangles.values()].filter((r) => r.failing.length > 0 && r.failing.length === r.total);
  const uncovered = new Set<number>(whole.flatMap((r) => r.failing));
  const groups: FailingGroup[] = [];
  while (uncovered.size > 0) {
    let best: Rectangle | undefined;
    let gain = 0;
    for (const rectangle of whole) {
      if (rectangle.failing.length < gain) continue;
      const covers = rectangle.failing.reduce((sum, i) => sum + (uncovered.has(i) ? 1 : 0), 0);
      if (covers > gain || (covers === gain && best && precedes(rectangle, best))) {
        best = rectangle;
        gain = covers;
      }
    }
    if (!best || groups.length === MOST_SENTENCES) return undefined;
    for (const i of best.failing) uncovered.delete(i);
    groups.push(sentence(best));
  }
  return groups;
}

function sentence({ from, to, across, failing, total }: Rectangle): FailingGroup {
  return { from: from.text, to: across ? `${to.text} on other nodes` : to.text, failing: failing.length, of: total };
}

/** Of two sentences that explain as many new pairs the one with the better names is said, then the first by name. */
function precedes(a: Rectangle, b: Rectangle): boolean {
  const rank = (r: Rectangle) => r.from.rank + r.to.rank + (r.across ? 0.5 : 0);
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  const key = (r: Rectangle) => `${r.from.key} ${r.to.key} ${r.across}`;
  return key(a) < key(b);
}

/** Every rectangle that a failing pair lies in, with all its pairs counted. */
function count(pairs: readonly GroupPair[]): Map<string, Rectangle> {
  const rectangles = new Map<string, Rectangle>();
  const visit = (pair: GroupPair, index: number, create: boolean): void => {
    const targets = namesOf(pair.to);
    for (const from of namesOf(pair.from)) {
      for (const to of targets) {
        for (const across of [false, true]) {
          if (across && (!to.wide || pair.from.node === pair.to.node)) continue;
          const key = `${from.key} ${to.key} ${across}`;
          let rectangle = rectangles.get(key);
          if (!rectangle) {
            if (!create) continue;
            rectangle = { from, to, across, total: 0, failing: [] };
            rectangles.set(key, rectangle);
          }
          if (create) rectangle.failing.push(index);
          else rectangle.total++;
        }
      }
    }
  };
  pairs.forEach((pair, index) => {
    if (pair.failing) visit(pair, index, true);
  });
  pairs.forEach((pair, index) => {
    visit(pair, index, false);
  });
  return rectangles;
}

/** One sentence per (node, CNI) of the source and of the destination, with the part that fails. */
function byClass(pairs: readonly GroupPair[]): FailingGroup[] {
  const classes = new Map<string, { from: string; to: string; failing: number; of: number }>();
  for (const pair of pairs) {
    const from = `${CNI_NAMES[pair.from.cni]} pods on ${pair.from.node}`;
    const to = `${CNI_NAMES[pair.to.cni]} pods on ${pair.to.node}`;
    const entry = classes.get(`${from} ${to}`) ?? { from, to, failing: 0, of: 0 };
    entry.of++;
    if (pair.failing) entry.failing++;
    classes.set(`${from} ${to}`, entry);
  }
  return [...classes.values()]
    .filter((entry) => entry.failing > 0)
    .sort((a, b) => b.failing - a.failing || (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}
