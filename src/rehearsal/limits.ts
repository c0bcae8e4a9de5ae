/** The scenario's time limits in milliseconds, with their minimum a node where a roll-out goes node by node. */
import type { Scenario } from '../scenario/scenario.ts';
import { durationMs } from '../time/duration.ts';

/** The operator sets readiness periods of 30 and 60 s, and calico-node rolls one node at a time (tigera/operator v1.40.15). */
const CALICO_MS_PER_NODE = 60_000;
/** Two agents at a time, each a few seconds (charts cilium 1.19 maxUnavailable 2; observed). */
const CILIUM_MS_PER_NODE = 15_000;

export interface Limits {
  readonly provision: number;
  /** One roll-out of calico-node or anything else of Calico. */
  readonly calico: number;
  /** One roll-out of Cilium's agents. */
  readonly cilium: number;
  readonly agent: number;
  readonly drain: number;
  readonly remove: number;
  readonly restart: number;
  readonly apiOutage: number;
}

export function limitsOf(scenario: Scenario): Limits {
  const nodes = scenario.cluster.controlPlanes + scenario.cluster.workers;
  const { timeouts } = scenario;
  return {
    provision: durationMs(timeouts.provision),
    calico: Math.max(durationMs(timeouts.calico), nodes * CALICO_MS_PER_NODE),
    cilium: Math.max(durationMs(timeouts.cilium), nodes * CILIUM_MS_PER_NODE),
    agent: durationMs(timeouts.agent),
    drain: durationMs(scenario.migration.drain.timeout),
    remove: durationMs(timeouts.remove),
    restart: durationMs(timeouts.restart),
    apiOutage: durationMs(timeouts.apiOutage),
  };
}
