/** The summary's tables. Each section is empty when there is nothing to tell. */
import { ACCOUNTS, type ProbeResult } from '../events/events.ts';
import { pairText } from './fold-disruption.ts';
import { code, details, fenced, plain, table } from './markdown.ts';
import type { CheckpointReport } from './report-types.ts';
import type { Story } from './story.ts';
import type { Detail } from './summary.ts';
import { plural, secondsText } from './words.ts';

const OUTCOMES = { passed: '✅ passed', failed: '❌ failed', 'not-reached': '⬜ not reached' } as const;

export function checkpoints({ report }: Story, detail: Detail): string[] {
  const reached = report.checkpoints.filter(({ outcome }) => outcome !== 'not-reached');
  const missing = report.checkpoints.length - reached.length;
  const shown = detail.passed ? reached : reached.filter(({ outcome }) => outcome === 'failed');
  const rows = shown
    .slice(0, detail.rows)
    .map((checkpoint) => [
      code(checkpoint.id),
      OUTCOMES[checkpoint.outcome],
      settledText(checkpoint),
      probeText(checkpoint.probes, 'nodepinger'),
      probeText(checkpoint.probes, 'goldpinger'),
      checkpoint.probes.length === 0 ? '' : `${checkpoint.managedPods.managed}/${checkpoint.managedPods.total}`,
      String(checkpoint.samples),
    ]);
  const notes = [
    ...(missing > 0 ? [`${plural(missing, 'checkpoint')} not reached.`] : []),
    ...(rows.length < reached.length ? [`${reached.length - rows.length} more are not shown.`] : []),
  ];
  if (rows.length === 0) return notes.length > 0 ? ['## Checkpoints', '', notes.join(' ')] : [];
  return [
    '## Checkpoints',
    '',
    ...table(
      ['Checkpoint', 'Outcome', 'Settled in', 'nodepinger pairs', 'goldpinger pairs', 'Pods on Cilium', 'Pings'],
      rows,
    ),
    ...(notes.length > 0 ? ['', notes.join(' ')] : []),
  ];
}

function settledText({ startedAt, settledAt, observedSeconds }: CheckpointReport): string {
  if (startedAt === null) return '';
  if (settledAt === null) return 'never';
  const text = secondsText((Date.parse(settledAt) - Date.parse(startedAt)) / 1_000);
  return observedSeconds > 0 ? `${text}, held ${secondsText(observedSeconds)}` : text;
}

function probeText(probes: readonly ProbeResult[], name: ProbeResult['name']): string {
  const probe = probes.find((result) => result.name === name);
  if (!probe) return '';
  const { expected, healthy, unknown } = probe.pairs;
  const sampled = probe.mesh === 'sampled' ? ' (sampled)' : '';
  return `${healthy}/${expected}${unknown > 0 ? `, ${unknown} unknown` : ''}${sampled}`;
}

export function disruption({ report, disruption: summaries }: Story, detail: Detail): string[] {
  if (summaries.length === 0) return [];
  const rows = summaries.map((summary) => [
    summary.class,
    String(summary.stretches),
    String(summary.pairs),
    String(summary.failed),
    secondsText(summary.longestSeconds),
    plain(summary.longestPair),
    code(summary.longestStep),
  ]);
  const unexpected = report.disruption.filter((stretch) => stretch.class === 'unexpected');
  const list = unexpected
    .slice(0, detail.rows)
    .map(({ from, to, firstFailedAt, lastFailedAt, failed, sent, step }) => [
      plain(pairText(from, to)),
      firstFailedAt.slice(11, 19),
      lastFailedAt.slice(11, 19),
      `${failed} of ${sent}`,
      code(step),
    ]);
  const part = list.length < unexpected.length ? `, the first ${list.length}` : '';
  return [
    '## Disruption between checkpoints',
    '',
    ...table(['Class', 'Stretches', 'Pairs', 'Failed pings', 'Longest', 'Pair', 'Step'], rows),
    ...(list.length === 0
      ? []
      : [
          '',
          ...details(
            `${plural(unexpected.length, 'unexpected stretch', 'unexpected stretches')}${part}`,
            table(['Pair', 'First failed', 'Last failed', 'Pings', 'Step'], list),
          ),
        ]),
  ];
}

