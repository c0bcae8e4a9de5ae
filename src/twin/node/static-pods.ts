/** Static pods: manifests on the node's disk, and how they show in the API (kubeadm's four; recorded). */
import type { KubeObject, Pod } from '../../kube/objects.ts';
import { hash32 } from '../../time/random.ts';
import { addOnVersions } from '../images.ts';
import type { NodeFiles } from '../world.ts';

export const MANIFESTS = '/etc/kubernetes/manifests';
const MIRROR = 'kubernetes.io/config.mirror';

type Container = NonNullable<Pod['spec']>['containers'][number];

export const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[MIRROR] !== undefined;

/** The manifests on a node, by file name, each with a uid of the kubelet's own (`static/…`). */
export function readManifests(machine: { readonly name: string; readonly files: NodeFiles }): Pod[] {
  return machine.files.list(MANIFESTS).flatMap((file) => {
    const content = machine.files.read(`${MANIFESTS}/${file}`)?.content;
    if (content === undefined) return [];
    const pod = JSON.parse(content) as Pod;
    return [
      {
        ...pod,
        metadata: {
          ...pod.metadata,
          name: `${pod.metadata.name}-${machine.name}`,
          uid: `static/${machine.name}/${pod.metadata.name}`,
        },
        spec: { ...pod.spec!, nodeName: machine.name },
      },
    ];
  });
}

/** The mirror of a static pod, owned by its node. */
export function mirrorOf(pod: Pod, node: KubeObject, now: number): Pod {
  const hash = [0, 1, 2, 3]
    .map((part) => hash32(`${pod.metadata.name}/${part}`).toString(16).padStart(8, '0'))
    .join('');
  const { uid: _, ...metadata } = pod.metadata;
  return {
    ...pod,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        'kubernetes.io/config.hash': hash,
        [MIRROR]: hash,
        'kubernetes.io/config.seen': new Date(now).toISOString(),
        'kubernetes.io/config.source': 'file',
      },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid!, controller: true },
      ],
    },
    status: { phase: 'Pending' },
  };
}

/** Writes kubeadm's four manifests. Like the real files they hold the node's address. */
export function writeControlPlaneManifests(files: NodeFiles, version: string, address: string): void {
  const image = (name: string): string => `registry.k8s.io/${name}:v${version}`;
  const manifests: Record<string, { pod: Pod }> = {
    etcd: {
      pod: manifest(
        'etcd',
        `registry.k8s.io/etcd:${addOnVersions(version).etcd}`,
        { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${address}:2379` },
        ['etcd', `--advertise-client-urls=https://${address}:2379`, '--data-dir=/var/lib/etcd'],
        probes(2381, '/livez', '/readyz', '/readyz'),
      ),
    },
    'kube-apiserver': {
      pod: manifest(
        'kube-apiserver',
        image('kube-apiserver'),
        { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${address}:6443` },
        ['kube-apiserver', `--advertise-address=${address}`, '--secure-port=6443'],
        probes(6443, '/livez', '/readyz', '/livez'),
      ),
    },
    'kube-controller-manager': {
      pod: manifest(
        'kube-controller-manager',
        image('kube-controller-manager'),
        {},
        ['kube-controller-manager', '--leader-elect=true'],
        probes(10257, '/healthz', undefined, '/healthz'),
      ),
    },
    'kube-scheduler': {
      pod: manifest(
        'kube-scheduler',
        image('kube-scheduler'),
        {},
        ['kube-scheduler', '--leader-elect=true'],
        probes(10259, '/livez', '/readyz', '/livez'),
      ),
    },
  };
  for (const [name, { pod }] of Object.entries(manifests)) {
    files.write(`${MANIFESTS}/${name}.yaml`, JSON.stringify(pod, null, 2), 0o600);
  }
}

function manifest(
  name: string,
  image: string,
  annotations: Record<string, string>,
  command: string[],
  container: Partial<Container>,
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'kube-system',
      labels: { component: name, tier: 'control-plane' },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      containers: [
        {
          name,
          image,
          imagePullPolicy: 'IfNotPresent',
          command,
          resources: { requests: { cpu: REQUESTS[name]! } },
          ...container,
        },
      ],
      dnsPolicy: 'ClusterFirst',
      hostNetwork: true,
      priority: 2_000_001_000,
      priorityClassName: 'system-node-critical',
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      tolerations: [{ effect: 'NoExecute', operator: 'Exists' }],
    },
  };
}

const REQUESTS: Record<string, string> = {
  etcd: '100m',
  'kube-apiserver': '250m',
  'kube-controller-manager': '200m',
  'kube-scheduler': '100m',
};

/** kubeadm's probes (util/staticpod/utils.go): startup every 10 s after 10 s, readiness every second. */
function probes(port: number, live: string, ready: string | undefined, startup: string): Partial<Container> {
  const get = (path: string) => ({ httpGet: { host: '127.0.0.1', path, port, scheme: 'HTTPS' } });
  return {
    livenessProbe: {
      ...get(live),
      failureThreshold: 8,
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 15,
    },
    ...(ready !== undefined && {
      readinessProbe: { ...get(ready), failureThreshold: 3, periodSeconds: 1, timeoutSeconds: 15 },
    }),
    startupProbe: {
      ...get(startup),
      failureThreshold: 24,
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 15,
    },
  };
}
