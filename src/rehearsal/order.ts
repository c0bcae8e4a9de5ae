/** In which order nodes are migrated and restarted: workers first, in batches; control planes last, one at a time. */
import type { ClusterNode } from '../cni/kind-config.ts';
import { randomStream } from '../time/random.ts';

/** `kind-worker` before `kind-worker2` before `kind-worker10`. */
export function byNodeName(a: string, b: string): number {
  const split = (name: string): [string, number] => {
    const parts = /^(.*?)(\d*)$/.exec(name)!;
    return [parts[1]!, parts[2] === '' ? 0 : Number(parts[2])];
  };
  const [stemA, numberA] = split(a);
  const [stemB, numberB] = split(b);
  if (stemA !== stemB) return stemA < stemB ? -1 : 1;
  return numberA - numberB;
}

/** Nodes in the order of migration. An explicit list comes first within each role; nodes that it leaves out follow by name. */
export function migrationOrder(
  nodes: readonly ClusterNode[],
  order: 'name' | 'random' | readonly string[],
  seed: number,
): ClusterNode[] {
  const arrange = (role: ClusterNode['role']): ClusterNode[] => {
    const named = nodes.filter((node) => node.role === role).sort((a, b) => byNodeName(a.name, b.name));
    if (order === 'name') return named;
    if (order === 'random') return randomStream(seed, `migration-order/${role}`).shuffle(named);
    const place = (name: string): number => {
      const index = order.indexOf(name);
      return index < 0 ? order.length : index;
    };
    return named.sort((a, b) => place(a.name) - place(b.name) || byNodeName(a.name, b.name));
  };
  return [...arrange('worker'), ...arrange('control-plane')];
}

/** Nodes that are worked on together, in order; a control plane is always alone. */
export function batchesOf(ordered: readonly ClusterNode[], size: number): ClusterNode[][] {
  const batches: ClusterNode[][] = [];
  for (const node of ordered) {
    const last = batches.at(-1);
    if (node.role === 'worker' && last !== undefined && last.length < size && last[0]!.role === 'worker') {
      last.push(node);
    } else {
      batches.push([node]);
    }
  }
  return batches;
}
