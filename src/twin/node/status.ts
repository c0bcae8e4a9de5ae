/** The status that a kubelet reports for a pod (kubelet, status/generate.go; order of conditions as recorded). */
import { createHash } from 'node:crypto';
import type { Pod } from '../../kube/objects.ts';
import type { Machine } from '../world.ts';
import { stamp } from './ids.ts';
import { onHostNetwork } from './pod-spec.ts';
import type { ContainerRecord } from './records.ts';

export type PodStatus = NonNullable<Pod['status']>;
type PodCondition = NonNullable<PodStatus['conditions']>[number];
export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PodState {
  readonly pod: Pod;
  readonly machine: Machine;
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  /** Address of the sandbox; undefined while there is none. */
  readonly ip: string | undefined;
  readonly hasSandbox: boolean;
  readonly initialized: boolean;
  readonly phase: Phase;
  readonly startedAt: number;
  /** What the kubelet says it has seen of the pod; undefined before Kubernetes 1.34 (PodObservedGenerationTracking). */
  readonly observedGeneration: number | undefined;
}

/** Conditions that are the kubelet's own, in the order in which it writes them. */
const OWN = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

/** Builds the status; times of conditions move only when their status does. */
export function buildStatus(state: PodState, previous: PodStatus | undefined, now: number): PodStatus {
  const { pod, machine, init, main } = state;
  // Pods on the host network have the node's address even while they have no sandbox (kubelet_pods.go).
  const ip = state.ip ?? (onHostNetwork(pod) ? machine.address : undefined);
  const { observedGeneration } = state;
  return {
    ...(observedGeneration !== undefined && { observedGeneration }),
    qosClass: previous?.qosClass ?? qosClass(pod),
    ...(previous?.nominatedNodeName !== undefined && { nominatedNodeName: previous.nominatedNodeName }),
    phase: state.phase,
    conditions: conditions(state, previous?.conditions ?? [], now),
    hostIP: machine.address,
    hostIPs: [{ ip: machine.address }],
    ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
    startTime: stamp(state.startedAt),
    ...(init.length > 0 && { initContainerStatuses: init.map((one) => containerStatus(one, pod)) }),
    containerStatuses: [...main].sort((a, b) => (a.name < b.name ? -1 : 1)).map((one) => containerStatus(one, pod)),
  } as PodStatus;
}

/** What the runtime calls an image: the digest of its configuration, here drawn from its name. */
function imageId(image: string): string {
  let id = IMAGE_IDS.get(image);
  if (id === undefined) {
    id = `sha256:${createHash('sha256').update(image).digest('hex')}`;
    IMAGE_IDS.set(image, id);
  }
  return id;
}

const IMAGE_IDS = new Map<string, string>();

/** Fields as a kubelet 1.34 writes them of a running container (recorded), but for the users that images run as. */
function containerStatus(record: ContainerRecord, pod: Pod): NonNullable<PodStatus['containerStatuses']>[number] {
  const image = record.spec.image ?? '';
  const begun = record.id !== undefined;
  const declared = pod.spec?.[record.init ? 'initContainers' : 'containers']?.find((one) => one.name === record.name);
  const { resources = {}, volumeMounts = [] } = declared ?? {};
  return {
    ...(begun && resources.requests && { allocatedResources: { ...resources.requests } }),
    ...(record.id !== undefined && { containerID: record.id }),
    image,
    imageID: begun ? imageId(image) : '',
    lastState: record.last === undefined ? {} : { terminated: { ...record.last } },
    name: record.name,
    ready: record.ready,
    ...(begun && { resources: { ...resources } }),
    restartCount: record.restartCount,
    started: record.started,
    state: { ...record.state },
    ...(volumeMounts.length > 0 && {
      volumeMounts: volumeMounts.map(({ mountPath, name, readOnly }) => ({
        mountPath,
        name,
        ...(readOnly === true && { readOnly, recursiveReadOnly: 'Disabled' }),
      })),
    }),
  };
}

function conditions(state: PodState, before: readonly PodCondition[], now: number): PodCondition[] {
  const unready = state.main.filter((record) => !record.ready).map((record) => record.name);
  const over = state.phase === 'Succeeded';
  const containersReady = unready.length === 0 && state.phase === 'Running';
  const why = over
    ? { reason: 'PodCompleted' }
    : containersReady
      ? {}
      : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const incomplete = state.init.filter((record) => !record.completed).map((record) => record.name);
  const wanted: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: truth(state.hasSandbox) },
    {
      type: 'Initialized',
      status: truth(state.initialized),
      ...(!state.initialized && {
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: [${incomplete.join(' ')}]`,
      }),
    },
    { type: 'Ready', status: truth(containersReady), ...why },
    { type: 'ContainersReady', status: truth(containersReady), ...why },
    { type: 'PodScheduled', status: 'True' },
  ];
  const foreign = before.filter((condition) => !OWN.includes(condition.type));
  return [
    ...wanted.map((condition) => {
      const old = before.find((one) => one.type === condition.type);
      const same = old?.status === condition.status && old.lastTransitionTime !== undefined;
      return {
        lastProbeTime: null as unknown as string,
        lastTransitionTime: same ? old.lastTransitionTime! : stamp(now),
        ...(state.observedGeneration !== undefined && { observedGeneration: state.observedGeneration }),
        ...condition,
      };
    }),
    ...foreign,
  ];
}

const truth = (value: boolean): string => (value ? 'True' : 'False');

/** Phase by the containers' states (kubelet, getPhase); a pod that ran does not turn Pending again. */
export function phaseOf(pod: Pod, main: readonly ContainerRecord[], initialized: boolean, ranBefore: boolean): Phase {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const ended = main.flatMap((record) => ('terminated' in record.state ? [record.state.terminated.exitCode] : []));
  const allEnded = main.length > 0 && ended.length === main.length;
  if (allEnded && policy !== 'Always') {
    if (ended.every((code) => code === 0)) return 'Succeeded';
    if (policy === 'Never') return 'Failed';
  }
  if (ranBefore) return 'Running';
  return initialized && main.every((record) => 'running' in record.state || record.id !== undefined)
    ? 'Running'
    : 'Pending';
}

/** The API server's classification (core/v1/helper/qos), for objects that came without it. */
function qosClass(pod: Pod): string {
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const some = all.some(({ resources }) =>
    [resources?.requests, resources?.limits].some((one) => one?.cpu ?? one?.memory),
  );
  if (!some) return 'BestEffort';
  const guaranteed = all.every(({ resources }) =>
    (['cpu', 'memory'] as const).every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
