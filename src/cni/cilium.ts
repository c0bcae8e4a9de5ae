/** What the rehearsal knows of Cilium: one table of facts, the values of each moment, and the CiliumNodeConfig. */
import type { KubeObject } from '../kube/objects.ts';
import type { Json, JsonObject } from '../scenario/scenario.ts';
import { type Fact, factFor } from './facts.ts';
import { CILIUM_CONFLIST } from './leftovers.ts';
import { mergeValues, valueAt } from './merge.ts';

export const CILIUM_NAMESPACE = 'kube-system';
export const AGENT = { namespace: CILIUM_NAMESPACE, name: 'cilium' } as const;
export const ENVOY = { namespace: CILIUM_NAMESPACE, name: 'cilium-envoy' } as const;
export const OPERATOR = { namespace: CILIUM_NAMESPACE, name: 'cilium-operator' } as const;
/** Label of the agent's pods (install/kubernetes/cilium templates, 1.14 to 1.20). */
export const AGENT_SELECTOR = 'k8s-app=cilium';

export const HELM_REPOSITORY = 'https://helm.cilium.io/';
export const RELEASE = 'cilium';

/** The agent's health endpoint listens here in its own network namespace (cilium pkg/health, default of cluster-health-port). */
export const HEALTH_PORT = 4240;

/** CRD that the operator registers at its start; the chart has none (cilium 1.19 operator/cmd). */
export const NODE_CONFIG_CRD = 'ciliumnodeconfigs.cilium.io';
export const NODE_CONFIG_NAME = 'cilium-default';
/** The label that switches a node (Documentation/installation/k8s-install-migration.rst). */
export const MIGRATION_LABEL = 'io.cilium.migration/cilium-default';

/** Taint that the operator puts on a node whose agent does not run (default of agentNotReadyTaintKey). */
export const AGENT_NOT_READY_TAINT = 'node.cilium.io/agent-not-ready';

/** Reason of NetworkUnavailable=False written by Cilium's operator. */
export const NETWORK_UP_REASON = 'CiliumIsUp';

const NODE_CONFIG_VERSIONS: readonly Fact<readonly string[]>[] = [
  { since: '1.13.0', until: '1.16.0', value: ['v2alpha1'], source: 'cilium commit 884ccc1398' },
  { since: '1.16.0', until: '1.20.0', value: ['v2', 'v2alpha1'], source: 'cilium pull 31721' },
  { since: '1.20.0', value: ['v2'], source: 'cilium pull 44739' },
];

const ENVOY_BY_DEFAULT: readonly Fact<boolean>[] = [
  { until: '1.16.0', value: false, source: 'charts cilium 1.15.19 values.yaml envoy.enabled false' },
  { since: '1.16.0', value: true, source: 'charts cilium 1.16.19 values.yaml envoy.enabled null = true' },
];

const CNI_FILE_GATES_READY: readonly Fact<boolean>[] = [
  { until: '1.16.0', value: false, source: 'cilium issue 29405: the agent may be Ready before the file exists' },
  { since: '1.16.0', value: true, source: 'cilium commit 77b1e6cdaa' },
];

/** API versions of CiliumNodeConfig that this Cilium serves, the preferred one first. */
export function nodeConfigVersions(version: string): readonly string[] {
  return factFor(NODE_CONFIG_VERSIONS, version, 'versions of CiliumNodeConfig');
}

/**
 * Does an envoy run as a DaemonSet of its own with these values? Up to 1.15 where it is asked for (templates/cilium-envoy/
 * daemonset.yaml); from 1.16 by default, unless there is no L7 proxy or the release is to behave as one of before
 * (templates/_helpers.tpl, envoyDaemonSetEnabled).
 */
export function hasEnvoy(version: string, values: JsonObject): boolean {
  const enabled = valueAt(values, 'envoy.enabled') ?? undefined;
  if (!factFor(ENVOY_BY_DEFAULT, version, 'envoy DaemonSet')) return enabled === true;
  if (valueAt(values, 'l7Proxy') === false) return false;
  return enabled === undefined ? !behavesAsBefore(valueAt(values, 'upgradeCompatibility'), 16) : enabled === true;
}

/** `upgradeCompatibility` names an earlier minor release. */
function behavesAsBefore(compatibility: Json | undefined, minor: number): boolean {
  const named = /^v?1\.(\d+)/.exec(String(compatibility ?? ''));
  return named !== null && Number(named[1]) < minor;
}

/** True when an agent is not Ready before its CNI file is written; before 1.16 the file must be waited for by itself. */
export function cniFileGatesReady(version: string): boolean {
  return factFor(CNI_FILE_GATES_READY, version, 'CNI file gates readiness');
}

/** Is the health endpoint of the agents there, so that the overlay can be tried through it? */
export function hasHealthEndpoint(values: JsonObject): boolean {
  return valueAt(values, 'endpointHealthChecking.enabled') !== false && valueAt(values, 'healthChecking') !== false;
}

