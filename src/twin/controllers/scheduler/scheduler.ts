/** The scheduler: binds pending pods one after the other, and tries again when something changed that could help. */
import type { Node, Pod } from '../../../kube/objects.ts';
import { recordRoutine, subjectOf } from '../../events.ts';
import { conditionOf, conditionsIn, keyOf, refOf, setCondition } from '../common.ts';
import type { ControlPlane } from '../control-plane.ts';
import { isDeleting, isTerminal } from '../pods.ts';
import { workQueue } from '../work-queue.ts';
import { failureMessage, filtersFor, type Refusal, usesHostPorts } from './filters.ts';
import { scores } from './scores.ts';
import { type NodeState, snapshot } from './snapshot.ts';

const LATENCY_MS = 5;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 10_000;
/** Pods nobody woke are tried again after this (podMaxInUnschedulablePodsDuration). */
const FLUSH_MS = 5 * 60_000;

interface Waiting {
  attempts: number;
  lastAttempt: number;
}

const isPending = (pod: Pod): boolean =>
  (pod.spec?.nodeName ?? '') === '' &&
  !isDeleting(pod) &&
  !isTerminal(pod) &&
  (pod.spec?.schedulerName ?? 'default-scheduler') === 'default-scheduler';

export function startScheduler(plane: ControlPlane): void {
  const { world } = plane;
  const { store, time } = world;
  const random = world.random('controllers/scheduler');
  /** Pods that did not fit, with their back-off. */
  const waiting = new Map<string, Waiting>();

  const choose = (pod: Pod, feasible: readonly NodeState[], all: readonly NodeState[]): NodeState => {
    if (feasible.length === 1) return feasible[0]!;
    const values = scores(store, pod, feasible, all);
    const best = Math.max(...values);
    return random.pick(feasible.filter((_, i) => values[i] === best));
  };

  const bind = (pod: Pod, node: string): void => {
    waiting.delete(keyOf(pod));
    store.update<Pod>('pods', ref(pod), (draft) => {
      draft.spec!.nodeName = node;
      setCondition(conditionsIn(draft), { type: 'PodScheduled', status: 'True' }, time.now());
      const condition = conditionOf(draft.status?.conditions, 'PodScheduled');
      delete condition?.observedGeneration;
      delete condition?.reason;
      delete condition?.message;
    });
    told(pod, 'Normal', 'Scheduled', `Successfully assigned ${keyOf(pod)} to ${node}`);
  };

  const told = (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void => {
    const subject = subjectOf({ ...pod, apiVersion: 'v1', kind: 'Pod' });
    recordRoutine(world, subject, { component: 'default-scheduler', type, reason, message });
  };

  const fail = (pod: Pod, reason: string, message: string): void => {
    told(pod, 'Warning', 'FailedScheduling', message);
    store.update<Pod>(
      'pods',
      ref(pod),
      (draft) => {
        setCondition(conditionsIn(draft), { type: 'PodScheduled', status: 'False', reason, message }, time.now());
        const condition = conditionOf(draft.status?.conditions, 'PodScheduled');
        if (condition !== undefined) condition.observedGeneration = pod.metadata.generation ?? 1;
      },
      { subresource: 'status' },
    );
  };

  /** A claim that the pod names and that does not exist. */
  const missingClaim = (pod: Pod): string | undefined =>
    (pod.spec?.volumes ?? [])
      .flatMap((volume) => (volume.persistentVolumeClaim === undefined ? [] : [volume.persistentVolumeClaim.claimName]))
      .find((name) => store.get('persistentvolumeclaims', name, pod.metadata.namespace) === undefined);

  const reconcile = (key: string): void => {
    const pod = store.get<Pod>('pods', refOf(key).name, refOf(key).namespace);
    if (pod === undefined || !isPending(pod)) {
      waiting.delete(key);
      return;
    }
    // Admission has marked it (see pod-defaults.ts); the last gate's removal brings it here again.
    if ((pod.spec?.schedulingGates ?? []).length > 0) return;
    const all = snapshot(world);
    const claim = missingClaim(pod);
    if (claim !== undefined) {
      waiting.set(key, { attempts: (waiting.get(key)?.attempts ?? 0) + 1, lastAttempt: time.now() });
      const why = `persistentvolumeclaim "${claim}" not found. not found`;
      fail(pod, 'Unschedulable', `0/${all.length} nodes are available: ${why}`);
      queue.add(key, FLUSH_MS);
      return;
    }
    const filter = filtersFor(store, pod, all, world.config.kubernetesVersion);
    const refusals: Refusal[] = [];
    const feasible: NodeState[] = [];
    for (const state of all) {
      const refusal = filter(state);
      if (refusal === undefined) feasible.push(state);
      else refusals.push(refusal);
    }
    if (feasible.length > 0) {
      bind(pod, choose(pod, feasible, all).name);
      return;
    }
    const before = waiting.get(key);
    waiting.set(key, { attempts: (before?.attempts ?? 0) + 1, lastAttempt: time.now() });
    fail(pod, 'Unschedulable', failureMessage(refusals, world.config.kubernetesVersion));
    queue.add(key, FLUSH_MS);
  };

  /** Higher priority first, then the older pod. */
  const order = (a: string, b: string): number => {
    const [left, right] = [a, b].map((key) => store.get<Pod>('pods', refOf(key).name, refOf(key).namespace));
    const priority = (right?.spec?.priority ?? 0) - (left?.spec?.priority ?? 0);
    if (priority !== 0) return priority;
    const age = Number(left?.metadata.resourceVersion ?? 0) - Number(right?.metadata.resourceVersion ?? 0);
    return age !== 0 ? age : a < b ? -1 : 1;
  };
  const queue = workQueue(plane, reconcile, { latencyMs: LATENCY_MS, order });

  const wake = (concerned: (pod: Pod) => boolean): void => {
    for (const [key, { attempts, lastAttempt }] of waiting) {
      const pod = store.get<Pod>('pods', refOf(key).name, refOf(key).namespace);
      if (pod === undefined || !concerned(pod)) continue;
      const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempts - 1));
      queue.add(key, Math.max(LATENCY_MS, lastAttempt + backoff - time.now()));
    }
  };
  store.onChange('persistentvolumeclaims', ({ type }) => {
    if (type === 'ADDED')
      wake((pod) => (pod.spec?.volumes ?? []).some((one) => one.persistentVolumeClaim !== undefined));
  });
  const dependsOnPods = (pod: Pod): boolean =>
    (pod.spec?.topologySpreadConstraints ?? []).length > 0 ||
    pod.spec?.affinity?.podAffinity !== undefined ||
    pod.spec?.affinity?.podAntiAffinity !== undefined ||
    usesHostPorts(pod);

  plane.onElected(() => {
    for (const pod of store.list<Pod>('pods')) if (isPending(pod)) queue.add(keyOf(pod));
  });
  store.onChange<Pod>('pods', ({ type, object, previous }) => {
    const key = keyOf(object);
    if (type === 'DELETED') {
      waiting.delete(key);
      if (object.spec?.nodeName !== undefined) wake(() => true);
      return;
    }
    if (isPending(object)) {
      const changed =
        previous === undefined ||
        JSON.stringify(previous.spec) !== JSON.stringify(object.spec) ||
        JSON.stringify(previous.metadata.labels) !== JSON.stringify(object.metadata.labels);
      if (changed) queue.add(key);
      return;
    }
    const freed = isTerminal(object) && previous !== undefined && !isTerminal(previous);
    const placed =
      previous !== undefined && previous.spec?.nodeName === undefined && object.spec?.nodeName !== undefined;
    const leaving = isDeleting(object) && previous !== undefined && !isDeleting(previous);
    if (freed) wake(() => true);
    else if (placed || leaving) wake(dependsOnPods);
  });
  store.onChange<Node>('nodes', ({ type, object, previous }) => {
    const relevant = (node: Node | undefined) =>
      JSON.stringify([node?.metadata.labels, node?.spec?.taints, node?.spec?.unschedulable, node?.status?.allocatable]);
    if (type === 'ADDED' || (type === 'MODIFIED' && relevant(object) !== relevant(previous))) wake(() => true);
  });
}

const ref = (pod: Pod) => ({ name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid });
