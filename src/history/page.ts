/** Many runs as one page that needs nothing but itself: no script, no image, no font from elsewhere. */
import { migrationSeconds } from '../compare/rule.ts';
import { plural, secondsText, verdictWord } from '../report/words.ts';
import { chart } from './chart.ts';
import { naturally } from './collect.ts';
import { type Html, html } from './html.ts';
import { STYLE } from './style.ts';
import type { Series, TimelineRun } from './timeline.ts';

export interface PageOptions {
  readonly title: string;
  /** Sentences under the title: where this is from, what could not be read. */
  readonly notes: readonly string[];
}

/** The last runs of a series are shown; history.json has all. */
const MOST_RUNS = 60;

export function historyPage(series: readonly Series[], { title, notes }: PageOptions): string {
  const runs = series.reduce((sum, one) => sum + one.runs.length, 0);
  const regressed = series.filter(isRegressed);
  const head =
    regressed.length === 0
      ? html`<p class="ok">No series ends in a regression.</p>`
      : html`<p class="bad">Regressed: ${list(regressed)}</p>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${plural(runs, 'run')} in ${series.length} series. A series is one scenario and one minor of Cilium and Calico; each run is held against the last good one before it.</p>
<p class="note">Bars stand from the oldest run to the newest: filled, it passed; with a border, it failed or is a regression; hollow, it says nothing of the migration.</p>
${notes.map((note) => html`<p class="note">${note}</p>\n`)}${head}
${overview(series)}
${series.map(section)}</main>
</body>
</html>
`.text;
}

export const isRegressed = ({ runs }: Series): boolean => conclusive(runs)?.outcome === 'regression';

/** The last run that says something: a machine that failed since hides no regression. */
const conclusive = (runs: readonly TimelineRun[]): TimelineRun | undefined =>
  runs.findLast(({ outcome }) => outcome !== 'inconclusive');

const list = (series: readonly Series[]): Html[] =>
  series.map((one, index) => html`${index === 0 ? '' : ', '}<a href="#${one.id}">${nameOf(one)}</a>`);

const nameOf = ({ scenario, provider, cilium, calico }: Series): string =>
  `${scenario} on ${provider}, Cilium ${cilium}, Calico ${calico}`;

/** Version × scenario, each with its last run. */
function overview(series: readonly Series[]): Html {
  const columns = [...new Set(series.map(({ cilium, calico }) => `${cilium} ${calico}`))].sort((a, b) =>
    naturally(b, a),
  );
  const rows = [...new Set(series.map(({ scenario, provider }) => `${provider} ${scenario}`))];
  const cell = (row: string, column: string): Html => {
    const one = series.find(
      (other) => `${other.provider} ${other.scenario}` === row && `${other.cilium} ${other.calico}` === column,
    );
    if (one === undefined) return html`<td></td>`;
    return html`<td><a href="#${one.id}">${mark(one.runs.at(-1)!)}</a></td>`;
  };
  const heads = columns.map((column) => {
    const [cilium, calico] = column.split(' ') as [string, string];
    return html`<th scope="col">Cilium ${cilium}<br><small>Calico ${calico}</small></th>`;
  });
  const body = rows.map((row) => {
    const at = row.indexOf(' ');
    return html`<tr><th scope="row">${row.slice(at + 1)}<br><small>${row.slice(0, at)}</small></th>${columns.map((column) => cell(row, column))}</tr>\n`;
  });
  return scrolled(
    'The last run of every series',
    html`<table class="overview"><thead><tr><td></td>${heads}</tr></thead>
<tbody>${body}</tbody></table>`,
  );
}

/** What is wider than the page scrolls by itself, by keyboard too. */
const scrolled = (label: string, table: Html): Html =>
  html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;

/** A sign beside the word: colour alone tells nothing to many. */
const SIGNS = { good: '✓', bad: '✗', odd: '!', none: '–' } as const;

function kindOf({ record, outcome }: TimelineRun): keyof typeof SIGNS {
  if (outcome === 'regression' || record.verdict === 'failed' || record.verdict === 'refused') return 'bad';
  return record.verdict === 'passed' ? 'good' : 'odd';
}

function mark(run: TimelineRun): Html {
  const kind = kindOf(run);
  const regression = run.outcome === 'regression' ? ', regression' : '';
  return html`<span class="mark ${kind}"><span aria-hidden="true">${SIGNS[kind]}</span> ${verdictWord(run.record)}${regression}</span>`;
}

const HEADS = ['run', 'Cilium', 'Calico', 'verdict', 'migration', 'duration', 'disruption'].map((head, index) =>
  index < 4 ? html`<th scope="col">${head}</th>` : html`<th scope="col" class="number">${head}</th>`,
);

function section(series: Series): Html {
  const shown = series.runs.slice(-MOST_RUNS);
  const hidden = series.runs.length - shown.length;
  const points = (of: (run: TimelineRun) => number) =>
    shown.map((run) => ({ value: of(run), kind: kindOf(run), label: `${labelOf(run)}: ${secondsText(of(run))}` }));
  const rows = [...shown].reverse().map(row);
  return html`<section id="${series.id}">
<h2>${nameOf(series)}</h2>
<div class="charts">
<figure><figcaption>Duration of the migration itself</figcaption>${chart(points(({ record }) => migrationSeconds(record)))}</figure>
<figure><figcaption>Longest unexpected disruption of a pair</figcaption>${chart(points(({ record }) => record.disruption.unexpected.longestSeconds))}</figure>
</div>
${hidden > 0 ? html`<p class="note">${plural(hidden, 'older run')} in history.json only.</p>` : html``}
<details${isRegressed(series) ? html` open` : html``}><summary>${plural(shown.length, 'run')}</summary>
${scrolled(
  `Runs of ${nameOf(series)}`,
  html`<table><thead><tr>${HEADS}</tr></thead>
<tbody>${rows}</tbody></table>`,
)}</details>
</section>
`;
}

function row(run: TimelineRun): Html {
  const { record, regressions } = run;
  const where = record.failedCheckpoint === null ? html`` : html` at <code>${record.failedCheckpoint}</code>`;
  const why = record.verdict === 'passed' ? html`` : html`<br><small>${record.message.slice(0, 400)}</small>`;
  const worse = regressions.map((message) => html`<br><small>${message}</small>`);
  return html`<tr><td class="run">${whenOf(run)}</td><td class="version">${record.versions.cilium}</td><td class="version">${record.versions.calico}</td><td>${mark(run)}${where}${why}${worse}</td><td class="number">${secondsText(migrationSeconds(record))}</td><td class="number">${secondsText(record.durationSeconds)}</td><td class="number">${secondsText(record.disruption.unexpected.longestSeconds)}</td></tr>
`;
}

function whenOf({ record, path }: TimelineRun): Html {
  if (record.simulated) return html`${path}`;
  return html`${timeOf(record.startedAt)}<br><small>${path}</small>`;
}

/** `2026-10-20 03:17`, in UTC. */
const timeOf = (stamp: string): string => stamp.slice(0, 16).replace('T', ' ');

/** A simulated run has no day of its own. */
const labelOf = ({ record, path }: TimelineRun): string =>
  record.simulated ? path : `${timeOf(record.startedAt)} (${path})`;
