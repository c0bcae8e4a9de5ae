/**
 * A fault: something that goes wrong in real migrations, made on purpose, by changing the scenario, the cluster or the
 * network, never the verdict. Each says who refuses it, how it must end, and whence that is known.
 */
import type { ClusterNode } from '../cni/kind-config.ts';
import type { Event } from '../events/events.ts';
import type { KubeApi } from '../kube/api.ts';
import type { RuleId } from '../scenario/rule-ids.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Clock } from '../time/clock.ts';

/** Keys of `--fault NAME:KEY=VALUE,…`. */
export const FAULT_KEYS = ['node', 'at', 'for', 'from', 'to', 'mode', 'of'] as const;
export type FaultKey = (typeof FAULT_KEYS)[number];

/** Arguments as given, defaults filled in. */
export type FaultArgs = Readonly<Partial<Record<FaultKey, string>>>;

export interface FaultArgument {
  readonly help: string;
  readonly required?: boolean;
  /** The only values allowed; left out: any that the key's kind allows (a node, a duration, a step or checkpoint). */
  readonly values?: readonly string[];
  /** What is meant when it is left out, for people: `the first worker`. */
  readonly otherwise?: string;
  /** The value when it is left out; of `node` the first node to be migrated unless given. */
  readonly fallback?: (nodes: readonly ClusterNode[]) => string | undefined;
}

/**
 * How a run with the fault must end: `refused:RULE`, `failed:CHECKPOINT` (an id, or a kind such as `switched/*`),
 * `error:REASON`, `passed` (tolerated) or `latent` (passed, with a finding).
 */
export type Outcome = `refused:${RuleId}` | `failed:${string}` | `error:${string}` | 'passed' | 'latent';

/** Who must be blamed where the outcome is `failed`; what is left out is not judged. */
export interface Blame {
  /** Reasons of the verdict that are true. */
  readonly reasons?: readonly string[];
  /** Assertions that must be among the failed ones. */
  readonly assertions?: readonly string[];
  /** Every failing pair must satisfy this, and at least one must fail. */
  readonly pairs?: (pair: {
    readonly from: { readonly node: string; readonly cni: string; readonly ip: string };
    readonly to: { readonly node: string; readonly cni: string; readonly ip: string };
  }) => boolean;
  /** The message must name each of these (nodes, objects, images). */
  readonly names?: readonly string[];
  /** Of each of these at least one pair must fail: `Cilium → Calico`. */
  readonly kindsOfPairs?: readonly { readonly what: string; readonly pair: NonNullable<Blame['pairs']> }[];
  /** Whichever pairs fail must satisfy this; none need to, because a step may end the run before pairs are judged. */
  readonly pairsIfAny?: NonNullable<Blame['pairs']>;
  /** No pair may fail: only something else shows this fault. */
  readonly noPairs?: boolean;
}

export interface Expectation {
  readonly outcome: Outcome;
  readonly blame?: Blame;
}

/** What the expectation may rest on: the plan and what the run itself wrote down. An oracle of its own, never the verdict. */
export interface RunRecord {
  readonly scenario: Scenario;
  readonly args: FaultArgs;
  /** Nodes in the order of migration. */
  readonly nodes: readonly ClusterNode[];
  readonly checkpoints: readonly string[];
  readonly events: readonly Event[];
  /** What the API showed right after each checkpoint that passed, and at the end of the run; left out where nobody looked. */
  readonly snapshots?: readonly Snapshot[];
}

/** Addresses drawn, for expectations that depend on them. Everything is in the order of names. */
export interface Snapshot {
  /** The checkpoint that had just passed; null: the end of the run. */
  readonly after: string | null;
  readonly pods: readonly SnapshotPod[];
  readonly ciliumNodes: readonly {
    readonly name: string;
    readonly podCIDRs: readonly string[];
    /** CiliumInternalIP; empty: none yet. */
    readonly router: string;
    /** Address of the health endpoint; empty: none. */
    readonly health: string;
    /** What the operator says of its IPAM; empty: nothing wrong. */
    readonly error: string;
  }[];
  /** Calico's blocks with the node that they belong to. */
  readonly blocks: readonly { readonly cidr: string; readonly node: string }[];
  /** ClusterIPs in use. */
  readonly services: readonly { readonly name: string; readonly address: string; readonly ports: readonly number[] }[];
}

