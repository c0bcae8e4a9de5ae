/** Is every node looked at? A matrix of few pods is green by having nothing to say. */
import type { Instance } from '../../probe/instances.ts';
import type { NodeView, View } from './view.ts';

/** Kinds of checkpoints at which every schedulable node must hold a goldpinger pod (after every uncordon and spread). */
const SPREAD_KINDS = new Set(['baseline', 'migrated', 'all-migrated', 'final']);

export interface Gap {
  readonly kind: 'coverage' | 'not-ready' | 'unschedulable';
  /** For people. */
  readonly message: string;
  /** Uid of the instance that it speaks of. */
  readonly uid?: string;
  /** The container was killed from outside (exit code 137, not for its own memory limit) and is not back. */
  readonly killed?: true;
}

/** `switched` of `switched/kind-worker`. */
export function checkpointKind(id: string): string {
  return id.split('/', 1)[0] ?? id;
}

/** What keeps the instrument from covering every node with running pods; empty when nothing does. */
export function gapsAt(checkpoint: string, view: Pick<View, 'nodes' | 'probes' | 'replicas'>): Gap[] {
  const gaps: Gap[] = [];
  for (const { name, instances } of view.probes) {
    const placed = instances.filter((instance) => instance.node !== '');
    if (name === 'nodepinger') gaps.push(...nodepingerGaps(view.nodes, placed));
    else gaps.push(...goldpingerGaps(checkpoint, view, instances, placed));
    for (const { uid, pod, node, ready, unready } of placed) {
      if (ready) continue;
      const message = `${pod} on ${node} is not Ready: ${unready}`;
      gaps.push({ kind: 'not-ready', message, uid });
    }
  }
  return gaps;
}

function nodepingerGaps(nodes: readonly NodeView[], placed: readonly Instance[]): Gap[] {
  return nodes.flatMap(({ name }) => {
    const count = placed.filter((instance) => instance.node === name).length;
    if (count === 1) return [];
    return [{ kind: 'coverage' as const, message: `${count || 'no'} nodepinger pods on ${name}, there must be one` }];
  });
}

function goldpingerGaps(
  checkpoint: string,
  view: Pick<View, 'nodes' | 'replicas'>,
  instances: readonly Instance[],
  placed: readonly Instance[],
): Gap[] {
  const gaps: Gap[] = [];
  const schedulable = view.nodes.filter((node) => node.schedulable);
  const cordoned = schedulable.length < view.nodes.length;
  if (instances.length < view.replicas) {
    gaps.push({ kind: 'coverage', message: `${instances.length} of ${view.replicas} goldpinger pods exist` });
  }
  for (const { pod, node, unready } of instances) {
    // Pending only because of our cordon is reported elsewhere and never red.
    if (node === '' && !cordoned) gaps.push({ kind: 'unschedulable', message: `${pod} is not placed: ${unready}` });
  }
  if (SPREAD_KINDS.has(checkpointKind(checkpoint)) && view.replicas >= schedulable.length) {
    for (const { name } of schedulable) {
      if (!placed.some((instance) => instance.node === name)) {
        gaps.push({ kind: 'coverage', message: `no goldpinger pod on ${name}` });
      }
    }
  }
  return gaps;
}
