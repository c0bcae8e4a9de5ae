/** Two tunnels of one node cannot share a UDP port: the second device stays down, and nothing but its routes shows it. */
import { DEFAULT_VXLAN_PORT } from '../../cni/calico.ts';
import { chooseTunnelPort } from '../../cni/choose.ts';
import { tunnelPortOf } from '../../cni/cilium.ts';
import { valueAt } from '../../cni/merge.ts';
import type { JsonObject } from '../../scenario/scenario.ts';
import { askedPools } from '../address-ranges.ts';
import type { ClusterFacts, Collision, Rule, ScenarioFacts } from '../rule.ts';

/** Calico's VXLAN port, and who says so. */
interface Taken {
  readonly port: number;
  readonly where: string;
}

export const tunnelPortClash: Rule = {
  id: 'tunnel-port-clash',
  title: "Cilium's tunnel has a UDP port of its own, not that of Calico's VXLAN.",
  severity: 'refusal',
  source: 'cilium issues 2925, 8990, 38581; observed: agents Ready, cilium_vxlan down, "address already in use"',
  judgeScenario: (facts) => clash(facts, portAsked(facts)),
  judgeCluster: (facts) => clash(facts, portFound(facts)),
};

/** The port, where a pool of the scenario needs VXLAN; Felix makes no device for IPIP or plain routing. */
function portAsked(facts: ScenarioFacts): Taken | undefined {
  const { felix } = facts.scenario.calico;
  const pools = askedPools(facts).some(({ encapsulation }) => encapsulation.startsWith('VXLAN'));
  if (!hasDevice(felix, pools)) return undefined;
  const port = felix.vxlanPort ?? DEFAULT_VXLAN_PORT;
  // What is no number never becomes a port: the API refuses it (FelixConfiguration's schema).
  if (typeof port !== 'number') return undefined;
  return {
    port,
    where: felix.vxlanPort === undefined ? "Felix's default" : facts.at('calico.felix.vxlanPort'),
  };
}

function portFound({ pools, felix }: ClusterFacts): Taken | undefined {
  const vxlan = pools.some(({ spec }) => spec.vxlanMode === 'Always' || spec.vxlanMode === 'CrossSubnet');
  if (!hasDevice((felix?.spec ?? {}) as JsonObject, vxlan)) return undefined;
  const port = felix?.spec?.vxlanPort;
  return port === undefined
    ? { port: DEFAULT_VXLAN_PORT, where: "Felix's default" }
    : { port, where: 'FelixConfiguration default' };
}

/** `vxlanEnabled` overrides what Felix concludes from the pools (projectcalico/calico FelixConfiguration). */
function hasDevice({ vxlanEnabled }: JsonObject, pools: boolean): boolean {
  return typeof vxlanEnabled === 'boolean' ? vxlanEnabled : pools;
}

function clash(facts: ScenarioFacts, taken: Taken | undefined): Collision[] {
  const { initial, final } = facts.values;
  if (taken === undefined) return [];
  const at = (values: JsonObject, key: 'values' | 'finalValues'): Collision[] => {
    // A port left open is chosen free.
    if (!tunnels(values) || valueAt(values, 'tunnelPort') === undefined) return [];
    if (tunnelPortOf(values) !== taken.port) return [];
    const geneve = valueAt(values, 'tunnelProtocol') === 'geneve';
    const free = chooseTunnelPort(geneve ? 'geneve' : 'vxlan', [taken.port]);
    return [
      {
        where: facts.at(portKey(facts, key)),
        message: `Cilium's ${geneve ? 'Geneve' : 'VXLAN'} on UDP port ${taken.port} is on the port of Calico's VXLAN (${taken.where}): the second tunnel device cannot come up; write ${free} instead`,
        subjects: [`UDP port ${taken.port}`],
      },
    ];
  };
  const now = at(initial, 'values');
  // Calico still runs when the final values are rolled out.
  return now.length > 0 ? now : at(final, 'finalValues');
}

function tunnels(values: JsonObject): boolean {
  const mode = valueAt(values, 'routingMode');
  return mode === undefined || mode === null || mode === '' || mode === 'tunnel';
}

/** The key that decides the port: it may be the protocol, whose default it is. */
function portKey({ scenario }: ScenarioFacts, key: 'values' | 'finalValues'): string {
  const { cilium } = scenario;
  if (valueAt(cilium[key], 'tunnelPort') !== undefined) return `cilium.${key}.tunnelPort`;
  if (key === 'finalValues') return 'cilium.finalValues.tunnelProtocol';
  return 'cilium.tunnelPort';
}
