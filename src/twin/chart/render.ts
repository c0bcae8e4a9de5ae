/** All objects of a Cilium release, in the order in which Helm installs kinds. */
import type { JsonObject } from '../../scenario/scenario.ts';
import { agentDaemonSet } from './agent.ts';
import { ciliumConfig, externalEnvoy } from './cilium-config.ts';
import { ciliumMinor } from './data.ts';
import { envoyObjects } from './envoy.ts';
import { isObject, valueAt } from './merge.ts';
import { operatorDeployment } from './operator.ts';
import type { ChartInput } from './pod-parts.ts';

/** Helm's InstallOrder, as far as the chart has these kinds (helm v3 pkg/releaseutil/kind_sorter.go). */
const INSTALL_ORDER = [
  'Namespace',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Service',
  'DaemonSet',
  'Deployment',
];

const RBAC = 'rbac.authorization.k8s.io';

function account(name: string, namespace: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}

/** The twin's API asks nobody for permission: of a role only its name and its hold on cilium.io matter. */
function clusterRole(name: string, serviceAccount: string, namespace: string): JsonObject[] {
  const labels = { 'app.kubernetes.io/part-of': 'cilium' };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels },
      rules: [{ apiGroups: ['cilium.io'], resources: ['*'], verbs: ['*'] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
    },
  ];
}

function configAgentRole(namespace: string): JsonObject[] {
  const metadata = { name: 'cilium-config-agent', namespace, labels: { 'app.kubernetes.io/part-of': 'cilium' } };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'Role',
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: 'cilium', namespace }],
    },
  ];
}

function hubblePeer(namespace: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'hubble-peer',
      namespace,
      labels: { 'app.kubernetes.io/name': 'hubble-peer', 'app.kubernetes.io/part-of': 'cilium', 'k8s-app': 'cilium' },
    },
    spec: {
      internalTrafficPolicy: 'Local',
      ports: [{ name: 'peer-service', port: 443, protocol: 'TCP', targetPort: 4244 }],
      selector: { 'k8s-app': 'cilium' },
      type: 'ClusterIP',
    },
  };
}

/** A release's objects with Helm's own labels and annotations. `values` are already merged over the chart's. */
export function renderChart(version: string, namespace: string, values: JsonObject): JsonObject[] {
  const config = ciliumConfig(version, values);
  const input: ChartInput = { version, minor: ciliumMinor(version), namespace, values, config };
  const objects: JsonObject[] = [
    account('cilium', namespace),
    account('cilium-operator', namespace),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace }, data: config },
    ...clusterRole('cilium', 'cilium', namespace),
    ...clusterRole('cilium-operator', 'cilium-operator', namespace),
    ...configAgentRole(namespace),
    agentDaemonSet(input),
  ];
  if (externalEnvoy(version, values)) objects.push(account('cilium-envoy', namespace), ...envoyObjects(input));
  if (valueAt(values, 'hubble.enabled') !== false) objects.push(hubblePeer(namespace));
  if (valueAt(values, 'operator.enabled') !== false) objects.push(operatorDeployment(input));
  const rank = (object: JsonObject): number => INSTALL_ORDER.indexOf(String(object.kind));
  return objects
    .map((object, i) => ({ object, i }))
    .sort((a, b) => rank(a.object) - rank(b.object) || a.i - b.i)
    .map(({ object }) => asHelms(object, namespace));
}

function asHelms(object: JsonObject, namespace: string): JsonObject {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const labels = isObject(metadata.labels) ? metadata.labels : {};
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: { 'meta.helm.sh/release-name': 'cilium', 'meta.helm.sh/release-namespace': namespace },
      labels: { 'app.kubernetes.io/managed-by': 'Helm', ...labels },
    },
  };
}
