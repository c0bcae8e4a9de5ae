/** A comparison for people: as text and as Markdown. */
import { ACCOUNTS } from '../events/events.ts';
import { code, details, plain, table } from '../report/markdown.ts';
import { secondsText, verdictWord } from '../report/words.ts';
import type { Comparison } from './compare.ts';
import type { RunRecord } from './record.ts';
import { migrationSeconds } from './rule.ts';

interface Row {
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

const HEADS = {
  regression: 'REGRESSION',
  improvement: 'better than before',
  same: 'no regression',
  inconclusive: 'not comparable: a run without a word on the migration',
} as const;

export function comparisonText(comparison: Comparison): string {
  const rows = [{ what: '', a: 'A', b: 'B' }, ...rowsOf(comparison), ...changedCheckpoints(comparison)];
  const widths = (['what', 'a'] as const).map((key) => Math.max(...rows.map((row) => row[key].length)));
  return [
    HEADS[comparison.outcome],
    ...comparison.findings.map(({ judgement, message }) => `  ${judgement}: ${message}`),
    '',
    ...rows.map(({ what, a, b }) => `  ${what.padEnd(widths[0]!)}  ${a.padEnd(widths[1]!)}  ${b}`.trimEnd()),
    '',
  ].join('\n');
}

export function comparisonMarkdown(comparison: Comparison): string {
  const cells = (rows: readonly Row[]): string[][] => rows.map(({ what, a, b }) => [plain(what), plain(a), plain(b)]);
  const checkpoints = comparison.checkpoints.map((row) => [code(row.id), row.a ?? '', row.b ?? '']);
  return `${[
    `## Comparison: ${HEADS[comparison.outcome]}`,
    '',
    ...comparison.findings.map(({ judgement, message }) => `- **${judgement}**: ${plain(message)}`),
    '',
    ...table(['', 'A', 'B'], cells(rowsOf(comparison))),
    '',
    ...details('Checkpoints', table(['checkpoint', 'A', 'B'], checkpoints)),
  ].join('\n')}\n`;
}

function rowsOf({ a, b }: Comparison): Row[] {
  const row = (what: string, of: (record: RunRecord) => string): Row => ({ what, a: of(a), b: of(b) });
  return [
    row('scenario', ({ scenario, cluster }) => `${scenario}, ${cluster.controlPlanes}+${cluster.workers} nodes`),
    row('provider', ({ provider }) => provider),
    row('Cilium', ({ versions }) => versions.cilium),
    row('Calico', ({ versions }) => versions.calico),
    row('Kubernetes', ({ versions }) => versions.kubernetes),
    row('tool', ({ tool }) => tool),
    row('verdict', verdictWord),
    row('checkpoints passed', ({ checkpoints }) => {
      return `${checkpoints.filter(({ outcome }) => outcome === 'passed').length}/${checkpoints.length}`;
    }),
    row('duration', ({ durationSeconds }) => secondsText(durationSeconds)),
    row('of it the migration itself', (record) => secondsText(migrationSeconds(record))),
    ...ACCOUNTS.map((account) => row(`  ${account}`, ({ seconds }) => secondsText(seconds[account]))),
    ...(['unexpected', 'install-dip', 'node-restart'] as const).map((name) =>
      row(`disruption, ${name}`, ({ disruption }) => {
        const { longestSeconds, failed } = disruption[name];
        return failed === 0 ? 'none' : `${secondsText(longestSeconds)} at most, ${failed} failed pings`;
      }),
    ),
  ];
}

const changedCheckpoints = ({ checkpoints }: Comparison): Row[] =>
  checkpoints
    .filter((row) => row.a !== row.b)
    .map((row) => ({ what: row.id, a: row.a ?? 'not planned', b: row.b ?? 'not planned' }));
