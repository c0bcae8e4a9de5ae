/**
 * Ingress policies on pods that are still on Calico. Calico enforces them until the pod moves, and a source that has moved is
 * no endpoint of its any more: it comes masqueraded, under an address of its node. So whatever admits by selector drops
 * Cilium → Calico from the first switched node on, and `policyEnforcementMode: never` does not help: that is Cilium's side.
 * Only addresses hold on both networks. Egress is not judged.
 */
import { valueAt } from '../../cni/merge.ts';
import { isOperatorOwned, type Placed, placed } from '../calico-objects.ts';
import { uncovered } from '../coverage.ts';
import { type IngressPolicy, type IngressRule, ingressPolicy, type PolicyPod } from '../ingress-policies.ts';
import { podTemplates } from '../pod-templates.ts';
import type { Collision, Rule, ScenarioFacts } from '../rule.ts';
import { placeOf } from '../values.ts';
import { written } from '../written.ts';

/** Addresses under which pods of both networks may come. */
interface Origin {
  readonly cidr: string;
  readonly what: string;
}

export const policyAcrossCnis: Rule = {
  id: 'policy-across-cnis',
  title: 'Ingress policies admit pods of both networks by address.',
  severity: 'refusal',
  source:
    'observed (a podSelector policy under enforcement never: Cilium → Calico 11 of 11 pairs lost); cilium Documentation/installation/k8s-install-migration.rst; projectcalico/calico felix (ipsets of its own endpoints)',
  judgeScenario: (facts) => {
    const origins = [
      // Real nodes get their addresses from Docker: only the cluster tells.
      ...(facts.provider === 'twin' ? [{ cidr: facts.scenario.cluster.nodeSubnet, what: 'nodes' }] : []),
      ...askedPools(facts),
      ...(facts.podCidrs ?? []).map((cidr) => ({ cidr, what: "Cilium's pool" })),
    ];
    const templates = podTemplates(facts.workloads).filter(({ spec }) => spec.hostNetwork !== true);
    return [...alwaysTooEarly(facts), ...judge(facts, facts.workloads, [...templates, ...PROBE_PODS], origins)];
  },
  judgeCluster: (facts) => {
    const origins = [
      ...facts.nodeSubnets.map((cidr) => ({ cidr, what: 'nodes' })),
      ...facts.pools
        .filter(({ spec }) => spec.disabled !== true)
        .map(({ spec }) => ({ cidr: spec.cidr, what: "Calico's pool" })),
      ...(facts.podCidrs?.map((cidr) => ({ cidr, what: "Cilium's pool" })) ?? NOT_CHOSEN),
    ];
    const pods = facts.pods
      .filter(({ spec }) => spec?.hostNetwork !== true)
      .map(({ metadata }) => ({ namespace: metadata.namespace ?? 'default', labels: metadata.labels ?? {} }));
    return judge(facts, placed([...facts.networkPolicies, ...facts.calicoPolicies]), pods, origins);
  },
};

/** The pods of our own probes; held equal to their manifests by a test. */
export const PROBE_PODS: readonly PolicyPod[] = ['nodepinger', 'goldpinger', 'servicepinger'].map((probe) => ({
  namespace: 'default',
  labels: {
    app: probe,
    'app.kubernetes.io/name': 'goldpinger',
    'app.kubernetes.io/instance': probe,
    'app.kubernetes.io/managed-by': 'cni-rehearsal',
  },
}));

