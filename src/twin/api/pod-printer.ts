/** The Ready, Status and Restarts cells of a pod (kubernetes pkg/printers/internalversion/printers.go, printPod). */
import type { KubeObject, Pod } from '../../kube/objects.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** How many of the containers are ready, and the word for the whole. */
export function podStatus(object: KubeObject): { ready: number; total: number; text: string } {
  const pod = object as unknown as Pod;
  const total = pod.spec?.containers.length ?? 0;
  const statuses = pod.status?.containerStatuses ?? [];
  let text = pod.status?.reason ?? pod.status?.phase ?? '';
  const gated = pod.status?.conditions?.some((one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated');
  if (gated === true) text = 'SchedulingGated';
  const initializing = initText(pod);
  if (initializing !== undefined) text = initializing;
  let ready = 0;
  if (initializing === undefined) {
    let running = false;
    for (const status of [...statuses].reverse()) {
      text = containerText(status) ?? text;
      if (status.ready && status.state?.running !== undefined) {
        running = true;
        ready += 1;
      }
    }
    if (text === 'Completed' && running) text = isReady(pod) ? 'Running' : 'NotReady';
  }
  if (pod.metadata.deletionTimestamp !== undefined && pod.status?.reason === 'NodeLost') text = 'Unknown';
  else if (pod.metadata.deletionTimestamp !== undefined && !terminal(pod)) text = 'Terminating';
  return { ready, total, text };
}

const terminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;

function containerText({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason !== undefined && state.waiting.reason !== '') return state.waiting.reason;
  const ended = state?.terminated;
  if (ended === undefined) return undefined;
  if (ended.reason !== undefined && ended.reason !== '') return ended.reason;
  return (ended.signal ?? 0) !== 0 ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode}`;
}

/** The word while init containers are still at work; undefined when all have ended well. */
function initText(pod: Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const all = pod.spec?.initContainers ?? [];
  for (const [index, status] of statuses.entries()) {
    const { state } = status;
    const sidecar = all.find((one) => one.name === status.name)?.restartPolicy === 'Always';
    if (state?.terminated?.exitCode === 0 || (sidecar && status.started === true)) continue;
    if (state?.terminated !== undefined) return `Init:${containerText(status)}`;
    const waiting = state?.waiting?.reason;
    if (waiting !== undefined && waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`;
    return `Init:${index}/${all.length}`;
  }
  return undefined;
}

/** Rows of pods that have ended say so (recorded: table-pods). */
export function podConditions(object: KubeObject): object[] {
  const { phase } = (object as unknown as Pod).status ?? {};
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return phase === 'Succeeded' || phase === 'Failed'
    ? [{ type: 'Completed', status: 'True', reason: phase, message }]
    : [];
}

/** `3`, or `3 (2m ago)`. */
export function restartsOf(object: KubeObject, now: number): string {
  const pod = object as unknown as Pod;
  const statuses = pod.status?.containerStatuses ?? [];
  const count = statuses.reduce((sum, status) => sum + status.restartCount, 0);
  const ends = statuses.flatMap(({ lastState }) =>
    lastState?.terminated?.finishedAt === undefined ? [] : [Date.parse(lastState.terminated.finishedAt)],
  );
  if (count === 0 || ends.length === 0) return String(count);
  const seconds = Math.max(0, Math.floor((now - Math.max(...ends)) / 1000));
  const ago = seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`;
  return `${count} (${ago} ago)`;
}
