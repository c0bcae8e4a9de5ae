/** What rules can know before anything is touched: the scenario, its objects, and Cilium's values merged. Pure. */
import { clusterNameFor, finalValues, initialValues, tunnelPortOf } from '../cni/cilium.ts';
import { clusterNodes } from '../cni/kind-config.ts';
import { valueAt } from '../cni/merge.ts';
import { parseManifests } from '../kube/manifests.ts';
import type { KubeObject } from '../kube/objects.ts';
import { resourceForObject, resourcesOfDefinitions } from '../kube/resources.ts';
import { ScenarioError } from '../scenario/problem.ts';
import type { JsonObject, Scenario } from '../scenario/scenario.ts';
import type { ScenarioFacts, WorkloadObject } from './rule.ts';

export interface ScenarioSource {
  readonly scenario: Scenario;
  readonly provider: ScenarioFacts['provider'];
  readonly review: ScenarioFacts['review'];
  readonly imageExists: ScenarioFacts['imageExists'];
  /** Where keys stand (scenario/positions.ts); their bare paths unless given. */
  readonly at?: ScenarioFacts['at'];
}

/** @throws ScenarioError when a workload's document is no Kubernetes object */
export function scenarioFacts({ scenario, provider, review, imageExists, at }: ScenarioSource): ScenarioFacts {
  const { cluster, cilium, finish } = scenario;
  const initial = initialValues({
    clusterName: clusterNameFor(cluster.name),
    podCidrs: cilium.podCIDR,
    maskSize: cilium.maskSize,
    tunnelProtocol: cilium.tunnelProtocol,
    tunnelPort: cilium.tunnelPort,
    values: cilium.values,
  });
  return {
    scenario,
    provider,
    nodes: clusterNodes(cluster),
    at: at ?? ((path) => path),
    values: { initial, final: finalValues(initial, finish.policyEnforcement, cilium.finalValues) },
    podCidrs: poolsOf(initial),
    tunnelPort: valueAt(initial, 'tunnelPort') === undefined ? null : tunnelPortOf(initial),
    workloads: scenario.workloads.flatMap(({ file, manifest }) => workloadObjects(file, manifest)),
    imageExists,
    review,
  };
}

/**
 * Cilium's IPv4 pools as the values have them; null where they name none. In multi-pool mode they are those that the
 * operator creates at its start (charts cilium 1.15 to 1.20, ipam.operator.autoCreateCiliumPodIPPools).
 */
export function poolsOf(values: JsonObject): readonly string[] | null {
  if (valueAt(values, 'ipam.mode') === 'multi-pool') {
    const pools = valueAt(values, 'ipam.operator.autoCreateCiliumPodIPPools');
    return Object.values(asObject(pools)).flatMap((pool) => textsOf(valueAt(asObject(pool), 'ipv4.cidrs')) ?? []);
  }
  return textsOf(valueAt(values, 'ipam.operator.clusterPoolIPv4PodCIDRList')) ?? null;
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function textsOf(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value.split(/\s+/).filter((text) => text !== '');
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

function workloadObjects(file: string, manifest: string): WorkloadObject[] {
  const objects = parsed(file, manifest);
  const more = resourcesOfDefinitions(objects);
  return objects.map((object) => {
    const placed = isNamespaced(object, more) ? inNamespace(object) : object;
    const { name, namespace } = placed.metadata;
    const where = `${file}: ${placed.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    return { object: placed, file, where };
  });
}

function parsed(file: string, manifest: string): KubeObject[] {
  try {
    return parseManifests(manifest, file);
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new ScenarioError([{ where: 'workloads', line: null, column: null, path: '', message }]);
  }
}

/** A kind that nobody knows is taken for a namespaced one: most are, and what has no namespace loses nothing by it. */
function isNamespaced({ apiVersion, kind }: KubeObject, more: ReturnType<typeof resourcesOfDefinitions>): boolean {
  try {
    return resourceForObject(apiVersion ?? '', kind ?? '', more).namespaced;
  } catch {
    return !/^(Global|Cluster)/.test(kind ?? '');
  }
}

function inNamespace(object: KubeObject): KubeObject {
  if (object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}
