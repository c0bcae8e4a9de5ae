/** Which runs show that a fault is caught wherever it is: at the first, a middle and the last node, for several seeds. */
import type { ClusterNode } from '../cni/kind-config.ts';
import type { Fault } from './fault.ts';
import { rowsOf } from './rows.ts';

/** First, middle and last; fewer where there are fewer nodes. */
export function positions(nodes: readonly ClusterNode[]): ClusterNode[] {
  const places = new Set([0, Math.floor((nodes.length - 1) / 2), nodes.length - 1]);
  return [...places].map((place) => nodes[place]!);
}

/**
 * Texts for `--fault`: every row of the drill at every position, where the fault has a place at all.
 * @param nodes in the order of migration
 */
export function sweepOf(fault: Fault, nodes: readonly ClusterNode[]): string[] {
  return [
    ...new Set(rowsOf(fault, nodes).flatMap((row) => positions(nodes).map((node) => placed(fault, row, node, nodes)))),
  ];
}

function placed(fault: Fault, row: string, { name }: ClusterNode, nodes: readonly ClusterNode[]): string {
  const has = (key: string): boolean => new RegExp(`[:,]${key}=`).test(row);
  const added = (text: string): string => `${row}${row.includes(':') ? ',' : ':'}${text}`;
  if (has('from') && has('to')) {
    // From the position to the next node, around.
    const next = nodes[(nodes.findIndex((node) => node.name === name) + 1) % nodes.length]!.name;
    return row.replace(/([:,]from=)[^,]*/, `$1${name}`).replace(/([:,]to=)[^,]*/, `$1${next}`);
  }
  if (has('node')) return row.replace(/([:,]node=)[^,]*/, `$1${name}`);
  if (fault.arguments.node !== undefined) return added(`node=${name}`);
  const kind = /^(.+)\/\*$/.exec(fault.starts?.({}, nodes) ?? '')?.[1];
  return kind === undefined || has('at') ? row : added(`at=${kind}/${name}`);
}
