/** What a real cluster lacks for a scenario: nothing; only what no chart knows is told. Pure. */
import { unknownPaths } from '../cni/chart-paths.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ProviderReview } from './provider.ts';

export function reviewForKind(scenario: Scenario): ProviderReview {
  const unknown = new Map<string, string | undefined>();
  for (const key of ['values', 'finalValues'] as const) {
    for (const { path, near } of unknownPaths(scenario.cilium.version, scenario.cilium[key])) {
      unknown.set(`cilium.${key}.${path}`, near);
    }
  }
  return {
    notModelled: [],
    notModelledValues: [],
    irrelevantValues: [],
    unknownValues: [...unknown]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, near]) => (near === undefined ? path : `${path} (did you mean ${near}?)`)),
  };
}
