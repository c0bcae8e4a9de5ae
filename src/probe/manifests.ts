/**
 * The probes as we install them. Own manifests: neither chart of goldpinger has a nodePort, an `args` value or a
 * Deployment (bloomberg/goldpinger chart 1.0.1).
 *
 * Three groups of the same program that do not see each other (each lists its own label):
 * `nodepinger` stands on every node and is never drained, `goldpinger` is what drains move, `servicepinger` resolves the
 * API's name and opens its Service. Only the first two are judged as pairs.
 */
import type { KubeObject } from '../kube/objects.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { durationMs } from '../time/duration.ts';
import { firstAddress } from './addresses.ts';

export const PROBE_NAMESPACE = 'default';
export const PROBE_PORT = 8080;
export const NODE_PORTS = { nodepinger: 32042, goldpinger: 32043 } as const;
/** Peers that one instance pings in a sampled mesh (PING_NUMBER). */
export const SAMPLED_PEERS = 10;
/** The name that servicepinger resolves; the API's own Service exists in every cluster. */
export const RESOLVED_NAME = 'kubernetes.default.svc.cluster.local';

/** goldpinger's own 500 ms are too short for machines on which a ping takes more than its usual 300 ms (observed). */
const TARGET_TIMEOUT = '1s';

export const PROBE_NAMES = ['nodepinger', 'goldpinger', 'servicepinger'] as const;
export type ProbeName = (typeof PROBE_NAMES)[number];

/** Selects the pods of one group; also what its own instances list. */
export function probeSelector(probe: ProbeName): string {
  return `app=${probe}`;
}

/** Milliseconds between two pings of a pair: the scenario's, or 2 s up to 15 pods a probe, else 5 s. */
export function refreshIntervalMs(scenario: Scenario): number {
  if (scenario.probes.interval !== null) return durationMs(scenario.probes.interval);
  const nodes = scenario.cluster.controlPlanes + scenario.cluster.workers;
  const { replicas, replicasAfterFirstNode } = scenario.probes.goldpinger;
  return Math.max(nodes, replicas, replicasAfterFirstNode) <= 15 ? 2_000 : 5_000;
}

/** `<ClusterIP of the API's Service>:443`; kubeadm gives it the first address of the service subnet. */
export function apiServiceTarget(scenario: Scenario): string {
  return `${firstAddress(scenario.cluster.serviceSubnet)}:443`;
}

/** Everything that the probes consist of, in the order in which it is applied. */
export function probeManifests(scenario: Scenario): KubeObject[] {
  return [...PROBE_NAMES.flatMap(access), ...PROBE_NAMES.map((probe) => workload(probe, scenario)), ...nodePorts()];
}

function labels(probe: ProbeName): Record<string, string> {
  return {
    app: probe,
    'app.kubernetes.io/name': 'goldpinger',
    'app.kubernetes.io/instance': probe,
    'app.kubernetes.io/managed-by': 'cni-rehearsal',
  };
}

function metadata(probe: ProbeName) {
  return { name: probe, namespace: PROBE_NAMESPACE, labels: labels(probe) };
}

/** goldpinger lists pods of its own namespace and needs nothing else. */
function access(probe: ProbeName): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(probe) },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: metadata(probe),
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: metadata(probe),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: probe },
      subjects: [{ kind: 'ServiceAccount', name: probe, namespace: PROBE_NAMESPACE }],
    },
  ];
}

function workload(probe: ProbeName, scenario: Scenario): KubeObject {
  const selector = { matchLabels: { app: probe } };
  const template = { metadata: { labels: labels(probe) }, spec: podSpec(probe, scenario) };
  if (probe !== 'goldpinger') {
    return {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: metadata(probe),
      spec: {
        selector,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%' } },
        template,
      },
    };
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(probe),
    spec: { replicas: scenario.probes.goldpinger.replicas, revisionHistoryLimit: 1, selector, template },
  };
}

