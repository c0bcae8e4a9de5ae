/**
 * What pods get from Calico's CNI configuration and Cilium's does not give: hostPort (Calico's list has portmap, Cilium's is
 * cilium-cni alone) and what `cni.projectcalico.org/*` annotations ask for. Both fail in silence.
 */
import semver from 'semver';
import { CALICO_NAMESPACES } from '../../cni/calico.ts';
import { valueAt } from '../../cni/merge.ts';
import type { KubeObject, Pod } from '../../kube/objects.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import { conform } from '../conform.ts';
import { type PodSpec, podTemplates } from '../pod-templates.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { isTrue } from '../values.ts';

const PREFIX = 'cni.projectcalico.org/';
/** Calico's plugin writes these on every pod that it attaches (projectcalico/calico cni-plugin). */
const WRITTEN_BY_CALICO = new Set(['podIP', 'podIPs', 'containerID'].map((name) => `${PREFIX}${name}`));

export const calicoCniFeature: Rule = {
  id: 'calico-cni-feature',
  title: "Pods ask for nothing that only Calico's CNI plugin gives.",
  severity: 'refusal',
  source:
    'recorded (10-calico.conflist has portmap, 05-cilium.conflist only cilium-cni); projectcalico/calico cni-plugin (annotations); charts cilium 1.14 to 1.20 (cni.chainingMode, hostPort.enabled)',
  judgeScenario: (facts) => {
    const ports = hostPortsLost(facts, facts.scenario.calico.installation);
    const ofTemplates = podTemplates(facts.workloads).flatMap((template) => [
      ...(ports ? hostPorts(template.where, template.spec) : []),
      ...annotated(template.where, template.annotations),
    ]);
    // A namespace hands its pools on to its pods (ipv4pools, ipv6pools).
    const ofNamespaces = facts.workloads.flatMap(({ object, where }) =>
      object.kind === 'Namespace' ? annotated(where, annotationsOf(object)) : [],
    );
    return [...ofTemplates, ...ofNamespaces];
  },
  judgeCluster: (facts) => {
    const ports = hostPortsLost(facts, facts.installation?.spec ?? {});
    return facts.pods.filter(isOnPodNetwork).flatMap((pod) => {
      const where = `Pod ${pod.metadata.namespace}/${pod.metadata.name}`;
      return [...(ports ? hostPorts(where, pod.spec!) : []), ...annotated(where, pod.metadata.annotations ?? {})];
    });
  },
};

function annotationsOf({ metadata }: KubeObject): Readonly<Record<string, string>> {
  return (conform(metadata.annotations, 'map') as Record<string, string> | undefined) ?? {};
}

/** Calico's own pods go with it; pods of the host's network are nobody's. */
function isOnPodNetwork({ metadata, spec }: Pod): boolean {
  const own = (CALICO_NAMESPACES as readonly string[]).includes(metadata.namespace ?? '');
  return !own && spec !== undefined && spec.hostNetwork !== true;
}

/**
 * Does Calico serve host ports now, and Cilium not? portmap must be chained from the switch on; what else serves them is
 * for the final values (rule kube-proxy-replacement-early).
 */
function hostPortsLost({ scenario, values: { initial, final } }: ScenarioFacts, installation: JsonObject): boolean {
  if (valueAt(installation, 'calicoNetwork.hostPorts') === 'Disabled') return false;
  const chained = [initial, final].every((values) => valueAt(values, 'cni.chainingMode') === 'portmap');
  const minor = semver.coerce(scenario.cilium.version)?.minor ?? 0;
  const kpr = valueAt(final, 'kubeProxyReplacement');
  const replaced = isTrue(kpr) || (minor <= 15 && kpr === 'strict');
  return !(chained || replaced || (minor <= 17 && isTrue(valueAt(final, 'hostPort.enabled'))));
}

function hostPorts(where: string, spec: PodSpec): Collision[] {
  if (spec.hostNetwork === true) return [];
  const ports = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort }) => (hostPort === undefined || hostPort === 0 ? [] : [hostPort])),
  );
  if (ports.length === 0) return [];
  return [
    {
      where,
      message: `hostPort ${ports.join(', ')} is served by portmap in Calico's CNI configuration, and Cilium's has none; write cilium.values.cni.chainingMode: portmap or cilium.finalValues.kubeProxyReplacement: true, or use a NodePort Service`,
      subjects: ports.map((port) => `hostPort ${port}`),
    },
  ];
}

function annotated(where: string, annotations: Readonly<Record<string, string>>): Collision[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(PREFIX) && !WRITTEN_BY_CALICO.has(key))
    .map(([key, value]) => ({
      where,
      message: `annotation ${key}: ${value} is obeyed by Calico's CNI plugin only, Cilium gives the pod an address of its node's pod CIDR; remove the annotation and what relies on it`,
      subjects: [key],
    }));
}
