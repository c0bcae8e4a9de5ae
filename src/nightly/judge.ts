/**
 * What a night means: which jobs are regressed, which only flaky, slow for once or without a word because a machine failed.
 * Pure; the rule in words is in docs/nightly.md.
 */
import { compare } from '../compare/compare.ts';
import type { RunRecord } from '../compare/record.ts';
import { says } from '../compare/rule.ts';
import type { Entry, JobNight, Night, State } from './night.ts';

/** So many flaky nights among the last so many that said something are a regression. */
export const FLAKY_NIGHTS = 3;
export const FLAKY_WINDOW = 7;

export interface Judged {
  readonly entries: readonly Entry[];
  /** Keys of which the issue is to speak. */
  readonly open: readonly string[];
  /** Of those, which were not open before. */
  readonly opened: readonly string[];
  /** Which were open before and are not any more. */
  readonly closed: readonly string[];
}

export interface JudgeOptions {
  /** Earlier nights, the oldest first, without this one. */
  readonly nights: readonly Night[];
  readonly tonight: readonly JobNight[];
  /**
   * When somebody closed the issue as not planned, RFC 3339: what passed until then is good as it is, however slow. null: never.
   */
  readonly acceptedAt: string | null;
  /** Is there an open issue? Of one that no history knows all jobs are held open until they are good. */
  readonly issueOpen: boolean;
  /** Of what it speaks; null: no history says. */
  readonly openBefore: readonly string[] | null;
}

export function judgeNight({ nights, tonight, acceptedAt, issueOpen, openBefore: known }: JudgeOptions): Judged {
  const entries = tonight.map((job) => entryOf(job, nights, acceptedAt));
  // Closed by a person, an issue is over; what is still red opens another.
  const openBefore = issueOpen ? (known ?? entries.map(({ key }) => key)) : [];
  const open = entries.filter((entry) => isOpen(entry, openBefore.includes(entry.key), nights)).map(({ key }) => key);
  return {
    entries,
    open,
    opened: open.filter((key) => !openBefore.includes(key)),
    // A line that is rehearsed no more has nobody left to recover.
    closed: openBefore.filter((key) => !open.includes(key)),
  };
}

function isOpen({ key, state }: Entry, wasOpen: boolean, nights: readonly Night[]): boolean {
  if (state === 'regressed') return true;
  if (state === 'flaky' && flakyNights(key, nights) + 1 >= FLAKY_NIGHTS) return true;
  return wasOpen && state !== 'good';
}

/** Earlier flaky nights of the window, in which tonight is the last one. */
const flakyNights = (key: string, nights: readonly Night[]): number =>
  conclusive(key, nights)
    .slice(-(FLAKY_WINDOW - 1))
    .filter(({ state }) => state === 'flaky').length;

function entryOf(job: JobNight, nights: readonly Night[], acceptedAt: string | null): Entry {
  const telling = job.attempts.filter((attempt) => says(attempt) !== 'nothing');
  const as = (state: State, why: string): Entry => ({ ...job, state, why });
  const last = telling.at(-1);
  if (last === undefined) return as('infrastructure', whyNothing(job));
  const unsafe = telling.filter((attempt) => says(attempt) === 'unsafe');
  const before = conclusive(job.key, nights).at(-1)?.state;
  if (unsafe.length > 0 && says(last) === 'safe') {
    return as('flaky', `${sentence(unsafe[0]!)}; another attempt in the same night passed`);
  }
  if (unsafe.length > 1) return as('regressed', `${unsafe.length} attempts of ${unsafe.length}: ${sentence(last)}`);
  if (unsafe.length === 1) {
    const again = before === 'unconfirmed' || before === 'regressed';
    return again
      ? as('regressed', `a second night in a row: ${sentence(last)}`)
      : as('unconfirmed', `once, and no other attempt said anything: ${sentence(last)}`);
  }
  return passed(job, last, { good: lastGood(job.key, nights, acceptedAt), before, as });
}

interface PassedContext {
  readonly good: RunRecord | undefined;
  /** State of the last night that said something. */
  readonly before: State | undefined;
  readonly as: (state: State, why: string) => Entry;
}

/** Passed, but is it worse than the last good run? Once is noise, twice in a row is not. */
function passed(_job: JobNight, last: RunRecord, { good, before, as }: PassedContext): Entry {
  if (good === undefined) return as('good', 'passed; there is no earlier run to compare with');
  const worse = compare(good, last).findings.filter(({ judgement }) => judgement === 'regression');
  if (worse.length === 0) return as('good', 'passed, no worse than the last good run');
  const what = worse.map(({ message }) => message).join('; ');
  const again = before === 'slower' || before === 'regressed';
  return again
    ? as('regressed', `passed, for the second time worse: ${what}`)
    : as('slower', `passed, for once worse: ${what}`);
}

/** Entries of a key in nights that said something, the oldest first. */
const conclusive = (key: string, nights: readonly Night[]): Entry[] =>
  nights
    .flatMap(({ entries }) => entries.filter((entry) => entry.key === key))
    .filter(({ state }) => state !== 'infrastructure');

/** What tonight is held against: a slow night does not become the measure of the next one, unless it was accepted. */
function lastGood(key: string, nights: readonly Night[], acceptedAt: string | null): RunRecord | undefined {
  for (const { at, entries } of [...nights].reverse()) {
    const entry = entries.find((one) => one.key === key);
    const last = entry?.attempts.findLast((attempt) => says(attempt) !== 'nothing');
    if (entry === undefined || last === undefined || says(last) !== 'safe') continue;
    const accepted = acceptedAt !== null && Date.parse(at) <= Date.parse(acceptedAt);
    if (entry.state === 'good' || accepted) return last;
  }
  return undefined;
}

function whyNothing({ attempts }: JobNight): string {
  const last = attempts.at(-1);
  return last === undefined ? 'no report: the job did not come so far, or lost it' : sentence(last);
}

const sentence = ({ verdict, reason, failedCheckpoint, message }: RunRecord): string =>
  `${verdict}${failedCheckpoint === null ? '' : ` at ${failedCheckpoint}`} (${reason}): ${message}`;
