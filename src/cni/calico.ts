/** What the rehearsal knows of Calico and its operator: one table of facts, and the objects made from it. */
import { parseManifests } from '../kube/manifests.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Encapsulation, JsonObject } from '../scenario/scenario.ts';
import { readData } from './data.ts';
import { type Fact, factFor } from './facts.ts';
import { mergeValues } from './merge.ts';

/** Namespaces that belong to Calico alone. */
export const OPERATOR_NAMESPACE = 'tigera-operator';
export const CALICO_NAMESPACE = 'calico-system';
export const CALICO_NAMESPACES = [CALICO_NAMESPACE, 'calico-apiserver', OPERATOR_NAMESPACE] as const;

export const CALICO_NODE = { namespace: CALICO_NAMESPACE, name: 'calico-node' } as const;
export const CALICO_APISERVICE = 'v3.projectcalico.org';

/** Felix mirrors the address that calico-node detected here, as ADDRESS/PREFIX (projectcalico/calico v3.25.1 felix; recorded). */
export const ADDRESS_ANNOTATION = 'projectcalico.org/IPv4Address';

/** UDP port of Calico's VXLAN unless FelixConfiguration says otherwise (projectcalico/calico felix config, v3.25 to v3.32). */
export const DEFAULT_VXLAN_PORT = 4789;

/** calico-node's environment variable by which the operator hands on the autodetection (tigera/operator pkg/render/node.go). */
export const AUTODETECTION_ENV = 'IP_AUTODETECTION_METHOD';
export const NODE_INTERNAL_IP_METHOD = 'kubernetes-internal-ip';

const CRD_FILE: readonly Fact<string | null>[] = [
  {
    until: '3.30.0',
    value: null,
    source: 'projectcalico/calico v3.29.7 manifests/tigera-operator.yaml holds the CRDs',
  },
  { since: '3.30.0', until: '3.32.0', value: 'operator-crds.yaml', source: 'projectcalico/calico v3.30.7 manifests' },
  { since: '3.32.0', value: 'v1_crd_projectcalico_org.yaml', source: 'projectcalico/calico v3.32.1 manifests' },
];

const FLOW_LOGS: readonly Fact<boolean>[] = [
  { until: '3.30.0', value: false, source: 'projectcalico/calico v3.29.7 manifests/custom-resources.yaml' },
  { since: '3.30.0', value: true, source: 'projectcalico/calico v3.30.7 manifests/custom-resources.yaml' },
];

const APISERVER_NAMESPACE: readonly Fact<string>[] = [
  { until: '3.31.0', value: 'calico-apiserver', source: 'tigera/operator v1.38.13 pkg/render/apiserver.go' },
  { since: '3.31.0', value: CALICO_NAMESPACE, source: 'projectcalico/calico pull 10574, v3.31.0' },
];

const STATUSES: readonly Fact<readonly string[]>[] = [
  { until: '3.28.0', value: ['apiserver', 'calico'], source: 'tigera/operator v1.29.3 pkg/controller' },
  {
    since: '3.28.0',
    until: '3.30.0',
    value: ['apiserver', 'calico', 'ippools'],
    source: 'tigera/operator v1.34.13 pkg/controller/ippool',
  },
  {
    since: '3.30.0',
    value: ['apiserver', 'calico', 'goldmane', 'ippools', 'whisker'],
    source: 'tigera/operator v1.38.13 pkg/controller',
  },
];

const POOL_NAME: readonly Fact<JsonObject>[] = [
  { until: '3.28.0', value: {}, source: 'projectcalico/calico v3.25.1 manifests/custom-resources.yaml' },
  {
    since: '3.28.0',
    value: { name: 'default-ipv4-ippool' },
    source: 'projectcalico/calico v3.28.5 manifests/custom-resources.yaml',
  },
];

/** Goldmane and Whisker exist from 3.30. */
export function hasFlowLogs(version: string): boolean {
  return factFor(FLOW_LOGS, version, 'Goldmane and Whisker');
}

/** Namespace of the calico-apiserver Deployment. */
export function apiServerNamespace(version: string): string {
  return factFor(APISERVER_NAMESPACE, version, 'namespace of calico-apiserver');
}

/** TigeraStatuses that an install of this version ends up with. */
export function expectedStatuses(version: string): readonly string[] {
  return factFor(STATUSES, version, 'TigeraStatuses');
}

export class CalicoDataMissing extends Error {
  override readonly name = 'CalicoDataMissing';
  constructor(version: string, file: string) {
    super(`Calico ${version}: the manifest ${file} is not bundled`);
  }
}

/**
 * The release's manifests in the order in which they are applied: CRDs by their own file from 3.30, or inside the
 * operator's (racing otherwise: the operator of 3.30 makes the CRDs itself once it runs, release note 9518).
 * @throws CalicoDataMissing
 */
