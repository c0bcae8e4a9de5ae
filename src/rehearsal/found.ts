/** What the run has read from its cluster or decided on the way, for later phases and assertions. */
import type { RuleResult, ScenarioFacts } from '../preflight/rule.ts';
import type { Encapsulation, JsonObject } from '../scenario/scenario.ts';

/** Calico as it was read from the cluster in phase `prepare`. */
export interface CalicoFound {
  /** CIDRs of the pools that are not disabled. */
  readonly pools: readonly string[];
  readonly encapsulation: Encapsulation;
  readonly vxlanPort: number;
  /** IPAM blocks with affinity to each node. */
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  /** Subnet of the nodes' addresses, from Calico's annotation. */
  readonly nodeSubnets: readonly string[];
}

/** What Cilium is installed with. */
export interface CiliumChosen {
  readonly podCidrs: readonly string[];
  readonly tunnelPort: number;
  readonly initial: JsonObject;
  readonly final: JsonObject;
}

/** Contents of the CNI configurations of a node by name; other files only by their presence (''). */
export type CniDirectory = ReadonlyMap<string, string>;

export interface Found {
  /** The rules' facts and results so far; null before they were judged. */
  preflight: { readonly facts: ScenarioFacts; readonly results: readonly RuleResult[] } | null;
  /** Names of NetworkPolicies that the scenario brings. */
  readonly policies: string[];
  calico: CalicoFound | null;
  cilium: CiliumChosen | null;
  /** The values that the agents now run with. */
  values: JsonObject;
  /** API version of CiliumNodeConfig that was applied. */
  nodeConfigVersion: string | null;
  /** CNI directories as they were after `prepared`, by node. */
  readonly cniBefore: Map<string, CniDirectory>;
  /** Uids of CoreDNS's pods, from the observation of `secondary-installed` on; null before. */
  dnsPods: Set<string> | null;
  /** How often containers had been started again at the last checkpoint, by pod uid and container name. */
  restarts: ReadonlyMap<string, number>;
  /** When that was counted, milliseconds since the epoch. */
  restartsCountedAt: number;
  /** The scenario's workloads, as `Kind NAMESPACE/NAME`, that must stay available. */
  readonly workloads: { readonly kind: 'Deployment' | 'DaemonSet' | 'StatefulSet'; name: string; namespace: string }[];
}

export function nothingFound(): Found {
  return {
    preflight: null,
    policies: [],
    calico: null,
    cilium: null,
    values: {},
    nodeConfigVersion: null,
    cniBefore: new Map(),
    dnsPods: null,
    restarts: new Map(),
    restartsCountedAt: 0,
    workloads: [],
  };
}
