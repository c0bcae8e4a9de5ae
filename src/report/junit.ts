/** junit.xml: a suite a phase, a case a checkpoint, so that every CI system shows which moment of the migration broke. */
import type { Phase } from '../events/events.ts';
import { seconds } from './accounting.ts';
import { failureLines } from './failure.ts';
import type { CheckpointReport } from './report-types.ts';
import type { Story } from './story.ts';
import { element, textElement } from './xml.ts';

interface Case {
  readonly name: string;
  readonly timeMs: number;
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped';
  readonly type: string;
  readonly message: string;
  readonly details: readonly string[];
}

export function junitXml(story: Story): string {
  const { report } = story;
  const suites = suitesOf(story);
  const all = suites.flatMap(({ cases }) => cases);
  const lines = suites.flatMap(({ phase, cases }) => suite(story, phase, cases));
  const root = element(
    'testsuites',
    { name: `${report.tool.name} ${report.scenario.name}`, ...totals(all), time: report.durationSeconds.toFixed(3) },
    lines,
  );
  // The text of a failure may span lines: indentation is only ours to add outside of it.
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root.join('\n')}\n`;
}

function suite(story: Story, phase: Phase, cases: readonly Case[]): string[] {
  const { report } = story;
  const started = story.phases.find((told) => told.phase === phase)?.startedAt;
  const timeMs = cases.reduce((sum, { timeMs: ms }) => sum + ms, 0);
  return element(
    'testsuite',
    {
      name: phase,
      ...totals(cases),
      time: seconds(timeMs).toFixed(3),
      ...(started === undefined ? {} : { timestamp: new Date(started).toISOString().slice(0, 19) }),
    },
    cases.flatMap((test) =>
      element(
        'testcase',
        { classname: `${report.scenario.name}.${phase}`, name: test.name, time: seconds(test.timeMs).toFixed(3) },
        outcomeOf(test),
      ),
    ),
  );
}

function outcomeOf({ outcome, type, message, details }: Case): string[] {
  if (outcome === 'passed') return details.length === 0 ? [] : textElement('system-out', {}, details.join('\n'));
  if (outcome === 'skipped') return element('skipped', { message });
  return textElement(outcome === 'failed' ? 'failure' : 'error', { type, message }, [message, ...details].join('\n'));
}

function totals(cases: readonly Case[]): Record<'tests' | 'failures' | 'errors' | 'skipped', number> {
  const of = (outcome: Case['outcome']): number => cases.filter((test) => test.outcome === outcome).length;
  return { tests: cases.length, failures: of('failed'), errors: of('error'), skipped: of('skipped') };
}

/** Phases in order with their checkpoints; a run that ended elsewhere has a case of its own where it ended. */
function suitesOf(story: Story): { phase: Phase; cases: Case[] }[] {
  const { report, phases } = story;
  const suites = new Map<Phase, Case[]>();
  for (const { phase } of phases) if (!suites.has(phase)) suites.set(phase, []);
  const allowed = allowedRules(story);
  if (allowed.length > 0) suites.set('check', [...(suites.get('check') ?? []), ...allowed]);
  for (const checkpoint of report.checkpoints) {
    const cases = suites.get(checkpoint.phase) ?? [];
    suites.set(checkpoint.phase, [...cases, caseOf(story, checkpoint)]);
  }
  const charged = report.checkpoints.some(({ id }) => id === report.failedCheckpoint);
  if (report.verdict !== 'passed' && !(charged && isJudgement(story))) {
    const phase = phases.at(-1)?.phase ?? 'check';
    suites.set(phase, [...(suites.get(phase) ?? []), endOf(story)]);
  }
  return [...suites].filter(([, cases]) => cases.length > 0).map(([phase, cases]) => ({ phase, cases }));
}

/** What a rule would have refused is not lost in a green run: a case for each rule that was allowed, with what it found. */
function allowedRules({ report }: Story): Case[] {
  const rules = Map.groupBy(
    report.findings.filter(({ allowed }) => allowed),
    ({ id }) => id,
  );
  return [...rules].map(([id, findings]) => ({
    name: `allowed: ${id}`,
    timeMs: 0,
    outcome: 'passed',
    type: '',
    message: '',
    details: findings.map(({ message }) => message),
  }));
}

function isJudgement({ report }: Story): boolean {
  return report.verdict === 'failed' || report.verdict === 'error';
}

function caseOf(story: Story, checkpoint: CheckpointReport): Case {
  const { report } = story;
  const told = story.checkpoints.get(checkpoint.id);
  const common = { name: checkpoint.id, timeMs: told?.tookMs ?? 0 };
  if (checkpoint.outcome === 'passed') return { ...common, outcome: 'passed', type: '', message: '', details: [] };
  if (checkpoint.outcome === 'not-reached') {
    const message = report.reason === 'stopped-as-asked' ? 'not reached: stopped as asked' : 'not reached';
    return { ...common, outcome: 'skipped', type: '', message, details: [] };
  }
  const here = report.failedCheckpoint === checkpoint.id;
  return {
    ...common,
    // Checkpoints of a batch fail together and for the same cause.
    outcome: report.verdict === 'error' ? 'error' : 'failed',
    type: report.reason,
    message: here ? report.message : (told?.message ?? 'failed'),
    details: failureLines(checkpoint),
  };
}

function endOf({ report, lastStep }: Story): Case {
  const details = lastStep === null ? [] : [`step: ${lastStep}`];
  return {
    name: report.verdict,
    timeMs: 0,
    outcome: report.verdict === 'failed' ? 'failed' : 'error',
    type: report.reason,
    message: report.message,
    details,
  };
}