/** A pod of the pod network that runs or is to run. */
export interface SnapshotPod {
  /** NAMESPACE/NAME */
  readonly name: string;
  readonly node: string;
  /** Empty: none yet. */
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  /** TCP ports that its containers declare. */
  readonly ports: readonly number[];
  /** Cilium has an endpoint for it. */
  readonly managed: boolean;
}

interface FaultBase {
  readonly name: string;
  /** One line for `rehearse list faults`. */
  readonly summary: string;
  /** How it is made, and what happens then on real nodes. */
  readonly mechanism: string;
  /**
   * How a run with it must end, for people: what `expected` works out by plan and addresses, with the rule that refuses it
   * allowed. Several, each by the argument that it holds for (`of=nodes`), where an argument decides.
   */
  readonly ends: string | Readonly<Record<string, string>>;
  /** Recording, or project, file and version. */
  readonly source: string;
  readonly providers: readonly ('twin' | 'kind')[];
  readonly arguments: Readonly<Partial<Record<FaultKey, FaultArgument>>>;
  /** The rule that refuses it before anything is changed. */
  readonly refusedBy: RuleId | null;
  /** The end of a run in which the rule is allowed, or there is none. */
  readonly expected: (run: RunRecord) => Expectation;
  /** Argument sets (`for=20s`) that a drill runs; left out: one for every value of the required arguments. */
  readonly drills?: (nodes: readonly ClusterNode[]) => readonly string[];
  /** Why it cannot be made in this scenario, one clause for people; null: it can. */
  readonly unfit?: (scenario: Scenario, args: FaultArgs, nodes: readonly ClusterNode[]) => string | null;
}

/** Made by the scenario; `inject` where the scenario alone does not bring it about. */
export interface ConfigurationFault extends FaultBase, Partial<Pick<InjectedFault, 'starts' | 'inject'>> {
  readonly kind: 'configuration';
  readonly change: (scenario: Scenario, args: FaultArgs, nodes: readonly ClusterNode[]) => Scenario;
  /**
   * Cilium's pools by what the cluster shows right after `prepared`, in place of the scenario's; left out: those stay.
   * Which they are is no business of `change`, which has no cluster.
   */
  readonly pools?: (calico: CalicoInUse, args: FaultArgs, scenario: Scenario) => readonly string[];
}

/** Calico as the running cluster shows it. */
export interface CalicoInUse {
  readonly pools: readonly string[];
  /** IPAM blocks with affinity to each node. */
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  /** Subnets of the nodes' addresses. */
  readonly nodeSubnets: readonly string[];
}

/** Made in the running cluster, at a step or after a checkpoint. */
export interface InjectedFault extends FaultBase {
  readonly kind: 'injected';
  /**
   * When it starts unless `at` says otherwise: the beginning of a step (`agent/kind-worker`, `uncordon/*`: the first of
   * its kind), or right after a checkpoint has passed.
   */
  readonly starts: (args: FaultArgs, nodes: readonly ClusterNode[]) => string;
  /** Makes it; returns how it is healed, or null where it cannot be. */
  readonly inject: (world: FaultWorld, args: FaultArgs) => Promise<Heal | null>;
}

export type Fault = ConfigurationFault | InjectedFault;

/** Takes a fault back. It is given doors of its own: those of the run may be shut when a run that was cancelled is healed. */
export type Heal = (doors: HealDoors) => Promise<void>;

export type HealDoors = Pick<FaultWorld, 'api' | 'onNode' | 'signal'>;

/** What an injected fault may touch: the two doors, and on the twin its levers. */
export interface FaultWorld {
  readonly scenario: Scenario;
  /** Nodes in the order of migration. */
  readonly nodes: readonly ClusterNode[];
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Cilium's tunnel port and pools as this run uses them; null before phase `prepare`. */
  readonly cilium: { readonly tunnelPort: number; readonly podCidrs: readonly string[] } | null;
  /** `docker exec NODE …`; the words are those of docs/decisions/0003-commands-on-nodes.md. @throws CommandFailed */
  readonly onNode: (node: string, words: readonly string[]) => Promise<string>;
  /** What only an embedded cluster can do; null on real nodes. */
  readonly levers: Levers | null;
}

/** Handles of the embedded cluster for faults that no command on a real node could make. */
export interface Levers {
  /** From now on the agent's process on this node exits soon after its start, again and again. */
  crashAgent(node: string): Heal;
  /** From now on nothing can write Cilium's CNI file on this node. */
  refuseCniFile(node: string): Heal;
  /** The node's image store loses the agent's image; its next pull takes this many milliseconds. */
  slowAgentPull(node: string, ms: number): Heal;
}
