/**
 * Coverage after an uncordon: the scheduler never moves running pods, so an emptied node stays without goldpinger pods
 * until new ones appear. Surplus pods of the fullest nodes are deleted until the node has its share; a roll-out would
 * replace every long-lived pod and with it the very connections that are watched.
 */

/** Pods a node must have at least: an even split, rounded down, and one where there are enough pods. */
export function shareOf(pods: number, nodes: number): number {
  return nodes === 0 ? 0 : Math.floor(pods / nodes);
}

/** How many pods all nodes together lack to their shares: so many replacements at most until any of them has its own. */
export function missingShares(podsPerNode: ReadonlyMap<string, number>): number {
  const counts = [...podsPerNode.values()];
  const share = shareOf(
    counts.reduce((sum, count) => sum + count, 0),
    counts.length,
  );
  return counts.reduce((sum, count) => sum + Math.max(0, share - count), 0);
}

/**
 * How many pods to delete on which node, so that their replacements (which the spread constraint sends to the emptiest
 * node) give `node` its share. Takes from the fullest node first, ties by name, and never below the share.
 */
export function surplusToDelete(podsPerNode: ReadonlyMap<string, number>, node: string): Map<string, number> {
  const counts = new Map([...podsPerNode].sort(([a], [b]) => (a < b ? -1 : 1)));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const share = shareOf(total, counts.size);
  const surplus = new Map<string, number>();
  for (let missing = share - (counts.get(node) ?? 0); missing > 0; missing--) {
    const fullest = [...counts]
      .filter(([name]) => name !== node)
      .reduce<[string, number] | undefined>((best, entry) => (best && best[1] >= entry[1] ? best : entry), undefined);
    if (fullest === undefined || fullest[1] <= share) break;
    counts.set(fullest[0], fullest[1] - 1);
    surplus.set(fullest[0], (surplus.get(fullest[0]) ?? 0) + 1);
  }
  return surplus;
}
