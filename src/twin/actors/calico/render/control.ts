/** Typha, kube-controllers, the Calico API server, Goldmane and Whisker (tigera/operator pkg/render at the tags in data/calico). */
import type { Json, Rendered } from '../operator/apply.ts';
import {
  budget,
  clusterRole,
  deployment,
  liveness,
  namespace,
  networkPolicy,
  object,
  type RenderInput,
  readiness,
  SYSTEM,
  service,
  serviceAccount,
  TOLERATE_ALL,
  TOLERATE_CONTROL_PLANE,
  TOLERATE_CRITICAL,
} from './common.ts';

const TYPHA_PORT = 5473;

function spread(app: string, keys: readonly string[]): Json {
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: keys.map((topologyKey) => ({
        weight: 1,
        podAffinityTerm: { labelSelector: { matchLabels: { 'k8s-app': app } }, topologyKey },
      })),
    },
  };
}

export function typha({ release, typhaReplicas }: RenderInput): Rendered[] {
  const health = (path: string): Json => ({ httpGet: { host: 'localhost', path, port: 9098 } });
  return [
    serviceAccount('calico-typha'),
    ...clusterRole('calico-typha', 'calico-typha', SYSTEM),
    service('calico-typha', SYSTEM, 'calico-typha', [
      { name: 'calico-typha', port: TYPHA_PORT, protocol: 'TCP', targetPort: 'calico-typha' },
    ]),
    budget('calico-typha', SYSTEM),
    deployment({
      name: 'calico-typha',
      spec: {
        replicas: typhaReplicas,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 1 } },
      },
      pod: {
        // By zone only: what spreads Typha over nodes is its host port.
        affinity: spread('calico-typha', ['topology.kubernetes.io/zone']),
        hostNetwork: true,
        priorityClassName: 'system-cluster-critical',
        serviceAccountName: 'calico-typha',
        terminationGracePeriodSeconds: 300,
        tolerations: TOLERATE_ALL,
        containers: [
          {
            name: 'calico-typha',
            image: release.image('typha'),
            env: [
              { name: 'TYPHA_LOGSEVERITYSCREEN', value: 'info' },
              { name: 'TYPHA_DATASTORETYPE', value: 'kubernetes' },
              { name: 'TYPHA_SHUTDOWNTIMEOUTSECS', value: '300' },
            ],
            ports: [{ name: 'calico-typha', containerPort: TYPHA_PORT, hostPort: TYPHA_PORT, protocol: 'TCP' }],
            livenessProbe: liveness(health('/liveness')),
            readinessProbe: readiness(health('/readiness')),
          },
        ],
      },
    }),
  ];
}

export function kubeControllers({ release }: RenderInput): Rendered[] {
  const name = 'calico-kube-controllers';
  const check = (flag: string): Json => ({ exec: { command: ['/usr/bin/check-status', flag] } });
  return [
    serviceAccount(name),
    ...clusterRole(name, name, SYSTEM),
    deployment({
      name,
      spec: { replicas: 1, strategy: { type: 'Recreate' } },
      pod: {
        priorityClassName: 'system-cluster-critical',
        serviceAccountName: name,
        tolerations: TOLERATE_CRITICAL,
        containers: [
          {
            name,
            image: release.image('kube-controllers'),
            env: [
              { name: 'KUBE_CONTROLLERS_CONFIG_NAME', value: 'default' },
              { name: 'DATASTORE_TYPE', value: 'kubernetes' },
              { name: 'ENABLED_CONTROLLERS', value: 'node,loadbalancer' },
            ],
            livenessProbe: liveness(check('-l')),
            readinessProbe: readiness(check('-r')),
          },
        ],
      },
    }),
  ];
}

