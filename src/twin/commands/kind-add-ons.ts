/** CoreDNS, kube-proxy (kubeadm's manifests, recorded) and local-path-provisioner (kind's image) as a new cluster has them. */
import { stringify } from 'yaml';
import type { KubeObject } from '../../kube/objects.ts';

/** An object and the resource under which the store keeps it. */
export type Entry = readonly [resource: string, object: KubeObject];

export const configMap = (name: string, data: Record<string, string>, inNamespace = 'kube-system'): Entry => [
  'configmaps',
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: inNamespace }, data },
];

const LINUX = { 'kubernetes.io/os': 'linux' };

const serviceAccount = (name: string, namespace: string): Entry => [
  'serviceaccounts',
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
];

const deployment = (name: string, namespace: string, labels: Record<string, string>, spec: object): Entry => [
  'deployments.apps',
  { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace, labels }, spec } as unknown as KubeObject,
];

/** Pod fields that the API server would have filled in. */
const POD_DEFAULTS = {
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  terminationGracePeriodSeconds: 30,
};

const COREFILE = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

export function coreDns(version: string, clusterIP: string): Entry[] {
  const labels = { 'k8s-app': 'kube-dns' };
  const get = (path: string, port: string) => ({ httpGet: { path, port, scheme: 'HTTP' } });
  return [
    configMap('coredns', { Corefile: COREFILE }),
    serviceAccount('coredns', 'kube-system'),
    [
      'services',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: 'kube-dns',
          namespace: 'kube-system',
          labels: { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
          annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
        },
        spec: {
          clusterIP,
          clusterIPs: [clusterIP],
          internalTrafficPolicy: 'Cluster',
          ipFamilies: ['IPv4'],
          ipFamilyPolicy: 'SingleStack',
          ports: [
            { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
            { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
            { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
          ],
          selector: labels,
          sessionAffinity: 'None',
          type: 'ClusterIP',
        },
      },
    ],
    deployment('coredns', 'kube-system', labels, {
      progressDeadlineSeconds: 600,
      replicas: 2,
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } },
      template: {
        metadata: { labels },
        spec: {
          ...POD_DEFAULTS,
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  podAffinityTerm: {
                    labelSelector: { matchExpressions: [{ key: 'k8s-app', operator: 'In', values: ['kube-dns'] }] },
                    topologyKey: 'kubernetes.io/hostname',
                  },
                  weight: 100,
                },
              ],
            },
          },
          containers: [
            {
              name: 'coredns',
              image: `registry.k8s.io/coredns/coredns:${version}`,
              imagePullPolicy: 'IfNotPresent',
              args: ['-conf', '/etc/coredns/Corefile'],
              ports: [
                { containerPort: 53, name: 'dns', protocol: 'UDP' },
                { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
                { containerPort: 9153, name: 'metrics', protocol: 'TCP' },
                { containerPort: 8080, name: 'liveness-probe', protocol: 'TCP' },
                { containerPort: 8181, name: 'readiness-probe', protocol: 'TCP' },
              ],
              livenessProbe: {
                ...get('/health', 'liveness-probe'),
                failureThreshold: 5,
                initialDelaySeconds: 60,
                periodSeconds: 10,
                successThreshold: 1,
                timeoutSeconds: 5,
              },
              readinessProbe: {
                ...get('/ready', 'readiness-probe'),
                failureThreshold: 3,
                periodSeconds: 10,
                successThreshold: 1,
                timeoutSeconds: 1,
              },
              resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
              volumeMounts: [{ mountPath: '/etc/coredns', name: 'config-volume', readOnly: true }],
            },
          ],
          dnsPolicy: 'Default',
          nodeSelector: LINUX,
          priorityClassName: 'system-cluster-critical',
          serviceAccountName: 'coredns',
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
          ],
          volumes: [
            { name: 'config-volume', configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] } },
          ],
        },
      },
    }),
  ];
}

