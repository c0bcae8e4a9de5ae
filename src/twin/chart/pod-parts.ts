/** Pieces that the chart's pod templates share. Written with the API server's defaults filled in, as recorded. */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../scenario/scenario.ts';
import { isObject, valueAt } from './merge.ts';

/** What every template is rendered from. */
export interface ChartInput {
  readonly version: string;
  readonly minor: number;
  readonly namespace: string;
  /** The user's values merged over the chart's. */
  readonly values: JsonObject;
  /** Data of cilium-config. */
  readonly config: Readonly<Record<string, string>>;
}

/** The image reference of the chart's `cilium.image` helper: tag, and digest with `useDigest`. */
export function imageRef(
  values: JsonObject,
  path: string,
  options: { suffix?: string; digestKey?: string } = {},
): string {
  const at = (key: string): Json | undefined => valueAt(values, `${path}.${key}`);
  const override = at('override');
  if (typeof override === 'string' && override !== '') return override;
  const digest = at(options.digestKey ?? 'digest');
  const pinned = at('useDigest') === true && typeof digest === 'string' && digest !== '' ? `@${digest}` : '';
  return `${String(at('repository'))}${options.suffix ?? ''}:${String(at('tag'))}${pinned}`;
}

/** Environment that every container of agent and operator gets. */
export function nodeEnv(): JsonObject[] {
  const field = (name: string, fieldPath: string): JsonObject => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
  });
  return [field('K8S_NODE_NAME', 'spec.nodeName'), field('CILIUM_K8S_NAMESPACE', 'metadata.namespace')];
}

/** A probe on the agent's or operator's /healthz, bound to 127.0.0.1. */
export function healthProbe(timing: JsonObject, headers: Record<string, string> = {}, path = '/healthz'): JsonObject {
  const httpHeaders = Object.keys(headers).map((name) => ({ name, value: headers[name]! }));
  return {
    httpGet: {
      host: '127.0.0.1',
      ...(httpHeaders.length > 0 ? { httpHeaders } : {}),
      path,
      port: 'health',
      scheme: 'HTTP',
    },
    successThreshold: 1,
    timeoutSeconds: 5,
    ...timing,
  };
}

/** Required anti-affinity to pods with the same labels on one node. */
export function alone(matchLabels: JsonObject): JsonObject {
  return {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  };
}

export const TERMINATION: JsonObject = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'FallbackToLogsOnError',
};

/** Pod template annotation that makes a change of cilium-config roll the pods (`rollOutCiliumPods`, `operator.rollOutPods`). */
export function configChecksum(config: Readonly<Record<string, string>>): JsonObject {
  const text = Object.keys(config)
    .sort()
    .map((key) => `${key}=${config[key]}\n`)
    .join('');
  return { 'cilium.io/cilium-configmap-checksum': createHash('sha256').update(text).digest('hex') };
}

export function numberAt(values: JsonObject, path: string, fallback: number): number {
  const value = valueAt(values, path);
  return typeof value === 'number' ? value : fallback;
}

export function objectAt(values: JsonObject, path: string): JsonObject {
  const value = valueAt(values, path);
  return isObject(value) ? value : {};
}

export function hostPath(name: string, path: string, type = 'DirectoryOrCreate'): JsonObject {
  return { name, hostPath: { path, type } };
}
