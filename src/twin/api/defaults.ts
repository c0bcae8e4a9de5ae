/** Defaults of the kinds that clients and controllers rely on (recorded in Kubernetes 1.36.2: files 02 and 06). */
import { isMap, type JsonMap } from './json.ts';
import { defaultPodSpec, defaultRequests, fill } from './pod-defaults.ts';

const specOf = (object: JsonMap): JsonMap => {
  if (!isMap(object.spec)) object.spec = {};
  return object.spec as JsonMap;
};

const metadataOf = (object: JsonMap): JsonMap => object.metadata as JsonMap;

function template(object: JsonMap): void {
  const { template } = specOf(object);
  if (isMap(template) && isMap(template.spec)) defaultPodSpec(template.spec);
}

const DEFAULTS: Readonly<Record<string, (object: JsonMap) => void>> = {
  pods: (pod) => {
    fill(specOf(pod), { enableServiceLinks: true });
    defaultPodSpec(specOf(pod));
    defaultRequests(specOf(pod));
  },
  'deployments.apps': (deployment) => {
    const spec = specOf(deployment);
    fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    rolling(spec.strategy as JsonMap, { maxUnavailable: '25%', maxSurge: '25%' });
    template(deployment);
  },
  'daemonsets.apps': (set) => {
    const spec = specOf(set);
    fill(spec, { updateStrategy: {}, revisionHistoryLimit: 10 });
    rolling(spec.updateStrategy as JsonMap, { maxUnavailable: 1, maxSurge: 0 });
    template(set);
  },
  'replicasets.apps': (set) => {
    fill(specOf(set), { replicas: 1 });
    template(set);
  },
  'statefulsets.apps': (set) => {
    const spec = specOf(set);
    fill(spec, {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      updateStrategy: {},
      revisionHistoryLimit: 10,
    });
    rolling(spec.updateStrategy as JsonMap, { partition: 0 });
    template(set);
  },
  'jobs.batch': (job) => {
    fill(specOf(job), {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    });
    template(job);
  },
  'cronjobs.batch': (cron) => {
    const spec = specOf(cron);
    const defaults = { concurrencyPolicy: 'Allow', suspend: false };
    fill(spec, { ...defaults, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    // Of the jobs only the pods: the rest comes when one is made.
    if (isMap(spec.jobTemplate)) template(spec.jobTemplate);
  },
  services: (service) => {
    const spec = specOf(service);
    fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
    if (spec.type !== 'ExternalName') {
      fill(spec, { internalTrafficPolicy: 'Cluster' });
    }
    if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') fill(spec, { externalTrafficPolicy: 'Cluster' });
    for (const port of (spec.ports as JsonMap[] | undefined) ?? []) {
      fill(port, { protocol: 'TCP', targetPort: port.port });
    }
  },
  'networkpolicies.networking.k8s.io': (policy) => {
    const spec = specOf(policy);
    const egress = Array.isArray(spec.egress) && spec.egress.length > 0;
    fill(spec, { policyTypes: egress ? ['Ingress', 'Egress'] : ['Ingress'] });
    for (const rule of [...((spec.ingress as JsonMap[]) ?? []), ...((spec.egress as JsonMap[]) ?? [])]) {
      for (const port of (rule.ports as JsonMap[] | undefined) ?? []) fill(port, { protocol: 'TCP' });
    }
  },
  secrets: (secret) => {
    fill(secret, { type: 'Opaque' });
    const { stringData } = secret;
    if (!isMap(stringData)) return;
    const data = isMap(secret.data) ? { ...secret.data } : {};
    for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString('base64');
    secret.data = data;
    delete secret.stringData;
  },
  namespaces: (namespace) => {
    fill(specOf(namespace), { finalizers: ['kubernetes'] });
    const metadata = metadataOf(namespace);
    metadata.labels = { 'kubernetes.io/metadata.name': metadata.name, ...((metadata.labels as JsonMap) ?? {}) };
    if (!isMap(namespace.status)) namespace.status = {};
    fill(namespace.status as JsonMap, { phase: 'Active' });
  },
  'leases.coordination.k8s.io': (lease) => void specOf(lease),
  nodes: (node) => {
    if (!isMap(node.status)) node.status = {};
    fill(node.status as JsonMap, {
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: { ...EMPTY_NODE_INFO },
    });
  },
  'rolebindings.rbac.authorization.k8s.io': defaultBinding,
  'clusterrolebindings.rbac.authorization.k8s.io': defaultBinding,
  'customresourcedefinitions.apiextensions.k8s.io': (definition) => {
    const spec = specOf(definition);
    fill(spec, { conversion: { strategy: 'None' } });
    if (!isMap(spec.names)) return;
    const { names } = spec;
    fill(names, { singular: String(names.kind).toLowerCase(), listKind: `${String(names.kind)}List` });
  },
  'roles.rbac.authorization.k8s.io': (role) => fill(role, { rules: null }),
  'clusterroles.rbac.authorization.k8s.io': (role) => fill(role, { rules: null }),
  'horizontalpodautoscalers.autoscaling': (scaler) =>
    fill(specOf(scaler), { minReplicas: 1, metrics: [cpuMetric(80)] }),
  'priorityclasses.scheduling.k8s.io': (priority) => fill(priority, { preemptionPolicy: 'PreemptLowerPriority' }),
};

/** The metric of an autoscaler that keeps the use of CPU at so many percent of what is asked for. */
export const cpuMetric = (averageUtilization: unknown): JsonMap => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

/** What Go writes of a NodeSystemInfo that nobody has filled in. */
const EMPTY_NODE_INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
};

function defaultBinding(binding: JsonMap): void {
  const group = 'rbac.authorization.k8s.io';
  if (isMap(binding.roleRef)) fill(binding.roleRef, { apiGroup: group });
  for (const subject of (binding.subjects as JsonMap[] | undefined) ?? []) {
    if (subject.kind !== 'ServiceAccount') fill(subject, { apiGroup: group });
  }
}

function rolling(strategy: JsonMap, defaults: JsonMap): void {
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return;
  fill(strategy, { rollingUpdate: {} });
  fill(strategy.rollingUpdate as JsonMap, defaults);
}

/** Fills in what the object leaves open; changes it in place. Safe to repeat. */
export function applyDefaults(resource: string, object: JsonMap): void {
  DEFAULTS[resource]?.(object);
}

/** The status with which the API server creates an object whose client's status it has dropped. */
export function firstStatus(resource: string, spec: unknown): JsonMap | undefined {
  switch (resource) {
    case 'customresourcedefinitions.apiextensions.k8s.io': {
      const { versions = [] } = (spec ?? {}) as { versions?: { name: string; storage?: boolean }[] };
      const storedVersions = versions.filter((version) => version.storage === true).map((version) => version.name);
      return { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions };
    }
    case 'apiservices.apiregistration.k8s.io':
      return {};
    case 'daemonsets.apps':
      return { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    case 'replicasets.apps':
      return { replicas: 0 };
    case 'deployments.apps':
    case 'jobs.batch':
      return {};
    case 'statefulsets.apps':
      return { replicas: 0, availableReplicas: 0 };
    case 'poddisruptionbudgets.policy':
      return { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    case 'horizontalpodautoscalers.autoscaling':
      return { currentMetrics: null, desiredReplicas: 0 };
    case 'services':
      return { loadBalancer: {} };
    default:
      return undefined;
  }
}
