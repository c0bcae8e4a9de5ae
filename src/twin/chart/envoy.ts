/** The chart's DaemonSet cilium-envoy with its ConfigMap (templates/cilium-envoy; default from 1.16 on). */
import type { JsonObject } from '../../scenario/scenario.ts';
import { valueAt } from './merge.ts';
import {
  alone,
  type ChartInput,
  configChecksum,
  healthProbe,
  hostPath,
  imageRef,
  numberAt,
  TERMINATION,
} from './pod-parts.ts';

const LABELS: JsonObject = {
  'app.kubernetes.io/name': 'cilium-envoy',
  'app.kubernetes.io/part-of': 'cilium',
  'k8s-app': 'cilium-envoy',
  name: 'cilium-envoy',
};

/** DaemonSet cilium-envoy and its bootstrap ConfigMap. */
export function envoyObjects(input: ChartInput): JsonObject[] {
  const { values, namespace } = input;
  const bootstrap = {
    'bootstrap-config.json': '{"admin":{"address":{"pipe":{"path":"/var/run/cilium/envoy/sockets/admin.sock"}}}}',
  };
  const port = numberAt(values, 'envoy.healthPort', 9878);
  const probe = (name: string, fallback: number, extra: JsonObject): JsonObject =>
    healthProbe({
      failureThreshold: numberAt(values, `envoy.${name}.failureThreshold`, fallback),
      periodSeconds: numberAt(values, `envoy.${name}.periodSeconds`, 30),
      ...extra,
    });
  const daemonSet: JsonObject = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium-envoy', namespace, labels: { ...LABELS } },
    spec: {
      revisionHistoryLimit: 10,
      selector: { matchLabels: { 'k8s-app': 'cilium-envoy' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } },
      template: {
        metadata: {
          annotations: valueAt(values, 'envoy.rollOutPods') === true ? configChecksum(bootstrap) : {},
          labels: { ...LABELS },
        },
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: 'cilium.io/no-schedule', operator: 'NotIn', values: ['true'] }] },
                ],
              },
            },
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: { 'k8s-app': 'cilium' } }, topologyKey: 'kubernetes.io/hostname' },
              ],
            },
            ...alone({ 'k8s-app': 'cilium-envoy' }),
          },
          automountServiceAccountToken: true,
          containers: [
            {
              name: 'cilium-envoy',
              image: imageRef(values, 'envoy.image'),
              imagePullPolicy: String(valueAt(values, 'envoy.image.pullPolicy') ?? 'IfNotPresent'),
              command: ['/usr/bin/cilium-envoy-starter'],
              args: ['--', '-c /var/run/cilium/envoy/bootstrap-config.json', '--base-id 0', '--log-level info'],
              ports: [{ containerPort: port, hostPort: port, name: 'health', protocol: 'TCP' }],
              startupProbe: probe('startupProbe', 105, { initialDelaySeconds: 5, periodSeconds: 2, timeoutSeconds: 1 }),
              livenessProbe: probe('livenessProbe', 10, {}),
              readinessProbe: probe('readinessProbe', 3, {}),
              resources: {},
              ...TERMINATION,
            },
          ],
          dnsPolicy: 'ClusterFirst',
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
          serviceAccount: 'cilium-envoy',
          serviceAccountName: 'cilium-envoy',
          terminationGracePeriodSeconds: numberAt(values, 'envoy.terminationGracePeriodSeconds', 1),
          tolerations: [{ operator: 'Exists' }],
          volumes: [hostPath('envoy-sockets', '/var/run/cilium/envoy/sockets')],
        },
      },
    },
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-envoy-config', namespace }, data: bootstrap },
    daemonSet,
  ];
}
