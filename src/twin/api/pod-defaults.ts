/** Defaults that the API server fills into pod specs and pods (recorded: pod-create-minimal, deploy-create-minimal). */
import { isMap, type JsonMap } from './json.ts';

const maps = (value: unknown): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);

/** Sets a field that is absent. */
export function fill(target: JsonMap, defaults: JsonMap): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (target[key] === undefined || target[key] === null) target[key] = value;
  }
}

/** Fills in what a pod spec leaves open, in a template as in a pod. */
export function defaultPodSpec(spec: JsonMap): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  if (typeof spec.serviceAccountName === 'string') spec.serviceAccount = spec.serviceAccountName;
  for (const container of [...maps(spec.initContainers), ...maps(spec.containers)]) {
    defaultContainer(container, spec.hostNetwork === true);
  }
  for (const volume of maps(spec.volumes)) defaultVolume(volume);
}

function defaultContainer(container: JsonMap, hostNetwork: boolean): void {
  fill(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(container.image),
  });
  for (const port of maps(container.ports)) {
    fill(port, { protocol: 'TCP', ...(hostNetwork && { hostPort: port.containerPort }) });
  }
  for (const variable of maps(container.env)) {
    const source = variable.valueFrom;
    if (isMap(source) && isMap(source.fieldRef)) fill(source.fieldRef, { apiVersion: 'v1' });
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isMap(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isMap(probe.httpGet)) fill(probe.httpGet, { path: '/', scheme: 'HTTP' });
  }
}

/** What is limited is asked for, unless the container says otherwise; in pods, not in templates (recorded, Kubernetes 1.34.4). */
export function defaultRequests(spec: JsonMap): void {
  for (const container of [...maps(spec.initContainers), ...maps(spec.containers)]) {
    const { limits, requests } = container.resources as { limits?: JsonMap; requests?: JsonMap };
    if (limits !== undefined)
      container.resources = { ...(container.resources as JsonMap), requests: { ...limits, ...requests } };
  }
}

function pullPolicy(image: unknown): string {
  if (typeof image !== 'string' || image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultVolume(volume: JsonMap): void {
  for (const source of ['configMap', 'secret', 'projected', 'downwardAPI']) {
    const value = volume[source];
    if (isMap(value)) fill(value, { defaultMode: 420 });
  }
  if (isMap(volume.hostPath)) fill(volume.hostPath, { type: '' });
  if (Object.keys(volume).length === 1) volume.emptyDir = {};
}

/** Priorities of the two built-in classes (scheduling.k8s.io). */
export const BUILT_IN_PRIORITIES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

/** What admission adds to a pod itself: tolerations, service account, priority, the token volume, the first status. */
export function admitPod(
  pod: JsonMap,
  options: { suffix: () => string; priorityOf: (className: string) => number; now: string },
): void {
  const spec = pod.spec as JsonMap;
  fill(spec, { serviceAccountName: 'default', enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority' });
  spec.serviceAccount = spec.serviceAccountName;
  const className = spec.priorityClassName;
  fill(spec, {
    priority: typeof className === 'string' && className !== '' ? options.priorityOf(className) : 0,
  });
  spec.tolerations = withDefaultTolerations(maps(spec.tolerations));
  if (spec.automountServiceAccountToken !== false) mountToken(spec, options.suffix);
  const status = isMap(pod.status) ? pod.status : {};
  fill(status, { phase: 'Pending', qosClass: qosClass(spec) });
  if (maps(spec.schedulingGates).length > 0) {
    const message = 'Scheduling is blocked due to non-empty scheduling gates';
    const gated = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message,
      lastTransitionTime: options.now,
    };
    status.conditions ??= [gated];
  }
  pod.status = status;
}

/** DefaultTolerationSeconds: 300 s on a node that is not ready or unreachable, unless the pod says something else. */
export function withDefaultTolerations(given: JsonMap[]): JsonMap[] {
  const tolerations = [...given];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = given.some(
      (one) =>
        (one.key === key || one.key === undefined || one.key === '') &&
        (one.effect === 'NoExecute' || one.effect === undefined || one.effect === ''),
    );
    if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  return tolerations;
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

function mountToken(spec: JsonMap, suffix: () => string): void {
  const containers = [...maps(spec.initContainers), ...maps(spec.containers)];
  const without = containers.filter((one) => !maps(one.volumeMounts).some((mount) => mount.mountPath === TOKEN_PATH));
  if (without.length === 0) return;
  const name = `kube-api-access-${suffix()}`;
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ];
  spec.volumes = [...maps(spec.volumes), { name, projected: { sources, defaultMode: 420 } }];
  for (const container of without) {
    container.volumeMounts = [...maps(container.volumeMounts), { name, readOnly: true, mountPath: TOKEN_PATH }];
  }
}

function qosClass(spec: JsonMap): string {
  let any = false;
  let guaranteed = true;
  for (const container of [...maps(spec.initContainers), ...maps(spec.containers)]) {
    const { requests, limits } = container.resources as { requests?: JsonMap; limits?: JsonMap };
    // Only these two count (recorded: too-much-extended).
    if (['cpu', 'memory'].some((what) => (requests?.[what] ?? limits?.[what]) !== undefined)) any = true;
    for (const what of ['cpu', 'memory']) {
      if (limits?.[what] === undefined || (requests?.[what] ?? limits[what]) !== limits[what]) guaranteed = false;
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}
