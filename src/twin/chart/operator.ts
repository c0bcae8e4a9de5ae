/** The chart's Deployment cilium-operator (templates/cilium-operator/deployment.yaml), in the shape recorded for 1.19. */
import type { JsonObject } from '../../scenario/scenario.ts';
import { isObject, sameJson, valueAt } from './merge.ts';
import {
  alone,
  type ChartInput,
  configChecksum,
  healthProbe,
  imageRef,
  nodeEnv,
  numberAt,
  objectAt,
  TERMINATION,
} from './pod-parts.ts';

const SELECTOR: JsonObject = { 'io.cilium/app': 'operator', name: 'cilium-operator' };
const LABELS: JsonObject = {
  'app.kubernetes.io/name': 'cilium-operator',
  'app.kubernetes.io/part-of': 'cilium',
  ...SELECTOR,
};

/** Everything up to 1.17; from 1.18 on a short list and the agent's own taint. */
function tolerations(input: ChartInput): JsonObject[] {
  const list = ([valueAt(input.values, 'operator.tolerations') ?? []].flat() as JsonObject[]).filter(isObject);
  const all = list.some((toleration) => sameJson(toleration, { operator: 'Exists' }));
  const key = valueAt(input.values, 'agentNotReadyTaintKey');
  if (all || input.minor < 18 || typeof key !== 'string' || key === '') return list;
  return [...list, { key, operator: 'Exists' }];
}

/** Deployment cilium-operator. */
export function operatorDeployment(input: ChartInput): JsonObject {
  const { values } = input;
  const replicas = numberAt(values, 'operator.replicas', 2);
  const rolling = objectAt(values, 'operator.updateStrategy.rollingUpdate');
  const container: JsonObject = {
    name: 'cilium-operator',
    image: imageRef(values, 'operator.image', {
      suffix: `-generic${String(valueAt(values, 'operator.image.suffix') ?? '')}`,
      digestKey: 'genericDigest',
    }),
    imagePullPolicy: String(valueAt(values, 'operator.image.pullPolicy') ?? 'IfNotPresent'),
    command: ['cilium-operator-generic'],
    args: ['--config-dir=/tmp/cilium/config-map', '--debug=$(CILIUM_DEBUG)'],
    env: [
      ...nodeEnv(),
      { name: 'CILIUM_DEBUG', valueFrom: { configMapKeyRef: { key: 'debug', name: 'cilium-config', optional: true } } },
    ],
    ports: [{ containerPort: 9234, hostPort: 9234, name: 'health', protocol: 'TCP' }],
    livenessProbe: healthProbe({ failureThreshold: 3, initialDelaySeconds: 60, periodSeconds: 10, timeoutSeconds: 3 }),
    readinessProbe: healthProbe({ failureThreshold: 5, periodSeconds: 5, timeoutSeconds: 3 }),
    resources: {},
    ...TERMINATION,
    volumeMounts: [{ mountPath: '/tmp/cilium/config-map', name: 'cilium-config-path', readOnly: true }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cilium-operator', namespace: input.namespace, labels: { ...LABELS } },
    spec: {
      progressDeadlineSeconds: 600,
      replicas,
      revisionHistoryLimit: 10,
      selector: { matchLabels: { ...SELECTOR } },
      strategy: {
        type: 'RollingUpdate',
        // With one replica the chart allows it to be away: a second could not be scheduled beside it (anti-affinity).
        rollingUpdate: {
          maxSurge: '25%',
          maxUnavailable: '50%',
          ...rolling,
          ...(replicas === 1 ? { maxUnavailable: '100%' } : {}),
        },
      },
      template: {
        metadata: {
          annotations: {
            'prometheus.io/port': '9963',
            'prometheus.io/scrape': 'true',
            ...(valueAt(values, 'operator.rollOutPods') === true ? configChecksum(input.config) : {}),
          },
          labels: { ...LABELS },
        },
        spec: {
          affinity: alone({ 'io.cilium/app': 'operator' }),
          automountServiceAccountToken: true,
          containers: [container],
          dnsPolicy: 'ClusterFirst',
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-cluster-critical',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
          serviceAccount: 'cilium-operator',
          serviceAccountName: 'cilium-operator',
          terminationGracePeriodSeconds: 30,
          tolerations: tolerations(input),
          volumes: [{ name: 'cilium-config-path', configMap: { defaultMode: 420, name: 'cilium-config' } }],
        },
      },
    },
  };
}
