/** What the embedded cluster lacks for a scenario, as far as the scenario shows it. Pure. */
import type { JsonObject, Scenario } from '../scenario/scenario.ts';
import { classifyValues } from '../twin/chart/values.ts';
import type { ProviderReview } from './provider.ts';

/** Keys of FelixConfiguration/default that the embedded Felix obeys (twin/actors/calico/node/topology.ts). */
const MODELLED_FELIX: readonly string[] = ['vxlanPort', 'vxlanVNI'];

/** Judges the user's Helm values (initial and final) and the options that have no model. */
export function reviewForTwin(scenario: Scenario): ProviderReview {
  const notModelled = new Set<string>();
  const irrelevant = new Set<string>();
  const unknown = new Map<string, string>();
  for (const key of ['values', 'finalValues'] as const) {
    const classes = classifyValues(scenario.cilium.version, scenario.cilium[key] as JsonObject);
    for (const path of classes.notModelled) notModelled.add(`cilium.${key}.${path}`);
    for (const path of classes.irrelevant) irrelevant.add(`cilium.${key}.${path}`);
    for (const { path, nearest } of classes.unknown) unknown.set(`cilium.${key}.${path}`, nearest);
  }
  if (scenario.finish.connectivityTest !== false) {
    notModelled.add('finish.connectivityTest (`cilium connectivity test`)');
  }
  if (scenario.probes.mesh === 'sampled') notModelled.add('probes.mesh sampled (PING_NUMBER of goldpinger)');
  for (const key of Object.keys(scenario.calico.felix)) {
    if (!MODELLED_FELIX.includes(key)) notModelled.add(`calico.felix.${key}`);
  }
  return {
    notModelled: [...notModelled].sort(),
    irrelevantValues: [...irrelevant].sort(),
    unknownValues: [...unknown]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, near]) => (near === '' ? path : `${path} (did you mean ${near}?)`)),
  };
}
