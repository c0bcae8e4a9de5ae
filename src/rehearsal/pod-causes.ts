/** What pods say of the environment: no room, no image, containers that do not stay up. */
import type { Reason } from '../events/verdict.ts';
import type { KubeApi, Resource } from '../kube/api.ts';
import type { KubeObject, Pod } from '../kube/objects.ts';
import { events, pods } from '../kube/resources.ts';
import { causeOfPull } from './causes.ts';
import { controllerOf } from './drain-filter.ts';
import { podName } from './rollout.ts';

export interface PodCause {
  readonly verdict: 'error' | 'refused';
  readonly reason: Reason;
  readonly message: string;
}

/** Jobs and bare pods are nobody's that we wait for; one of them that never starts explains nothing. */
const WAITED_FOR = new Set(['DaemonSet', 'ReplicaSet', 'StatefulSet', 'Node']);

const waitedFor = (pod: Pod): boolean => WAITED_FOR.has(controllerOf(pod)?.kind ?? '');

/** Why a container waits, where that is its image (kubernetes pkg/kubelet/images/types.go). */
const NO_IMAGE =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ImageInspectError|ErrImageNeverPull|RegistryUnavailable|SignatureValidationFailed)$/;

/** Pods that fit on no node (cpu, memory, their number; not taints and selectors, which are the scenario's). */
const NO_ROOM = /Insufficient (cpu|memory|ephemeral-storage)|Too many pods/;

/**
 * Pods that cannot be placed for want of room, or whose image does not come.
 * @param events of these pods: kubelets before 1.32 say only there why a pull that waits to be tried again has failed
 */
export function causeInPods(all: readonly Pod[], events: readonly EventObject[] = []): PodCause | undefined {
  const list = all.filter(waitedFor);
  for (const pod of list) {
    const message = unplaced(pod);
    if (message === undefined || !NO_ROOM.test(message)) continue;
    const remedy = 'take fewer or smaller workloads, or a larger machine';
    return { verdict: 'error', reason: 'unschedulable', message: `${podName(pod)}: ${message}; ${remedy}` };
  }
  for (const pod of list) {
    for (const { state, image } of statusesOf(pod)) {
      const { reason = '', message = '' } = state?.waiting ?? {};
      if (!NO_IMAGE.test(reason)) continue;
      const said = [`${reason}: ${message}`, ...failedPulls(events, pod, image)];
      const cause = said.map(causeOfPull).find((found) => found !== undefined);
      const text = `${podName(pod)}: image ${image}: ${said.at(cause ? said.findIndex((one) => causeOfPull(one)) : 0)}`;
      if (cause) {
        const { verdict, reason: why } = cause;
        return { verdict, reason: why, message: `${text} (${cause.what}; ${cause.remedy})` };
      }
      return { verdict: 'error', reason: 'download-failed', message: text };
    }
  }
  return undefined;
}

const statusesOf = (pod: Pod): NonNullable<NonNullable<Pod['status']>['containerStatuses']> => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
];

/** What the scheduler says of a pod that it cannot place; undefined: it has a place. */
export function unplaced(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' ? scheduled.message || 'it has no place' : undefined;
}

export interface EventObject extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly uid?: string };
}

function failedPulls(all: readonly EventObject[], { metadata }: Pod, image: string): string[] {
  return all
    .filter(
      ({ reason, message = '', involvedObject }) =>
        reason === 'Failed' && involvedObject?.uid === metadata.uid && message.includes(image),
    )
    .map(({ message = '' }) => message);
}

/** The same of the pods that there are now. @throws KubeError, ApiUnreachable */
export async function causeInCluster(api: KubeApi): Promise<PodCause | undefined> {
  const all = (await api.list(pods)).items;
  return causeInPods(all, await eventsOf(api, 'Failed'));
}

/** Events help where they can be had; an API that does not answer now leaves the pods' own words. */
async function eventsOf(api: KubeApi, reason: string): Promise<readonly EventObject[]> {
  try {
    return (await api.list(events as Resource<EventObject>, { fieldSelector: `reason=${reason}` })).items;
  } catch {
    return [];
  }
}

/** A container that fails its probe is killed by its own kubelet, with 137 where it does not end by itself. */
export async function wasProbeKill(api: KubeApi, { metadata }: Pod): Promise<boolean> {
  return (await eventsOf(api, 'Killing')).some(
    ({ message = '', involvedObject }) =>
      involvedObject?.uid === metadata.uid && /failed (liveness|startup) probe/.test(message),
  );
}

/** A container that has ended and is not Ready again. */
export interface Crash {
  readonly pod: Pod;
  readonly container: string;
  /** For people. */
  readonly message: string;
  /** Its last words are those of the container before. */
  readonly previous: boolean;
  /** SIGKILL, and not for a memory limit of its own. */
  readonly killed: boolean;
}

/** Pods that are waited for and whose container does not stay up. */
export function crashesIn(all: readonly Pod[]): Crash[] {
  return all.filter(waitedFor).flatMap((pod): Crash[] =>
    statusesOf(pod).flatMap(({ name, ready, state, lastState, restartCount = 0 }): Crash[] => {
      const ended = state?.terminated ?? lastState?.terminated;
      if (ready === true || ended === undefined || ended.exitCode === 0) return [];
      const why = ended.reason === undefined ? '' : ` (${ended.reason})`;
      const times = restartCount > 0 ? `, started again ${restartCount} times` : '';
      const message = `${podName(pod)} on ${pod.spec?.nodeName}: container ${name} ended with exit code ${ended.exitCode}${why}${times}`;
      const killed = ended.exitCode === 137 && (ended.reason !== 'OOMKilled' || !hasMemoryLimit(pod, name));
      return [{ pod, container: name, message, previous: state?.terminated === undefined, killed }];
    }),
  );
}

function hasMemoryLimit({ spec }: Pod, container: string): boolean {
  const found = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(({ name }) => name === container);
  return found?.resources?.limits?.memory !== undefined;
}

/** Does a message name the pod, or the workload that it belongs to? */
export function speaksOf(message: string, pod: Pod): boolean {
  if (message.includes(pod.metadata.name)) return true;
  const owner = controllerOf(pod);
  if (owner === undefined) return false;
  const workload = owner.kind === 'ReplicaSet' ? owner.name.replace(/-[a-z0-9]+$/, '') : owner.name;
  return message.split(/[\s,;:()/]+/).includes(workload);
}
