/** Nights for tests. */
import type { RunRecord } from '../../src/compare/record.ts';
import { type Judged, judgeNight } from '../../src/nightly/judge.ts';
import type { Night } from '../../src/nightly/night.ts';

export const KEY = 'lab, Cilium 1.19, Calico 3.31';

export const jobNight = (attempts: readonly RunRecord[], key = KEY) => ({ key, name: `${key} (exact)`, attempts });

/** Attempts of the one job, night by night. */
export type Nights = readonly (readonly RunRecord[])[];

/** Judges night after night, as they would have been, an issue being open as the judgement before says. */
export function play(
  nights: readonly Readonly<Record<string, readonly RunRecord[]>>[],
  { acceptedAt = null }: { acceptedAt?: string | null } = {},
): { judged: Judged[]; kept: Night[] } {
  const kept: Night[] = [];
  const judged: Judged[] = [];
  nights.forEach((jobs, index) => {
    const openBefore = kept.at(-1)?.open ?? null;
    const one = judgeNight({
      nights: kept,
      tonight: Object.entries(jobs).map(([key, attempts]) => jobNight(attempts, key)),
      acceptedAt,
      issueOpen: openBefore !== null && openBefore.length > 0,
      openBefore,
    });
    judged.push(one);
    kept.push(nightOf(index + 1, one));
  });
  return { judged, kept };
}

export const nightOf = (n: number, { entries, open }: Judged): Night => ({
  ...{ runId: `${1_000 + n}`, at: new Date(Date.UTC(2026, 9, n, 3)).toISOString(), commit: 'c0ffee' },
  ...{ url: `https://github.example/o/r/actions/runs/${1_000 + n}`, entries, open },
});
