/**
 * Kubernetes objects as they stand on the wire. The built-in types are those of `@kubernetes/client-node`, with every
 * `Date` turned back into the RFC 3339 text that the API sends (its generated models drop fields that they do not know
 * and turn times into dates, see docs/decisions/0002-kubernetes-port.md).
 */
import type * as k8s from '@kubernetes/client-node';

/** A type of client-node as JSON: dates are text, all else unchanged. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends (...args: never[]) => unknown
      ? never
      : T extends object
        ? { [K in keyof T]: Wire<T[K]> }
        : T;

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;

/** Any object of the API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta & { name: string };
  [field: string]: unknown;
}

type Named<T> = Omit<T, 'metadata'> & { metadata: ObjectMeta & { name: string } };

export type Pod = Named<Wire<k8s.V1Pod>>;
export type Node = Named<Wire<k8s.V1Node>>;
export type Namespace = Named<Wire<k8s.V1Namespace>>;
export type Service = Named<Wire<k8s.V1Service>>;
export type ConfigMap = Named<Wire<k8s.V1ConfigMap>>;
export type Secret = Named<Wire<k8s.V1Secret>>;
export type Lease = Named<Wire<k8s.V1Lease>>;
export type DaemonSet = Named<Wire<k8s.V1DaemonSet>>;
export type Deployment = Named<Wire<k8s.V1Deployment>>;
export type ReplicaSet = Named<Wire<k8s.V1ReplicaSet>>;
export type StatefulSet = Named<Wire<k8s.V1StatefulSet>>;
export type PodDisruptionBudget = Named<Wire<k8s.V1PodDisruptionBudget>>;
export type NetworkPolicy = Named<Wire<k8s.V1NetworkPolicy>>;
export type EndpointSlice = Named<Wire<k8s.V1EndpointSlice>>;
export type ApiService = Named<Wire<k8s.V1APIService>>;
export type CustomResourceDefinition = Named<Wire<k8s.V1CustomResourceDefinition>>;

/** A condition as nearly every status carries it. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
  lastTransitionTime?: string;
}
