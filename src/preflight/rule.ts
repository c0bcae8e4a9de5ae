/**
 * A preflight rule: what would break the migration, known before anything is changed. Each looks at the scenario (static:
 * nothing is touched, milliseconds), at the cluster that was provisioned (live: before Cilium is installed), or at both.
 * Pure: what it looks at is handed in.
 */
import type { ClusterNode } from '../cni/kind-config.ts';
import type { FelixConfiguration, Installation, IpPool } from '../cni/resources.ts';
import type { KubeObject, Node, Pod } from '../kube/objects.ts';
import type { RuleId } from '../scenario/rule-ids.ts';
import type { JsonObject, Scenario } from '../scenario/scenario.ts';

/** Two things that cannot both be so. */
export interface Collision {
  /** `lab.yaml:12:3: cilium.podCIDR`, `workloads.yaml: NetworkPolicy default/web`, or an object of the cluster: `IPPool default-ipv4-ippool`. */
  readonly where: string;
  /** One sentence: the two things that collide with their values, and what to write instead. */
  readonly message: string;
  /** Objects, nodes or keys concerned. */
  readonly subjects: readonly string[];
  /** False where nothing could go on without it, so that `--allow` does not help. */
  readonly allowable?: false;
  /** Of the finding that is made of it; `warning` unless said. */
  readonly weight?: 'info' | 'warning';
}

export interface Rule {
  readonly id: RuleId;
  /** What it holds, in a few words, for `rehearse list rules`. */
  readonly title: string;
  /** `finding`: only told, the run goes on. */
  readonly severity: 'refusal' | 'finding';
  /** Where its reason was read: project, file, version, or a recording. */
  readonly source: string;
  /** Why nothing can be said of this scenario yet; undefined: it can. */
  readonly cannotTell?: (facts: ScenarioFacts) => string | undefined;
  /** Judges what the scenario shows; left out: only the cluster tells. */
  readonly judgeScenario?: (facts: ScenarioFacts) => readonly Collision[];
  /** Judges what the cluster shows; left out: the scenario tells everything. */
  readonly judgeCluster?: (facts: ClusterFacts) => readonly Collision[];
}

/** An object of the scenario's workload manifests. */
export interface WorkloadObject {
  readonly object: KubeObject;
  /** The file as the scenario names it. */
  readonly file: string;
  /** `web.yaml: Deployment default/web` */
  readonly where: string;
}

/** What is known from the scenario alone. */
export interface ScenarioFacts {
  readonly scenario: Scenario;
  readonly provider: 'twin' | 'kind';
  /** Every node that the cluster will have. */
  readonly nodes: readonly ClusterNode[];
  /** Where a key of the scenario stands: `lab.yaml:12:3: cilium.podCIDR`; without a position where its default is meant. */
  readonly at: (path: string) => string;
  /** Cilium's Helm values, ours with the user's over them; `final` for the finished migration. */
  readonly values: { readonly initial: JsonObject; readonly final: JsonObject };
  /** Cilium's pools as `values.initial` has them; null where they are chosen when the cluster has been read. */
  readonly podCidrs: readonly string[] | null;
  /** Cilium's tunnel port; null where it is chosen when the cluster has been read. */
  readonly tunnelPort: number | null;
  readonly workloads: readonly WorkloadObject[];
  /** Does a registry have the image? `unknown` where this provider cannot tell before it pulls. */
  readonly imageExists: (image: string) => 'yes' | 'no' | 'unknown';
  /** What the provider says of the scenario (provider/provider.ts, ProviderReview). */
  readonly review: {
    readonly notModelled: readonly string[];
    readonly notModelledValues: readonly string[];
    readonly irrelevantValues: readonly string[];
    readonly unknownValues: readonly string[];
  };
}

/** What the provisioned cluster shows, before Cilium is installed. */
export interface ClusterFacts extends ScenarioFacts {
  readonly installation: Installation | undefined;
  readonly felix: FelixConfiguration | undefined;
  /** Also the disabled ones. */
  readonly pools: readonly IpPool[];
  /** Calico's blocks with affinity to each node. */
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  /** Subnets of the nodes' addresses. */
  readonly nodeSubnets: readonly string[];
  /** As kubeadm wrote them into ConfigMap kube-system/kubeadm-config. */
  readonly podSubnet: string | null;
  readonly serviceSubnet: string | null;
  readonly clusterNodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** NetworkPolicies (networking.k8s.io), whoever made them. */
  readonly networkPolicies: readonly KubeObject[];
  /** NetworkPolicies and GlobalNetworkPolicies of projectcalico.org. */
  readonly calicoPolicies: readonly KubeObject[];
  readonly podDisruptionBudgets: readonly KubeObject[];
}

/** How a rule came out. */
export interface RuleResult {
  readonly rule: RuleId;
  /** `allowed`: it would refuse, and `--allow` or `preflight.allow` lets the run go on. `finding`: told only. `skipped`: not judged, `message` says why. */
  readonly outcome: 'passed' | 'refused' | 'allowed' | 'finding' | 'skipped';
  readonly message: string;
  readonly collisions: readonly Collision[];
}
