/** Pieces that all workloads of the operator share. */
import type { KubeObject } from '../../../../kube/objects.ts';
import type { Json, Rendered } from '../operator/apply.ts';
import type { Release } from '../release.ts';
import type { Installation } from '../types.ts';

export const SYSTEM = 'calico-system';

export interface RenderInput {
  readonly release: Release;
  readonly installation: Installation;
  /** A Goldmane resource exists (and is not being deleted). */
  readonly goldmane: boolean;
  readonly typhaReplicas: number;
}

type Tolerations = Json[];

/** [O: TolerateAll] */
export const TOLERATE_ALL: Tolerations = [
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { effect: 'NoSchedule', operator: 'Exists' },
  { effect: 'NoExecute', operator: 'Exists' },
];
export const TOLERATE_CONTROL_PLANE: Tolerations = [
  { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' },
  { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
];
export const TOLERATE_CRITICAL: Tolerations = [
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  ...TOLERATE_CONTROL_PLANE,
];

/**
 * Probe defaults of the operator (setProbeTimeouts): a readiness period of 30 s, 60 s for the API server. A container that is
 * not ready at its first probe, right after its start, is Ready no sooner than one period later.
 */
export function readiness(handler: Json, periodSeconds = 30): Json {
  return { ...(handler as object), failureThreshold: 3, periodSeconds, successThreshold: 1, timeoutSeconds: 5 };
}

export function liveness(handler: Json): Json {
  return {
    ...(handler as object),
    failureThreshold: 3,
    initialDelaySeconds: 10,
    periodSeconds: 60,
    successThreshold: 1,
    timeoutSeconds: 5,
  };
}

/** A labelled namespaced or cluster-scoped object. */
export function object(
  apiVersion: string,
  kind: string,
  metadata: { name: string; namespace?: string; finalizers?: string[]; labels?: Record<string, string> },
  body: Record<string, unknown> = {},
): KubeObject {
  return { apiVersion, kind, metadata, ...body };
}

/** Labels that the operator puts on every workload and its pods. */
export function labels(app: string): Record<string, string> {
  return { 'app.kubernetes.io/name': app, 'k8s-app': app };
}

export interface WorkloadSpec {
  readonly name: string;
  readonly namespace?: string;
  readonly pod: Json;
  /** Fields of the workload's spec beside selector and template. */
  readonly spec?: Record<string, Json>;
}

function workload(kind: 'DaemonSet' | 'Deployment', { name, namespace = SYSTEM, pod, spec }: WorkloadSpec): KubeObject {
  return object(
    'apps/v1',
    kind,
    { name, namespace, labels: labels(name) },
    {
      spec: {
        ...spec,
        selector: { matchLabels: { 'k8s-app': name } },
        template: {
          metadata: { labels: labels(name) },
          spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, restartPolicy: 'Always', ...(pod as object) },
        },
      },
    },
  );
}

export const daemonSet = (spec: WorkloadSpec): Rendered => ({
  resource: 'daemonsets.apps',
  object: workload('DaemonSet', spec),
});
export const deployment = (spec: WorkloadSpec): Rendered => ({
  resource: 'deployments.apps',
  object: workload('Deployment', spec),
});

export function namespace(name: string): Rendered {
  const enforce = {
    'pod-security.kubernetes.io/enforce': 'privileged',
    'pod-security.kubernetes.io/enforce-version': 'latest',
  };
  return { resource: 'namespaces', object: object('v1', 'Namespace', { name, labels: { name, ...enforce } }) };
}

export function serviceAccount(name: string, inNamespace = SYSTEM, finalizers?: string[]): Rendered {
  return {
    resource: 'serviceaccounts',
    object: object('v1', 'ServiceAccount', { name, namespace: inNamespace, ...(finalizers ? { finalizers } : {}) }),
  };
}

export function service(name: string, inNamespace: string, app: string, ports: Json[]): Rendered {
  return {
    resource: 'services',
    object: object(
      'v1',
      'Service',
      { name, namespace: inNamespace, labels: { 'k8s-app': app } },
      {
        spec: { ports, selector: { 'k8s-app': app } },
      },
    ),
  };
}

/** Role with its binding to an account; rules are given where a test or a user might read them, else the minimum. */
export function clusterRole(name: string, account: string, inNamespace: string, finalizers?: string[]): Rendered[] {
  const metadata = { name, ...(finalizers ? { finalizers } : {}) };
  const group = 'rbac.authorization.k8s.io';
  return [
    {
      resource: `clusterroles.${group}`,
      object: object(`${group}/v1`, 'ClusterRole', metadata, {
        rules: [{ apiGroups: [''], resources: ['nodes', 'pods', 'namespaces'], verbs: ['get', 'list', 'watch'] }],
      }),
    },
    {
      resource: `clusterrolebindings.${group}`,
      object: object(`${group}/v1`, 'ClusterRoleBinding', metadata, {
        roleRef: { apiGroup: group, kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name: account, namespace: inNamespace }],
      }),
    },
  ];
}

export function budget(name: string, inNamespace: string): Rendered {
  return {
    resource: 'poddisruptionbudgets.policy',
    object: object(
      'policy/v1',
      'PodDisruptionBudget',
      { name, namespace: inNamespace },
      {
        spec: { maxUnavailable: 1, selector: { matchLabels: { 'k8s-app': name } } },
      },
    ),
  };
}

export function networkPolicy(name: string, inNamespace: string, spec: Json): Rendered {
  return {
    resource: 'networkpolicies.networking.k8s.io',
    object: object('networking.k8s.io/v1', 'NetworkPolicy', { name, namespace: inNamespace }, { spec }),
  };
}
