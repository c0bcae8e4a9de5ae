/** A scenario with other Helm values: what the user gave stays, but for these. */
import { mergeValues } from '../cni/merge.ts';
import type { JsonObject, Scenario } from '../scenario/scenario.ts';

export function withValues(scenario: Scenario, values: JsonObject): Scenario {
  return { ...scenario, cilium: { ...scenario.cilium, values: mergeValues(scenario.cilium.values, values) } };
}
