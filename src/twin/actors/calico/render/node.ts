/** calico-node, its RBAC with the cni-protector finalizers, and csi-node-driver (tigera/operator pkg/render/node.go, csi.go). */
import type { Json, Rendered } from '../operator/apply.ts';
import type { Autodetection } from '../types.ts';
import {
  clusterRole,
  daemonSet,
  labels,
  object,
  type RenderInput,
  readiness,
  SYSTEM,
  serviceAccount,
  TOLERATE_ALL,
} from './common.ts';

export const CNI_PROTECTOR = 'tigera.io/cni-protector';

/** IP_AUTODETECTION_METHOD of an Installation; the order is the operator's (calico.md 4). */
export function autodetectionMethod(wanted: Autodetection | undefined): string | undefined {
  if (!wanted) return undefined;
  if (wanted.interface) return `interface=${wanted.interface}`;
  if (wanted.skipInterface) return `skip-interface=${wanted.skipInterface}`;
  if (wanted.canReach) return `can-reach=${wanted.canReach}`;
  if (wanted.firstFound) return 'first-found';
  if (wanted.cidrs && wanted.cidrs.length > 0) return `cidr=${wanted.cidrs.join(',')}`;
  if (wanted.kubernetes === 'NodeInternalIP') return 'kubernetes-internal-ip';
  return undefined;
}

const env = (name: string, value: string): Json => ({ name, value });
const fromField = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const hostPath = (name: string, path: string, type = ''): Json => ({ name, hostPath: { path, type } });

function nodeEnv({ release, installation, goldmane }: RenderInput): Json[] {
  const network = installation.spec.calicoNetwork;
  const pool = network?.ipPools?.find((candidate) => !candidate.cidr.includes(':'));
  const method = pool && autodetectionMethod(network?.nodeAddressAutodetectionV4);
  const bird = network?.bgp === 'Enabled';
  return [
    env('DATASTORE_TYPE', 'kubernetes'),
    env('WAIT_FOR_DATASTORE', 'true'),
    env('CLUSTER_TYPE', bird ? 'k8s,operator,bgp' : 'k8s,operator'),
    env('CALICO_DISABLE_FILE_LOGGING', 'false'),
    env('FELIX_DEFAULTENDPOINTTOHOSTACTION', 'ACCEPT'),
    env('FELIX_HEALTHENABLED', 'true'),
    env('FELIX_HEALTHPORT', '9099'),
    fromField('NODENAME', 'spec.nodeName'),
    fromField('NAMESPACE', 'metadata.namespace'),
    env('FELIX_TYPHAK8SNAMESPACE', SYSTEM),
    env('FELIX_TYPHAK8SSERVICENAME', 'calico-typha'),
    env('CALICO_NETWORKING_BACKEND', bird ? 'bird' : pool?.encapsulation?.startsWith('VXLAN') ? 'vxlan' : 'none'),
    ...(method ? [env('IP', 'autodetect'), env('IP_AUTODETECTION_METHOD', method)] : []),
    ...(release.poolController ? [env('NO_DEFAULT_POOLS', 'true')] : poolEnv(pool)),
    env('IP6', 'none'),
    env('FELIX_IPV6SUPPORT', 'false'),
    // Arrives and leaves with Goldmane, and rolls the DaemonSet each time.
    ...(goldmane ? [env('FELIX_FLOWLOGSGOLDMANESERVER', `goldmane.${SYSTEM}.svc:7443`)] : []),
  ];
}

/** Until operator 1.29 calico-node makes the pool, from these. */
function poolEnv(
  pool: { cidr: string; blockSize?: number; encapsulation?: string; natOutgoing?: string } | undefined,
): Json[] {
  if (!pool) return [env('NO_DEFAULT_POOLS', 'true')];
  const mode = (kind: 'VXLAN' | 'IPIP'): string =>
    pool.encapsulation === kind ? 'Always' : pool.encapsulation === `${kind}CrossSubnet` ? 'CrossSubnet' : 'Never';
  return [
    env('CALICO_IPV4POOL_CIDR', pool.cidr),
    env('CALICO_IPV4POOL_VXLAN', mode('VXLAN')),
    env('CALICO_IPV4POOL_IPIP', mode('IPIP')),
    env('CALICO_IPV4POOL_BLOCK_SIZE', String(pool.blockSize ?? 26)),
    env('CALICO_IPV4POOL_NODE_SELECTOR', 'all()'),
    ...(pool.natOutgoing === 'Disabled' ? [env('CALICO_IPV4POOL_NAT_OUTGOING', 'false')] : []),
  ];
}

const isSet = (path: string | undefined): boolean => path !== undefined && path !== 'None';

