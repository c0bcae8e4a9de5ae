/** Which runs of a fault a drill makes: with its default arguments, once for every value of those that have none. */
import type { ClusterNode } from '../cni/kind-config.ts';
import type { Fault, FaultKey } from './fault.ts';

/** Rows of which one with usual arguments would show only a part: what is tolerated, and what is not. */
const DRILLED: Readonly<Record<string, (first: string, second: string) => readonly string[]>> = {
  'api-outage': () => ['for=20s', 'for=900s'],
  'slow-image-pull': (first) => [`node=${first},for=240s`],
  'pair-drop': (first, second) => {
    const ends = `from=${first},to=${second}`;
    return [`${ends},mode=packets`, `${ends},mode=new-connections`, `${ends},mode=packets,for=20s`];
  },
};

/**
 * Texts for `--fault`, in the order of the catalogue.
 * @param nodes in the order of migration
 */
export function rowsOf(fault: Fault, nodes: readonly ClusterNode[]): string[] {
  const [first, second = first] = nodes.map((node) => node.name);
  const told = fault.drills?.(nodes) ?? DRILLED[fault.name]?.(first ?? '', second ?? '') ?? argumentSets(fault, nodes);
  return told.map((args) => (args === '' ? fault.name : `${fault.name}:${args}`));
}

function argumentSets(fault: Fault, nodes: readonly ClusterNode[]): string[] {
  let sets: string[][] = [[]];
  for (const [key, argument] of Object.entries(fault.arguments) as [
    FaultKey,
    { required?: boolean; values?: readonly string[] },
  ][]) {
    if (!argument.required) continue;
    const values = argument.values ?? [usual(key, nodes)];
    sets = sets.flatMap((set) => values.map((value) => [...set, `${key}=${value}`]));
  }
  return sets.map((set) => set.join(','));
}

/** `from` and `to` are the first two nodes: both are worth looking at, and the first is switched first. */
function usual(key: FaultKey, nodes: readonly ClusterNode[]): string {
  if (key === 'for') return '20s';
  return (key === 'to' ? nodes[1] : nodes[0])?.name ?? '';
}