/** The UDP port on which the tunnel device must listen: 0 is the protocol's default (charts values.yaml, tunnelPort). */
export function tunnelPortOf(values: JsonObject): number {
  const written = valueAt(values, 'tunnelPort');
  // Charts up to 1.15 have no schema, and write a text into the config map as they do a number.
  const port = typeof written === 'string' && /^\d+$/.test(written) ? Number(written) : written;
  if (typeof port === 'number' && port > 0) return port;
  return valueAt(values, 'tunnelProtocol') === 'geneve' ? 6081 : 8472;
}

/** Name of the tunnel device. */
export function tunnelDeviceOf(values: JsonObject): 'cilium_vxlan' | 'cilium_geneve' {
  return valueAt(values, 'tunnelProtocol') === 'geneve' ? 'cilium_geneve' : 'cilium_vxlan';
}

export interface CiliumChoice {
  readonly clusterName: string;
  /** null: not chosen yet; the values then have none, unless the user's do. */
  readonly podCidrs: readonly string[] | null;
  readonly maskSize: number;
  readonly tunnelProtocol: 'vxlan' | 'geneve';
  /** null: not chosen yet. */
  readonly tunnelPort: number | null;
  /** The user's values; they win over ours. */
  readonly values: JsonObject;
}

/** The kubeconfig's cluster name made fit for `cluster.name`: kind gives `kind-NAME` (cilium-cli v0.19.7 autodetect.go). */
export function clusterNameFor(kindCluster: string): string {
  return `kind-${kindCluster}`.replace(/[_.:]/g, '-').slice(0, 32).replace(/-+$/, '');
}

/**
 * Values with which Cilium is installed as the second overlay: it builds its tunnel, but serves no pod. Same for 1.14
 * to 1.21 (charts). Images are loaded onto the nodes by tag, which satisfies no `tag@digest`.
 */
export function initialValues(choice: CiliumChoice): JsonObject {
  const ours: JsonObject = {
    bpf: { hostLegacyRouting: true },
    cluster: { name: choice.clusterName },
    cni: { customConf: true, uninstall: false },
    envoy: { image: { useDigest: false } },
    image: { useDigest: false },
    ipam: {
      mode: 'cluster-pool',
      operator: {
        clusterPoolIPv4MaskSize: choice.maskSize,
        ...(choice.podCidrs === null ? {} : { clusterPoolIPv4PodCIDRList: [...choice.podCidrs] }),
      },
    },
    operator: { image: { useDigest: false }, replicas: 1, unmanagedPodWatcher: { restart: false } },
    policyEnforcementMode: 'never',
    routingMode: 'tunnel',
    ...(choice.tunnelPort === null ? {} : { tunnelPort: choice.tunnelPort }),
    tunnelProtocol: choice.tunnelProtocol,
  };
  return mergeValues(ours, choice.values);
}

/**
 * Values of the finished migration: Cilium writes its CNI file everywhere, restarts unmanaged CoreDNS pods, enforces
 * policies; the user's final values win. Always complete: `helm upgrade` resets what a file does not name.
 */
export function finalValues(
  initial: JsonObject,
  policyEnforcement: 'default' | 'always' | 'never',
  userFinal: JsonObject,
): JsonObject {
  const final = mergeValues(initial, {
    cni: { customConf: false },
    operator: { unmanagedPodWatcher: { restart: true } },
    policyEnforcementMode: policyEnforcement,
  });
  return mergeValues(final, userFinal);
}

/**
 * The configuration of labelled nodes: take over the CNI directory. It acts at the next start of a node's agent *pod*
 * (its init container `config` merges it). All values are texts.
 */
export function ciliumNodeConfigFor(apiVersion: string, values: JsonObject): KubeObject {
  const mount: Json | undefined = valueAt(values, 'cni.hostConfDirMountPath');
  const chaining: Json | undefined = valueAt(values, 'cni.chainingMode');
  const directory = typeof mount === 'string' ? mount.replace(/\/+$/, '') : '/host/etc/cni/net.d';
  return {
    apiVersion: `cilium.io/${apiVersion}`,
    kind: 'CiliumNodeConfig',
    metadata: { namespace: CILIUM_NAMESPACE, name: NODE_CONFIG_NAME },
    spec: {
      nodeSelector: { matchLabels: { [MIGRATION_LABEL]: 'true' } },
      defaults: {
        'write-cni-conf-when-ready': `${directory}/${CILIUM_CONFLIST}`,
        'custom-cni-conf': 'false',
        // As everywhere later: a chained portmap that the switch left out would lose hostPort until the final values.
        'cni-chaining-mode': typeof chaining === 'string' && chaining !== '' ? chaining : 'none',
        'cni-exclusive': 'true',
      },
    },
  };
}

/**
 * The version in which to write it: what the established CRD serves, v2 first. A stale CRD of an older operator may
 * serve less than the table says (cilium issue 40110). Undefined: nothing that we know is served.
 */
export function servedNodeConfigVersion(
  crdVersions: readonly { name: string; served: boolean }[],
): 'v2' | 'v2alpha1' | undefined {
  const served = new Set(crdVersions.filter((version) => version.served).map((version) => version.name));
  return served.has('v2') ? 'v2' : served.has('v2alpha1') ? 'v2alpha1' : undefined;
}
