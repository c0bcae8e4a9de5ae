/** The first lines of the summary: verdict, cause, what was rehearsed. */
import { code, plain, table } from './markdown.ts';
import { keyFigures, type Story } from './story.ts';
import { clusterText, faultText, secondsText, verdictWord, whereText } from './words.ts';

const SIGNS = {
  passed: '✅',
  failed: '❌',
  refused: '⛔',
  error: '⚠️',
  'not-modelled': '🚧',
  cancelled: '🛑',
  interrupted: '🛑',
} as const;

export function heading(story: Story): string[] {
  const { report } = story;
  const { scenario, versions } = report;
  const where = whereText(report);
  const disrupted = keyFigures(story).disruptionSeconds;
  const passed = report.checkpoints.filter(({ outcome }) => outcome === 'passed').length;
  const more = Object.entries(versions).filter(
    ([name, version]) => !['kubernetes', 'calico', 'cilium'].includes(name) && version !== null,
  );
  const rows = [
    ['Scenario', `${code(scenario.name)} on ${clusterText(scenario.cluster)}`],
    [
      'Migration',
      `Calico ${plain(versions.calico ?? '?')} → Cilium ${plain(versions.cilium ?? '?')}, Kubernetes ${plain(versions.kubernetes ?? '?')}`,
    ],
    ['Provider', `${report.provider}${report.simulated ? ' (simulated cluster)' : ''}, seed ${report.seed}`],
    ['Checkpoints', `${passed} of ${report.checkpoints.length} passed`],
    ['Duration', `${secondsText(report.durationSeconds)}${report.simulated ? ' of simulated time' : ''}`],
    ['Longest unexpected disruption', disrupted > 0 ? secondsText(disrupted) : 'none'],
    ...(more.length > 0 ? [['Tools', more.map(([name, version]) => `${name} ${plain(version!)}`).join(', ')]] : []),
    ...report.faults.map((fault) => [
      'Fault',
      `${code(faultText(fault))} expected ${code(fault.expected)}, observed ${code(fault.observed ?? '?')}`,
    ]),
  ];
  return [
    `# ${SIGNS[report.verdict]} ${verdictWord(report)}: ${plain(scenario.name)}`,
    '',
    // A refusal has a line for each rule.
    ...report.message.split('\n').flatMap((line, index) => [...(index === 0 ? [] : ['']), `**${plain(line)}**`]),
    ...(where === '' ? [] : ['', `Cause: ${plain(where)}.`]),
    '',
    ...table(['', ''], rows),
  ];
}
