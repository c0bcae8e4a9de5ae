/** The pods that the scenario's workload manifests will bring, read from their templates. */
import type { KubeObject, Pod } from '../kube/objects.ts';
import { conform, POD_METADATA, POD_SPEC } from './conform.ts';
import type { WorkloadObject } from './rule.ts';

export type PodSpec = NonNullable<Pod['spec']>;

export interface PodTemplate {
  /** `web.yaml: Deployment default/web` */
  readonly where: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** How many pods there will be; a DaemonSet's one a node counts as 1. */
  readonly replicas: number;
}

interface Metadata {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
interface Template {
  metadata?: unknown;
  spec?: unknown;
}

/** Kinds with `spec.template` and, where they have it, `spec.replicas`. */
const TEMPLATED = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job']);

/** Templates of all workloads, in the order of the manifests; what has none is passed over. */
export function podTemplates(workloads: readonly WorkloadObject[]): PodTemplate[] {
  return workloads.flatMap(({ object, where }) => {
    const template = templateOf(object);
    const spec = conform(template?.spec, POD_SPEC) as Partial<PodSpec> | undefined;
    if (spec === undefined) return [];
    const metadata = conform(template?.metadata, POD_METADATA) as Metadata | undefined;
    const { name, namespace } = object.metadata;
    const replicas = (object.spec as { replicas?: unknown } | null | undefined)?.replicas;
    return [
      {
        where,
        kind: object.kind ?? '',
        namespace: namespace ?? 'default',
        name,
        labels: metadata?.labels ?? {},
        annotations: metadata?.annotations ?? {},
        spec: { ...spec, containers: spec.containers ?? [] },
        replicas: typeof replicas === 'number' ? replicas : 1,
      },
    ];
  });
}

function templateOf(object: KubeObject): Template | undefined {
  const { kind } = object;
  if (kind === 'Pod') return object as Template;
  if (kind === 'CronJob') {
    const spec = object.spec as { jobTemplate?: { spec?: { template?: Template } } } | null | undefined;
    return spec?.jobTemplate?.spec?.template;
  }
  return TEMPLATED.has(kind ?? '') ? (object.spec as { template?: Template } | null | undefined)?.template : undefined;
}