/** `clusterCIDR` is what kube-proxy's masquerade rules carry for good. */
export function kubeProxy(version: string, podSubnet: string): Entry[] {
  const labels = { 'k8s-app': 'kube-proxy' };
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    bindAddress: '0.0.0.0',
    clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    clusterCIDR: podSubnet,
    conntrack: { maxPerCore: 0 },
    iptables: { minSyncPeriod: '1s' },
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
  };
  return [
    configMap('kube-proxy', { 'config.conf': stringify(config), 'kubeconfig.conf': 'apiVersion: v1\nkind: Config\n' }),
    serviceAccount('kube-proxy', 'kube-system'),
    [
      'daemonsets.apps',
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'kube-proxy', namespace: 'kube-system', labels },
        spec: {
          revisionHistoryLimit: 10,
          selector: { matchLabels: labels },
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
          template: {
            metadata: { labels },
            spec: {
              ...POD_DEFAULTS,
              containers: [
                {
                  name: 'kube-proxy',
                  image: `registry.k8s.io/kube-proxy:v${version}`,
                  imagePullPolicy: 'IfNotPresent',
                  command: [
                    '/usr/local/bin/kube-proxy',
                    '--config=/var/lib/kube-proxy/config.conf',
                    '--hostname-override=$(NODE_NAME)',
                  ],
                  env: [
                    { name: 'NODE_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } },
                  ],
                  resources: {},
                  securityContext: { privileged: true },
                  volumeMounts: [{ mountPath: '/var/lib/kube-proxy', name: 'kube-proxy' }],
                },
              ],
              dnsPolicy: 'ClusterFirst',
              hostNetwork: true,
              nodeSelector: LINUX,
              priorityClassName: 'system-node-critical',
              serviceAccountName: 'kube-proxy',
              tolerations: [{ operator: 'Exists' }],
              volumes: [{ name: 'kube-proxy', configMap: { name: 'kube-proxy' } }],
            },
          },
        },
      },
    ],
  ];
}

export function localPathProvisioner(): Entry[] {
  const namespace = 'local-path-storage';
  const labels = { app: 'local-path-provisioner' };
  return [
    configMap('local-path-config', { 'config.json': '{"nodePathMap":[]}\n' }, namespace),
    serviceAccount('local-path-provisioner-service-account', namespace),
    [
      'storageclasses.storage.k8s.io',
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'rancher.io/local-path',
        reclaimPolicy: 'Delete',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
    ],
    deployment('local-path-provisioner', namespace, labels, {
      progressDeadlineSeconds: 600,
      replicas: 1,
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        metadata: { labels },
        spec: {
          ...POD_DEFAULTS,
          containers: [
            {
              name: 'local-path-provisioner',
              image: 'docker.io/kindest/local-path-provisioner:v20251212-v0.29.0-alpha-105-g20ccfc88',
              imagePullPolicy: 'IfNotPresent',
              command: [
                'local-path-provisioner',
                '--debug',
                'start',
                '--helper-image',
                'docker.io/kindest/local-path-helper:v20241212-8ac705d0',
                '--config',
                '/etc/config/config.json',
              ],
              env: [
                {
                  name: 'POD_NAMESPACE',
                  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                },
              ],
              volumeMounts: [{ mountPath: '/etc/config/', name: 'config-volume' }],
            },
          ],
          dnsPolicy: 'ClusterFirst',
          nodeSelector: LINUX,
          serviceAccountName: 'local-path-provisioner-service-account',
          tolerations: [
            { key: 'node-role.kubernetes.io/control-plane', operator: 'Equal', effect: 'NoSchedule' },
            { key: 'node-role.kubernetes.io/master', operator: 'Equal', effect: 'NoSchedule' },
          ],
          volumes: [{ name: 'config-volume', configMap: { name: 'local-path-config' } }],
        },
      },
    }),
  ];
}
