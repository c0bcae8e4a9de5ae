/** Two runs side by side, and whether the second is a regression. Pure. */
import type { RunRecord } from './record.ts';
import { type Finding, judgeDisruption, judgeDuration, says, whyOtherwise } from './rule.ts';

/** `inconclusive`: one of the runs says nothing of the migration. */
export type Outcome = 'regression' | 'improvement' | 'same' | 'inconclusive';

export interface Comparison {
  readonly schemaVersion: 1;
  readonly outcome: Outcome;
  readonly a: RunRecord;
  readonly b: RunRecord;
  readonly findings: readonly Finding[];
  /** In the order of the runs; null: that run had no such checkpoint. */
  readonly checkpoints: readonly {
    readonly id: string;
    readonly a: RunRecord['checkpoints'][number]['outcome'] | null;
    readonly b: RunRecord['checkpoints'][number]['outcome'] | null;
  }[];
}

export function compare(a: RunRecord, b: RunRecord): Comparison {
  const checkpoints = sideBySide(a, b);
  const verdict = judgeVerdict(a, b);
  const findings = [verdict, ...judgeCheckpoints(a, b, checkpoints), ...judgeNumbers(a, b)];
  return { schemaVersion: 1, outcome: outcomeOf(a, b, findings), a, b, findings, checkpoints };
}

function outcomeOf(a: RunRecord, b: RunRecord, findings: readonly Finding[]): Outcome {
  if (says(a) === 'nothing' || says(b) === 'nothing') return 'inconclusive';
  if (findings.some(({ judgement }) => judgement === 'regression')) return 'regression';
  return findings.some(({ judgement }) => judgement === 'improvement') ? 'improvement' : 'same';
}

function judgeVerdict(a: RunRecord, b: RunRecord): Finding {
  const told = `${verdictText(a)} → ${verdictText(b)}`;
  const finding = (judgement: Finding['judgement'], why = ''): Finding => ({
    about: 'verdict',
    judgement,
    message: `${told}${why}`,
  });
  if (says(b) === 'nothing') return finding('not-judged', ': the second run says nothing of the migration');
  if (says(a) === 'nothing') return finding('not-judged', ': the first run says nothing to compare with');
  if (says(a) === says(b)) return finding('same');
  return finding(says(b) === 'unsafe' ? 'regression' : 'improvement');
}

/** Where both failed: did the second come as far as the first? */
function judgeCheckpoints(a: RunRecord, b: RunRecord, rows: Comparison['checkpoints']): Finding[] {
  if (says(a) === 'nothing' || says(b) === 'nothing') return [];
  return rows.flatMap((row): Finding[] => {
    const message = `checkpoint ${row.id}: ${row.a ?? 'not planned'} → ${row.b ?? 'not planned'}`;
    if (row.a === 'passed' && row.b === 'failed') return [{ about: 'checkpoint', judgement: 'regression', message }];
    if (row.a === 'failed' && row.b === 'passed') return [{ about: 'checkpoint', judgement: 'improvement', message }];
    return [];
  });
}

function judgeNumbers(a: RunRecord, b: RunRecord): Finding[] {
  const why = whyOtherwise(a, b);
  if (why === undefined) return [judgeDuration(a, b), judgeDisruption(a, b)];
  return [{ about: 'duration', judgement: 'not-judged', message: `durations and disruption are not judged: ${why}` }];
}

function sideBySide(a: RunRecord, b: RunRecord): Comparison['checkpoints'] {
  const [first, second] = [a, b].map(({ checkpoints }) => new Map(checkpoints.map(({ id, outcome }) => [id, outcome])));
  const ids = new Set([...first!.keys(), ...second!.keys()]);
  return [...ids].map((id) => ({ id, a: first!.get(id) ?? null, b: second!.get(id) ?? null }));
}

function verdictText({ verdict, reason, failedCheckpoint }: RunRecord): string {
  if (verdict === 'passed') return verdict;
  return `${verdict} (${reason}${failedCheckpoint === null ? '' : ` at ${failedCheckpoint}`})`;
}
