/** Reading a pod's spec as the kubelet does. */
import type { Pod } from '../../kube/objects.ts';
import { tagOf } from '../images.ts';

export type PodSpec = NonNullable<Pod['spec']>;
export type ContainerSpec = PodSpec['containers'][number];
export type ProbeSpec = NonNullable<ContainerSpec['readinessProbe']>;
export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export const onHostNetwork = (pod: Pod): boolean => pod.spec?.hostNetwork === true;

/** An init container that keeps running beside the others. */
export const isSidecar = (spec: ContainerSpec): boolean => spec.restartPolicy === 'Always';

export function probeOf(spec: ContainerSpec, kind: ProbeKind): ProbeSpec | undefined {
  if (kind === 'startup') return spec.startupProbe;
  return kind === 'readiness' ? spec.readinessProbe : spec.livenessProbe;
}

/** Port number of a probe or Service target: a number, or the name of one of the container's ports. */
export function portNumber(spec: ContainerSpec, port: number | string | object | undefined): number | undefined {
  if (typeof port === 'number') return port;
  const text = String(port);
  return /^\d+$/.test(text) ? Number(text) : spec.ports?.find((one) => one.name === text)?.containerPort;
}

/** Ports on which a program that is not modelled listens: those that it declares, and those that its own probes ask. */
export function declaredPorts(spec: ContainerSpec): number[] {
  const ports = new Set(spec.ports?.map((port) => port.containerPort));
  for (const probe of [spec.startupProbe, spec.readinessProbe, spec.livenessProbe]) {
    const asked = portNumber(spec, probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? probe?.grpc?.port);
    if (asked !== undefined) ports.add(asked);
  }
  return [...ports].sort((a, b) => a - b);
}

/** `imagePullPolicy` with the API's default: Always for `latest` or no tag. */
export const pullsAlways = (spec: ContainerSpec): boolean =>
  (spec.imagePullPolicy ?? (tagOf(spec.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent')) === 'Always';

/** Seconds of grace: from the deletion where there is one, else from the spec. */
export const graceSeconds = (pod: Pod): number =>
  pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