export function calicoManifests(version: string): { file: string; objects: KubeObject[] }[] {
  const crds = factFor(CRD_FILE, version, 'CRD file');
  return [...(crds === null ? [] : [crds]), 'tigera-operator.yaml'].map((file) => {
    const release = `calico/v${version.replace(/^v/, '')}`;
    // The same documents as JSON: as YAML a release's CRDs take more than a second (data/calico/README.md).
    const json = readData(`${release}/${file.replace(/\.yaml$/, '.json')}`);
    if (json !== undefined) return { file, objects: JSON.parse(json) as KubeObject[] };
    const yaml = readData(`${release}/${file}`);
    if (yaml === undefined) throw new CalicoDataMissing(version, file);
    return { file, objects: parseManifests(yaml, file) };
  });
}

export interface CalicoInstall {
  readonly version: string;
  readonly encapsulation: Encapsulation;
  readonly cidr: string;
  readonly autodetection: 'firstFound' | 'NodeInternalIP';
  /** Merged over the spec of the Installation. */
  readonly installation: JsonObject;
}

const API_VERSION = 'operator.tigera.io/v1';

/** Installation/default as the release's custom-resources.yaml has it, with the scenario's choices. */
export function installationFor(calico: CalicoInstall): KubeObject {
  const spec: JsonObject = {
    calicoNetwork: {
      ipPools: [
        {
          ...factFor(POOL_NAME, calico.version, 'name of the pool'),
          blockSize: 26,
          cidr: calico.cidr,
          encapsulation: calico.encapsulation,
          natOutgoing: 'Enabled',
          nodeSelector: 'all()',
        },
      ],
      ...(calico.autodetection === 'NodeInternalIP'
        ? { nodeAddressAutodetectionV4: { kubernetes: 'NodeInternalIP' } }
        : {}),
    },
  };
  return {
    apiVersion: API_VERSION,
    kind: 'Installation',
    metadata: { name: 'default' },
    spec: mergeValues(spec, calico.installation),
  };
}

/**
 * The custom resources in the order in which they are applied. Goldmane and Whisker come before the Installation:
 * Goldmane's Service changes calico-node's template (FELIX_FLOWLOGSGOLDMANESERVER), so that calico-node would roll a
 * second time (tigera/operator v1.40.15 pkg/render/node.go).
 */
export function calicoCustomResources(calico: CalicoInstall): KubeObject[] {
  const named = (kind: string, extra: JsonObject = {}): KubeObject => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: 'default' },
    ...extra,
  });
  return [
    ...(hasFlowLogs(calico.version) ? [named('Goldmane'), named('Whisker')] : []),
    installationFor(calico),
    named('APIServer', { spec: {} }),
  ];
}

/** FelixConfiguration/default with the scenario's spec. */
export function felixConfigurationFor(spec: JsonObject): KubeObject {
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'FelixConfiguration',
    metadata: { name: 'default' },
    spec: structuredClone(spec),
  };
}

/**
 * The merge patch that makes Calico take the node's InternalIP. `firstFound: false` must go with it: with both methods
 * set the operator calls the Installation invalid, while the API accepts it (tigera/operator v1.42.3 validation.go).
 */
export const AUTODETECTION_PATCH = {
  spec: { calicoNetwork: { nodeAddressAutodetectionV4: { firstFound: false, kubernetes: 'NodeInternalIP' } } },
} as const;

/** Kinds of operator.tigera.io in the order in which they are deleted; their dependents go first. */
export function removalOrder(version: string): readonly string[] {
  return [...(hasFlowLogs(version) ? ['Whisker', 'Goldmane'] : []), 'APIServer', 'Installation'];
}

/**
 * Is this CRD Calico's own? The CRD file also holds the policy.networking.k8s.io ones (AdminNetworkPolicy), which are
 * the users' data (projectcalico/calico v3.31.7 operator-crds.yaml).
 */
export function isCalicoCrdGroup(group: string): boolean {
  return group === 'operator.tigera.io' || group === 'projectcalico.org' || group === 'crd.projectcalico.org';
}

/** Cluster roles and bindings that Calico and its operator made. */
export function isCalicoClusterRole(name: string): boolean {
  return /^(calico|tigera)-/.test(name);
}

/** Encapsulation of a pool as the operator would have written it. */
export function poolEncapsulation(pool: {
  ipipMode?: string | undefined;
  vxlanMode?: string | undefined;
}): Encapsulation {
  if (pool.vxlanMode === 'Always') return 'VXLAN';
  if (pool.vxlanMode === 'CrossSubnet') return 'VXLANCrossSubnet';
  if (pool.ipipMode === 'Always') return 'IPIP';
  if (pool.ipipMode === 'CrossSubnet') return 'IPIPCrossSubnet';
  return 'None';
}