/** Where phase `prepare` looks for a pool (cni/choose.ts). */
const NOT_CHOSEN: readonly Origin[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((cidr) => ({
  cidr,
  what: "Cilium's pool may be chosen here, unless cilium.podCIDR names it",
}));

function askedPools({ scenario: { calico } }: ScenarioFacts): Origin[] {
  const asked = valueAt(calico.installation, 'calicoNetwork.ipPools');
  const cidrs = Array.isArray(asked) ? asked.map((pool) => (pool as { cidr?: unknown } | null)?.cidr) : [calico.cidr];
  return cidrs.flatMap((cidr) => (typeof cidr === 'string' ? [{ cidr, what: "Calico's pool" }] : []));
}

/** The chart renders the mode in lower case (charts cilium, configmap.yaml, enable-policy). */
const lower = (mode: unknown): string => written(mode ?? 'default').toLowerCase();

/** Every pod on Cilium is then closed to all that no policy admits. */
function alwaysTooEarly(facts: ScenarioFacts): Collision[] {
  const path = 'policyEnforcementMode';
  const mode = valueAt(facts.values.initial, path);
  if (lower(mode) !== 'always') return [];
  return [
    {
      where: placeOf(facts, 'initial', path),
      message: `${written(mode)} lets Cilium drop whatever no policy admits, so pods on Calico cannot reach a migrated pod; write never, the final values set finish.policyEnforcement`,
      subjects: [`cilium.values.${path}`],
    },
  ];
}

function judge(
  facts: ScenarioFacts,
  objects: readonly Placed[],
  pods: readonly PolicyPod[],
  origins: readonly Origin[],
): Collision[] {
  const policies = objects.flatMap((one) =>
    isOperatorOwned(one.object) ? [] : [ingressPolicy(one)].filter((policy) => policy !== undefined),
  );
  return policies.flatMap((policy) => {
    const selected = pods.filter((pod) => policy.selects(pod));
    if (selected.length === 0) return [];
    // Policies of Kubernetes add up: what another one admits to the same pods is admitted.
    const others = policies.filter(
      (other) =>
        other === policy ||
        (policy.api === 'kubernetes' && other.api === 'kubernetes' && selected.every((pod) => other.selects(pod))),
    );
    return policy.rules.flatMap((rule) => collision(facts, policy, rule, others, origins) ?? []);
  });
}

function collision(
  { values }: ScenarioFacts,
  policy: IngressPolicy,
  rule: IngressRule,
  others: readonly IngressPolicy[],
  origins: readonly Origin[],
): Collision | undefined {
  const also = others.flatMap((other) => other.rules.filter((one) => admitsTrafficOf(one, rule)));
  if (also.some(({ open }) => open)) return undefined;
  const blocks = also.flatMap((one) => one.blocks);
  const cidrs = origins.map(({ cidr }) => cidr);
  const left = uncovered(cidrs, blocks);
  if (left.length === 0) return undefined;
  const missing = origins.filter(({ cidr }) => left.includes(cidr)).map(({ cidr, what }) => `${cidr} (${what})`);
  const admits =
    rule.identities.length > 0
      ? `by ${rule.identities.join(' and ')}, which Calico resolves to its own pods only`
      : `${[...new Set(blocks.map(textOf))].join(', ')}`;
  const mode = lower(valueAt(values.initial, 'policyEnforcementMode'));
  const lost =
    mode === 'never'
      ? 'Cilium → Calico is dropped from the first switched node on, even under policyEnforcementMode never'
      : `traffic between Cilium and Calico is dropped both ways from the first switched node on (policyEnforcementMode ${mode})`;
  const peers = policy.api === 'kubernetes' ? 'ipBlock peers' : 'a rule with source.nets';
  return {
    where: policy.where,
    message: `ingress rule ${rule.number} admits ${admits}, while migrated pods come under addresses of nodes: ${lost}; add ${peers} for ${listed(missing)}, or leave the policy out until the migration is done`,
    subjects: [policy.subject],
  };
}

/** Does a rule let in, by ports and protocols, at least what the other one does? */
function admitsTrafficOf(rule: IngressRule, other: IngressRule): boolean {
  if (rule.traffic === null) return true;
  return other.traffic?.every((port) => rule.traffic!.includes(port)) === true;
}

function textOf({ cidr, except }: { cidr: string; except: readonly string[] }): string {
  return except.length === 0 ? cidr : `${cidr} except ${except.join(' and ')}`;
}

function listed(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
