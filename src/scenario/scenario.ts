/**
 * A scenario with every default filled in: what is rehearsed. Durations stay texts (`90s`, see time/duration.ts); versions
 * are exact. Read from a file by `read.ts`; the meaning of every key is in docs/scenario.md.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const ENCAPSULATIONS = ['VXLAN', 'VXLANCrossSubnet', 'IPIP', 'IPIPCrossSubnet', 'None'] as const;
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

export interface Scenario {
  readonly schemaVersion: 1;
  readonly name: string;
  readonly description: string;
  readonly providers: readonly ('twin' | 'kind')[];
  readonly kubernetes: { readonly version: string; readonly image: string | null };
  readonly cluster: {
    readonly name: string;
    readonly controlPlanes: number;
    readonly workers: number;
    readonly podSubnet: string;
    readonly serviceSubnet: string;
    readonly nodeSubnet: string;
  };
  readonly calico: {
    readonly version: string;
    readonly encapsulation: Encapsulation;
    readonly cidr: string;
    /** How Calico finds its address when it is installed. */
    readonly autodetection: 'firstFound' | 'NodeInternalIP';
    /** Merged over the spec of our Installation. */
    readonly installation: JsonObject;
    /** Spec of FelixConfiguration/default; empty: not written. */
    readonly felix: JsonObject;
  };
  readonly cilium: {
    readonly version: string;
    /** null: chosen when the cluster has been read. */
    readonly podCIDR: readonly string[] | null;
    readonly maskSize: number;
    readonly tunnelProtocol: 'vxlan' | 'geneve';
    /** null: chosen when the cluster has been read. */
    readonly tunnelPort: number | null;
    readonly values: JsonObject;
    readonly finalValues: JsonObject;
  };
  readonly probes: {
    /** Text, or null: 2 s up to 15 pods a probe, else 5 s. */
    readonly interval: string | null;
    readonly pingTimeout: string;
    readonly image: string;
    readonly mesh: 'full' | 'sampled';
    readonly goldpinger: { readonly replicas: number; readonly replicasAfterFirstNode: number };
  };
  /** Texts of the workload manifests, with the names under which the scenario gives them. */
  readonly workloads: readonly { readonly file: string; readonly manifest: string }[];
  readonly migration: {
    readonly setAutodetection: 'NodeInternalIP' | 'keep';
    readonly order: 'name' | 'random' | readonly string[];
    readonly batchSize: number;
    readonly recycle: 'daemons' | 'node';
    readonly drain: { readonly timeout: string; readonly deleteEmptyDirData: boolean; readonly force: boolean };
  };
  readonly finish: {
    readonly policyEnforcement: 'default' | 'always' | 'never';
    readonly removeCalico: boolean;
    readonly restartNodes: boolean;
    readonly restartBatch: number;
    readonly connectivityTest: false | { readonly tests: readonly string[]; readonly timeout: string };
  };
  readonly gate: {
    readonly freshSamples: number;
    readonly failuresToFail: number;
    readonly observe: string;
    readonly settleTimeout: string;
    readonly maxDisruption: 'unlimited' | string;
  };
  readonly timeouts: {
    readonly provision: string;
    readonly calico: string;
    readonly cilium: string;
    readonly agent: string;
    readonly remove: string;
    readonly restart: string;
    readonly apiOutage: string;
    readonly unreadable: string;
  };
  readonly preflight: { readonly allow: readonly string[] };
}
