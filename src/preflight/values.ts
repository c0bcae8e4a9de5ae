/** Helm values as the chart's templates take them. */
import { valueAt } from '../cni/merge.ts';
import type { Json } from '../scenario/scenario.ts';
import type { ScenarioFacts } from './rule.ts';

/** Is the value true for a Go template's `if`? Any text that is not empty is, `"false"` too. */
export function isTruthy(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}

/** `true` written as a boolean or as a text, as kubeProxyReplacement takes it. */
export function isTrue(value: Json | undefined): boolean {
  return value === true || value === 'true';
}

/** Where the user wrote a value of the moment: `lab.yaml:12:3: cilium.values.PATH`; where the final values took it over, there. */
export function placeOf(facts: ScenarioFacts, moment: 'initial' | 'final', path: string): string {
  const own = moment === 'final' && valueAt(facts.scenario.cilium.finalValues, path) !== undefined;
  return facts.at(`cilium.${own ? 'finalValues' : 'values'}.${path}`);
}
