/** The operator's hand on Nodes: the agent-not-ready taint and the condition NetworkUnavailable (operator/watchers/node_taint.go). */
import type { Node, Pod } from '../../../kube/objects.ts';
import type { World } from '../../world.ts';

/** Keys of cilium-config that switch this. */
export interface NodeDuties {
  readonly taintKey: string;
  readonly setTaints: boolean;
  readonly removeTaints: boolean;
  readonly setCondition: boolean;
  readonly namespace: string;
}

const REASON = 'CiliumIsUp';

function agentOn(world: World, node: string, namespace: string): { scheduled: boolean; ready: boolean } {
  const agents = world.store
    .podsOnNode(node)
    .filter((pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.['k8s-app'] === 'cilium');
  const isReady = (pod: Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined &&
    (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return { scheduled: agents.length > 0, ready: agents.some(isReady) };
}

/** Brings one node's taint and condition to what its agent's state asks for; changes nothing that is right already. */
export function tendNode(world: World, name: string, duties: NodeDuties): void {
  const node = world.store.get<Node>('nodes', name);
  if (node === undefined) return;
  const agent = agentOn(world, name, duties.namespace);
  const taints = node.spec?.taints ?? [];
  const tainted = taints.some((taint) => taint.key === duties.taintKey);
  if (agent.ready && tainted && duties.removeTaints)
    world.store.update<Node>('nodes', { name }, (draft) => {
      const left = (draft.spec?.taints ?? []).filter((taint) => taint.key !== duties.taintKey);
      const { taints: _, ...spec } = draft.spec ?? {};
      draft.spec = left.length > 0 ? { ...spec, taints: left } : spec;
    });
  if (agent.scheduled && !agent.ready && !tainted && duties.setTaints)
    world.store.update<Node>('nodes', { name }, (draft) => {
      draft.spec = {
        ...draft.spec,
        taints: [...(draft.spec?.taints ?? []), { effect: 'NoSchedule', key: duties.taintKey }],
      };
    });
  if (!agent.ready || !duties.setCondition) return;
  const conditions = node.status?.conditions ?? [];
  const current = conditions.find((condition) => condition.type === 'NetworkUnavailable');
  if (current?.status === 'False' && current.reason === REASON) return;
  const now = `${new Date(world.time.now()).toISOString().slice(0, 19)}Z`;
  world.store.update<Node>(
    'nodes',
    { name },
    (draft) => {
      const others = (draft.status?.conditions ?? []).filter((condition) => condition.type !== 'NetworkUnavailable');
      draft.status = {
        ...draft.status,
        conditions: [
          {
            type: 'NetworkUnavailable',
            status: 'False',
            reason: REASON,
            message: 'Cilium is running on this node',
            lastHeartbeatTime: now,
            lastTransitionTime: now,
          },
          ...others,
        ],
      };
    },
    { subresource: 'status' },
  );
}
