/** The pods of the probes as the gate sees them. */
import type { Cni } from '../events/events.ts';
import type { Pod } from '../kube/objects.ts';
import { PROBE_NAMES, type ProbeName } from './manifests.ts';

/** A pod of a probe that should be there: not terminating, not ended. */
export interface Instance {
  readonly probe: ProbeName;
  readonly uid: string;
  readonly pod: string;
  /** '' while it is not scheduled. */
  readonly node: string;
  /** '' while it has none (being created, or its node restarts: the phase stays Running then, observed). */
  readonly ip: string;
  readonly cni: Cni;
  readonly ready: boolean;
  /** Why it is not ready, for people; '' when it is. */
  readonly unready: string;
  /** Its container was killed from outside (exit code 137, not for its own memory limit) and is not back. */
  readonly killed?: true;
}

/** The probe that a pod belongs to by its label, or undefined. */
export function probeOf(pod: Pod): ProbeName | undefined {
  const app = pod.metadata.labels?.app;
  return PROBE_NAMES.find((name) => name === app);
}

/**
 * The expected instance that a pod is; undefined for ghosts (terminating or ended pods) and pods of others.
 * A pod that is not Ready stays expected: pairs to it are judged (observed: a pod in another node's block stays 0/1 for
 * good, and every ping to it fails).
 */
export function instanceOf(pod: Pod, cniOf: (ip: string) => Cni): Instance | undefined {
  const probe = probeOf(pod);
  if (!probe || pod.metadata.deletionTimestamp) return undefined;
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const ip = pod.status?.podIP ?? '';
  const ready = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
  return {
    probe,
    uid: pod.metadata.uid ?? '',
    pod: pod.metadata.name,
    node: pod.spec?.nodeName ?? '',
    ip,
    cni: ip === '' ? 'unknown' : cniOfPod(pod, ip, cniOf),
    ready,
    unready: ready ? '' : whyUnready(pod),
    ...(!ready && wasKilled(pod) ? { killed: true } : {}),
  };
}

/**
 * Calico's plugin writes down which address it gave (projectcalico/calico cni-plugin v3.25 to v3.32): where the pools
 * overlap, one inside the other or the same, only that tells.
 */
const CALICO_ADDRESS = 'cni.projectcalico.org/podIP';

function cniOfPod(pod: Pod, ip: string, cniOf: (ip: string) => Cni): Cni {
  return pod.metadata.annotations?.[CALICO_ADDRESS]?.split('/')[0] === ip ? 'calico' : cniOf(ip);
}

/** SIGKILL that nobody asked for: a machine without memory kills whom it likes. Over its own limit the pod is `OOMKilled`. */
export function wasKilled(pod: Pod): boolean {
  return (pod.status?.containerStatuses ?? []).some(({ state, lastState }) => {
    const ended = state?.terminated ?? lastState?.terminated;
    return ended?.exitCode === 137 && ended.reason !== 'OOMKilled';
  });
}

function whyUnready(pod: Pod): string {
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  if (scheduled?.status === 'False') return scheduled.message || 'not scheduled';
  for (const container of pod.status?.containerStatuses ?? []) {
    const { waiting, terminated } = container.state ?? {};
    if (waiting) return [waiting.reason ?? 'waiting', waiting.message].filter(Boolean).join(': ');
    if (terminated) return `terminated with exit code ${terminated.exitCode}`;
  }
  return pod.status?.phase === 'Running' ? 'running but not Ready' : (pod.status?.phase ?? 'no status');
}
