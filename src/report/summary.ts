/**
 * summary.md. A step summary of more than 1 MiB is dropped by the runner as a whole, not cut, so the text climbs down a
 * ladder of shorter forms until it fits, and says so.
 */

import type { Story } from './story.ts';
import { evidence, failures, handwork } from './summary-failures.ts';
import { heading } from './summary-head.ts';
import { checkpoints, disruption, findings, leftovers, nodePorts, nodes, timings, values } from './summary-tables.ts';

/** How much of each thing is shown. */
export interface Detail {
  /** Rows of lists that grow with the cluster. */
  readonly rows: number;
  /** Failing pairs of one checkpoint. */
  readonly pairs: number;
  /** Checkpoints that passed, too. */
  readonly passed: boolean;
  readonly chart: boolean;
}

const LADDER: readonly Detail[] = [
  { rows: Number.POSITIVE_INFINITY, pairs: Number.POSITIVE_INFINITY, passed: true, chart: true },
  { rows: 1_000, pairs: 200, passed: true, chart: true },
  { rows: 200, pairs: 100, passed: true, chart: false },
  { rows: 50, pairs: 30, passed: false, chart: false },
  { rows: 10, pairs: 10, passed: false, chart: false },
];

export const SUMMARY_LIMIT_BYTES = 900 * 1024;
const NOTE = '**Shortened to fit into a step summary; report.json has everything.**';

/** @param limit bytes of UTF-8 that the text stays below */
export function summaryMarkdown(story: Story, limit = SUMMARY_LIMIT_BYTES): string {
  let shortest = '';
  for (const [step, detail] of LADDER.entries()) {
    const note = step === 0 ? [] : ['', NOTE];
    shortest = `${[...heading(story), ...note, ...sections(story, detail)].join('\n')}\n`;
    if (Buffer.byteLength(shortest) < limit) return shortest;
  }
  return cut(shortest, limit);
}

function sections(story: Story, detail: Detail): string[] {
  const parts = [
    failures(story, detail),
    handwork(story),
    evidence(story),
    checkpoints(story, detail),
    disruption(story, detail),
    timings(story, detail),
    nodes(story, detail),
    values(story, detail),
    findings(story, detail),
    leftovers(story, detail),
    nodePorts(story),
  ];
  return parts.filter((lines) => lines.length > 0).flatMap((lines) => ['', ...lines]);
}

/** At the end of a line, with an open code block and open details closed. */
function cut(text: string, limit: number): string {
  const tail = `\n${NOTE}\n`;
  const room = limit - Buffer.byteLength(tail) - 64;
  const kept: string[] = [];
  let bytes = 0;
  let fence = '';
  let open = 0;
  for (const line of text.split('\n')) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes >= room) break;
    kept.push(line);
    const mark = /^`{3,}/.exec(line)?.[0] ?? '';
    if (mark !== '') fence = fence === '' ? mark : fence === line ? '' : fence;
    if (fence === '' && line === '<details>') open++;
    if (fence === '' && line === '</details>') open--;
  }
  if (fence !== '') kept.push(fence);
  for (; open > 0; open--) kept.push('', '</details>');
  return `${kept.join('\n')}\n${tail}`;
}