export function timings({ report, phases }: Story, detail: Detail): string[] {
  const rows = ACCOUNTS.filter((account) => report.seconds[account] > 0).map((account) => [
    account,
    secondsText(report.seconds[account]),
    `${Math.round((100 * report.seconds[account]) / report.durationSeconds)} %`,
  ]);
  if (rows.length === 0) return [];
  const start = Date.parse(report.startedAt);
  const bars = phases.map(({ phase, startedAt, endedAt, outcome }) => {
    const from = Math.round((startedAt - start) / 1_000);
    const to = Math.max(from + 1, Math.round((endedAt - start) / 1_000));
    return `  ${phase} :${outcome === 'failed' ? 'crit, ' : ''}${from}, ${to}`;
  });
  const chart = ['gantt', '  dateFormat X', '  axisFormat %H:%M:%S', ...bars];
  return [
    '## Where the time went',
    '',
    ...table(['Account', 'Time', 'Share'], [...rows, ['total', secondsText(report.durationSeconds), '100 %']]),
    ...(detail.chart && bars.length > 0 ? ['', ...fenced('mermaid', chart)] : []),
  ];
}

export function nodes({ report }: Story, detail: Detail): string[] {
  const worked = report.nodes.filter((node) => node.seconds.total > 0);
  if (worked.length === 0) return [];
  const rows = worked
    .slice(0, detail.rows)
    .map((node) => [
      code(node.name),
      place(node.before),
      place(node.after),
      secondsText(node.seconds.drain),
      secondsText(node.seconds.switch),
      secondsText(node.seconds.settle),
      secondsText(node.seconds.restart),
      secondsText(node.seconds.total),
    ]);
  return [
    '## Nodes',
    '',
    ...table(['Node', 'Before', 'After', 'Drain', 'Switch', 'Settle', 'Restart', 'Total'], rows),
    ...moreOf(worked.length, rows.length),
  ];
}

function place({ cni, podCIDRs }: { cni: string; podCIDRs: readonly string[] }): string {
  const shown = podCIDRs.length > 3 ? [...podCIDRs.slice(0, 3), `+${podCIDRs.length - 3}`] : podCIDRs;
  return [cni, ...shown].join(' ');
}

export function values({ report }: Story, detail: Detail): string[] {
  const { changed } = report.values;
  if (changed.length === 0) return [];
  const rows = changed
    .slice(0, detail.rows)
    .map(({ path, before, after }) => [code(path), code(JSON.stringify(before)), code(JSON.stringify(after))]);
  return [
    '## Values changed by finalize',
    '',
    ...table(['Value', 'During the migration', 'Final'], rows),
    ...moreOf(changed.length, rows.length),
  ];
}

export function findings({ report }: Story, detail: Detail): string[] {
  if (report.findings.length === 0) return [];
  const rows = report.findings
    .slice(0, detail.rows)
    .map(({ id, severity, message, subjects, allowed }) => [
      allowed ? `${severity} (allowed)` : severity,
      code(id),
      plain(message),
      plain(subjects.slice(0, 10).join(', ') + (subjects.length > 10 ? ` and ${subjects.length - 10} more` : '')),
    ]);
  return [
    '## Findings',
    '',
    ...table(['Severity', 'Finding', 'What', 'Subjects'], rows),
    ...moreOf(report.findings.length, rows.length),
  ];
}

export function leftovers({ report }: Story, detail: Detail): string[] {
  const sorted = [...report.leftovers].sort((a, b) => Number(a.harmless) - Number(b.harmless));
  if (sorted.length === 0) return [];
  const harmful = sorted.filter(({ harmless }) => !harmless).length;
  const rows = sorted
    .slice(0, detail.rows)
    .map(({ node, kind, name, harmless, remedy }) => [
      node === null ? 'API' : code(node),
      plain(kind),
      code(name),
      harmless ? 'harmless' : '**in use**',
      code(remedy),
    ]);
  return [
    '## What stays of Calico',
    '',
    ...details(`${plural(sorted.length, 'leftover')}, ${harmful === 0 ? 'all harmless' : `${harmful} not harmless`}`, [
      ...table(['Where', 'Kind', 'Name', '', 'Remedy'], rows),
      ...moreOf(sorted.length, rows.length),
    ]),
  ];
}

export function nodePorts({ report }: Story): string[] {
  if (report.nodePorts.length === 0) return [];
  const rows = report.nodePorts.map(({ probe, moment, port, healthy, unhealthy, error }) => [
    probe,
    moment,
    String(port),
    healthy === null ? '' : `${healthy} healthy, ${unhealthy ?? 0} unhealthy`,
    plain(error),
  ]);
  return ['## NodePorts (reported, not judged)', '', ...table(['Probe', 'When', 'Port', 'Gauges', 'Trouble'], rows)];
}

function moreOf(all: number, shown: number): string[] {
  return shown < all ? ['', `${all - shown} more are not shown.`] : [];
}
