/** What the scheduler knows of a node while it places one pod. */
import type { Node, Pod } from '../../../kube/objects.ts';
import type { World } from '../../world.ts';
import { isTerminal } from '../pods.ts';

export interface NodeState {
  readonly node: Node;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Pods bound to it that still hold resources; terminating ones included. */
  readonly pods: readonly Pod[];
}

/** All nodes, in the order of their names. */
export function snapshot(world: World): NodeState[] {
  return world.store.list<Node>('nodes').map((node) => ({
    node,
    name: node.metadata.name,
    labels: node.metadata.labels ?? {},
    pods: world.store.podsOnNode(node.metadata.name).filter((pod) => !isTerminal(pod)),
  }));
}
