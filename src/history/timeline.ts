/** Runs of one scenario and one pair of versions over time, each held against the last good one before it. Pure. */
import semver from 'semver';
import { compare, type Outcome } from '../compare/compare.ts';
import type { RunRecord } from '../compare/record.ts';
import { says } from '../compare/rule.ts';
import { type Found, naturally } from './collect.ts';

export interface TimelineRun extends Found {
  /** Against the last good run before it; null: there is none. */
  readonly outcome: Outcome | null;
  /** Why it is a regression, one sentence each. */
  readonly regressions: readonly string[];
}

export interface Series {
  /** Unique among the series, and an anchor in a page. */
  readonly id: string;
  readonly scenario: string;
  readonly provider: RunRecord['provider'];
  /** Minors. */
  readonly cilium: string;
  readonly calico: string;
  /** The oldest first. */
  readonly runs: readonly TimelineRun[];
}

const lineOf = (version: string): string => {
  const parsed = semver.coerce(version);
  return parsed === null ? version : `${parsed.major}.${parsed.minor}`;
};

/** What a run is the next one of: patches and Kubernetes may change, the lines may not. */
export const seriesKey = ({ scenario, provider, versions, faults }: RunRecord): string =>
  JSON.stringify([scenario, provider, lineOf(versions.cilium), lineOf(versions.calico), faults]);

/** By scenario, then by provider, the newest Cilium and Calico first. */
export function timelines(found: readonly Found[]): Series[] {
  const groups = new Map<string, Found[]>();
  for (const one of found) {
    const key = seriesKey(one.record);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const series = [...groups.values()]
    .map(seriesOf)
    .sort(
      (a, b) =>
        naturally(a.scenario, b.scenario) ||
        naturally(a.provider, b.provider) ||
        naturally(b.cilium, a.cilium) ||
        naturally(b.calico, a.calico),
    );
  return series.map((one, index) => ({ ...one, id: `series-${index + 1}` }));
}

function seriesOf(group: readonly Found[]): Omit<Series, 'id'> {
  const { scenario, provider, versions, faults } = group[0]!.record;
  const runs: TimelineRun[] = [];
  let lastGood: RunRecord | undefined;
  for (const one of [...group].sort(inTime)) {
    const comparison = lastGood === undefined ? null : compare(lastGood, one.record);
    const regressed = comparison?.findings.filter(({ judgement }) => judgement === 'regression') ?? [];
    runs.push({
      ...one,
      outcome: comparison?.outcome ?? null,
      regressions: regressed.map(({ message }) => message),
    });
    // A run that is slower than noise is not what the next ones are held against.
    if (says(one.record) === 'safe' && comparison?.outcome !== 'regression') lastGood = one.record;
  }
  const named = faults.length === 0 ? scenario : `${scenario} with ${faults.join(', ')}`;
  return { scenario: named, provider, cilium: lineOf(versions.cilium), calico: lineOf(versions.calico), runs };
}

/** Simulated runs all start at the same moment, so their paths tell their order. */
function inTime(a: Found, b: Found): number {
  const times = a.record.simulated ? 0 : Date.parse(a.record.startedAt) - Date.parse(b.record.startedAt);
  return times || naturally(a.path, b.path);
}