function podSpec(probe: ProbeName, scenario: Scenario) {
  return {
    serviceAccountName: probe,
    terminationGracePeriodSeconds: 5,
    // The default service account of a NodePort lab needs no environment of every Service.
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    // The resolver's usual ndots of 5 asks every search domain first: eight questions in vain, and those of the machine's
    // own domain leave the cluster for a name server that is none of our business.
    ...(probe === 'servicepinger' ? { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } } : {}),
    ...placement(probe),
    containers: [
      {
        name: 'goldpinger',
        image: scenario.probes.image,
        imagePullPolicy: 'IfNotPresent',
        // Below an interval of 10 s pings ride kept-alive connections, which hide faults of new ones. No env name exists.
        args: ['--keep-alive=0s'],
        env: environment(probe, scenario),
        ports: [{ name: 'http', containerPort: PROBE_PORT }],
        readinessProbe: httpProbe({ initialDelaySeconds: 1, periodSeconds: 2, failureThreshold: 3 }),
        // Patient: while agents compile, a pod of a small machine may get no time for half a minute (observed), and an
        // instance that is started again has forgotten what it measured.
        livenessProbe: httpProbe({
          initialDelaySeconds: 10,
          periodSeconds: 10,
          failureThreshold: 6,
          timeoutSeconds: 5,
        }),
        // No cpu limit: 0.05 to 0.1 cores made pings slower than 100 ms (goldpinger PR 83).
        resources: { requests: { cpu: '1m', memory: '40Mi' }, limits: { memory: '120Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  };
}

function httpProbe(timing: Readonly<Record<string, number>>) {
  return { httpGet: { path: '/healthz', port: PROBE_PORT }, ...timing };
}

function placement(probe: ProbeName) {
  if (probe !== 'goldpinger') return { tolerations: [{ operator: 'Exists' }] };
  return {
    // Exactly this taint: with more the pods would come straight back to the cordoned node.
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'DoNotSchedule',
        // By default a cordoned node counts as an empty domain and evicted pods stay Pending.
        nodeTaintsPolicy: 'Honor',
        labelSelector: { matchLabels: { app: probe } },
        matchLabelKeys: ['pod-template-hash'],
      },
    ],
  };
}

function environment(probe: ProbeName, scenario: Scenario) {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const value = (name: string, text: string) => ({ name, value: text });
  const interval = refreshIntervalMs(scenario);
  return [
    value('HOST', '0.0.0.0'),
    value('PORT', String(PROBE_PORT)),
    // The node's name, which upstream uses, makes two pods of one node the same instance in the metrics.
    field('HOSTNAME', 'metadata.name'),
    field('POD_NAME', 'metadata.name'),
    field('POD_IP', 'status.podIP'),
    value('LABEL_SELECTOR', probeSelector(probe)),
    // A whole number of seconds is all that goldpinger reads here.
    value('REFRESH_INTERVAL', String(Math.max(1, Math.round(interval / 1_000)))),
    // Since 3.6.0 the *_TIMEOUT_MS variables change nothing unless these are zero.
    value('PING_TIMEOUT', scenario.probes.pingTimeout),
    value('CHECK_TIMEOUT', '3s'),
    ...(scenario.probes.mesh === 'sampled' && probe !== 'servicepinger'
      ? [value('PING_NUMBER', String(SAMPLED_PEERS))]
      : []),
    ...(probe === 'servicepinger'
      ? [
          value('HOSTS_TO_RESOLVE', RESOLVED_NAME),
          value('TCP_TARGETS', apiServiceTarget(scenario)),
          // Both fail one after the other within the time that a reading has, so that it says so instead of nothing.
          value('DNS_TARGETS_TIMEOUT', TARGET_TIMEOUT),
          value('TCP_TARGETS_TIMEOUT', TARGET_TIMEOUT),
        ]
      : []),
  ];
}

function nodePorts(): KubeObject[] {
  return (['nodepinger', 'goldpinger'] as const).map((probe) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(probe),
    spec: {
      type: 'NodePort',
      selector: { app: probe },
      ports: [{ name: 'http', port: 80, targetPort: PROBE_PORT, nodePort: NODE_PORTS[probe] }],
    },
  }));
}
