/** A night from its reports to its history and its issue. Infrastructure never opens an issue; trouble with GitHub loses nothing. */
import { says } from '../compare/rule.ts';
import type { Found } from '../history/collect.ts';
import { minorOf } from '../matrix/expression.ts';
import type { Job } from '../matrix/job.ts';
import type { GitHub, Issue } from './github.ts';
import { type IssueAction, issueAction, LABEL, MARKER, nightMarkdown } from './issue.ts';
import { type Judged, judgeNight } from './judge.ts';
import { before, type JobNight, type Night, type NightHistory, NO_HISTORY, parseHistory, withNight } from './night.ts';

export const HISTORY_BRANCH = 'nightly-history';
export const HISTORY_PATH = 'nights.json';

export interface NightRun {
  readonly runId: string;
  readonly at: string;
  readonly commit: string;
  readonly url: string;
}

export interface NightResult {
  readonly history: NightHistory;
  readonly judged: Judged;
  readonly action: IssueAction;
  /** For a step summary. */
  readonly markdown: string;
}

/** The line of a job: patches and Kubernetes move on below it. */
export const keyOf = ({ scenario, cilium, calico }: Pick<Job, 'scenario' | 'cilium' | 'calico'>): string =>
  `${scenario}, Cilium ${minorOf(cilium)}, Calico ${minorOf(calico)}`;

/** @param found reports below a directory for each job, named by its id, its attempts in the order of their paths */
export function jobNights(jobs: readonly Job[], found: readonly Found[]): JobNight[] {
  const keys = jobs.map(keyOf);
  return jobs.map((job, index) => ({
    // A pre-release of a minor that is out already is a line of its own, not another attempt at the release.
    key: keys.indexOf(keys[index]!) === index ? keys[index]! : job.name,
    name: job.name,
    attempts: found.filter(({ path }) => path.split('/')[0] === job.id).map(({ record }) => record),
  }));
}

/**
 * Judges a night and tells GitHub. What was judged is handed to `keep` before anything is written to GitHub.
 * @throws GitHubError, HistoryUnreadable
 */
export async function runNight(
  github: GitHub,
  run: NightRun,
  tonight: readonly JobNight[],
  keep: (result: NightResult) => void,
): Promise<NightResult> {
  const stored = await github.file(HISTORY_BRANCH, HISTORY_PATH);
  const history = stored === null ? NO_HISTORY : parseHistory(stored.text);
  const issue = (await github.issues(LABEL, 'open')).find(isOurs);
  const accepted = (await github.issues(LABEL, 'closed')).filter((one) => isOurs(one) && isAccepted(one));
  const acceptedAt =
    accepted
      .flatMap(({ closed_at }) => closed_at ?? [])
      .sort()
      .at(-1) ?? null;
  const nights = before(history, run.runId);
  const openBefore = history.nights.at(-1)?.open ?? null;
  const judged = judgeNight({ nights, tonight, acceptedAt, issueOpen: issue !== undefined, openBefore });
  const night: Night = { ...run, entries: judged.entries, open: judged.open };
  const action = issueAction(judged, night, issue !== undefined);
  const result = { history: withNight(history, night), judged, action, markdown: nightMarkdown(judged, action) };
  keep(result);
  // The issue first: a night whose issue could not be told is judged again when it is run again.
  await tell(github, action, issue?.number);
  const text = `${JSON.stringify(result.history)}\n`;
  await github.writeFile(HISTORY_BRANCH, HISTORY_PATH, text, stored?.sha ?? null, `Night of ${run.at.slice(0, 10)}`);
  return result;
}

/** Runs of all nights, for the page of rehearse history: the attempt that was judged, or the last one. */
export function foundOf({ nights }: NightHistory): Found[] {
  return nights.flatMap(({ at, runId, entries }) =>
    entries.flatMap(({ name, attempts }) => {
      const record = attempts.findLast((attempt) => says(attempt) !== 'nothing') ?? attempts.at(-1);
      return record === undefined ? [] : [{ path: `${at.slice(0, 10)} ${name} (${runId})`, record }];
    }),
  );
}

const isOurs = ({ body }: Issue): boolean => body?.includes(MARKER) === true;
const isAccepted = ({ state_reason }: Issue): boolean => state_reason === 'not_planned';

async function tell(github: GitHub, action: IssueAction, number: number | undefined): Promise<void> {
  if (action.do === 'open') await github.openIssue(action.title, action.body, [LABEL]);
  if (number === undefined || action.do === 'nothing' || action.do === 'open') return;
  const closing = action.do === 'close' ? ({ state: 'closed', state_reason: 'completed' } as const) : {};
  if (action.comment !== null) await github.comment(number, action.comment);
  await github.changeIssue(number, { body: action.body, ...closing });
}
