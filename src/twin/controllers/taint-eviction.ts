/** Evicts pods from nodes with NoExecute taints that they do not tolerate, or no longer (pkg/controller/tainteviction). */
import type { Node, Pod } from '../../kube/objects.ts';
import { recordRoutine, subjectOf } from '../events.ts';
import { conditionsIn, keyOf, refOf, setCondition } from './common.ts';
import type { ControlPlane } from './control-plane.ts';
import { type Taint, tolerates } from './node-fit.ts';
import { deletePod, isDeleting, isTerminal } from './pods.ts';
import { workQueue } from './work-queue.ts';

/** Milliseconds for which a pod may stay: 0 when a taint is not tolerated, undefined for ever. */
export function stayMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let shortest: number | undefined;
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds === undefined) continue;
      shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, Math.max(0, tolerationSeconds * 1000));
    }
  }
  return shortest;
}

export function startTaintEviction(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  /** When a pod's stay began. */
  const since = new Map<string, number>();

  const reconcile = (key: string): void => {
    const pod = store.get<Pod>('pods', refOf(key).name, refOf(key).namespace);
    const node = store.get<Node>('nodes', pod?.spec?.nodeName ?? '');
    const taints = (node?.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
    if (pod === undefined || isDeleting(pod) || isTerminal(pod) || taints.length === 0) {
      since.delete(key);
      return;
    }
    const stay = stayMs(pod, taints);
    if (stay === undefined) {
      since.delete(key);
      return;
    }
    const start = since.get(key) ?? time.now();
    since.set(key, start);
    if (time.now() < start + stay) {
      queue.add(key, start + stay - time.now());
      return;
    }
    since.delete(key);
    store.update<Pod>(
      'pods',
      { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
      (draft) => {
        setCondition(
          conditionsIn(draft),
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByTaintManager',
            message: 'Taint manager: deleting due to NoExecute taint',
            ...(draft.metadata.generation !== undefined && { observedGeneration: draft.metadata.generation }),
          } as { type: string; status: string },
          time.now(),
        );
      },
      { subresource: 'status' },
    );
    recordRoutine(world, subjectOf({ ...pod, apiVersion: 'v1', kind: 'Pod' }), {
      component: 'taint-eviction-controller',
      reason: 'TaintManagerEviction',
      message: `Marking for deletion Pod ${keyOf(pod)}`,
    });
    deletePod(world, pod);
  };

  const queue = workQueue(plane, reconcile);
  const all = (node: Node): void => {
    for (const pod of store.podsOnNode(node.metadata.name)) queue.add(keyOf(pod));
  };
  const executing = (node: Node | undefined): string =>
    JSON.stringify((node?.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute'));
  plane.onElected(() => {
    since.clear();
    for (const node of store.list<Node>('nodes')) if (executing(node) !== '[]') all(node);
  });
  store.onChange<Node>('nodes', ({ type, object, previous }) => {
    if (type !== 'DELETED' && executing(object) !== executing(previous)) all(object);
  });
  store.onChange<Pod>('pods', ({ type, object, previous }) => {
    if (type === 'DELETED') since.delete(keyOf(object));
    else if (object.spec?.nodeName !== previous?.spec?.nodeName) queue.add(keyOf(object));
  });
}
