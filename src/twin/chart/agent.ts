/** The chart's DaemonSet cilium (templates/cilium-agent/daemonset.yaml), in the shape recorded for 1.19. */
import type { JsonObject } from '../../scenario/scenario.ts';
import { isObject, valueAt } from './merge.ts';
import {
  alone,
  type ChartInput,
  configChecksum,
  healthProbe,
  hostPath,
  imageRef,
  nodeEnv,
  numberAt,
  objectAt,
  TERMINATION,
} from './pod-parts.ts';

const LABELS: JsonObject = {
  'app.kubernetes.io/name': 'cilium-agent',
  'app.kubernetes.io/part-of': 'cilium',
  'k8s-app': 'cilium',
};

function fromConfig(name: string, key: string): JsonObject {
  return { name, valueFrom: { configMapKeyRef: { key, name: 'cilium-config', optional: true } } };
}

/**
 * From 1.19 on the chart leaves out the `config` container when one config map is the only source; CiliumNodeConfigs are
 * then ignored without a word.
 */
function buildsConfig(input: ChartInput): boolean {
  const sources = valueAt(input.values, 'daemon.configSources');
  return input.minor < 19 || typeof sources !== 'string' || !/^config-map:[^,]+$/.test(sources);
}

function initContainers(input: ChartInput, image: string, pullPolicy: string): JsonObject[] {
  const debugger_ = input.minor >= 15 ? 'cilium-dbg' : 'cilium';
  const plain = (name: string, command: string[], extra: JsonObject = {}): JsonObject => ({
    name,
    image,
    imagePullPolicy: pullPolicy,
    command,
    resources: {},
    ...TERMINATION,
    ...extra,
  });
  const sources = valueAt(input.values, 'daemon.configSources');
  const all: JsonObject[] = [];
  if (buildsConfig(input))
    all.push(
      plain(
        'config',
        [debugger_, 'build-config', ...(typeof sources === 'string' && sources !== '' ? [`--source=${sources}`] : [])],
        { env: nodeEnv(), volumeMounts: [{ mountPath: '/tmp', name: 'tmp' }] },
      ),
    );
  const onHost = (script: string): string[] => ['sh', '-ec', script];
  all.push(
    plain('mount-cgroup', onHost('nsenter "$BIN_PATH/cilium-mount" $CGROUP_ROOT'), {
      env: [
        { name: 'CGROUP_ROOT', value: '/run/cilium/cgroupv2' },
        { name: 'BIN_PATH', value: '/opt/cni/bin' },
      ],
    }),
  );
  if (valueAt(input.values, 'sysctlfix.enabled') !== false)
    all.push(
      plain('apply-sysctl-overwrites', onHost('nsenter "$BIN_PATH/cilium-sysctlfix"'), {
        env: [{ name: 'BIN_PATH', value: '/opt/cni/bin' }],
      }),
    );
  all.push(
    plain('mount-bpf-fs', ['/bin/bash', '-c', '--'], {
      args: ['mount | grep "/sys/fs/bpf type bpf" || mount -t bpf bpf /sys/fs/bpf'],
      securityContext: { privileged: true },
    }),
    plain('clean-cilium-state', ['/init-container.sh'], {
      env: [
        fromConfig('CILIUM_ALL_STATE', 'clean-cilium-state'),
        fromConfig('CILIUM_BPF_STATE', 'clean-cilium-bpf-state'),
        fromConfig('WRITE_CNI_CONF_WHEN_READY', 'write-cni-conf-when-ready'),
      ],
    }),
    plain('install-cni-binaries', ['/install-plugin.sh'], {
      resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '10Mi' } },
      volumeMounts: [{ mountPath: '/host/opt/cni/bin', name: 'cni-path' }],
    }),
  );
  return all;
}

function agentContainer(input: ChartInput, image: string, pullPolicy: string): JsonObject {
  const { values } = input;
  const port = numberAt(values, 'healthPort', 9879);
  const probe = (name: string, extra: JsonObject, headers: Record<string, string>): JsonObject =>
    healthProbe(
      {
        failureThreshold: numberAt(values, `${name}.failureThreshold`, 3),
        periodSeconds: numberAt(values, `${name}.periodSeconds`, 30),
        ...extra,
      },
      { brief: 'true', ...headers },
    );
  const liveness: Record<string, string> = input.minor >= 16 ? { 'require-k8s-connectivity': 'false' } : {};
  return {
    name: 'cilium-agent',
    image,
    imagePullPolicy: pullPolicy,
    command: ['cilium-agent'],
    args: ['--config-dir=/tmp/cilium/config-map'],
    env: [...nodeEnv(), { name: 'CILIUM_CLUSTERMESH_CONFIG', value: '/var/lib/cilium/clustermesh/' }],
    lifecycle: { preStop: { exec: { command: ['/cni-uninstall.sh'] } } },
    ports: [{ containerPort: port, hostPort: port, name: 'health', protocol: 'TCP' }],
    startupProbe: probe('startupProbe', { initialDelaySeconds: 5, timeoutSeconds: 1 }, {}),
    livenessProbe: probe('livenessProbe', {}, liveness),
    readinessProbe: probe('readinessProbe', {}, {}),
    resources: {},
    ...TERMINATION,
    volumeMounts: [
      { mountPath: '/host/etc/cni/net.d', name: 'etc-cni-netd' },
      { mountPath: '/tmp', name: 'tmp' },
    ],
  };
}

/** DaemonSet cilium. */
export function agentDaemonSet(input: ChartInput): JsonObject {
  const { values } = input;
  const image = imageRef(values, 'image');
  const pullPolicy = String(valueAt(values, 'image.pullPolicy') ?? 'IfNotPresent');
  const update = objectAt(values, 'updateStrategy');
  const rolling = isObject(update.rollingUpdate) ? update.rollingUpdate : {};
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium', namespace: input.namespace, labels: { ...LABELS } },
    spec: {
      revisionHistoryLimit: 10,
      selector: { matchLabels: { 'k8s-app': 'cilium' } },
      updateStrategy:
        update.type === 'OnDelete'
          ? { type: 'OnDelete' }
          : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 2, ...rolling } },
      template: {
        metadata: {
          annotations: {
            'kubectl.kubernetes.io/default-container': 'cilium-agent',
            ...(valueAt(values, 'rollOutCiliumPods') === true ? configChecksum(input.config) : {}),
          },
          labels: { ...LABELS },
        },
        spec: {
          affinity: alone({ 'k8s-app': 'cilium' }),
          automountServiceAccountToken: true,
          initContainers: initContainers(input, image, pullPolicy),
          containers: [agentContainer(input, image, pullPolicy)],
          dnsPolicy: 'ClusterFirst',
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
          serviceAccount: 'cilium',
          serviceAccountName: 'cilium',
          terminationGracePeriodSeconds: numberAt(values, 'terminationGracePeriodSeconds', 1),
          tolerations: [{ operator: 'Exists' }],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            hostPath('cilium-run', '/var/run/cilium'),
            hostPath('cni-path', '/opt/cni/bin'),
            hostPath('etc-cni-netd', '/etc/cni/net.d'),
          ],
        },
      },
    },
  };
}
