/** What failed, and the hand-work after it. */
import { CAUSE_LOG, EVIDENCE, EVIDENCE_README } from '../events/evidence.ts';
import { groupText } from './failure.ts';
import { code, details, fenced, plain, table } from './markdown.ts';
import type { CheckpointReport } from './report-types.ts';
import type { Story } from './story.ts';
import type { Detail } from './summary.ts';
import { plural } from './words.ts';

/** A section for each checkpoint that failed. */
export function failures(story: Story, detail: Detail): string[] {
  return story.report.checkpoints
    .filter(({ outcome }) => outcome === 'failed')
    .flatMap((checkpoint, index) => [...(index > 0 ? [''] : []), ...failed(story, checkpoint, detail)]);
}

function failed(story: Story, checkpoint: CheckpointReport, detail: Detail): string[] {
  const lines = [`## Failed: ${code(checkpoint.id)}`];
  if (checkpoint.probes.length === 0) {
    const step = story.lastStep === null ? 'The step before it failed' : `Step ${code(story.lastStep)} failed`;
    lines.push('', `${step}, which is charged to this checkpoint; nothing was measured here.`);
  }
  if (checkpoint.groups.length > 0) {
    lines.push('', ...checkpoint.groups.map((group) => `- ${plain(groupText(group))}`));
  }
  const bad = checkpoint.assertions.filter(({ outcome }) => outcome !== 'passed');
  if (bad.length > 0) {
    lines.push(
      '',
      ...table(
        ['Assertion', 'Outcome', 'Expected', 'Seen', 'Subjects'],
        bad.map(({ id, outcome, expected, seen, subjects }) => [
          code(id),
          outcome,
          plain(expected),
          plain(seen),
          plain(some(subjects, detail.rows)),
        ]),
      ),
    );
  }
  const { failing } = checkpoint;
  if (failing.length > 0) {
    const shown = failing.slice(0, detail.pairs);
    const rows = shown.map(({ probe, from, to, state, error }) => [
      probe,
      `${code(from.pod)} ${plain(from.node)} (${from.cni}, ${from.ip || 'no address'})`,
      `${code(to.pod)} ${plain(to.node)} (${to.cni}, ${to.ip || 'no address'})`,
      state,
      code(error),
    ]);
    const part = shown.length < failing.length ? `, the first ${shown.length}` : '';
    lines.push(
      '',
      ...details(
        `${plural(failing.length, 'failing pair')}${part}`,
        table(['Probe', 'From', 'To', 'State', 'Error'], rows),
      ),
    );
  }
  return lines;
}

export function handwork({ report }: Story): string[] {
  if (report.handwork.length === 0) return [];
  return ['## Hand-work', '', 'To bring things back, in this order:', '', ...fenced('sh', report.handwork)];
}

/** Lines of the log that are shown; all that was kept of it is in the file. */
const TAIL_LINES = 15;

const WHERE = `What was gathered before the cluster was cleaned up is in ${code(`${EVIDENCE}/`)} of the report directory; ${code(`${EVIDENCE}/${EVIDENCE_README}`)} lists it.`;

/** The last lines of the log that shows the cause, and where the rest is. */
export function evidence(story: Story): string[] {
  if (story.evidence.length === 0) return [];
  const [head = '', ...rest] =
    story.evidence
      .find(({ name }) => name === CAUSE_LOG)
      ?.content.trimEnd()
      .split('\n') ?? [];
  const tail = rest.slice(-TAIL_LINES);
  return [
    '## Evidence',
    ...(tail.length > 0
      ? ['', `The last lines of ${code(head.replace(/^# /, ''))}:`, '', ...fenced('text', tail)]
      : []),
    ...(story.evidence.some(({ name }) => name === EVIDENCE_README) ? ['', WHERE] : []),
  ];
}

function some(items: readonly string[], most: number): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(', ')} and ${rest} more` : items.join(', ');
}