function initContainers({ release, installation }: RenderInput): Json[] {
  const flexvol: Json[] = isSet(installation.spec.flexVolumePath)
    ? [
        {
          name: 'flexvol-driver',
          image: release.image('pod2daemon-flexvol'),
          volumeMounts: [{ mountPath: '/host/driver', name: 'flexvol-driver-host' }],
        },
      ]
    : [];
  const bpf: Json[] = release.ebpfBootstrap
    ? [
        {
          name: 'ebpf-bootstrap',
          image: release.image('node'),
          command: ['calico-node', '-init', '-best-effort'],
          securityContext: { privileged: true },
        },
      ]
    : [];
  return [
    ...flexvol,
    {
      name: 'install-cni',
      image: release.image('cni'),
      command: ['/opt/cni/bin/install'],
      env: [
        env('CNI_CONF_NAME', '10-calico.conflist'),
        env('SLEEP', 'false'),
        env('CNI_NET_DIR', '/etc/cni/net.d'),
        { name: 'CNI_NETWORK_CONFIG', valueFrom: { configMapKeyRef: { name: 'cni-config', key: 'config' } } },
        fromField('KUBERNETES_NODE_NAME', 'spec.nodeName'),
      ],
      securityContext: { privileged: true },
      volumeMounts: [
        { mountPath: '/host/opt/cni/bin', name: 'cni-bin-dir' },
        { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir' },
      ],
    },
    ...bpf,
  ];
}

export function calicoNodeDaemonSet(input: RenderInput): Rendered {
  const { release, installation } = input;
  const bird = installation.spec.calicoNetwork?.bgp === 'Enabled';
  const ready = bird ? ['/bin/calico-node', '-bird-ready', '-felix-ready'] : ['/bin/calico-node', '-felix-ready'];
  const volumes = [
    hostPath('lib-modules', '/lib/modules'),
    hostPath('xtables-lock', '/run/xtables.lock', 'FileOrCreate'),
    hostPath('policysync', '/var/run/nodeagent', 'DirectoryOrCreate'),
    hostPath('var-run-calico', '/var/run/calico', 'DirectoryOrCreate'),
    hostPath('var-lib-calico', '/var/lib/calico', 'DirectoryOrCreate'),
    hostPath('cni-bin-dir', '/opt/cni/bin', 'DirectoryOrCreate'),
    hostPath('cni-net-dir', '/etc/cni/net.d'),
    hostPath('cni-log-dir', '/var/log/calico/cni'),
    ...(isSet(installation.spec.flexVolumePath)
      ? [hostPath('flexvol-driver-host', `${installation.spec.flexVolumePath}nodeagent~uds`, 'DirectoryOrCreate')]
      : []),
  ];
  return daemonSet({
    name: 'calico-node',
    spec: {
      updateStrategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 1, ...installation.spec.nodeUpdateStrategy?.rollingUpdate },
      },
    },
    pod: {
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      serviceAccountName: 'calico-node',
      terminationGracePeriodSeconds: 5,
      tolerations: TOLERATE_ALL,
      initContainers: initContainers(input),
      containers: [
        {
          name: 'calico-node',
          image: release.image('node'),
          env: nodeEnv(input),
          lifecycle: { preStop: { exec: { command: ['/bin/calico-node', '-shutdown'] } } },
          livenessProbe: {
            httpGet: { host: 'localhost', path: '/liveness', port: 9099 },
            failureThreshold: 3,
            initialDelaySeconds: 10,
            periodSeconds: 60,
            timeoutSeconds: 10,
          },
          readinessProbe: readiness({ exec: { command: ready } }),
          securityContext: { privileged: true },
          volumeMounts: [
            { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir' },
            { mountPath: '/var/run/calico', name: 'var-run-calico' },
            { mountPath: '/var/lib/calico', name: 'var-lib-calico' },
          ],
        },
      ],
      volumes,
    },
  });
}

/** Accounts of calico-node and of the CNI plugin, each guarded until the operator has seen the workloads go. */
export function nodeAccounts({ release }: Pick<RenderInput, 'release'>): Rendered[] {
  const names = release.cniPluginAccount ? ['calico-node', 'calico-cni-plugin'] : ['calico-node'];
  return names.flatMap((name) => [
    serviceAccount(name, SYSTEM, [CNI_PROTECTOR]),
    ...clusterRole(name, name, SYSTEM, [CNI_PROTECTOR]),
  ]);
}

export function csiNodeDriver({ release, installation }: RenderInput): Rendered[] {
  if (!isSet(installation.spec.kubeletVolumePluginPath)) return [];
  const base = installation.spec.kubeletVolumePluginPath!;
  return [
    {
      resource: 'csidrivers.storage.k8s.io',
      object: object(
        'storage.k8s.io/v1',
        'CSIDriver',
        { name: 'csi.tigera.io' },
        {
          spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'] },
        },
      ),
    },
    ...(release.minor >= 28 ? [serviceAccount('csi-node-driver')] : []),
    daemonSet({
      name: 'csi-node-driver',
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } },
      pod: {
        ...(release.minor >= 28 ? { serviceAccountName: 'csi-node-driver' } : {}),
        tolerations: TOLERATE_ALL,
        containers: [
          {
            name: 'calico-csi',
            image: release.image('csi'),
            args: ['--nodeid=$(KUBE_NODE_NAME)', '--loglevel=$(LOG_LEVEL)'],
            env: [env('LOG_LEVEL', 'warn'), fromField('KUBE_NODE_NAME', 'spec.nodeName')],
            securityContext: { privileged: true },
          },
          {
            name: 'csi-node-driver-registrar',
            image: release.image('node-driver-registrar'),
            args: ['--v=5', '--csi-address=$(ADDRESS)', '--kubelet-registration-path=$(DRIVER_REG_SOCK_PATH)'],
            securityContext: { privileged: true },
          },
        ],
        volumes: [
          hostPath('varrun', '/var/run'),
          hostPath('kubelet-dir', base, 'Directory'),
          hostPath('socket-dir', `${base}/plugins/csi.tigera.io`, 'DirectoryOrCreate'),
          hostPath('registration-dir', `${base}/plugins_registry`, 'Directory'),
        ],
      },
    }),
  ];
}

export function nodeConfig(): Rendered[] {
  return [
    {
      resource: 'configmaps',
      object: object(
        'v1',
        'ConfigMap',
        { name: 'cni-config', namespace: SYSTEM, labels: labels('calico-node') },
        { data: { config: '{"name": "k8s-pod-network"}' } },
      ),
    },
    {
      resource: 'configmaps',
      object: object(
        'v1',
        'ConfigMap',
        { name: 'tigera-ca-bundle', namespace: SYSTEM },
        { data: { 'tigera-ca-bundle.crt': '' } },
      ),
    },
  ];
}