/** Everything that belongs to an APIServer resource and goes with it. */
export function apiServer({ release, installation }: RenderInput): Rendered[] {
  const name = 'calico-apiserver';
  const home = release.apiServerNamespace;
  return [
    ...(home === SYSTEM ? [] : [namespace(home)]),
    serviceAccount(name, home),
    ...clusterRole('calico-crds', name, home),
    service('calico-api', home, name, [{ name: 'apiserver', port: 443, protocol: 'TCP', targetPort: 5443 }]),
    ...(release.apiServerBudget ? [budget(name, home)] : []),
    deployment({
      name,
      namespace: home,
      spec: { replicas: installation.spec.controlPlaneReplicas ?? 2, strategy: { type: 'RollingUpdate' } },
      pod: {
        affinity: spread(name, ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']),
        priorityClassName: 'system-cluster-critical',
        serviceAccountName: name,
        tolerations: TOLERATE_CONTROL_PLANE,
        containers: [
          {
            name,
            image: release.image('apiserver'),
            args: ['--secure-port=5443'],
            ports: [{ containerPort: 5443, protocol: 'TCP' }],
            readinessProbe: readiness({ httpGet: { path: '/readyz', port: 5443, scheme: 'HTTPS' } }, 60),
          },
        ],
      },
    }),
    {
      resource: 'apiservices.apiregistration.k8s.io',
      object: object(
        'apiregistration.k8s.io/v1',
        'APIService',
        { name: 'v3.projectcalico.org' },
        {
          spec: {
            group: 'projectcalico.org',
            groupPriorityMinimum: 1500,
            service: { name: 'calico-api', namespace: home, port: 443 },
            version: 'v3',
            versionPriority: 200,
          },
        },
      ),
    },
    // Ingress to the port, from anybody (walkthrough): breaks nothing. 3.32 has a policy of its tier instead.
    ...(release.tier
      ? []
      : [
          networkPolicy('allow-apiserver', home, {
            ingress: [{ ports: [{ port: 5443, protocol: 'TCP' }] }],
            podSelector: { matchLabels: { 'k8s-app': name } },
            policyTypes: ['Ingress'],
          }),
        ]),
  ];
}

export function goldmane({ release }: RenderInput): Rendered[] {
  const name = 'goldmane';
  return [
    serviceAccount(name),
    service(name, SYSTEM, name, [{ name, port: 7443, protocol: 'TCP', targetPort: 7443 }]),
    deployment({
      name,
      spec: { replicas: 1, strategy: { type: 'Recreate' } },
      pod: {
        serviceAccountName: name,
        tolerations: TOLERATE_CRITICAL,
        containers: [
          {
            name,
            image: release.image('goldmane'),
            env: [{ name: 'PORT', value: '7443' }],
            livenessProbe: liveness({ exec: { command: ['/health', '-live'] } }),
            readinessProbe: readiness({ exec: { command: ['/health', '-ready'] } }),
          },
        ],
      },
    }),
    ...(release.tier
      ? []
      : [
          networkPolicy(name, SYSTEM, {
            ingress: [{ ports: [{ port: 7443, protocol: 'TCP' }] }],
            podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
            policyTypes: ['Ingress'],
          }),
        ]),
  ];
}

export function whisker({ release }: RenderInput): Rendered[] {
  const name = 'whisker';
  const dns: Json = {
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
    to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
  };
  return [
    serviceAccount(name),
    service(name, SYSTEM, name, [{ name, port: 8081, protocol: 'TCP', targetPort: 8081 }]),
    deployment({
      name,
      spec: { replicas: 1, strategy: { type: 'Recreate' } },
      pod: {
        serviceAccountName: name,
        tolerations: TOLERATE_CRITICAL,
        containers: [
          { name, image: release.image('whisker'), env: [{ name: 'LOG_LEVEL', value: 'INFO' }] },
          {
            name: 'whisker-backend',
            image: release.image('whisker-backend'),
            env: [
              { name: 'PORT', value: '3002' },
              { name: 'GOLDMANE_HOST', value: `goldmane.${SYSTEM}.svc.cluster.local:7443` },
            ],
          },
        ],
      },
    }),
    // No ingress at all, egress to Goldmane and DNS by podSelector.
    ...(release.tier
      ? []
      : [
          networkPolicy(name, SYSTEM, {
            egress: [
              {
                ports: [{ port: 7443, protocol: 'TCP' }],
                to: [{ podSelector: { matchLabels: { 'k8s-app': 'goldmane' } } }],
              },
              dns,
            ],
            podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
            policyTypes: ['Ingress', 'Egress'],
          }),
        ]),
  ];
}

/** Operator 1.42 guards its own namespace with a tier (calico.md 7); the twin keeps these as objects and does not enforce them. */
export function tierObjects(): Rendered[] {
  const policy = (name: string, inNamespace: string, selector: string): Rendered => ({
    resource: 'networkpolicies.crd.projectcalico.org',
    object: object(
      'crd.projectcalico.org/v1',
      'NetworkPolicy',
      { name: `calico-system.${name}`, namespace: inNamespace },
      {
        spec: { tier: 'calico-system', selector, types: ['Ingress', 'Egress'] },
      },
    ),
  });
  return [
    {
      resource: 'tiers.crd.projectcalico.org',
      object: object('crd.projectcalico.org/v1', 'Tier', { name: 'calico-system' }, { spec: { order: 100 } }),
    },
    ...['goldmane', 'whisker', 'kube-controllers', 'apiserver'].map((name) =>
      policy(name, SYSTEM, `k8s-app == '${name.startsWith('k') || name.startsWith('a') ? 'calico-' : ''}${name}'`),
    ),
    policy('default-deny', SYSTEM, 'all()'),
    policy('cluster-dns', 'kube-system', "k8s-app == 'kube-dns'"),
  ];
}
